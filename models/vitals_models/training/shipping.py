"""From a trained network to the two files that ship: what the card says about doubt, and the writing of both.

Laws
1. Conformal limits come from scores of people who were not in the fit that scored them; they are quantiles over the
   windows of a class, each person weighing the same.
2. The range of what is familiar is that of the training windows without their outermost thousandth; `most` features
   may lie outside, so that at most one training window in a hundred (of each class, where told) would be called
   unfamiliar. Its deciles are what
   drift is told against.
3. The same training gives the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitals_models.card import Card, Conformal, Familiar
from vitals_models.network import Network
from vitals_models.tflite_write import write

ALPHAS = (0.05, 0.1, 0.2)
Floats = NDArray[np.float64]


def conformal(p: Floats, y: NDArray[np.intp], person: NDArray[np.intp]) -> tuple[Conformal, ...]:
    """Limits per class from out-of-fold probabilities `p` (W, K), true classes `y` (W,) and who they are of (W,)."""
    return tuple(
        Conformal(alpha, tuple(_limit(p[y == k, k], person[y == k], alpha) for k in range(p.shape[1])))
        for alpha in ALPHAS
    )


def _limit(p: Floats, person: NDArray[np.intp], alpha: float) -> float:
    """The probability that a share `alpha` of the windows falls below, each person with the weight of one."""
    if not len(p):
        return 0.0
    _, owner, counts = np.unique(person, return_inverse=True, return_counts=True)
    order = np.argsort(p)
    below = np.cumsum((1.0 / counts)[owner][order]) / len(counts)
    return round(float(p[order][min(int(np.searchsorted(below, alpha)), len(p) - 1)]), 6)


def familiar(X: Floats, y: NDArray[np.intp] | None = None) -> Familiar:
    """What the training windows `X` (W, F) have shown of each feature; with their classes `y` (W,) the range is that of
    all classes, so that a rare one is not outside of it for being rare."""
    groups = [X] if y is None else [X[y == k] for k in np.unique(y)]
    limits = np.array([np.quantile(one, [0.001, 0.999], axis=0, method="nearest") for one in groups])
    low, high = limits[:, 0].min(axis=0), limits[:, 1].max(axis=0)
    outside = [(~((low <= one) & (high >= one))).sum(axis=1) for one in groups]
    most = max(int(np.quantile(one, 0.99, method="higher")) for one in outside)
    deciles = np.quantile(X, np.arange(1, 10) / 10, axis=0, method="inverted_cdf").T
    rows = tuple(tuple(float(v) for v in row) for row in deciles)
    return Familiar(tuple(float(v) for v in low), tuple(float(v) for v in high), most, rows)


def ship(card: Card, network: Network, out_dir: str | Path) -> Card:
    """Write `card.name`.tflite and .json into a folder; the card as it is written, with hash and size."""
    data = write(network)
    done = replace(card, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{card.name}.tflite").write_bytes(data)
    (folder / f"{card.name}.json").write_text(done.to_json(), encoding="utf-8")
    return done
