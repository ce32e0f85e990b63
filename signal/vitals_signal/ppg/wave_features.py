"""Shape of each pulse wave: fiducial points of the wave and of its second derivative, and the indices made of them.

Laws of this file:
1. Each beat is measured on its own samples and a quarter second around; only its quality asks the beat before.
2. A point that the wave does not have is NaN, and so is every index that needs it; `WHY_MISSING` says why by name.
3. Gain and offset do not matter; times are in seconds, heights are shares of the systolic height above the onset.

Derivatives are those of a least-squares polynomial of fourth order over 0.13 s (Savitzky & Golay 1964, doi
10.1021/ac60214a047). The points themselves: `fiducial_points`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal.ppg.fiducial_points import wave_indices
from vitals_signal.ppg.pulse_detection import PulseBeat, PulsePeakStream, clean
from vitals_signal.windows.window import FeatureWindow

Floats = NDArray[np.float64]

_SMOOTH_S: Final = 0.13
_ORDER: Final = 4
_PAD_S: Final = 0.25
_LONGEST_S: Final = 2.0
_HELD_S: Final = 9.0

PULSE_WAVE_FEATURES: Final = (
    "crest_time_s",
    "pulse_interval_s",
    "width25_s",
    "width50_s",
    "width75_s",
    "delta_t_s",
    "stiffness_index_m_s",
    "reflection_index",
    "augmentation_index",
    "notch_time_s",
    "notch_height",
    "diastolic_time_s",
    "a_time_s",
    "b_time_s",
    "c_time_s",
    "d_time_s",
    "e_time_s",
    "b_a",
    "c_a",
    "d_a",
    "e_a",
    "ageing_index",
    "area_ratio",
    "quality",
)
_NO_NOTCH: Final = "the second derivative has no maximum after the systolic peak"
_NO_CD: Final = "the second derivative does not turn between b and e"
_NO_DIASTOLIC: Final = "nothing turns after the notch"
WHY_MISSING: Final[dict[str, str]] = {
    "width25_s": "the wave does not fall below the level before the next onset",
    "width50_s": "the wave does not fall below the level before the next onset",
    "width75_s": "the wave does not fall below the level before the next onset",
    "delta_t_s": _NO_DIASTOLIC,
    "stiffness_index_m_s": f"no height was given, or {_NO_DIASTOLIC}",
    "reflection_index": _NO_DIASTOLIC,
    "diastolic_time_s": _NO_DIASTOLIC,
    "augmentation_index": _NO_CD,
    "notch_time_s": _NO_NOTCH,
    "notch_height": _NO_NOTCH,
    "area_ratio": _NO_NOTCH,
    "e_time_s": _NO_NOTCH,
    "e_a": _NO_NOTCH,
    "c_time_s": _NO_CD,
    "d_time_s": _NO_CD,
    "c_a": _NO_CD,
    "d_a": _NO_CD,
    "ageing_index": _NO_CD,
}


METHOD: Final = "pulse-wave-1"


@dataclass(frozen=True, slots=True, eq=False)
class PulseWaves:
    """Features of the beats of one signal; `windows` says of each NaN why it is one."""

    start_us: NDArray[np.int64]  # (k,), onsets since the first sample
    end_us: NDArray[np.int64]  # (k,), the onsets that follow
    values: Floats  # (k, f), in the order of PULSE_WAVE_FEATURES
    method: str

    def __getitem__(self, name: str) -> Floats:
        """One feature of all beats, shape (k,)."""
        column: Floats = self.values[:, PULSE_WAVE_FEATURES.index(name)]
        return column

    def windows(self) -> list[FeatureWindow]:
        """The beats as they would come from the stream."""
        spans = zip(self.start_us.tolist(), self.end_us.tolist(), self.values.tolist(), strict=True)
        return [_window(start, end, dict(zip(PULSE_WAVE_FEATURES, row, strict=True))) for start, end, row in spans]


def pulse_wave_features(ppg: ArrayLike, fs: float, *, height_m: float | None = None) -> PulseWaves:
    """Shape of every complete beat; a beat is complete between two onsets at most 2 s apart without missing samples.

    `ppg` and `fs` as in `detect_pulse_peaks`, 50 Hz or more makes sense. `height_m`: of the body, for the stiffness
    index alone. With x the height above the line between the two onsets, in systolic heights:

    crest_time_s            onset to systolic peak
    pulse_interval_s        onset to next onset
    width25/50/75_s         time above 25, 50, 75 % of the systolic height (Awad et al. 2007)
    delta_t_s               systolic peak to diastolic peak (or to the inflection that stands for it)
    stiffness_index_m_s     height_m / delta_t_s (Millasseau et al. 2002, doi 10.1042/cs1030371)
    reflection_index        diastolic over systolic height (ibid.)
    augmentation_index      height at d over height at b: late over early systolic pressure (Takazawa et al. 1998)
    notch_*, diastolic_*    of the dicrotic notch (at e) and the diastolic peak, from the onset
    a..e_time_s, b_a..e_a   of the waves of the second derivative, from the onset; their heights over that of a
    ageing_index            (b - c - d - e) / a (Takazawa et al. 1998)
    area_ratio              area after the notch over area before it (Wang et al. 2009)
    quality                 0..1: correlation of the systolic wave with that of the beat before, 0.5..0.95

    Raises ValueError like `detect_pulse_peaks`, or where `height_m` is not above 0.
    """
    stream = PulseWaveStream(fs, height_m=height_m)
    stream._hold_s = np.inf
    found = [*stream.update(ppg), *stream.end()]
    rows = [[beat.values[name] for name in PULSE_WAVE_FEATURES] for beat in found]
    return PulseWaves(
        np.array([beat.start_us for beat in found], np.int64),
        np.array([beat.end_us for beat in found], np.int64),
        np.array(rows, np.float64).reshape(-1, len(PULSE_WAVE_FEATURES)),
        METHOD,
    )


def _window(start_us: int, end_us: int, row: dict[str, float]) -> FeatureWindow:
    reasons = {name: WHY_MISSING[name] for name, value in row.items() if np.isnan(value)}
    return FeatureWindow(start_us, end_us, row, 1.0, 0.0, METHOD, None, reasons)


class PulseWaveStream(Resumable):
    """`pulse_wave_features` of a signal that arrives in blocks, a window per beat. Raises ValueError like it."""

    def __init__(self, fs: float, *, height_m: float | None = None) -> None:
        if height_m is not None and not (np.isfinite(height_m) and height_m > 0):
            raise ValueError(f"height_m must be a finite number above 0, got {height_m}")
        self._beats = PulsePeakStream(fs)
        self.fs = float(fs)
        self.height_m = None if height_m is None else float(height_m)
        self._hold_s = _HELD_S
        self._half = max(2, round(0.5 * _SMOOTH_S * fs))
        self._start = 0
        self._held = np.empty(0)
        self._last: tuple[float, ...] | None = None
        self._wave = np.empty(0)

    def update(self, ppg: ArrayLike) -> list[FeatureWindow]:
        """The beats that the new samples, shape (n,), complete; each from its onset to the next."""
        signal = clean(ppg)
        self._held = np.concatenate((self._held, signal))
        out = self._measure(self._beats.update(signal))
        spare = len(self._held) - self._hold_s * self.fs
        if spare > 0:
            self._held = self._held[int(spare) :].copy()
            self._start += int(spare)
        return out

    def gap(self, samples: int = 0) -> list[FeatureWindow]:
        """Nothing is known about what comes next: settle what is held, skip `samples` and start afresh."""
        out = self._measure(self._beats.gap(samples))
        self._start += len(self._held) + lost(samples)
        self._held = self._held[:0].copy()
        self._last, self._wave = None, self._wave[:0].copy()
        return out

    def end(self) -> list[FeatureWindow]:
        """The beats that were still waiting for the detector; the last one has no end and is not among them."""
        return self.gap()

    def _measure(self, beats: list[PulseBeat]) -> list[FeatureWindow]:
        out = []
        for beat in beats:
            if self._last is not None:
                row = self._beat(PulseBeat(*self._last), beat.onset)
                if row is not None:
                    times = (round(1e6 * self._last[0] / self.fs), round(1e6 * beat.onset / self.fs))
                    out.append(_window(*times, row))
            self._last = tuple(beat)
        return out

    def _beat(self, beat: PulseBeat, end: float) -> dict[str, float] | None:
        pad = round(_PAD_S * self.fs) + self._half
        first, last = round(beat.onset) - self._start, round(end) - self._start
        n = last - first
        usable = 2 * self._half < n <= _LONGEST_S * self.fs and first - pad >= 0
        piece = self._held[max(0, first - pad) : last + self._half + 1] if usable else np.empty(0)
        if not usable or last + self._half >= len(self._held) or not np.isfinite(piece).all():
            self._wave = self._wave[:0].copy()
            return None
        smooth, slope, bend = (np.convolve(piece, kernel, "valid") for kernel in _kernels(self._half))
        at = pad - self._half
        wave = smooth[: at + round(0.35 * self.fs)]
        wave = wave - wave.mean()
        quality = _likeness(self._wave, wave)
        self._wave = wave
        x, d1, d2 = (values[at : at + n + 1] for values in (smooth, slope, bend))
        row = wave_indices(x, d1, d2, self.fs, round(beat.peak) - round(beat.onset))
        if row is None:
            return None
        stiffness = self.height_m / row["delta_t_s"] if self.height_m is not None else float("nan")
        row |= {"stiffness_index_m_s": stiffness, "quality": quality}
        return row


_KERNELS: dict[int, tuple[Floats, Floats, Floats]] = {}


def _kernels(half: int) -> tuple[Floats, Floats, Floats]:
    """Of the smoothed wave and its two derivatives per sample, for np.convolve; computed once per width."""
    if half not in _KERNELS:
        powers = np.vander(np.arange(-half, half + 1.0), _ORDER + 1, increasing=True)
        fit = np.linalg.pinv(powers)
        _KERNELS[half] = (fit[0, ::-1].copy(), fit[1, ::-1].copy(), 2.0 * fit[2, ::-1].copy())
    return _KERNELS[half]


def _likeness(before: Floats, wave: Floats) -> float:
    m = min(len(before), len(wave))
    if m < 3:
        return 0.0
    length = float(np.linalg.norm(before[:m]) * np.linalg.norm(wave[:m]))
    if not length > 0.0:
        return 0.0
    return float(np.clip((before[:m] @ wave[:m] / length - 0.5) / 0.45, 0.0, 1.0))
