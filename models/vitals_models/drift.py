"""Has what a model is given moved away from what it was trained on? Per feature, without labels.

Laws
1. The reference is the card: deciles of the training windows of each feature. No training data are needed here.
2. Windows of one wearer are not a sample of the training set: a difference is a reason to look at the scores again, and
   no proof that they are wrong.
3. Below `LEAST` windows nothing is said.

The population stability index (Siddiqi 2006, "Credit Risk Scorecards", section 9) over the cells between the deciles,
with the customary limits 0.1 and 0.25, and the largest distance of the distribution functions at the deciles: a lower
bound of the Kolmogorov-Smirnov statistic, since that is all that the card knows of the training's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_models.card import Card
from vitals_models.errors import DriftError, InputShapeError

LEAST = 100  # windows
SOME, MUCH = 0.1, 0.25  # of the stability index
_FLOOR = 1e-3  # share of an empty cell

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How far one feature is from its training."""

    feature: str
    windows: int
    psi: float  # population stability index, 0: as in training
    ks: float  # largest distance of the distribution functions at the deciles, 0..1
    median: float  # now
    trained_median: float
    verdict: str  # "steady", "moved", "far"


def drift(card: Card, X: ArrayLike) -> tuple[FeatureDrift, ...]:
    """Compare windows of features `X` (W, F), in the order of the card, with those of its training, feature by feature.

    Rows with a value that is not finite are left out. Raises InputShapeError; DriftError where fewer than 100 windows
    are left or the card holds no deciles.
    """
    x = np.asarray(X, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != len(card.features):
        raise InputShapeError(f"X has shape {x.shape}; {card.name} takes (windows, {len(card.features)}) features")
    if card.familiar is None or not card.familiar.deciles:
        raise DriftError(f"the card of {card.name} {card.version} holds no deciles of its training; train it again")
    x = x[np.isfinite(x).all(axis=1)]
    if len(x) < LEAST:
        raise DriftError(f"{len(x)} windows with features of {card.name}; drift is told from {LEAST} on")
    return tuple(
        _compare(name, x[:, k], np.asarray(deciles))
        for k, (name, deciles) in enumerate(zip(card.features, card.familiar.deciles, strict=True))
    )


def _compare(name: str, now: Floats, deciles: Floats) -> FeatureDrift:
    # A value that many training windows share is several deciles at once; its cells become one.
    edges, last = np.unique(deciles[::-1], return_index=True)
    trained = (len(deciles) - last) / (len(deciles) + 1)
    below = np.searchsorted(np.sort(now), edges, side="right") / len(now)
    expected = np.diff(np.concatenate(([0.0], trained, [1.0])))
    found = np.diff(np.concatenate(([0.0], below, [1.0])))
    a, b = np.maximum(expected, _FLOOR), np.maximum(found, _FLOOR)
    psi = float(np.sum((b - a) * np.log(b / a)))
    verdict = "steady" if psi < SOME else "moved" if psi < MUCH else "far"
    ks = float(np.max(np.abs(below - trained)))
    middle = float(deciles[len(deciles) // 2])
    return FeatureDrift(name, len(now), round(psi, 4), round(ks, 4), float(np.median(now)), middle, verdict)
