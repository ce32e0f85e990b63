"""Classes of heartbeats from probabilities: one rule for scoring and for the analysis of a stream."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

BEAT_CLASSES: Final = "NSVFQ"  # ANSI/AAMI EC57: normal, supraventricular, ventricular, fusion, unclassified


def beat_classes(p: NDArray[np.float64], threshold: float) -> NDArray[np.intp]:
    """Index into `BEAT_CLASSES` of each row of probabilities (W, 4), shape (W,).

    The leading class; Q where the row is NaN, or the leading class has less than `threshold`.
    """
    out = np.full(len(p), BEAT_CLASSES.index("Q"), dtype=np.intp)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(p).all(axis=1))
    sure = known.copy()
    sure[known] = p[known].max(axis=1) >= threshold
    out[sure] = p[sure].argmax(axis=1)
    return out
