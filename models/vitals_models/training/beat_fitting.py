"""The recipe of beat classes: softmax regression, and an operating point found on people who were not in the fit.

Laws
1. Within a class a record weighs as the cube root of its beats: a person with many ectopic beats says more than one
   with few, but not in proportion. N, S and V weigh the same, F a fifth: one record holds nine of ten fusion beats.
2. The operating point is an offset on the logits of S, V and F: that which gives the best mean positive predictivity of
   S and V among those that reach the sensitivities `SVEB` and `VEB`, gross, with every person left out once; where none
   does, that which falls short by least.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from vitals_models.evaluator import Evaluator
from vitals_models.network import Network
from vitals_models.tflite_write import Dense, quantise
from vitals_models.training.beat_rows import BeatRows

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
CLASSES = "NSVF"
CLIP = 4.0
RIDGE = 1.0  # C of scikit-learn, with weights that sum to one per hundred rows
SVEB, VEB = 0.85, 0.963
_POWER = 1.0 / 3.0
_SHARES = (1.0, 1.0, 1.0, 0.2)
_EVERY = 5  # one normal beat in so many is trained on
_OFFSETS = np.arange(-2.0, 2.51, 0.25)
_FUSION_OFFSETS = np.arange(-4.0, 0.1, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained softmax regression before and after quantisation; the operating point is in the bias."""

    mean: Floats
    std: Floats
    weights: Floats  # (K, F)
    bias: Floats  # (K,)
    offsets: Floats  # (K,)
    network: Network

    def standardised(self, X: Floats) -> Floats:
        return np.clip((X - self.mean) / self.std, -CLIP, CLIP)

    def real_logits(self, X: Floats) -> Floats:
        """(W, K)."""
        return np.asarray(self.standardised(X) @ self.weights.T + self.bias, dtype=np.float64)

    def int8_logits(self, X: Floats) -> Floats:
        """(W, K), as the file gives them."""
        source, target = self.network.source, self.network.target
        q = np.clip(np.rint(self.standardised(X) / source.scale) + source.zero, -128, 127).astype(np.int8)
        return (Evaluator(self.network).run(q).astype(np.float64) - target.zero) * target.scale


def fit(rows: BeatRows, records: Indices, *, seed: int) -> Fitted:
    """Train on these records: leaving each person out gives the operating point, all of them the weights.

    Raises ValueError where one of N, S, V, F is missing.
    """
    logits = np.full((len(rows.y), len(CLASSES)), np.nan)
    for fold in folds(rows, records, len(records), seed):
        mean, std, weights, bias = _regress(rows, np.setdiff1d(records, fold), seed)
        mask = scored(rows, fold)
        logits[mask] = np.clip((rows.X[mask] - mean) / std, -CLIP, CLIP) @ weights.T + bias
    inside = scored(rows, records)
    offsets = operating_point(logits[inside], rows.y[inside])
    mean, std, weights, bias = _regress(rows, records, seed)
    bias = bias + offsets
    z = np.clip((rows.X[inside] - mean) / std, -CLIP, CLIP)
    return Fitted(mean, std, weights, bias, offsets, quantise([Dense(weights, bias)], z, clip=CLIP))


def scored(rows: BeatRows, records: Indices) -> NDArray[np.bool_]:
    """(W,) beats of these records that have features and a class other than Q."""
    return np.asarray(rows.known & np.isin(rows.record, records) & (rows.y >= 0) & (rows.y < len(CLASSES)))


def folds(rows: BeatRows, records: Indices, count: int, seed: int) -> list[Indices]:
    """Disjoint groups of records, nobody in two; those with most S beats are dealt out first."""
    order = np.random.default_rng(seed).permutation(records)
    s_beats = np.array([np.count_nonzero((rows.record == r) & (rows.y == 1)) for r in order])
    people = list(dict.fromkeys(rows.persons[r] for r in order[np.argsort(-s_beats, kind="stable")]))
    groups = [{*people[k::count]} for k in range(min(count, len(people)))]
    return [np.array([r for r in records if rows.persons[r] in group], dtype=np.intp) for group in groups]


def operating_point(logits: Floats, y: Indices) -> Floats:
    """Law 2: offsets (K,) for logits (W, K) of beats of known classes `y` (W,).

    One normal beat in five stands for all.
    """
    kept = (y != 0) | (np.arange(len(y)) % _EVERY == 0)
    times = np.where(y[kept] == 0, float(_EVERY), 1.0)
    logits, y = logits[kept], y[kept]
    best, found = (-np.inf, -np.inf), np.zeros(len(CLASSES))
    for s, v, f in product(_OFFSETS, _OFFSETS, _FUSION_OFFSETS):
        offsets = np.array((0.0, s, v, f))
        called = (logits + offsets).argmax(axis=1)
        table = np.bincount(y * 4 + called, times, minlength=16).reshape(4, 4)
        short = min(table[1, 1] / max(table[1].sum(), 1) - SVEB, 0.0) + min(table[2, 2] / table[2].sum() - VEB, 0.0)
        predictivity = table[1, 1] / max(table[:, 1].sum(), 1) + table[2, 2] / max(table[:2, 2].sum() + table[2, 2], 1)
        if (short, predictivity) > best:
            best, found = (float(short), float(predictivity)), offsets
    return found


def weigh(rows: BeatRows, chosen: NDArray[np.bool_]) -> Floats:
    """(W,) weights of law 1, zero outside `chosen`, one in sum."""
    weight = np.zeros(len(rows.y))
    for kind, share in enumerate(_SHARES):
        mask = chosen & (rows.y == kind)
        if not mask.any():
            raise ValueError(f"training needs beats of every class and has none of {CLASSES[kind]}; add subjects")
        size = np.bincount(rows.record[mask], minlength=len(rows.keys)).astype(np.float64)
        weight[mask] = np.maximum(size, 1.0)[rows.record[mask]] ** (_POWER - 1.0)
        weight[mask] *= share / weight[mask].sum()
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def _regress(rows: BeatRows, records: Indices, seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    from sklearn.linear_model import LogisticRegression

    inside = scored(rows, records)
    inside &= (rows.y != 0) | (np.arange(len(rows.y)) % _EVERY == seed % _EVERY)
    X, y, weight = rows.X[inside], rows.y[inside], weigh(rows, inside)[inside]
    mean = weight @ X
    std = np.sqrt(weight @ (X - mean) ** 2) + 1e-9
    model = LogisticRegression(C=RIDGE, tol=1e-5, max_iter=500)
    model.fit(np.clip((X - mean) / std, -CLIP, CLIP), y, sample_weight=weight * len(weight) / 100.0)
    return mean, std, np.asarray(model.coef_), np.asarray(model.intercept_)
