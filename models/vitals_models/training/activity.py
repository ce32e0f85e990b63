"""Training and scoring of `activity`: four small nets whose logits are averaged, written as one wide layer.

Laws
1. Wearers of a test fold decide neither weights nor temperature. Features, width, ridge and length of the window were
   chosen while looking at the same wearers (the card says so).
2. The mean of the logits of nets with one hidden layer is one net with their hidden layers side by side: an ensemble
   costs no more than a wide net and varies less with the seed.
3. A window weighs by the square root of how rare its group is: between the frequencies of the set and equal ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_models.activity import ACTIVITY_FEATURES, ACTIVITY_VERSION, GROUPS, HOP_S, STAY, TEMPER, WINDOW_S
from vitals_models.card import Card, Measure, Source
from vitals_models.datasets.motion import read_motion
from vitals_models.errors import DataError
from vitals_models.evaluator import Evaluator
from vitals_models.loading import Model
from vitals_models.network import Network
from vitals_models.tflite_write import Dense, quantise
from vitals_models.training.activity_windows import ActivityWindows, collect, confusion, f1_by_group, figures, filtered
from vitals_models.training.report import Progress, Report, SubjectScore
from vitals_models.training.shipping import conformal, familiar, ship

Floats = NDArray[np.float64]

NAME: Final = "activity"
TRAINED_ON: Final = "wisdm51_watch_acc"
DATASETS: Final = (TRAINED_ON, "sp_sw_har_watch")
CLIP: Final = 4.0
OUTER_FOLDS, INNER_FOLDS = 6, 3
OTHER_SEEDS: Final = (1, 2)
_NETS, _HIDDEN, _RIDGE, _EPOCHS = 4, 24, 1.0, 25
LIMITS: Final = (
    "Not a medical device; context for other measures, not a measurement of activity.",
    "Twelve students in a laboratory taught it; daily life, other ages, wheelchairs and walking aids are unknown.",
    "Stairs are told from walking by the wrist alone: a fifth of their windows are called walking or hands, and a "
    "tenth of walking is called stairs.",
    "Walking a few metres, turning and walking back (sp_sw_har_watch, another watch) is called walking in a third of "
    "the windows only; the others are called stairs or hands.",
    "A quarter of sitting and standing is called hands, of restless people nearly all; lying was not in the training.",
    "Three features suppose the axes of Android and Apple watches (z out of the face).",
    "Features, window, width, ridge and epochs were chosen while looking at the same wearers; only others can confirm "
    "the figures.",
    "Figures named _filtered follow the probabilities over time; each activity lasted three minutes there, longer than "
    "many do in life.",
    "Probabilities assume the frequencies of the training set, where seven windows in ten are hands.",
)


@dataclass(frozen=True, slots=True, eq=False)
class _Net:
    mean: Floats
    std: Floats
    layers: tuple[Dense, Dense]
    network: Network

    def standardised(self, X: Floats) -> Floats:
        return np.clip((X - self.mean) / self.std, -CLIP, CLIP)

    def logits(self, X: Floats) -> Floats:
        hidden = np.maximum(self.standardised(X) @ self.layers[0].weights.T + self.layers[0].bias, 0.0)
        return np.asarray(hidden @ self.layers[1].weights.T + self.layers[1].bias, dtype=np.float64)

    def int8_logits(self, X: Floats) -> Floats:
        source, target = self.network.source, self.network.target
        q = np.clip(np.rint(self.standardised(X) / source.scale) + source.zero, -128, 127).astype(np.int8)
        return (Evaluator(self.network).run(q).astype(np.float64) - target.zero) * target.scale


def train(
    data_dir: str | Path,
    out_dir: str | Path,
    *,
    seed: int = 0,
    subjects: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Card:
    """Train on wisdm51_watch_acc, cross-validate by wearer, quantise and write activity.tflite and .json.

    The same data and seed give the same bytes. Raises DataError; ValueError for less than six wearers or where a group
    is missing.
    """
    windows = collect(read_motion(data_dir, (TRAINED_ON,), subjects), progress=progress)
    if len(windows.keys) < OUTER_FOLDS:
        raise ValueError(f"training needs {OUTER_FOLDS} wearers or more, got {len(windows.keys)}")
    real, stored = _cross_validate(windows, seed, progress)
    p = _softmax(stored)
    measures = figures(windows, p, seed=seed) + figures(windows, filtered(windows, p), suffix="_filtered", seed=seed)
    count, size = len(windows.keys), len(windows.y)
    agree = round(float(np.mean(real.argmax(axis=1) == stored.argmax(axis=1))), 6)
    measures += (Measure(TRAINED_ON, "int8_label_agreement", agree, None, None, count, size),)
    measures += (_plain("macro_f1_float", _macro(windows, real), windows),)
    for other in OTHER_SEEDS:
        again = _softmax(_cross_validate(windows, seed + other, progress)[1])
        measures += (_plain(f"macro_f1_seed_{seed + other}", _macro(windows, again), windows),)
        smooth = _macro(windows, filtered(windows, again))
        measures += (_plain(f"macro_f1_filtered_seed_{seed + other}", smooth, windows),)
    net = _fit(windows, np.arange(count), seed)
    measures += _external(net, data_dir, seed)
    return ship(_card(windows, net, p, measures, seed), net.network, out_dir)


def evaluate(
    model: Model, data_dir: str | Path, *, subjects: Collection[str] | None = None, progress: Progress | None = None
) -> Report:
    """Score a model on any wearers in the layout of wisdm51_watch_acc or sp_sw_har_watch, window by window and
    filtered.

    Raises DataError; ValueError where the model was trained on other features.
    """
    if model.card.feature_version != ACTIVITY_VERSION:
        raise ValueError(f"{model.card.name} takes features {model.card.feature_version}; this is {ACTIVITY_VERSION}")
    windows = collect(read_motion(data_dir, DATASETS, subjects), progress=progress)
    p = model.predict_proba(windows.X)
    counts = confusion(windows, p)
    rows = []
    for number, key in enumerate(windows.keys):
        own = {
            f"f1_{group}": round(float(f1), 4) for group, f1 in zip(GROUPS, f1_by_group(counts[number]), strict=True)
        }
        rows.append(
            SubjectScore(key, {"windows": int(counts[number].sum()), **{k: v for k, v in own.items() if v == v}})
        )
    found = figures(windows, p) + figures(windows, filtered(windows, p), suffix="_filtered")
    return Report(
        model.card.name, model.card.sha256, model.runtime.name, model.threshold, found, tuple(rows), windows.abstained
    )


def _external(net: _Net, data_dir: str | Path, seed: int) -> tuple[Measure, ...]:
    """Figures on the other set, of which nothing was trained on; none where it is not there."""
    try:
        windows = collect(read_motion(data_dir, DATASETS[1:]))
    except DataError:
        return ()
    return figures(windows, _softmax(net.int8_logits(windows.X)), seed=seed)


def _plain(name: str, value: float, windows: ActivityWindows) -> Measure:
    return Measure(TRAINED_ON, name, round(value, 5), None, None, len(windows.keys), len(windows.y))


def _macro(windows: ActivityWindows, p: Floats) -> float:
    return float(np.nanmean(f1_by_group(confusion(windows, p).sum(axis=0))))


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def _folds(wearers: NDArray[np.intp], count: int, seed: int) -> list[NDArray[np.intp]]:
    dealt = np.random.default_rng(seed).permutation(wearers)
    return [np.sort(dealt[k::count]) for k in range(count)]


def _cross_validate(windows: ActivityWindows, seed: int, progress: Progress | None) -> tuple[Floats, Floats]:
    """Logits of every window by nets that have not seen its wearer, (W, K): as float and as int8."""
    everyone = np.arange(len(windows.keys))
    real, stored = (np.zeros((len(windows.y), len(GROUPS))) for _ in range(2))
    for number, fold in enumerate(_folds(everyone, OUTER_FOLDS, seed), 1):
        net = _fit(windows, np.setdiff1d(everyone, fold), seed)
        mask = windows.of(fold)
        real[mask], stored[mask] = net.logits(windows.X[mask]), net.int8_logits(windows.X[mask])
        if progress:
            progress(f"seed {seed}, fold {number} of {OUTER_FOLDS}: {len(fold)} wearers scored")
    return real, stored


def _fit(windows: ActivityWindows, wearers: NDArray[np.intp], seed: int) -> _Net:
    """Weights from all these wearers; the temperature from nets of inner folds on those that they have not seen."""
    held, truth = [], []
    for fold in _folds(wearers, INNER_FOLDS, seed):
        mean, std, layers = _regress(windows, np.setdiff1d(wearers, fold), seed)
        mask = windows.of(fold)
        z = np.clip((windows.X[mask] - mean) / std, -CLIP, CLIP)
        held.append(np.maximum(z @ layers[0].weights.T + layers[0].bias, 0.0) @ layers[1].weights.T + layers[1].bias)
        truth.append(windows.y[mask])
    sharpness = _sharpness(np.concatenate(held), np.concatenate(truth))
    mean, std, (first, last) = _regress(windows, wearers, seed)
    layers = (first, Dense(last.weights * sharpness, last.bias * sharpness))
    z = np.clip((windows.X[windows.of(wearers)] - mean) / std, -CLIP, CLIP)
    return _Net(mean, std, layers, quantise(layers, z, clip=CLIP))


def _sharpness(logits: Floats, y: NDArray[np.intp]) -> float:
    """The factor of the logits with the least cross-entropy (Guo et al. 2017, temperature scaling)."""
    grid = np.geomspace(0.2, 2.0, 47)
    loss = [-np.log(_softmax(logits * one)[np.arange(len(y)), y] + 1e-12).mean() for one in grid]
    return float(grid[int(np.argmin(loss))])


def _regress(
    windows: ActivityWindows, wearers: NDArray[np.intp], seed: int
) -> tuple[Floats, Floats, tuple[Dense, Dense]]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    inside = windows.of(wearers)
    X, y = windows.X[inside], windows.y[inside]
    size = np.bincount(y, minlength=len(GROUPS))
    if not size.all():
        raise ValueError(f"training needs windows of all groups; none of {GROUPS[int(np.argmin(size))]} is there")
    mean, std = X.mean(axis=0), X.std(axis=0) + 1e-9
    z = np.clip((X - mean) / std, -CLIP, CLIP)
    weight = np.sqrt(len(y) / len(GROUPS) / size)[y]
    nets = []
    for number in range(_NETS):
        net = MLPClassifier(
            (_HIDDEN,), alpha=_RIDGE, max_iter=_EPOCHS, batch_size=128, learning_rate_init=2e-3, tol=0.0,
            n_iter_no_change=_EPOCHS + 1, random_state=1000 * seed + number,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it stops after _EPOCHS on purpose
            nets.append(net.fit(z, y, sample_weight=weight))
    first = Dense(
        np.concatenate([net.coefs_[0].T for net in nets]), np.concatenate([net.intercepts_[0] for net in nets]), True
    )
    last = Dense(
        np.concatenate([net.coefs_[1].T for net in nets], axis=1) / _NETS,
        np.mean([net.intercepts_[1] for net in nets], axis=0),
    )
    return mean, std, (first, last)


def _card(windows: ActivityWindows, net: _Net, p: Floats, measures: tuple[Measure, ...], seed: int) -> Card:
    import sklearn

    return Card(
        name=NAME,
        version="1",
        task="Does the wearer walk, jog, climb stairs, keep still or work with the hands (10 s at the wrist)?",
        output="five int8 logits; probabilities by softmax",
        feature_version=ACTIVITY_VERSION,
        features=ACTIVITY_FEATURES,
        mean=tuple(float(v) for v in net.mean),
        std=tuple(float(v) for v in net.std),
        clip=CLIP,
        classes=GROUPS,
        threshold=0.5,
        sources=(
            Source(
                TRAINED_ON,
                "WISDM Smartphone and Smartwatch Activity and Biometrics (Weiss 2019), LG G Watch",
                "CC BY 4.0",
                tuple(key.split("/")[1] for key in windows.keys),
            ),
        ),
        held_out=(),
        split=(
            f"{OUTER_FOLDS} outer folds by wearer, {INNER_FOLDS} inner folds for the temperature; windows of "
            f"{WINDOW_S:g} s every {HOP_S:g} s; hands: everything but walking, jogging, stairs, sitting and standing"
        ),
        measures=measures,
        conformal=conformal(p, windows.y, windows.wearer),
        familiar=familiar(windows.X),
        limits=LIMITS,
        recipe=(
            f"scikit-learn {sklearn.__version__} MLPClassifier, {_NETS} nets of {_HIDDEN} hidden units side by side, "
            f"alpha {_RIDGE:g}, {_EPOCHS} epochs of Adam, weights by the root of how rare a group is; seed {seed}",
            f"filter: stays with probability {STAY} per window, likelihoods to the power {TEMPER}; not fitted",
            "int8: symmetric weights, features standardised outside and cut at +-4",
            "record to beat: macro-F1 0.839 of a DS-CNN on 8 other wearers, 15 in training, 6.4 s, one seed",
        ),
        sha256="",
        size_bytes=0,
    )
