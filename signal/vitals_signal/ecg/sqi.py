"""How far a stretch of ECG can be trusted, 0..1, and what speaks for and against it.

Laws of this file:
1. The index falls when noise rises, and is 0 where nothing of an ECG is left; it never raises.
2. Polarity, gain and offset of the lead do not matter.
3. The stream gives what `ecg_quality` gives for each of its windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import missing_samples
from vitals_signal._resume import Resumable
from vitals_signal.ecg.bands import LARGEST, QRS_BAND_HZ, WAVE_BAND_HZ, prepare, split_bands
from vitals_signal.ecg.ec57 import match_beats
from vitals_signal.ecg.r_peaks import beat_tops
from vitals_signal.windows.window import FeatureWindow

SQI_VERSION: Final = "ecg-sqi-2"
_SECOND_BAND_HZ: Final = (14.0, 40.0)  # of the second detector: muscle and mains reach it sooner, T waves do not
_MATCH_S: Final = 0.150
_QRS_S: Final = 0.1  # to either side of a beat
_FLAT_S: Final = 0.2  # no ECG stands still for so long: lead off or saturation
_CLIPPED_S: Final = 0.02  # at the largest or smallest value
_MIN_BEATS: Final = 3
NO_SAMPLES: Final = "no samples"
NO_BEATS: Final = "fewer than three beats"

# What counts as 0 and as 1 of each index; between them a straight line.
_SCALES: Final = {
    "template_median": (0.5, 0.98),
    "template_mean": (0.0, 0.95),
    "snr_db": (2.0, 18.0),
    "bassqi": (0.0, 1.0),
    "bsqi": (0.5, 1.0),
    "amplitude_variation": (0.8, 0.1),
    "ksqi": (2.0, 5.0),
}


@dataclass(frozen=True, slots=True)
class EcgQuality:
    """The signal quality index and what it is made of; what could not be computed is NaN, and `reason` says why."""

    sqi: float
    """0 (useless) to 1 (clean): geometric mean of the scaled indices times `usable`."""
    usable: float
    """Share of samples that are neither missing, nor part of a flat line of 0.2 s, nor clipped for 20 ms."""
    template_median: float
    """Median correlation of the beats with their median beat, 3-25 Hz (Orphanidou et al. 2015)."""
    template_mean: float
    """Mean correlation likewise: one spoilt beat in ten shows here."""
    snr_db: float
    """Power within 0.1 s of beats over power outside, 8-25 Hz."""
    bassqi: float
    """1 - power below 1 Hz over power below 40 Hz (Zhao & Zhang 2018)."""
    bsqi: float
    """Beats that two detectors agree on (8-25 and 14-40 Hz, 150 ms) over all beats (Li et al. 2008)."""
    amplitude_variation: float
    """Standard deviation over mean of the beats' peak to peak, 8-25 Hz."""
    ksqi: float
    """Kurtosis of the lead (Li et al. 2008); above 5 in a clean ECG, 3 in noise."""
    psqi: float
    """Power 5-15 Hz over power 5-40 Hz (Li et al. 2008). For information: it does not enter `sqi`."""
    reason: str | None


def sqi_ecg(ecg_mv: ArrayLike, fs: float) -> float:
    """Signal quality of one lead, 0 (useless) to 1 (clean): `ecg_quality(...).sqi`."""
    return ecg_quality(ecg_mv, fs).sqi


def ecg_quality(ecg_mv: ArrayLike, fs: float) -> EcgQuality:
    """Signal quality of one lead; meant for stretches of 5 to 60 s.

    `ecg_mv`: shape (n,), any linear unit, NaN where missing; `fs`: Hz.

    Seven published indices (see `EcgQuality`; Orphanidou et al. 2015, doi 10.1109/JBHI.2014.2338351; Zhao & Zhang 2018,
    doi 10.3389/fphys.2018.00727; Li et al. 2008, doi 10.1088/0967-3334/29/1/002), each brought to 0..1 on a straight
    line. The lines were drawn with the CinC 2017 strips in view; pSQI told nothing there and has no weight. Fewer than
    three beats give 0 with a reason. Raises ValueError like `detect_r_peaks`.
    """
    ecg, void = prepare(ecg_mv, fs)
    if void.all():
        return _useless(0.0, NO_SAMPLES)
    usable = 1.0 - float((void | _stuck(ecg, fs)).mean())
    largest = float(np.abs(ecg).max())
    if not largest > 0:
        return _useless(usable, NO_BEATS)
    ecg /= largest
    (qrs, wave, second), step = split_bands(ecg, fs, (QRS_BAND_HZ, WAVE_BAND_HZ, _SECOND_BAND_HZ))
    rate, least = fs / step, 1e-9
    reach = max(1, round(_QRS_S * rate))
    tops, others = beat_tops(qrs, rate, least), beat_tops(second, rate, least)
    inner = tops[(tops >= reach) & (tops < len(qrs) - reach)]
    if len(inner) < _MIN_BEATS:
        return _useless(usable, NO_BEATS)
    beats = inner[:, None] + np.arange(-reach, reach + 1)
    likeness = _correlation_with_median(wave[beats])
    sizes = np.ptp(qrs[beats], axis=1)
    outside = np.ones(len(qrs), np.bool_)
    outside[beats] = False
    power = qrs * qrs
    rest = float(power[outside].mean()) if outside.any() else 0.0
    agreed = len(match_beats(tops, others, _MATCH_S * rate)[0])
    bassqi, psqi = _band_shares(ecg, fs)
    indices = {
        "template_median": float(np.median(likeness)),
        "template_mean": float(likeness.mean()),
        "snr_db": 10.0 * float(np.log10(float(power[beats].mean()) / rest)) if rest > 0 else 60.0,
        "bassqi": bassqi,
        "bsqi": agreed / (len(tops) + len(others) - agreed),
        "amplitude_variation": float(sizes.std() / sizes.mean()),
        "ksqi": float((ecg**4).mean() / (ecg * ecg).mean() ** 2),
    }
    scaled = [min(max((indices[name] - low) / (high - low), 0.0), 1.0) for name, (low, high) in _SCALES.items()]
    sqi = usable * float(np.prod(scaled)) ** (1.0 / len(scaled))
    return EcgQuality(sqi=sqi, usable=usable, psqi=psqi, reason=None, **indices)


