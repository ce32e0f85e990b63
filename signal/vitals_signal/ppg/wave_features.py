"""Shape of each pulse wave: fiducial points of the wave and of its second derivative, and the indices made of them.

Laws of this file:
1. Each beat is measured on its own samples, a quarter second around it, whatever came before: batch and stream agree.
2. A point that the wave does not have is NaN, and so is every index that needs it; `WHY_MISSING` says why by name.
3. Gain and offset do not matter; times are in seconds, heights are shares of the systolic height above the onset.

Derivatives are those of a least-squares polynomial of fourth order over 0.13 s (Savitzky & Golay 1964, doi
10.1021/ac60214a047). Points and names follow Elgendi 2012 (doi 10.2174/157340312801215782) and Charlton et al. 2018
(doi 10.1088/1361-6579/aabe6a): a, b, c, d, e are the waves of the second derivative (Takazawa et al. 1998, doi
10.1161/01.HYP.32.2.365). The notch, and e with it, cannot come before the ventricle has ejected: not before 70 % of the
ejection time of Weissler et al. 1968 (doi 10.1161/01.CIR.37.2.149), so that a second systolic shoulder is no notch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._resume import Resumable
from vitals_signal.ppg.pulse_detection import PulseBeat, PulsePeakStream, clean
from vitals_signal.windows.window import FeatureWindow

Floats = NDArray[np.float64]

_SMOOTH_S: Final = 0.13
_ORDER: Final = 4
_PAD_S: Final = 0.25
_LONGEST_S: Final = 2.0
_A_TO_B_S: Final = 0.20
_LAST_SHARE: Final = 0.65  # of the beat: where e, and with it the notch, may lie at latest
_EJECTION: Final = (0.413, 0.0017, 0.14)  # s, s per bpm, least
_EJECTION_SHARE: Final = 0.7
_DIASTOLIC_S: Final = 0.35  # from e to the diastolic peak at most
_LEVELS: Final = (0.25, 0.50, 0.75)
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
    """Features of the beats of one signal; a value that is NaN has its why in `WHY_MISSING`, by its name."""

    start_us: NDArray[np.int64]  # (k,), onsets since the first sample
    end_us: NDArray[np.int64]  # (k,), the onsets that follow
    values: Floats  # (k, f), in the order of PULSE_WAVE_FEATURES
    method: str

    def __getitem__(self, name: str) -> Floats:
        """One feature of all beats, shape (k,)."""
        column: Floats = self.values[:, PULSE_WAVE_FEATURES.index(name)]
        return column


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
        self._start += len(self._held) + max(0, samples)
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
                    reasons = {name: WHY_MISSING[name] for name, value in row.items() if np.isnan(value)}
                    times = (round(1e6 * self._last[0] / self.fs), round(1e6 * beat.onset / self.fs))
                    out.append(FeatureWindow(*times, row, 1.0, 0.0, METHOD, None, reasons))
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
        row = _indices(x, d1, d2, self.fs, round(beat.peak) - round(beat.onset))
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


def _indices(x: Floats, d1: Floats, d2: Floats, fs: float, peak: int) -> dict[str, float] | None:
    """All features of one beat but those that need more than the beat; None where it has no systolic wave."""
    n = len(x) - 1
    level = x - np.linspace(x[0], x[-1], n + 1)
    systolic = min(max(peak, 1), n - 1)
    top = float(level[systolic])
    steep = int(np.argmax(d1[: systolic + 1]))
    if not top > 0.0 or steep < 1:
        return None
    level = level / top
    a = int(np.argmax(d2[: steep + 1]))
    if not d2[a] > 0.0:
        return None
    b = _lowest(d2, steep, min(n, steep + round(_A_TO_B_S * fs)))
    ejection_s = max(_EJECTION[0] - _EJECTION[1] * 60.0 * fs / n, _EJECTION[2])
    e = _turn(d2, max(b + 1, systolic + 1, a + round(_EJECTION_SHARE * ejection_s * fs)), round(_LAST_SHARE * n))
    c = d = diastolic = None
    if e is not None:
        c = _turn(d2, b + 1, e - 2)
        d = _lowest(d2, c, e) if c is not None else None
        stop = min(n - 1, e + round(_DIASTOLIC_S * fs))
        diastolic = _first_maximum(x, e, stop)
        if diastolic is None:
            diastolic = _first_maximum(d1, e, stop)
    nan = float("nan")

    def when(point: int | None) -> float:
        return point / fs if point is not None else nan

    def wave(point: int | None) -> float:
        return float(d2[point] / d2[a]) if point is not None else nan

    height = float(level[diastolic]) if diastolic is not None else nan
    row = {
        "crest_time_s": systolic / fs,
        "pulse_interval_s": n / fs,
        **{f"width{round(100 * share)}_s": _width(level, systolic, share) / fs for share in _LEVELS},
        "delta_t_s": when(diastolic) - systolic / fs,
        "reflection_index": height,
        "augmentation_index": float(level[d] / level[b]) if d is not None and level[b] > 0.0 else nan,
        "notch_time_s": when(e),
        "notch_height": float(level[e]) if e is not None else nan,
        "diastolic_time_s": when(diastolic),
        "b_a": wave(b),
        "c_a": wave(c),
        "d_a": wave(d),
        "e_a": wave(e),
        "ageing_index": wave(b) - wave(c) - wave(d) - wave(e),
        "area_ratio": nan,
    }
    row |= {f"{name}_time_s": when(point) for name, point in zip("abcde", (a, b, c, d, e), strict=True)}
    if e is not None and float(level[: e + 1].sum()) > 0.0:
        row["area_ratio"] = float(level[e + 1 :].sum() / level[: e + 1].sum())
    return row


def _lowest(x: Floats, first: int, last: int) -> int:
    return first + int(np.argmin(x[first : last + 1]))


def _maxima(x: Floats, first: int, last: int) -> NDArray[np.intp]:
    """Local maxima within first .. last, ends of the beat left out."""
    first, last = max(first, 1), min(last, len(x) - 2)
    if last < first:
        return np.empty(0, np.intp)
    inner = x[first : last + 1]
    return first + np.flatnonzero((inner > x[first - 1 : last]) & (inner >= x[first + 1 : last + 2]))


def _turn(x: Floats, first: int, last: int) -> int | None:
    """The highest local maximum within first .. last."""
    at = _maxima(x, first, last)
    return int(at[np.argmax(x[at])]) if len(at) else None


def _first_maximum(x: Floats, first: int, last: int) -> int | None:
    at = _maxima(x, first, last)
    return int(at[0]) if len(at) else None


def _width(level: Floats, peak: int, share: float) -> float:
    """Samples above `share` of the systolic height around the peak, between samples; NaN where a flank is missing."""
    before = np.flatnonzero(level[:peak] < share)
    after = np.flatnonzero(level[peak:] < share)
    if not len(before) or not len(after):
        return float("nan")
    i, j = int(before[-1]), peak + int(after[0])
    rise = i + (share - level[i]) / (level[i + 1] - level[i])
    fall = j - (share - level[j]) / (level[j - 1] - level[j])
    return float(fall - rise)
