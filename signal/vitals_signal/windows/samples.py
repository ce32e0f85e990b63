"""Samples of acceleration as they come in: their shape, and which of them are measurements."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NO_SENSOR_G: Final = 1000.0  # beyond any accelerometer: a value that is no measurement


def checked_acc(acc_g: ArrayLike) -> Floats:
    """(n, 3) in g, in single precision if it came so. Raises ValueError for another shape."""
    acc = np.asarray(acc_g)
    if acc.ndim != 2 or acc.shape[1] != 3:
        if acc.size == 0:
            return np.empty((0, 3))
        raise ValueError(f"acc_g must have the shape (n, 3), not {acc.shape}")
    return acc if acc.dtype in (np.float64, np.float32) else acc.astype(np.float64)


def present(acc: Floats) -> NDArray[np.bool_]:
    """Which samples, (n,), are measurements: finite and within what a sensor can measure."""
    inside = np.abs(acc) <= NO_SENSOR_G
    there: NDArray[np.bool_] = inside[:, 0] & inside[:, 1] & inside[:, 2]
    return there
