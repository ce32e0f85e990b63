"""How far a stretch of ECG can be trusted, 0..1.

Law: the index falls when noise rises, and is 0 where nothing of an ECG is left; it never raises.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.ecg.bands import prepare, qrs_and_wave
from vitals_signal.ecg.r_peaks import detect_r_peaks

_QRS_S: Final = 0.1  # to either side of an R peak
_FLAT_S: Final = 0.2  # no ECG stands still for so long: lead off or saturation
_MIN_BEATS: Final = 3


def sqi_ecg(ecg_mv: ArrayLike, fs: float) -> float:
    """Signal quality of one lead, 0 (useless) to 1 (clean); meant for stretches of 5 to 60 s.

    `ecg_mv`: shape (n,), any linear unit, NaN where missing; `fs`: Hz.

    The geometric mean of four published indices, each brought to 0..1, times the share of samples that are neither
    missing nor part of a flat line:

    - median and mean correlation of the beats with their median beat, in the QRS band (template matching, Orphanidou et
      al. 2015, doi 10.1109/JBHI.2014.2338351): 0.5..0.98 and 0..0.95
    - power within 0.1 s of R peaks over power outside, in the QRS band: 2..18 dB
    - basSQI, 1 - power below 1 Hz over power below 40 Hz (Zhao & Zhang 2018, doi 10.3389/fphys.2018.00727): 0.1..0.7

    Fewer than three beats, or no finite sample, give 0. Raises ValueError like `detect_r_peaks`.
    """
    ecg, void = prepare(ecg_mv, fs)
    peaks = detect_r_peaks(ecg_mv, fs)
    if len(peaks) < _MIN_BEATS:
        return 0.0
    qrs, _, step = qrs_and_wave(ecg, fs)
    peaks = np.rint(peaks / step).astype(np.int64)
    reach = max(1, round(_QRS_S * fs / step))
    inner = peaks[(peaks >= reach) & (peaks < len(qrs) - reach)]
    if len(inner) < _MIN_BEATS:
        return 0.0
    beats = inner[:, None] + np.arange(-reach, reach + 1)
    likeness = _correlation_with_median(qrs[beats])
    in_beat = np.zeros(len(qrs), np.bool_)
    in_beat[beats] = True
    power = qrs * qrs
    outside = float(power[~in_beat].mean()) if not in_beat.all() else 0.0
    snr_db = 10.0 * np.log10(float(power[in_beat].mean()) / outside) if outside > 0 else 60.0
    parts = (
        _scale(float(np.median(likeness)), 0.5, 0.98),
        _scale(float(likeness.mean()), 0.0, 0.95),
        _scale(snr_db, 2.0, 18.0),
        _scale(1.0 - _baseline_share(ecg, fs), 0.1, 0.7),
    )
    usable = 1.0 - float((void | _flat(ecg, round(_FLAT_S * fs))).mean())
    return float(usable * np.prod(parts) ** (1.0 / len(parts)))


def _scale(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _correlation_with_median(beats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson correlation of each row with the median row, 0 where a row is constant; shape (k,)."""
    centred = beats - beats.mean(axis=1, keepdims=True)
    template = np.median(centred, axis=0)
    template -= template.mean()
    norm = np.linalg.norm(centred, axis=1) * np.linalg.norm(template)
    out: NDArray[np.float64] = np.zeros(len(beats))
    np.divide(centred @ template, norm, out=out, where=norm > 0)
    return out


def _baseline_share(ecg: NDArray[np.float64], fs: float) -> float:
    power = np.abs(np.fft.rfft((ecg - ecg.mean()) * np.hanning(len(ecg)))) ** 2
    f = np.fft.rfftfreq(len(ecg), 1.0 / fs)
    below_40 = float(power[f < 40.0].sum())
    return float(power[f < 1.0].sum()) / below_40 if below_40 > 0 else 1.0


def _flat(ecg: NDArray[np.float64], least: int) -> NDArray[np.bool_]:
    """Samples in runs of at least `least` equal values, shape (n,)."""
    starts = np.append(0, np.flatnonzero(np.diff(ecg)) + 1)
    lengths = np.diff(np.append(starts, len(ecg)))
    return np.repeat(lengths >= max(least, 2), lengths)
