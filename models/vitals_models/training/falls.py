"""Training and scoring of `falls`: a linear model on published features that has never seen a fall of a person.

Laws
1. It learns from synthetic falls and from the blows of daily life of wisdm51_watch_acc (tier A) only. The fall sets
   (tier B) are scored and decide nothing: neither weights, nor ridge, nor threshold.
2. The threshold lies just above the highest score that a blow of daily life gets from a model which has not seen its
   wearer, and not below one half.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_models.card import Card, Measure, Source
from vitals_models.datasets.motion import read_motion
from vitals_models.errors import DataError
from vitals_models.evaluator import Evaluator
from vitals_models.loading import Model
from vitals_models.network import Network
from vitals_models.tflite_write import Dense, quantise
from vitals_models.training.fall_blows import (
    DAILY_SETS,
    FALL_SETS,
    Blows,
    alarms,
    collect,
    figures,
    synthetic_blows,
    trial_scores,
)
from vitals_models.training.report import Progress, Report, SubjectScore
from vitals_models.training.shipping import conformal, familiar, ship
from vitals_signal.acc.fall_detection import FALL_FEATURES, FALL_VERSION

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NAME: Final = "falls"
TRAINED_ON: Final = "wisdm51_watch_acc"
CLIP: Final = 4.0
LOGITS: Final = (-8.0, 8.0)
MOTIONS: Final = 400
OUTER_FOLDS, INNER_FOLDS = 4, 3
_RIDGE: Final = 0.01
LIMITS: Final = (
    "Not a medical device and no alarm to rely on: falls will be missed.",
    "It has never seen a fall of a person; the falls that it is scored on were acted by the young onto mats.",
    "Falls without a blow of 1.8 g at the wrist, or along a wall into a chair, are not looked at.",
    "After a fall somebody who goes on moving the arm is likely to be missed.",
    "Sitting down hard, jumping, clapping and a blow on a table may be called a fall; of sports it has seen little.",
    "Daily life is eleven hours of students in a laboratory: one alarm in it still allows twelve a day.",
    "In 116 short walks between two chairs (sp_sw_har_watch, 21 minutes) two moments were called a fall.",
    "Contributions are of single features; many of them go together.",
    "Probabilities assume that every second blow is a fall; in life hardly any is.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A trained linear model before and after quantisation."""

    mean: Floats
    std: Floats
    network: Network

    def probability(self, X: Floats) -> Floats:
        """(B,) as the int8 model gives it."""
        z = np.clip((X - self.mean) / self.std, -CLIP, CLIP)
        source, target = self.network.source, self.network.target
        q = np.clip(np.rint(z / source.scale) + source.zero, -128, 127).astype(np.int8)
        logits = (Evaluator(self.network).run(q)[:, 0].astype(np.float64) - target.zero) * target.scale
        return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float64)

    def above(self, p: float) -> float:
        """The probability halfway between the level of the int8 output next to `p` and the one above it."""
        target = self.network.target
        level = np.floor(np.log(p / (1.0 - p)) / target.scale + target.zero + 1e-6) + 0.5
        return float(1.0 / (1.0 + np.exp(-(level - target.zero) * target.scale)))


