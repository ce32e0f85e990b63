"""Training and scoring of `sleep`: wake, NREM and REM from movement and heart rate, from data set to shipped file."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitals_models.card import Card, Measure, Source
from vitals_models.datasets.sleep_nights import FOLDER, read_nights
from vitals_models.loading import Model
from vitals_models.training.report import Progress, Report, SubjectScore
from vitals_models.training.scores import DRAWS, auroc
from vitals_models.training.shipping import conformal, familiar, ship
from vitals_models.training.sleep_fitting import (
    CLASSES,
    CLIP,
    INNER_FOLDS,
    SLEEP_FOUND,
    Epochs,
    SleepFit,
    collect,
    fit,
    folds,
    stages,
)
from vitals_signal.sleep.night_features import SLEEP_NIGHT_FEATURES, SLEEP_NIGHT_VERSION

NAME = "sleep"
Floats = NDArray[np.float64]
Labels = NDArray[np.intp]
TITLE = "Walch 2019, Apple Watch and polysomnography, published features per 30 s"
LIMITS = (
    "Not a medical device; it estimates sleep, it does not diagnose its disorders.",
    "Sixteen healthy adults, one night each in a laboratory; insomnia, apnoea, shift work and children are not in it.",
    "Lying awake and still looks like sleep: at 93 % of sleep found, about two fifths of wake are missed.",
    "The nights begin at lights out and end with the last scored epoch; the day is not in the data.",
    "Chance agreement is high because nine epochs of ten are sleep: judge by kappa, not by accuracy.",
    "An epoch needs 20 min after it and ranks of the whole night: stages are told when the night is over.",
    "The 13 columns of context were found while looking at all sixteen people; only others can confirm their gain.",
    "With the columns left to the AUROC of inner folds, half chose those without context, and AUROC was 0.857.",
    "With the ridge left to that AUROC instead of likelihood, AUROC was 0.869; all seen on the same sixteen people.",
    "Smoothing by a hidden Markov model was tried, forward only and both ways, and lost AUROC; it is not part of this.",
)


def train(
    data_dir: str | Path,
    out_dir: str | Path,
    *,
    seed: int = 0,
    subjects: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Card:
    """Train, cross-validate by person, quantise and write sleep.tflite and sleep.json into `out_dir`.

    `data_dir`: the folder that holds the sets by name; `subjects`: only these. The same data and seed give the same
    bytes. Raises DataError; ValueError where people or stages are too few.
    """
    epochs = collect(list(read_nights(data_dir, subjects)))
    everyone = np.arange(len(epochs.keys), dtype=np.intp)
    real, stored = np.zeros((len(epochs.y), 3)), np.zeros((len(epochs.y), 3))
    found, float_found = np.zeros(len(epochs.y), dtype=np.intp), np.zeros(len(epochs.y), dtype=np.intp)
    outer = folds(everyone, len(everyone), seed)
    for number, fold in enumerate(outer, 1):
        fitted = fit(epochs, np.setdiff1d(everyone, fold), seed=seed)
        mask = epochs.of(fold)
        real[mask], stored[mask] = fitted.real(epochs.X[mask]), fitted.stored(epochs.X[mask])
        found[mask], float_found[mask] = (stages(p[mask], fitted.threshold) for p in (stored, real))
        if progress:
            progress(f"{number} of {len(outer)}: C={fitted.ridge:g}")
    figures = _figures(epochs, stored, found, seed)
    size = (len(epochs.keys), len(epochs.y))
    wake = epochs.y == 0
    quantised = (
        Measure(FOLDER, "int8_label_agreement", round(float(np.mean(found == float_found)), 6), None, None, *size),
        Measure(
            FOLDER,
            "int8_auroc_loss",
            round(auroc(real[:, 0], wake) - auroc(stored[:, 0], wake), 6),
            None,
            None,
            *size,
        ),
    )
    fitted = fit(epochs, everyone, seed=seed)
    return ship(_card(epochs, fitted, stored, figures + quantised, seed), fitted.network, out_dir)


def evaluate(
    model: Model,
    data_dir: str | Path,
    *,
    subjects: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Score a model on any nights in the layout of the set, at the threshold of its card.

    Raises DataError; ValueError where the model was trained on other features.
    """
    if model.card.feature_version != SLEEP_NIGHT_VERSION:
        raise ValueError(
            f"{model.card.name} takes features {model.card.feature_version}; this is {SLEEP_NIGHT_VERSION}"
        )
    epochs = collect(list(read_nights(data_dir, subjects)))
    p = model.predict_proba(epochs.X)
    found = stages(p, model.threshold)
    rows = []
    for number, key in enumerate(epochs.keys):
        own = epochs.night == number
        y, called = epochs.y[own], found[own]
        rows.append(
            SubjectScore(
                key,
                {
                    "epochs": int(own.sum()),
                    "wake": int((y == 0).sum()),
                    "wake_found": int(((y == 0) & (called == 0)).sum()),
                    "sleep_found": int(((y != 0) & (called != 0)).sum()),
                    "kappa_3": round(kappa(y, called), 4),
                },
            )
        )
        if progress:
            progress(f"{key}: {int(own.sum())} epochs")
    figures = _figures(epochs, p, found, 0)
    return Report(
        model.card.name, model.card.sha256, model.runtime.name, model.threshold, figures, tuple(rows), epochs.abstained
    )


