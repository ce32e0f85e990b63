"""Where between two samples a peak lies.

Law: the sign of the lead does not matter, and no peak moves by more than half a sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.ecg.bands import prepare


def refine_r_peaks(ecg_mv: ArrayLike, fs: float, peaks: ArrayLike) -> NDArray[np.float64]:
    """Positions of R peaks between the samples, shape (k,), by a parabola through the three samples around each peak.

    It matters below 250 Hz: at 125 Hz rounding to samples alone makes an RMSSD of 6 ms. A peak at an end, beside a NaN
    or without curvature stays where it is. Raises ValueError like `detect_r_peaks`, or where a peak lies outside.
    """
    ecg, void = prepare(ecg_mv, fs)
    index = np.asarray(peaks, np.int64)
    if len(index) and (index.min() < 0 or index.max() >= len(ecg)):
        raise ValueError(f"peaks must lie within 0..{len(ecg) - 1}")
    out = vertex(ecg, index)
    beside = np.array([index - 1, index, index + 1]).clip(0, max(len(ecg) - 1, 0))
    return np.where(void[beside].any(axis=0), index, out)


def vertex(wave: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Vertex of the parabola through the samples `at - 1`, `at`, `at + 1`, at most half a sample away; shape (k,)."""
    out = at.astype(np.float64)
    inner = (at > 0) & (at < len(wave) - 1)
    mid = at[inner]
    left, centre, right = wave[mid - 1], wave[mid], wave[mid + 1]
    bend = left - 2.0 * centre + right
    shift = np.divide(0.5 * (left - right), bend, out=np.zeros(len(mid)), where=np.abs(bend) > 0)
    out[inner] += np.clip(shift, -0.5, 0.5)
    return out
