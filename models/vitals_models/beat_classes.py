"""Classes of heartbeats from the probabilities of a model: one rule for scoring and for the analysis of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from vitals_models.loading import Model

BEAT_CLASSES: Final = "NSVFQ"  # ANSI/AAMI EC57: normal, supraventricular, ventricular, fusion, unclassified
_Q: Final = BEAT_CLASSES.index("Q")


def beat_classes(model: Model, X: ArrayLike) -> NDArray[np.intp]:
    """Index into `BEAT_CLASSES` of each row of features (W, F), shape (W,).

    The leading class; Q where the row is not scored, or the leading class has less than the model's threshold. Raises
    InputShapeError.
    """
    p = model.predict_proba(X)
    known = np.isfinite(p).all(axis=1)
    out = np.full(len(p), _Q, dtype=np.intp)
    out[known] = np.where(p[known].max(axis=1) >= model.threshold, p[known].argmax(axis=1), _Q)
    return out