class EcgQualityStream(Resumable):
    """Quality of a live lead, window by window; windows follow each other without overlap."""

    def __init__(self, fs: float, *, window_s: float = 10.0) -> None:
        if not (np.isfinite(fs) and fs > 0):
            raise ValueError(f"fs must be a finite number above 0 Hz, got {fs}")
        if not (np.isfinite(window_s) and window_s * fs >= 1):
            raise ValueError(f"window_s must hold at least one sample, got {window_s}")
        self._fs = float(fs)
        self._size = round(window_s * fs)
        self._waiting: NDArray[np.float64] = np.empty(0)
        self._start = 0  # sample of the stream that _waiting begins with

    def update(self, ecg_mv: ArrayLike) -> list[FeatureWindow]:
        """The windows that became whole; `ecg_mv`: the next samples, shape (n,), NaN where missing.

        Values by the names of `EcgQuality`; times count from the first sample of the stream.
        """
        self._waiting = np.concatenate((self._waiting, np.asarray(ecg_mv, np.float64)))
        windows = []
        while len(self._waiting) >= self._size:
            windows.append(self._window(self._waiting[: self._size]))
            self._waiting = self._waiting[self._size :]
            self._start += self._size
        return windows

    def gap(self, samples: int = 0) -> list[FeatureWindow]:
        """`samples` samples were lost; where their number is not known, one missing sample stands for them."""
        return self.update(missing_samples(samples))

    def end(self) -> list[FeatureWindow]:
        """Nothing: a window that is not whole is not judged."""
        self._waiting = np.empty(0)
        return []

    def _window(self, ecg: NDArray[np.float64]) -> FeatureWindow:
        quality = ecg_quality(ecg, self._fs)
        names = ("sqi", "usable", *_SCALES, "psqi")
        values = {name: float(getattr(quality, name)) for name in names}
        start, end = (round(at * 1e6 / self._fs) for at in (self._start, self._start + len(ecg)))
        missing = {name: quality.reason or "" for name, value in values.items() if np.isnan(value)}
        coverage = float((np.abs(ecg) <= LARGEST).mean())
        return FeatureWindow(start, end, values, coverage, 0.0, SQI_VERSION, None, missing)


def _useless(usable: float, reason: str) -> EcgQuality:
    return EcgQuality(sqi=0.0, usable=usable, psqi=float("nan"), reason=reason, **dict.fromkeys(_SCALES, float("nan")))


def _correlation_with_median(beats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson correlation of each row with the median row, 0 where a row is constant; shape (k,)."""
    centred = beats - beats.mean(axis=1, keepdims=True)
    template = np.median(centred, axis=0)
    template -= template.mean()
    norm = np.linalg.norm(centred, axis=1) * np.linalg.norm(template)
    out: NDArray[np.float64] = np.zeros(len(beats))
    np.divide(centred @ template, norm, out=out, where=norm > 0)
    return out


def _band_shares(ecg: NDArray[np.float64], fs: float) -> tuple[float, float]:
    """basSQI and pSQI."""
    power = np.abs(np.fft.rfft(ecg * np.hanning(len(ecg)))) ** 2
    f = np.fft.rfftfreq(len(ecg), 1.0 / fs)
    low, below_40, qrs, above_5 = (
        float(power[(f >= a) & (f < b)].sum()) for a, b in ((0.0, 1.0), (0.0, 40.0), (5.0, 15.0), (5.0, 40.0))
    )
    return 1.0 - low / below_40 if below_40 > 0 else 0.0, qrs / above_5 if above_5 > 0 else 0.0


def _stuck(ecg: NDArray[np.float64], fs: float) -> NDArray[np.bool_]:
    """Samples in runs of equal values: 0.2 s anywhere, 20 ms at the extremes; shape (n,)."""
    starts = np.append(0, np.flatnonzero(np.diff(ecg)) + 1)
    lengths = np.diff(np.append(starts, len(ecg)))
    extreme = (ecg[starts] == ecg.max()) | (ecg[starts] == ecg.min())
    least = np.where(extreme, max(round(_CLIPPED_S * fs), 3), max(round(_FLAT_S * fs), 3))
    return np.repeat(lengths >= least, lengths)
