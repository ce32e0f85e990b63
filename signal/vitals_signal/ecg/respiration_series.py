"""What breathing does to an ECG, beat by beat: series from which a respiratory rate can be read.

Laws of this file:
1. One value per beat and series; a beat that is not like the usual one (ectopic, noise) or lacks samples is NaN.
2. Gain and polarity of the lead do not matter: amplitudes are shares of the usual beat's.
3. No interval reaches over missing samples.

Sources: R amplitude and QRS area, Moody et al. 1985 (Computers in Cardiology 12:113); QRS slopes, Lazaro et al. 2014
(doi 10.1109/JBHI.2013.2257820, 10.1007/s10439-013-0909-x); RR modulation: respiratory sinus arrhythmia, see Charlton et
al. 2016 (doi 10.1088/0967-3334/37/4/610) for all of them side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.ecg.bands import prepare
from vitals_signal.ecg.beat_shape import unit_rows
from vitals_signal.ecg.beat_waveform import BEFORE_S, GRID_HZ, beat_waveforms
from vitals_signal.ecg.r_peaks import detect_r_peaks

NO_BEATS: Final = "fewer than four usual beats"
_QRS: Final = slice(round((BEFORE_S - 0.06) * GRID_HZ), round((BEFORE_S + 0.06) * GRID_HZ) + 1)
_ALIKE: Final = 0.9  # correlation with the median beat
_RR_OFF: Final = 0.2  # of the median interval around: more is ectopy or a missed beat, not breath
_AROUND: Final = 11  # beats
_LONGEST_RR_S: Final = 3.0
_MIN_BEATS: Final = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class EcgRespiration:
    """Series over beats, shape (k,) each, NaN where a beat tells nothing; all NaN or empty where `reason` says why."""

    beats_s: Floats
    """Time of the beats from the first sample, s."""
    r_amplitude: Floats
    """Peak to peak of the QRS within 60 ms of the R peak, 1 for the usual beat."""
    qrs_slope: Floats
    """Steepest rise minus steepest fall there, 1 for the usual beat."""
    qrs_area: Floats
    """Mean magnitude about the mean there, 1 for the usual beat."""
    rr_ms: Floats
    """Interval that ends at the beat, ms."""
    reason: str | None


def ecg_respiration(ecg_mv: ArrayLike, fs: float, peaks: ArrayLike | None = None) -> EcgRespiration:
    """Series that breathing modulates, one value per beat.

    `ecg_mv`: one lead, shape (n,), any linear unit, NaN where missing; `fs`: Hz; `peaks`: sample indices of R peaks,
    ascending (by default those of `detect_r_peaks`). Raises ValueError like `detect_r_peaks`, or where peaks do not
    ascend within the lead.
    """
    _, void = prepare(ecg_mv, fs)
    ecg = np.where(void, np.nan, np.asarray(ecg_mv, np.float64))
    at = detect_r_peaks(ecg, fs) if peaks is None else np.asarray(peaks, np.int64).ravel()
    if len(at) and (np.any(np.diff(at) <= 0) or at[0] < 0 or at[-1] >= len(ecg)):
        raise ValueError(f"peaks must ascend within 0..{len(ecg) - 1}")
    wave = beat_waveforms(ecg, fs, at)[:, _QRS]
    whole: NDArray[np.bool_] = ~np.isnan(wave.sum(axis=1))
    rr = _intervals(at, void, fs)
    usual: NDArray[np.bool_] = whole & (_likeness(wave, whole) >= _ALIKE)
    rr = np.where(usual & np.append(False, usual[:-1]) & _steady(rr), rr, np.nan)
    if usual.sum() < _MIN_BEATS:
        nothing = np.full(len(at), np.nan)
        return EcgRespiration(at / fs, nothing, nothing, nothing, nothing, NO_BEATS)
    slope = np.diff(wave, axis=1)
    centred = wave - wave.mean(axis=1, keepdims=True)
    series = (np.ptp(wave, axis=1), slope.max(axis=1) - slope.min(axis=1), np.abs(centred).mean(axis=1))
    amplitude, steepness, area = (np.where(usual, one / np.median(one[usual]), np.nan) for one in series)
    return EcgRespiration(at / fs, amplitude, steepness, area, rr, None)


def _likeness(wave: Floats, whole: NDArray[np.bool_]) -> Floats:
    """Correlation with the median of the whole beats, shape (k,), NaN where samples lack."""
    if not whole.any():
        return np.full(len(wave), np.nan)
    unit = unit_rows(wave)
    return np.asarray(unit @ unit_rows(np.median(wave[whole], axis=0)[None])[0])


def _intervals(at: NDArray[np.int64], void: NDArray[np.bool_], fs: float) -> Floats:
    """Interval before each beat in ms, NaN over missing samples and beyond 3 s, shape (k,)."""
    missing = np.append(0, np.cumsum(void))[at]
    rr = np.diff(at, prepend=at[:1]) * (1000.0 / fs)
    broken = (np.diff(missing, prepend=missing[:1]) > 0) | (rr <= 0) | (rr > 1000.0 * _LONGEST_RR_S)
    return np.where(broken, np.nan, rr)


def _steady(rr: Floats) -> NDArray[np.bool_]:
    """Intervals within a fifth of the median of the eleven around, shape (k,)."""
    good = np.flatnonzero(np.isfinite(rr))
    out = np.zeros(len(rr), np.bool_)
    if len(good):
        near = np.pad(rr[good], _AROUND // 2, mode="edge")
        median = np.median(np.lib.stride_tricks.sliding_window_view(near, _AROUND), axis=1)
        out[good] = np.abs(rr[good] - median) <= _RR_OFF * median
    return out
