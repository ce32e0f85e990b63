"""The recipe of sleep: multinomial logistic regression, its ridge and threshold chosen on people it has not seen.

Laws
1. The ridge is the one with the best likelihood over inner folds of people; an outer test person decides neither it nor
   the threshold. The columns were fixed before, in view of all people (the card says so).
2. Classes keep the share they have in the nights (about 9 % awake), so that probabilities mean what they say.
3. The threshold of wake is where 93 % of sleep is called sleep, over out-of-fold scores of the training people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals_models.datasets.sleep_nights import Night
from vitals_models.evaluator import Evaluator
from vitals_models.network import Network
from vitals_models.tflite_write import Dense, quantise
from vitals_signal.sleep.night_features import SLEEP_NIGHT_FEATURES, sleep_night_features

Floats = NDArray[np.float64]
CLASSES = ("wake", "nrem", "rem")
CLIP = 4.0
SLEEP_FOUND = 0.93  # share of sleep that is called sleep: the operating point at which Walch 2019 reports wake
INNER_FOLDS = 5
RIDGES = (0.01, 0.1, 1.0)  # C of scikit-learn


@dataclass(frozen=True, slots=True, eq=False)
class Epochs:
    """Scored epochs of many nights; `night` indexes `keys`."""

    X: Floats  # (W, F)
    y: NDArray[np.intp]  # (W,), index into CLASSES
    night: NDArray[np.intp]  # (W,)
    keys: tuple[str, ...]
    abstained: int  # epochs with a stage and without features

    def of(self, nights: NDArray[np.intp]) -> NDArray[np.bool_]:
        return np.isin(self.night, nights)


@dataclass(frozen=True, slots=True, eq=False)
class SleepFit:
    """A trained model before and after quantisation."""

    mean: Floats
    std: Floats
    weights: Floats  # (3, F)
    bias: Floats
    threshold: float  # of the probability of wake
    network: Network
    ridge: float

    def real(self, X: Floats) -> Floats:
        """Probabilities (W, 3) in floats."""
        return softmax(_standardised(X, self.mean, self.std) @ self.weights.T + self.bias)

    def stored(self, X: Floats) -> Floats:
        """Probabilities (W, 3) of the int8 network."""
        source, target = self.network.source, self.network.target
        z = _standardised(X, self.mean, self.std)
        q = np.clip(np.rint(z / source.scale) + source.zero, -128, 127).astype(np.int8)
        return softmax((Evaluator(self.network).run(q).astype(np.float64) - target.zero) * target.scale)


def collect(nights: Sequence[Night]) -> Epochs:
    """Features and stages of every epoch that can be scored, nights in the order given."""
    features, stages, owners, abstained = [np.empty((0, len(SLEEP_NIGHT_FEATURES)))], [], [], 0
    for number, night in enumerate(nights):
        found = sleep_night_features(night.activity, night.hr_variation, night.hours)
        whole = np.array([why is None for why in found.reason], dtype=np.bool_)
        kept = whole & (night.stage >= 0)
        abstained += int(np.count_nonzero(~whole & (night.stage >= 0)))
        features.append(found.values[kept])
        stages.append(night.stage[kept].astype(np.intp))
        owners.append(np.full(int(kept.sum()), number, dtype=np.intp))
    empty = np.empty(0, dtype=np.intp)
    keys = tuple(night.key for night in nights)
    return Epochs(
        np.concatenate(features), np.concatenate([empty, *stages]), np.concatenate([empty, *owners]), keys, abstained
    )


def fit(epochs: Epochs, nights: NDArray[np.intp], *, seed: int) -> SleepFit:
    """Train on these nights: inner folds choose ridge and threshold, all nights give the weights.

    Raises ValueError where fewer than three nights or not all three stages are there.
    """
    inside = epochs.of(nights)
    if len(nights) < 3 or len(np.unique(epochs.y[inside])) < len(CLASSES):
        raise ValueError("training needs three nights with wake, NREM and REM; add subjects")
    groups = folds(nights, INNER_FOLDS, seed)
    best: tuple[float, float, Floats] | None = None
    for ridge in RIDGES:
        p = np.zeros((len(epochs.y), len(CLASSES)))
        for fold in groups:
            mean, std, weights, bias = _regress(epochs, np.setdiff1d(nights, fold), ridge)
            mask = epochs.of(fold)
            p[mask] = softmax(_standardised(epochs.X[mask], mean, std) @ weights.T + bias)
        value = float(np.log(p[inside, epochs.y[inside]] + 1e-9).mean())
        if best is None or value > best[0]:
            best = value, ridge, p[:, 0]
    assert best is not None
    _, ridge, wake = best
    threshold = float(np.quantile(wake[inside & (epochs.y != 0)], SLEEP_FOUND))
    mean, std, weights, bias = _regress(epochs, nights, ridge)
    network = quantise([Dense(weights, bias)], _standardised(epochs.X[inside], mean, std), clip=CLIP)
    return SleepFit(mean, std, weights, bias, round(threshold, 6), network, ridge)


def stages(p: Floats, threshold: float) -> NDArray[np.intp]:
    """The stage of each epoch, (W,): wake from the threshold on, else the likelier of NREM and REM."""
    return np.where(p[:, 0] >= threshold, 0, 1 + (p[:, 2] > p[:, 1])).astype(np.intp)


def folds(nights: NDArray[np.intp], count: int, seed: int) -> list[NDArray[np.intp]]:
    """Disjoint groups of nights; each person has one."""
    order = np.random.default_rng(seed).permutation(nights)
    return [np.sort(order[k::count]) for k in range(min(count, len(order)))]


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def _standardised(X: Floats, mean: Floats, std: Floats) -> Floats:
    return np.clip((X - mean) / std, -CLIP, CLIP)


def _regress(epochs: Epochs, nights: NDArray[np.intp], ridge: float) -> tuple[Floats, ...]:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    inside = epochs.of(nights)
    X, y = epochs.X[inside], epochs.y[inside]
    mean, std = X.mean(axis=0), X.std(axis=0) + 1e-9
    model = LogisticRegression(C=ridge, solver="newton-cholesky", tol=1e-6, max_iter=50)
    with threadpool_limits(1):  # threads add in another order, and the bytes would differ
        model.fit(_standardised(X, mean, std), y)
    weights, bias = np.zeros((len(CLASSES), X.shape[1])), np.full(len(CLASSES), -30.0)
    for row, kind in enumerate(model.classes_):
        weights[kind], bias[kind] = model.coef_[row], model.intercept_[row]
    return mean, std, weights, bias
