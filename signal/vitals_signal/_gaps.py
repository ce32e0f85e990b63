"""What the streams of evenly sampled signals are told about lost samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def lost(samples: int) -> int:
    """The number of lost samples, 0 where nobody knows it. Raises ValueError for a number below 0."""
    if samples < 0:
        raise ValueError(f"samples of a gap must be 0 or more, got {samples}")
    return samples


def missing_samples(samples: int) -> NDArray[np.float64]:
    """NaN for each lost sample, one for an unknown number. Raises ValueError for a number below 0."""
    return np.full(max(lost(samples), 1), np.nan)
