"""Activity counts of the kind that Walch 2019 made from a watch: what `sleep_activity` and models of those nights
expect.

Laws of this file:
1. These counts are not ActiGraph's (`activity_counts`): the scales differ, and a model of one does not hold for the
   other.
2. Nothing is filtered across a gap; an epoch of which less than half is known is NaN.

Source: te Lindert & van Someren 2013, doi 10.5665/sleep.2648, in the form of the published code of Walch 2019.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._runs import runs

LINDERT_EPOCH_S: Final = 15.0

_FS: Final = 50
_LOW_HZ, _HIGH_HZ, _ORDER = 3.0, 11.0, 5
_LARGEST_G, _BINS = 5.0, 128
_OFFSET, _SCALE = 18.0, 3.07


def lindert_counts(acc_z_g: ArrayLike, fs: float) -> NDArray[np.float64]:
    """Counts per 15 s of the z axis (out of the watch's face) in g, shape (n,), at `fs` Hz (25..1000), NaN missing.

    Brought to 50 Hz linearly, band-passed from 3 to 11 Hz (Butterworth, order 5, forward and backward), rectified,
    and binned into 128 steps of 0..5 g; of each second the largest bin, summed over 15 s, less 18, times 3.07, not
    below 0. Gives shape (floor(n / fs / 15),). Raises ValueError for `fs` out of range or another shape.
    """
    from scipy.signal import butter, filtfilt

    if not 25 <= fs <= 1000:
        raise ValueError(f"fs must lie in 25..1000 Hz, got {fs}")
    x = np.asarray(acc_z_g, np.float64)
    if x.ndim != 1:
        raise ValueError(f"acc_z_g must have shape (n,), got {x.shape}")
    x = np.where(np.abs(x) <= 100.0, x, np.nan)
    epochs = int(len(x) / fs / LINDERT_EPOCH_S + 1e-9)
    if not epochs:
        return np.empty(0)
    t = np.arange(int(epochs * LINDERT_EPOCH_S * _FS)) / _FS
    # Linear, and NaN wherever one of the two neighbours is.
    at = t * fs
    left = np.minimum(at.astype(np.int64), len(x) - 1)
    right = np.minimum(left + 1, len(x) - 1)
    share = at - left
    y = np.where(share > 1e-9, x[left] * (1 - share) + x[right] * share, x[left])
    b, a = butter(_ORDER, [_LOW_HZ / (_FS / 2), _HIGH_HZ / (_FS / 2)], "bandpass")
    known = np.isfinite(y)
    binned = np.full(len(y), np.nan)
    for begin, end in runs(known):
        if end - begin > 3 * max(len(a), len(b)):
            size = np.abs(filtfilt(b, a, y[begin:end]))
            binned[begin:end] = np.digitize(size, np.linspace(0.0, _LARGEST_G, _BINS + 1))
    second = binned.reshape(-1, _FS)
    alive = np.isfinite(second)
    largest = np.where(alive, second, 0.0).max(axis=1).reshape(epochs, -1)
    told = alive.any(axis=1).reshape(epochs, -1)
    number = told.sum(axis=1)
    mean = np.where(told, largest, 0.0).sum(axis=1) / np.maximum(number, 1)
    counts = np.maximum((mean * LINDERT_EPOCH_S - _OFFSET) * _SCALE, 0.0)
    return np.where(number >= 0.5 * LINDERT_EPOCH_S, counts, np.nan)