def kappa(y: Labels, found: Labels) -> float:
    """Agreement of two labellings beyond chance (Cohen 1960); NaN where chance alone agrees always."""
    table = np.zeros((len(CLASSES), len(CLASSES)))
    np.add.at(table, (y, found), 1.0)
    share = table / max(table.sum(), 1.0)
    chance = float(share.sum(axis=1) @ share.sum(axis=0))
    return (float(np.trace(share)) - chance) / (1.0 - chance) if chance < 1.0 else float("nan")


def _wake_at(wake: Floats, y: Labels) -> float:
    """Share of wake found where exactly `SLEEP_FOUND` of the sleep of these epochs is called sleep."""
    return float(np.mean(wake[y == 0] > np.quantile(wake[y != 0], SLEEP_FOUND)))


def _figures(epochs: Epochs, p: Floats, found: Labels, seed: int) -> tuple[Measure, ...]:
    """Figures over all epochs, intervals from 1000 draws of nights (Efron & Tibshirani 1993)."""
    y, wake = epochs.y, p[:, 0]
    names: dict[str, Callable[[NDArray[np.intp]], float]] = {
        "auroc_wake": lambda i: auroc(wake[i], y[i] == 0),
        "wake_at_sleep_93": lambda i: _wake_at(wake[i], y[i]),
        "wake_found": lambda i: float(np.mean(found[i][y[i] == 0] == 0)),
        "sleep_found": lambda i: float(np.mean(found[i][y[i] != 0] != 0)),
        "kappa_sleep_wake": lambda i: kappa((y[i] != 0).astype(np.intp), (found[i] != 0).astype(np.intp)),
        "accuracy_sleep_wake": lambda i: float(np.mean((y[i] == 0) == (found[i] == 0))),
        "kappa_3": lambda i: kappa(y[i], found[i]),
        "accuracy_3": lambda i: float(np.mean(y[i] == found[i])),
        "rem_found": lambda i: float(np.mean(found[i][y[i] == 2] == 2)),
    }
    present = np.unique(epochs.night)
    if not len(present) or not (y == 0).any() or not (y == 2).any() or not (y == 1).any():
        return ()
    own = {night: np.flatnonzero(epochs.night == night) for night in present}
    draws = np.random.default_rng(seed).choice(present, (DRAWS, len(present)))
    drawn = [np.concatenate([own[night] for night in draw]) for draw in draws]
    everything = np.arange(len(y), dtype=np.intp)
    made = []
    for name, figure in names.items():
        low: float | None = None
        high: float | None = None
        if len(present) >= 3:
            usable = [i for i in drawn if len(np.unique(y[i])) == len(CLASSES)]
            low, high = (round(float(v), 5) for v in np.nanpercentile([figure(i) for i in usable], (2.5, 97.5)))
        made.append(Measure(FOLDER, name, round(figure(everything), 5), low, high, len(present), len(y)))
    return tuple(made)


def _card(epochs: Epochs, fitted: SleepFit, p: Floats, figures: tuple[Measure, ...], seed: int) -> Card:
    import sklearn

    return Card(
        name=NAME,
        version="1",
        task="Is the wearer awake, in NREM or in REM sleep in this half minute of the night?",
        output="three int8 logits; awake where the probability of wake reaches the threshold, else the likelier of two",
        feature_version=SLEEP_NIGHT_VERSION,
        features=SLEEP_NIGHT_FEATURES,
        mean=tuple(float(v) for v in fitted.mean),
        std=tuple(float(v) for v in fitted.std),
        clip=CLIP,
        classes=CLASSES,
        threshold=fitted.threshold,
        sources=(Source(FOLDER, TITLE, "ODC-By 1.0", tuple(k.split("/")[1] for k in epochs.keys)),),
        held_out=(),
        split=f"leave one person out; {INNER_FOLDS} inner folds of the others for ridge and threshold",
        measures=figures,
        conformal=conformal(p, epochs.y, epochs.night),
        familiar=familiar(epochs.X),
        limits=LIMITS,
        recipe=(
            f"scikit-learn {sklearn.__version__} LogisticRegression, C={fitted.ridge:g}",
            f"threshold of wake: {SLEEP_FOUND:.0%} of sleep is called sleep, out of fold; seed {seed}",
            "record to beat: wake 59.6 % at sleep 93 % (Walch 2019, neural net, 31 people)",
            "int8: symmetric weights, features standardised outside and cut at +-4",
        ),
        sha256="",
        size_bytes=0,
    )
