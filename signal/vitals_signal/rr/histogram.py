"""The histogram of intervals: triangular index and triangular interpolation.

Source: Task Force of ESC and NASPE, Circulation 93, 1996, section "geometrical methods", figure 2.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_BIN_LIMIT: Final = 4096  # no heart pauses for half a minute: beyond, the histogram would only eat memory
_NEUROKIT_ERROR: Final = 2.0**14


def triangle_measures(x: Floats, first_ms: float, width_ms: float, *, neurokit: bool) -> tuple[float, float]:
    """HTI and TINN (ms) of x, bins starting at `first_ms`; NaN where the histogram has no room for a triangle.

    HTI counts all intervals and looks for the fullest bin at or above `first_ms`. TINN is the base of the triangle with
    its peak at the fullest bin (the first of equals) that fits the histogram best in least squares over all bins.
    `neurokit`: as NeuroKit2 0.2.13, which leaves the bins outside of the triangle out of the sum, starts it at
    the second bin in use whatever the fit, and gives 0 where the sum does not fall below 2^14.
    """
    index = np.floor((x - first_ms) / width_ms)
    if index.max() >= _BIN_LIMIT or index.max() < 0:
        return float("nan"), float("nan")
    counts = np.bincount(index[index >= 0].astype(np.int64)).astype(np.float64)
    peak = int(np.argmax(counts))
    hti = len(x) / float(counts[peak])
    if neurokit:
        return hti, width_ms * _neurokit_base(counts, peak, x, width_ms)
    lowest, highest = int(np.flatnonzero(counts)[0]), len(counts) - 1
    if lowest == highest:
        return hti, float("nan")
    # The error splits at the peak: each side of the triangle is found by itself.
    return hti, width_ms * (_best_side(counts[lowest : peak + 1][::-1]) + _best_side(counts[peak:]))


def _best_side(counts: Floats) -> int:
    """Bins from the peak (`counts[0]`) to the foot of the line that fits best; beyond the foot the line is 0."""
    feet = np.arange(1, len(counts) + 1)
    line = counts[0] * np.maximum(1.0 - np.arange(len(counts)) / feet[:, None], 0.0)
    return int(feet[np.argmin(((line - counts) ** 2).sum(axis=1))])


def _neurokit_base(counts: Floats, peak: int, x: Floats, width_ms: float) -> int:
    foot = int(np.floor(x.min() / width_ms)) + 1  # the search never gets beyond the first
    right = range(peak + 1, int(np.ceil(x.max() / width_ms)))
    if foot >= peak or not right:
        return 0
    errors = []
    for low, high, zero in ((foot, peak, foot), *((peak, end, end) for end in right)):
        line = counts[peak] * (np.arange(low, high + 1) - zero) / (peak - zero)
        errors.append(float(((counts[low : high + 1] - line) ** 2).sum()))
    best = int(np.argmin(errors[1:]))
    return right[best] - foot if errors[0] + errors[1 + best] < _NEUROKIT_ERROR else 0
