"""MSPTDfast v2, the multi-scale peak detector that won the benchmark of open PPG detectors, for all windows at once.

Law: windows of 6 s overlap by a fifth; a sample is a peak of a window where it is higher than both samples k away, for
every scale k up to the one at which most samples are. Offline only: the last window ends with the signal.

P. H. Charlton et al., "The MSPTDfast photoplethysmography beat detection algorithm", Physiol. Meas. 46, 035002, 2025,
doi 10.1088/1361-6579/adb89e; after S. M. Bishop, A. Ercole 2018, doi 10.1007/978-3-319-65798-1_39.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_WINDOW_S: Final = 6.0
_OVERLAP: Final = 0.2
_WORK_HZ: Final = 20.0
_SLOWEST_HZ: Final = 0.5  # 30 bpm: larger scales are not looked at
_TOLERANCE_S: Final = 0.05
_CHUNK: Final = 256  # windows at a time, so that a day needs little memory


def msptd_peaks(ppg: Floats, fs: float) -> NDArray[np.int64]:
    """Peaks of a signal without missing samples, shape (k,), ascending."""
    width = round(_WINDOW_S * fs)
    n = len(ppg)
    if n < 3:
        return np.empty(0, np.int64)
    hop = max(1, round(width * (1.0 - _OVERLAP)))
    starts = np.arange(0, max(1, n - width + 1), hop)
    if starts[-1] + width < n:
        starts = np.append(starts, n - width)
    width = min(width, n)
    q = max(1, int(fs // _WORK_HZ))
    inner = np.arange(0, width, q)
    found = [_window_peaks(ppg[rows[:, None] + inner], rows, q, fs) for rows in np.split(starts, _splits(len(starts)))]
    at = np.concatenate(found)
    # From the working rate to the highest sample near.
    reach = max(1, int(np.ceil(_TOLERANCE_S * fs)))
    near = np.clip(at[:, None] + np.arange(-reach, reach + 1), 0, n - 1)
    best = near[np.arange(len(at)), np.argmax(ppg[near], axis=1)]
    peaks = np.unique(best).astype(np.int64)
    return peaks[np.diff(peaks, prepend=-2 * reach) > reach]


def _splits(count: int) -> list[int]:
    return list(range(_CHUNK, count, _CHUNK))


def _window_peaks(x: Floats, starts: NDArray[np.int64], q: int, fs: float) -> NDArray[np.int64]:
    """Peaks of windows of the working rate, shape (w, m), as samples of the signal."""
    count, m = x.shape
    half = int(np.ceil(m / 2)) - 1
    scales = int(half / (_SLOWEST_HZ * m * q / fs))
    if scales < 1:
        return np.empty(0, np.int64)
    line = np.linspace(-1.0, 1.0, m)
    x = x - x.mean(axis=1, keepdims=True)
    x = x - (x @ line / float(line @ line))[:, None] * line
    counts = np.zeros((scales, count), np.int64)
    run = np.zeros((count, m), np.uint8)  # scales, from the smallest on, at which a sample is a maximum
    alive = np.ones((count, m), np.bool_)
    for k in range(1, min(scales, (m - 1) // 2) + 1):
        middle = x[:, k:-k]
        higher = np.zeros((count, m), np.bool_)
        np.greater(middle, x[:, : -2 * k], out=higher[:, k:-k])
        higher[:, k:-k] &= middle > x[:, 2 * k :]
        counts[k - 1] = np.count_nonzero(higher, axis=1)
        alive &= higher
        run += alive.view(np.uint8)
    chosen = np.argmax(counts, axis=0)  # the scale of each window, less one
    window, place = np.nonzero(run > chosen[:, None])
    return starts[window] + place * q
