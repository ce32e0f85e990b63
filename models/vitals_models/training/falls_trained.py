"""Training of `falls-trained`: the model of `falls` with falls of people in its training, for a user who has the data.

It does not ship: the fall sets grant no redistribution. Its card says how well a model of one set does on the other, at
a threshold from the first: that, not a figure within a set, is what a new wearer with another watch may expect.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_models.card import Card, Measure, Source
from vitals_models.datasets.motion import read_motion
from vitals_models.training.fall_blows import FALL_SETS, Blows, collect, figures
from vitals_models.training.falls import INNER_FOLDS, LIMITS, TRAINED_ON, Linear, evaluate, folds, regress
from vitals_models.training.report import Progress
from vitals_models.training.shipping import conformal, familiar, ship
from vitals_signal.acc.fall_detection import FALL_FEATURES, FALL_VERSION

Floats = NDArray[np.float64]

__all__ = ["NAME", "evaluate", "train"]

NAME: Final = "falls-trained"
SENSITIVITY: Final = 0.9  # of trials with a fall, out of fold, at the threshold
_TITLES: Final = {
    "weda_fall": ("WEDA-FALL (Marques & Moreno 2022), Fitbit Sense", "none stated"),
    "umafall_wrist": ("UMAFall (Casilari 2017), SensorTag at the wrist", "CC BY 4.0 on figshare, not confirmed"),
    TRAINED_ON: ("WISDM Smartphone and Smartwatch Activity and Biometrics (Weiss 2019)", "CC BY 4.0"),
}


def train(
    data_dir: str | Path,
    out_dir: str | Path,
    *,
    seed: int = 0,
    subjects: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Card:
    """Train on the fall sets and the daily life in `data_dir`, and write falls-trained.tflite and .json.

    The same data and seed give the same bytes. Raises DataError; ValueError where a set has no falls.
    """
    blows = collect(read_motion(data_dir, (*FALL_SETS, TRAINED_ON), subjects), progress=progress)
    found: list[Measure] = []
    for dataset in FALL_SETS:
        other = next(one for one in FALL_SETS if one != dataset)
        own, beside = _wearers(blows, dataset), _wearers(blows, other)
        if len(own) < INNER_FOLDS or not len(beside):
            continue
        model, threshold, _ = _fitted(blows, own, seed)
        part = _only(blows, np.concatenate((beside, _wearers(blows, TRAINED_ON))))
        suffix = f"_trained_on_{dataset}"
        found += figures(part, model.probability(part.X), threshold, suffix=suffix, seed=seed)
    everyone = np.arange(len(blows.keys))
    model, threshold, p = _fitted(blows, everyone, seed)
    card = _card(model, threshold, blows, tuple(found), seed)
    truth = blows.fall[blows.trial]
    doubt = conformal(np.column_stack((1.0 - p, p)), truth.astype(np.intp), blows.owner)
    return ship(replace(card, conformal=doubt, familiar=familiar(blows.X)), model.network, out_dir)


def _wearers(blows: Blows, dataset: str) -> NDArray[np.intp]:
    return np.array([i for i, key in enumerate(blows.keys) if key.startswith(f"{dataset}/")], dtype=np.intp)


def _only(blows: Blows, wearers: NDArray[np.intp]) -> Blows:
    """The blows and trials of these wearers."""
    kept = np.flatnonzero(np.isin(blows.wearer, wearers))
    inside = np.isin(blows.trial, kept)
    return Blows(
        blows.X[inside], blows.time_s[inside], np.searchsorted(kept, blows.trial[inside]), blows.wearer[kept],
        blows.fall[kept], blows.seconds[kept], blows.keys, blows.abstained,
    )  # fmt: skip


def _fitted(blows: Blows, wearers: NDArray[np.intp], seed: int) -> tuple[Linear, float, Floats]:
    """The model of these wearers, the threshold that finds `SENSITIVITY` of their falls, and unseen scores (B,)."""
    chosen = _largest(blows)
    p = np.zeros(len(blows.X))
    for fold in folds(wearers, INNER_FOLDS, seed):
        inside = np.isin(blows.owner, np.setdiff1d(wearers, fold)) & chosen
        held = np.isin(blows.owner, fold)
        p[held] = regress(blows.X[inside], blows.fall[blows.trial[inside]]).probability(blows.X[held])
    inside = np.isin(blows.owner, wearers) & chosen
    model = regress(blows.X[inside], blows.fall[blows.trial[inside]])
    best = np.full(len(blows.fall), -1.0)
    np.maximum.at(best, blows.trial, p)
    falls = np.sort(best[blows.fall & np.isin(blows.wearer, wearers)])
    level = float(falls[int((1.0 - SENSITIVITY) * len(falls))])
    return model, model.above(min(max(level - 1e-3, 0.01), 0.99)), p


def _largest(blows: Blows) -> NDArray[np.bool_]:
    """(B,) blows to learn from: all of daily life, and of a fall the hardest one."""
    peak = blows.X[:, FALL_FEATURES.index("peak_g")]
    best = np.full(len(blows.fall), -np.inf)
    np.maximum.at(best, blows.trial, peak)
    return np.asarray(~blows.fall[blows.trial] | (peak >= best[blows.trial]), dtype=np.bool_)


def _card(model: Linear, threshold: float, blows: Blows, found: tuple[Measure, ...], seed: int) -> Card:
    import sklearn

    sources = []
    for dataset in (*FALL_SETS, TRAINED_ON):
        names = tuple(blows.keys[w].split("/")[1] for w in _wearers(blows, dataset))
        if names:
            sources.append(Source(dataset, *_TITLES[dataset], names))
    return Card(
        name=NAME,
        version="1",
        task="Is a blow at the wrist that of a fall?",
        output="one int8 logit; probability = 1 / (1 + exp(-logit))",
        feature_version=FALL_VERSION,
        features=FALL_FEATURES,
        mean=tuple(float(v) for v in model.mean),
        std=tuple(float(v) for v in model.std),
        clip=4.0,
        classes=("other", "fall"),
        threshold=threshold,
        sources=tuple(sources),
        held_out=(),
        split="trained on one fall set, scored on the other and on wisdm51_watch_acc, none of it seen; the file on all",
        measures=found,
        conformal=(),
        familiar=None,
        limits=("For the one who trained it: the fall sets grant no redistribution.", *LIMITS[2:]),
        recipe=(
            f"scikit-learn {sklearn.__version__} LogisticRegression, balanced classes, as falls; seed {seed}",
            f"threshold: {SENSITIVITY:.0%} of falls found out of fold",
        ),
        sha256="",
        size_bytes=0,
    )
