"""Figures of a binary classifier, with intervals from resampling subjects.

Windows of one person are not independent: the 95 % interval is the percentile bootstrap over records (Efron &
Tibshirani 1993), 1000 draws. Where fewer than three records carry a class, there is no interval (None).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitals_models.card import Measure

DRAWS = 1000
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def auroc(score: Floats, positive: Flags, weight: Floats | None = None) -> float:
    """Area under the ROC curve; ties count half. NaN where one class is absent."""
    weight = np.ones(len(score)) if weight is None else weight
    _, level = np.unique(score, return_inverse=True)
    size = int(level.max(initial=-1)) + 1
    pos = np.bincount(level[positive], weight[positive], size)
    neg = np.bincount(level[~positive], weight[~positive], size)
    if not pos.sum() or not neg.sum():
        return float("nan")
    below = np.cumsum(neg) - 0.5 * neg
    return float((pos * below).sum() / (pos.sum() * neg.sum()))


def measures(
    data: str, score: Floats, threshold: float, positive: Flags, record: NDArray[np.intp], *, seed: int = 0
) -> tuple[Measure, ...]:
    """Sensitivity, specificity and AUROC of one data set, whichever its classes allow. All arrays are (W,)."""
    records, owner = np.unique(record, return_inverse=True)
    called = score >= threshold

    def count(flags: Flags) -> Floats:
        return np.bincount(owner, flags, len(records)).astype(np.float64)

    hit, af, clear, non = count(called & positive), count(positive), count(~called & ~positive), count(~positive)
    draws = np.random.default_rng(seed).integers(0, len(records), (DRAWS, len(records)))
    found = []
    for name, part, whole in (("sensitivity", hit, af), ("specificity", clear, non)):
        if whole.sum():
            low, high = _interval(np.array([_ratio(part[d].sum(), whole[d].sum()) for d in draws]), whole)
            found.append(Measure(data, name, _round(part.sum() / whole.sum()), low, high, *_size(whole)))
    if af.sum() and non.sum():
        drawn = (np.bincount(draw, minlength=len(records)).astype(np.float64) for draw in draws)
        low, high = _interval(np.array([auroc(score, positive, times[owner]) for times in drawn]), np.minimum(af, non))
        found.append(Measure(data, "auroc", _round(auroc(score, positive)), low, high, *_size(af + non)))
    return tuple(found)


def _interval(values: Floats, carriers: Floats) -> tuple[float | None, float | None]:
    if np.count_nonzero(carriers) < 3:
        return None, None
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return _round(low), _round(high)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _size(whole: Floats) -> tuple[int, int]:
    return int(np.count_nonzero(whole)), int(whole.sum())


def _round(value: float) -> float:
    return round(float(value), 5)