def train(
    data_dir: str | Path,
    out_dir: str | Path,
    *,
    seed: int = 0,
    subjects: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Card:
    """Train on tier A, score on whatever fall sets lie in `data_dir`, quantise and write falls.tflite and .json.

    `subjects` selects wearers of wisdm51_watch_acc. The same data and seed give the same bytes. Raises DataError;
    ValueError for less than four wearers.
    """
    daily = collect(read_motion(data_dir, (TRAINED_ON,), subjects), progress=progress)
    if len(daily.keys) < OUTER_FOLDS:
        raise ValueError(f"training needs {OUTER_FOLDS} wearers or more, got {len(daily.keys)}")
    made = synthetic_blows(MOTIONS, seed)
    everyone = np.arange(len(daily.keys))
    found: list[Measure] = []
    unseen = np.zeros(len(daily.X))
    called = np.zeros(len(daily.X), np.bool_)
    for fold in folds(everyone, OUTER_FOLDS, seed):
        model, threshold = _nested(daily, made, np.setdiff1d(everyone, fold), seed)
        inside = np.isin(daily.owner, fold)
        unseen[inside] = model.probability(daily.X[inside])
        called[inside] = unseen[inside] >= threshold
    found += [m for m in figures(daily, called.astype(np.float64), 0.5) if m.name != "hours"]
    model, threshold = _nested(daily, made, everyone, seed)
    others = _others(data_dir, progress)
    if others is not None:
        found += figures(others, model.probability(others.X), threshold, seed=seed)
    X, fall, owner = made
    truth = np.concatenate((fall, np.zeros(len(daily.X), np.bool_)))
    people = np.concatenate((owner + len(daily.keys), daily.owner))
    positive = np.concatenate((_unseen_synthetic(daily, made, seed), unseen))
    card = _card(model, threshold, daily, found, seed)
    card = _with_doubt(card, np.concatenate((X, daily.X)), positive, truth, people)
    return ship(card, model.network, out_dir)


def evaluate(
    model: Model, data_dir: str | Path, *, subjects: Collection[str] | None = None, progress: Progress | None = None
) -> Report:
    """Score a model on the fall sets and the daily life that lie in `data_dir`, at the threshold of its card.

    Raises DataError; ValueError where the model was trained on other features.
    """
    if model.card.feature_version != FALL_VERSION:
        raise ValueError(f"{model.card.name} takes features {model.card.feature_version}; this is {FALL_VERSION}")
    blows = collect(read_motion(data_dir, (*FALL_SETS, *DAILY_SETS), subjects, whole=True), progress=progress)
    p = model.predict_proba(blows.X)
    best, called = trial_scores(blows, p) >= model.threshold, alarms(blows, p, model.threshold)
    rows = []
    for number, key in enumerate(blows.keys):
        own = blows.wearer == number
        counts = {"falls": own & blows.fall, "found": own & blows.fall & best, "others": own & ~blows.fall}
        row = {name: int(np.count_nonzero(one)) for name, one in counts.items()}
        row |= {
            "false_alarms": int(called[own & ~blows.fall].sum()),
            "hours": round(blows.seconds[own].sum() / 3600, 3),
        }
        rows.append(SubjectScore(key, row))
    return Report(
        model.card.name, model.card.sha256, model.runtime.name, model.threshold,
        figures(blows, p, model.threshold), tuple(rows), blows.abstained,
    )  # fmt: skip


def folds(wearers: NDArray[np.intp], count: int, seed: int) -> list[NDArray[np.intp]]:
    """Disjoint groups of wearers."""
    dealt = np.random.default_rng(seed).permutation(wearers)
    return [np.sort(dealt[k::count]) for k in range(count)]


def regress(X: Floats, fall: Flags) -> Linear:
    """Logistic regression with a strong ridge, both classes of the same weight, as int8."""
    from sklearn.linear_model import LogisticRegression

    mean, std = X.mean(axis=0), X.std(axis=0) + 1e-9
    z = np.clip((X - mean) / std, -CLIP, CLIP)
    net = LogisticRegression(C=_RIDGE, class_weight="balanced", tol=1e-8, max_iter=2000).fit(z, fall)
    network = quantise([Dense(net.coef_, net.intercept_)], z, clip=CLIP, output_range=LOGITS)
    return Linear(mean, std, network)


def _nested(
    daily: Blows, made: tuple[Floats, Flags, NDArray[np.intp]], wearers: NDArray[np.intp], seed: int
) -> tuple[Linear, float]:
    """The model of these wearers, and its threshold by law 2."""
    held = np.zeros(0)
    for fold in folds(wearers, INNER_FOLDS, seed):
        held = np.append(
            held, _fit(daily, made, np.setdiff1d(wearers, fold)).probability(daily.X[np.isin(daily.owner, fold)])
        )
    model = _fit(daily, made, wearers)
    return model, model.above(max(0.5, float(held.max(initial=0.0))))


def _fit(daily: Blows, made: tuple[Floats, Flags, NDArray[np.intp]], wearers: NDArray[np.intp]) -> Linear:
    inside = np.isin(daily.owner, wearers)
    truth = np.concatenate((made[1], np.zeros(int(inside.sum()), np.bool_)))
    return regress(np.concatenate((made[0], daily.X[inside])), truth)


def _unseen_synthetic(daily: Blows, made: tuple[Floats, Flags, NDArray[np.intp]], seed: int) -> Floats:
    """What synthetic blows get from a model that has not seen their motion."""
    X, fall, owner = made
    out = np.zeros(len(X))
    everyone = np.arange(len(daily.keys))
    for fold in folds(np.unique(owner), OUTER_FOLDS, seed):
        inside = np.isin(owner, fold)
        out[inside] = _fit(daily, (X[~inside], fall[~inside], owner[~inside]), everyone).probability(X[inside])
    return out


def _others(data_dir: str | Path, progress: Progress | None) -> Blows | None:
    """What it was not trained on: fall sets and the other daily life; None where none of them is there."""
    try:
        return collect(read_motion(data_dir, (*FALL_SETS, "sp_sw_har_watch"), whole=True), progress=progress)
    except DataError:
        return None


def _with_doubt(card: Card, X: Floats, p: Floats, fall: Flags, people: NDArray[np.intp]) -> Card:
    doubt = conformal(np.column_stack((1.0 - p, p)), fall.astype(np.intp), people)
    return replace(card, conformal=doubt, familiar=familiar(X))


def _card(model: Linear, threshold: float, daily: Blows, found: list[Measure], seed: int) -> Card:
    import sklearn

    return Card(
        name=NAME,
        version="1",
        task="Is a blow at the wrist that of a fall?",
        output="one int8 logit; probability = 1 / (1 + exp(-logit))",
        feature_version=FALL_VERSION,
        features=FALL_FEATURES,
        mean=tuple(float(v) for v in model.mean),
        std=tuple(float(v) for v in model.std),
        clip=CLIP,
        classes=("other", "fall"),
        threshold=threshold,
        sources=(
            Source(
                TRAINED_ON,
                "WISDM Smartphone and Smartwatch Activity and Biometrics (Weiss 2019): blows of daily life",
                "CC BY 4.0",
                tuple(key.split("/")[1] for key in daily.keys),
            ),
            Source("synthetic", f"vitals_signal.synthetic.motion, {MOTIONS} falls", "of this project", ()),
        ),
        held_out=(),
        split=(
            f"{OUTER_FOLDS} outer folds by wearer for false alarms of {TRAINED_ON}, {INNER_FOLDS} inner folds for the "
            "threshold; the other sets were not trained on: figures by trial"
        ),
        measures=tuple(found),
        conformal=(),
        familiar=None,
        limits=LIMITS,
        recipe=(
            f"scikit-learn {sklearn.__version__} LogisticRegression, C={_RIDGE}, balanced classes; seed {seed}",
            "threshold: just above the highest score of a blow of daily life out of fold, at least one half",
            "the ridge was known to do well on the fall sets when it was chosen",
        ),
        sha256="",
        size_bytes=0,
    )
