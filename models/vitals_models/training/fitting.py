"""The recipe of irregular rhythm: logistic regression with a strong ridge, calibrated and thresholded on unseen people.

Laws
1. Within a class every record weighs the same, up to 50 windows; the classes weigh the same; all weights sum to one,
   so that C = 1 is a strong ridge: features that say the same share the load, which carries over to new people.
2. Calibration (Platt 1999) comes from scores of people who were not in the fit (grouped folds).
3. The threshold is a calibrated probability, the same for every fit: fibrillation is nearly three times as likely as
   not, where half of the windows are fibrillation. A quantile of the scores of some people moved by two logits from one
   fold to the next. The figure itself was chosen on the outer folds (card).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals_models.network import Network
from vitals_models.tflite_write import Dense, quantise
from vitals_models.training.windows import Windows

Floats = NDArray[np.float64]
CLIP = 4.0
LOGITS = (-8.0, 8.0)  # what the int8 output tells apart: 0.0003 to 0.9997
THRESHOLD = 0.73
INNER_FOLDS = 8
_MOST = 50


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained linear model before and after quantisation."""

    mean: Floats
    std: Floats
    weights: Floats
    bias: float
    logit: float  # the threshold, halfway between two levels of the int8 output
    network: Network

    def standardised(self, X: Floats) -> Floats:
        return np.clip((X - self.mean) / self.std, -CLIP, CLIP)

    def real_logits(self, X: Floats) -> Floats:
        return np.asarray(self.standardised(X) @ self.weights + self.bias, dtype=np.float64)


def fit(windows: Windows, records: NDArray[np.intp], *, seed: int) -> Fitted:
    """Train on these records: folds within them give the calibration, all of them give the weights."""
    score = np.zeros(len(windows.y))
    for fold in folds(windows, records, INNER_FOLDS, seed):
        mean, std, weights, bias = _regress(windows, np.setdiff1d(records, fold))
        mask = windows.of(fold)
        score[mask] = np.clip((windows.X[mask] - mean) / std, -CLIP, CLIP) @ weights + bias
    inside = windows.of(records)
    slope, offset = _platt(score[inside], windows.y[inside], weigh(windows, records)[inside])
    mean, std, weights, bias = _regress(windows, records)
    weights, bias = weights * slope, bias * slope + offset
    wanted = np.log(THRESHOLD / (1.0 - THRESHOLD))
    z = np.clip((windows.X[inside] - mean) / std, -CLIP, CLIP)
    network = quantise([Dense(weights[None, :], np.array([bias]))], z, clip=CLIP, output_range=LOGITS)
    target = network.target
    logit = (np.floor(wanted / target.scale + target.zero) + 0.5 - target.zero) * target.scale
    return Fitted(mean, std, weights, bias, float(logit), network)


def folds(windows: Windows, records: NDArray[np.intp], count: int, seed: int) -> list[NDArray[np.intp]]:
    """Disjoint groups of records, nobody in two: people with fibrillation are dealt out first, then each set."""
    rng = np.random.default_rng(seed)
    with_af = {windows.persons[r] for r in np.unique(windows.record[windows.y]) if r in records}
    people: dict[str, list[int]] = {}
    for record in records:
        people.setdefault(windows.persons[record], []).append(int(record))
    order = [p for p in people if p in with_af]
    for dataset in dict.fromkeys(windows.datasets):
        others = [p for p in people if p not in with_af and windows.datasets[people[p][0]] == dataset]
        order += [others[i] for i in rng.permutation(len(others))]
    dealt = [[r for person in order[k::count] for r in people[person]] for k in range(count)]
    return [np.array(sorted(group), dtype=np.intp) for group in dealt if group]


def weigh(windows: Windows, records: NDArray[np.intp]) -> Floats:
    """(W,) sample weights of law 1, zero outside `records`, one in sum."""
    weight = np.zeros(len(windows.y))
    inside = windows.of(records)
    for positive in (False, True):
        chosen = inside & (windows.y == positive)
        if not chosen.any():
            raise ValueError("training needs windows of both classes; add subjects with and without fibrillation")
        size = np.bincount(windows.record[chosen], minlength=len(windows.keys)).astype(np.float64)
        each = np.divide(np.minimum(size, _MOST), size, out=np.zeros_like(size), where=size > 0)
        weight[chosen] = each[windows.record[chosen]]
        weight[chosen] *= 0.5 / weight[chosen].sum()
    return weight


def _regress(windows: Windows, records: NDArray[np.intp]) -> tuple[Floats, Floats, Floats, float]:
    from sklearn.linear_model import LogisticRegression

    inside = windows.of(records)
    X, y, weight = windows.X[inside], windows.y[inside], weigh(windows, records)[inside]
    mean = weight @ X
    std = np.sqrt(weight @ (X - mean) ** 2) + 1e-9
    model = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000)
    model.fit(np.clip((X - mean) / std, -CLIP, CLIP), y, sample_weight=weight)
    return mean, std, model.coef_[0], float(model.intercept_[0])


def _platt(score: Floats, y: NDArray[np.bool_], weight: Floats) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1e4, tol=1e-8, max_iter=1000).fit(score[:, None], y, sample_weight=weight)
    return float(model.coef_[0, 0]), float(model.intercept_[0])
