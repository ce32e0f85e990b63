"""Accelerometer windows to feature vectors, of a whole recording or of a stream.

Laws of this file:
1. Stream and batch share one kernel and see the same samples of a window: any split gives the numbers of the whole.
2. A gap of at most `FILL_S` is bridged by a straight line and counted in `corrected_share`. A longer one is left open:
   features that need the order of samples are NaN, the others are of the samples that are there.
3. A window that original samples cover by less than `min_coverage` has no values.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from vitals_signal._runs import runs
from vitals_signal.windows.acc_names import (
    ACC_VECTOR,
    ACC_VECTOR_VERSION,
    GAP,
    SEQUENCE_COLUMNS,
    TOO_LITTLE,
    WHY,
    Codes,
    Floats,
)
from vitals_signal.windows.acc_vector import acc_vectors
from vitals_signal.windows.grid import WindowGrid
from vitals_signal.windows.grid_stream import GridStream
from vitals_signal.windows.samples import NO_SENSOR_G, checked_acc
from vitals_signal.windows.table import FeatureTable

ACC_FEATURES: Final = ACC_VECTOR
FILL_S: Final = 0.1
_UNTOUCHED: Final = 24 << 20
_BLOCK_SAMPLES: Final = 1 << 17  # of one axis: about 35 MB in all, and calls that cost little against their work


def acc_window_features(
    acc_g: ArrayLike,
    fs: float,
    length_s: float = 60.0,
    hop_s: float | None = None,
    *,
    start_us: int = 0,
    aligned: bool = False,
    min_coverage: float = 0.8,
) -> FeatureTable:
    """Feature vectors (`ACC_FEATURES`, version "acc-window-1") of windows of `length_s` every `hop_s` (one length).

    `acc_g`: (n, 3) in g, evenly sampled at `fs` Hz, NaN where a sample is missing (as are infinite values and such
    beyond 1000 g). `aligned` puts window starts on multiples of `hop_s` of the clock of `start_us` (`WindowGrid`).
    Meant for 20 Hz and more and for windows of 2 s to minutes. Raises ValueError for a wrong shape, rate or length.

    Of each of x, y, z and vm = |a| (prefix x_, y_, z_, vm_), with sd over n (ddof 0):

    - mean, sd, min, p10, p25, median, p75, p90, max (g; quantiles numpy "linear", in single precision), mean_deviation
      mean|x - mean| (of vm this is MAD, Vaha-Ypya 2015), skewness m3 / sd^3, kurtosis m4 / sd^4 - 3, entropy (nats) of
      x / sd by Vasicek's spacings over 16 quantile steps
    - crossing_hz crossings of the mean per second; jerk_rms, jerk_mean (g/s) of differences over 50 ms
    - spectrum 0.25..10 Hz, Hann-tapered, mean removed: power (g^2), dominant_hz (parabola through log power),
      dominant_share of its three bins, spectral_entropy / ln(bins), flatness (geometric over arithmetic mean),
      centroid_hz, spread_hz, edge_hz (95 % of power), share_0_1 (from 0.25 Hz) .. share_5_10 of power by band
    - autocorrelation of what lies in that band, tapered and taper-corrected (Boersma 1993), lags 0.25 s to 2 s or a
      third of the window: acf_peak and acf_peak_s of the highest local maximum (without one, of the highest value),
      acf_min

    Of the three axes together: corr_xy, corr_xz, corr_yz; angle_x_deg, angle_y_deg, angle_z_deg of the mean vector
    above the plane of the other two axes (van Hees 2015); gravity_g its length; sd_total sqrt(trace(C)) of the
    covariance C, axis_1_share and axis_2_share of its largest eigenvalues; sd_vertical and sd_horizontal along and
    across the mean vector; enmo mean(max(vm - 1, 0)); tilt_mean_deg and tilt_max_deg between 1-s means and the mean of
    the window; still_share of seconds in which no axis has sd >= 13 mg (van Hees 2014); second_sd_median and
    second_sd_max of the seconds' sd_total; power, dominant_hz, dominant_share of the motion along (vertical_) and
    across (horizontal_) the mean vector.

    Names that begin with vm_, vertical_, horizontal_, sd_, axis_, tilt_, second_ and enmo, still_share, gravity_g do
    not change when the sensor is turned on the body.
    """
    acc = checked_acc(acc_g)
    grid = WindowGrid(fs, length_s, length_s if hop_s is None else hop_s, start_us, aligned)
    return _table(acc, grid, grid.starts(len(acc)), 0, _checked_coverage(min_coverage))


class WindowFeatureStream(GridStream):
    """`acc_window_features` of blocks as they come: `update` gives each window once it is full.

    Raises ValueError as the batch does.
    """

    def __init__(
        self,
        fs: float,
        length_s: float = 60.0,
        hop_s: float | None = None,
        *,
        start_us: int = 0,
        aligned: bool = False,
        min_coverage: float = 0.8,
    ) -> None:
        super().__init__(WindowGrid(fs, length_s, length_s if hop_s is None else hop_s, start_us, aligned))
        self._min_coverage = _checked_coverage(min_coverage)

    def _table(
        self, acc: NDArray[np.float64], grid: WindowGrid, starts: NDArray[np.int64], origin: int
    ) -> FeatureTable:
        return _table(acc, grid, starts, origin, self._min_coverage)


def _checked_coverage(min_coverage: float) -> float:
    if not 0.0 < min_coverage <= 1.0:
        raise ValueError(f"min_coverage must be in (0, 1], not {min_coverage}")
    return float(min_coverage)


def _table(acc: Floats, grid: WindowGrid, starts: NDArray[np.int64], origin: int, min_coverage: float) -> FeatureTable:
    n, w = grid.length_n, len(starts)
    values, codes = np.full((w, len(ACC_VECTOR)), np.nan), np.full((w, len(ACC_VECTOR)), TOO_LITTLE, np.uint8)
    coverage, corrected = np.zeros(w), np.zeros(w)
    block = max(1, _BLOCK_SAMPLES // n)
    if w > 4 * block:
        # glibc gives memory back to the system after every block, a third of the time being page faults, unless a
        # larger allocation was freed before: one that is never touched costs nothing.
        np.empty(_UNTOUCHED, np.uint8)
    view = sliding_window_view(acc, n, axis=0) if w else np.empty((0, 3, n))
    for begin in range(0, w, block):
        rows = slice(begin, min(begin + block, w))
        xyz = np.ascontiguousarray(view[starts[rows]], np.float64)
        _block(xyz, grid.fs, min_coverage, values[rows], codes[rows], coverage[rows], corrected[rows])
    first = [grid.time_us(origin + int(start)) for start in starts]
    last = [grid.time_us(origin + int(start) + n) for start in starts]
    return FeatureTable(
        ACC_VECTOR, values, np.array(first, np.int64), np.array(last, np.int64), coverage, corrected,
        ACC_VECTOR_VERSION, codes, WHY,
    )  # fmt: skip


def _block(
    xyz: Floats, fs: float, min_coverage: float, values: Floats, codes: Codes, coverage: Floats, corrected: Floats
) -> None:
    w, _, n = xyz.shape
    if np.abs(xyz).max() <= NO_SENSOR_G:  # a NaN compares false
        coverage[:] = 1.0
        values[:], codes[:] = acc_vectors(xyz, fs)
        return
    sampled: NDArray[np.bool_] = np.all(np.abs(xyz) <= NO_SENSOR_G, axis=1)
    coverage[:] = sampled.mean(1)
    longest = max(1, int(FILL_S * fs + 1e-9))
    whole = []
    for i in range(w):
        there = sampled[i]
        if coverage[i] < min_coverage or not there.any():
            continue
        lost = np.flatnonzero(~there)
        if max((b - a for a, b in runs(~there)), default=0) <= longest and there[0] and there[-1]:
            known = np.flatnonzero(there)
            for axis in range(3):
                xyz[i, axis, lost] = np.interp(lost, known, xyz[i, axis, known])
            corrected[i] = len(lost) / n
            whole.append(i)
        else:
            values[i], codes[i] = (part[0] for part in acc_vectors(xyz[i : i + 1, :, there], fs))
            values[i, SEQUENCE_COLUMNS], codes[i, SEQUENCE_COLUMNS] = np.nan, GAP
    if whole:
        values[whole], codes[whole] = acc_vectors(xyz[whole], fs)
