"""Cross-validation by person: the people of the test fold decide neither weights nor calibration.

Optimistic by an unknown amount: the feature set, the ridge, the number of inner folds and the probability that counts
as positive were chosen while looking at these folds (the card says so).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals_models.card import Measure
from vitals_models.evaluator import Evaluator
from vitals_models.training.fitting import Fitted, fit, folds
from vitals_models.training.report import Progress
from vitals_models.training.scores import auroc, measures
from vitals_models.training.windows import Windows

OUTER_FOLDS = 5


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Figures of the int8 model on people it has not seen, and what quantisation changed."""

    measures: tuple[Measure, ...]
    probabilities: NDArray[np.float64]  # (W, 2), of models that have not seen the person
    label_agreement: float  # share of windows that int8 and float label alike
    auroc_loss: float  # float minus int8, all sets together


def cross_validate(windows: Windows, *, seed: int = 0, progress: Progress | None = None) -> CrossValidation:
    """Five outer folds of people; in each a whole `fit` on the others, scored as int8 and as float."""
    everyone = np.arange(len(windows.keys))
    positive = np.zeros(len(windows.y))
    real, stored = np.zeros(len(windows.y)), np.zeros(len(windows.y))
    for number, fold in enumerate(folds(windows, everyone, OUTER_FOLDS, seed), 1):
        fitted = fit(windows, np.setdiff1d(everyone, fold), seed=seed)
        mask = windows.of(fold)
        real[mask] = fitted.real_logits(windows.X[mask]) - fitted.logit
        logits = int8_logits(fitted, windows.X[mask])
        positive[mask] = 1.0 / (1.0 + np.exp(-logits))
        stored[mask] = logits - fitted.logit
        if progress:
            progress(f"fold {number} of {OUTER_FOLDS}: {len(fold)} records scored")
    return CrossValidation(
        by_dataset(windows, stored, 0.0, seed=seed),
        np.column_stack((1.0 - positive, positive)),
        round(float(np.mean((real >= 0) == (stored >= 0))), 6),
        round(auroc(real, windows.y) - auroc(stored, windows.y), 6),
    )


def by_dataset(windows: Windows, score: NDArray[np.float64], threshold: float, *, seed: int) -> tuple[Measure, ...]:
    """The figures of each data set."""
    found: list[Measure] = []
    for dataset in dict.fromkeys(windows.datasets):
        mask = windows.of(np.flatnonzero(np.array(windows.datasets) == dataset))
        if mask.any():
            found += measures(dataset, score[mask], threshold, windows.y[mask], windows.record[mask], seed=seed)
    return tuple(found)


def int8_logits(fitted: Fitted, X: NDArray[np.float64]) -> NDArray[np.float64]:
    source, target = fitted.network.source, fitted.network.target
    q = np.clip(np.rint(fitted.standardised(X) / source.scale) + source.zero, -128, 127).astype(np.int8)
    return (Evaluator(fitted.network).run(q)[:, 0].astype(np.float64) - target.zero) * target.scale
