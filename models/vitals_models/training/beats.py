"""Training and scoring of `beats`: the class of a heartbeat (EC57: N, S, V, F; Q where it is not scored).

The figures of the card are those of models that have not seen the person: every person is left out once, and the
operating point of each such model comes from leaving out each of the others in turn.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_models.beat_classes import beat_classes
from vitals_models.card import Card, Measure, Source
from vitals_models.datasets import read_ecg
from vitals_models.loading import Model
from vitals_models.training import beat_scores
from vitals_models.training.beat_fitting import CLIP, SVEB, VEB, Fitted, fit, folds, scored
from vitals_models.training.beat_rows import UNCLASSIFIED, BeatRows, collect
from vitals_models.training.report import Progress, Report, SubjectScore
from vitals_models.training.scores import auroc
from vitals_models.training.shipping import conformal, familiar, ship
from vitals_signal.ecg.ec57_report import CLASSES, Ec57Report, RecordReport, beat_labels, compare_beats
from vitals_signal.ecg.morphology import BEAT_VERSION

NAME = "beats"
FEATURES: Final = (
    "lasting_log_distance",
    "early_slow",
    "p_missing",
    "qrs_absolute_area",
    "p_amplitude",
    "prev_to_long",
    "t_max",
    "qrs_max",
    "early_local",
    "t_mean",
    "around_to_local",
    "steepest_up",
    "t_min",
)
THRESHOLD = 0.3
LIMITS = (
    "Not a medical device; a class is a reason to look, not a diagnosis.",
    "Twenty-one people taught it; nine of ten S beats come from seven of them, nine of ten F beats from one.",
    "In atrial fibrillation early beats are often called S; aberrant beats are called V.",
    "F (fusion) is rarely found in another person: its figures say so.",
    "The first beats of a stream, and beats at gaps, are not scored.",
    "Paced rhythm is left out by convention (EC57); nothing tells that a beat is paced.",
    "Features, ridge and weights were chosen while looking at the same people; only others can confirm the figures.",
    "Probabilities hold the operating point and equal shares of N, S and V; they are not those of a day of one person.",
    "MIT-BIH 201 and 202 are the same person: figures on 202 are not figures on an unseen person.",
)
Indices = NDArray[np.intp]


def train(
    data_dir: str | Path,
    out_dir: str | Path,
    *,
    seed: int = 0,
    subjects: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Card:
    """Train on `data_dir`/mitdb, leave every person out once, quantise, and write beats.tflite and .json.

    The same data and seed give the same bytes. Raises DataError, or ValueError where a class is missing.
    """
    rows = collect(read_ecg(data_dir, subjects), FEATURES, progress=progress)
    everyone = np.arange(len(rows.keys))
    people = len(set(rows.persons))
    real, stored = np.full((len(rows.y), 4), np.nan), np.full((len(rows.y), 4), np.nan)
    for number, fold in enumerate(folds(rows, everyone, people, seed), 1):
        fitted = fit(rows, np.setdiff1d(everyone, fold), seed=seed)
        mask = rows.known & np.isin(rows.record, fold)
        real[mask], stored[mask] = fitted.real_logits(rows.X[mask]), fitted.int8_logits(rows.X[mask])
        if progress:
            progress(f"person {number} of {people} left out")
    fitted = fit(rows, everyone, seed=seed)
    return ship(_card(rows, fitted, real, stored, seed), fitted.network, out_dir)


def evaluate(
    model: Model,
    data_dir: str | Path,
    *,
    subjects: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Score a model on any records in the layout of mitdb: at annotated beats ("annotated", every beat counts), and
    through the live detector ("detected", EC57 pairs, after the learning time of 5 min).

    Raises DataError; ValueError where the model was trained on other features.
    """
    if model.card.feature_version != BEAT_VERSION:
        raise ValueError(f"{model.card.name} takes features {model.card.feature_version}; this is {BEAT_VERSION}")
    found: list[Measure] = []
    lines: dict[str, dict[str, float]] = {}
    abstained = 0
    for name, detected in (("annotated", False), ("detected", True)):
        rows = collect(read_ecg(data_dir, subjects), model.card.features, detected=detected)
        called = beat_classes(model.predict_proba(rows.X), model.threshold)
        abstained += int(np.count_nonzero(called == UNCLASSIFIED))
        reports = _paired(rows, called) if detected else _given(rows, called)
        if progress:
            progress(f"{name}\n{Ec57Report(tuple(reports))}")
        found += beat_scores.measures(name, reports, rows.persons, seed=0)
        for key, one in zip(rows.keys, reports, strict=True):
            for figure in ("sveb_sensitivity", "sveb_positive_predictivity", "veb_sensitivity"):
                lines.setdefault(key, {})[f"{name}_{figure}"] = getattr(one, figure)
            lines[key][f"{name}_veb_positive_predictivity"] = one.veb_positive_predictivity
            lines[key][f"{name}_macro_f1"] = beat_scores.macro_f1(one)
    scores = tuple(SubjectScore(key, {k: v for k, v in line.items() if v == v}) for key, line in lines.items())
    return Report(
        model.card.name, model.card.sha256, model.runtime.name, model.threshold, tuple(found), scores, abstained
    )


def _given(rows: BeatRows, called: Indices) -> list[RecordReport]:
    own = [rows.record == r for r in range(len(rows.keys))]
    return [beat_scores.confusion(key, rows.y[one], called[one]) for key, one in zip(rows.keys, own, strict=True)]


def _paired(rows: BeatRows, called: Indices) -> list[RecordReport]:
    reports = []
    for r, key in enumerate(rows.keys):
        own = rows.record == r
        ours = beat_labels(rows.sample[own], [CLASSES[k] for k in called[own]])
        reports.append(compare_beats(key, rows.references[r], ours, rows.fs[r]))
    return reports


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _card(rows: BeatRows, fitted: Fitted, real: NDArray[np.float64], stored: NDArray[np.float64], seed: int) -> Card:
    import sklearn

    inside = scored(rows, np.arange(len(rows.keys)))
    y, p, q = rows.y[inside], _softmax(stored[inside]), _softmax(real[inside])
    out_of_fold = beat_scores.measures(
        "mitdb", _given(rows, beat_classes(_softmax(stored), THRESHOLD)), rows.persons, seed=seed
    )
    agree = float(np.mean(beat_classes(p, THRESHOLD) == beat_classes(q, THRESHOLD)))
    lost = max(auroc(q[:, k], y == k) - auroc(p[:, k], y == k) for k in (1, 2))
    people = len(set(rows.persons))
    quantised = (
        Measure("mitdb", "int8_label_agreement", round(agree, 6), None, None, people, len(y)),
        Measure("mitdb", "int8_auroc_loss", round(lost, 6), None, None, people, len(y)),
    )
    offsets = ", ".join(f"{name} {offset:+.2f}" for name, offset in zip("NSVF", fitted.offsets, strict=True))
    return Card(
        name=NAME,
        version="1",
        task="Which class of heartbeat (ANSI/AAMI EC57) is this beat of a single-lead ECG?",
        output="four int8 logits (N, S, V, F); probabilities are their softmax",
        feature_version=BEAT_VERSION,
        features=FEATURES,
        mean=tuple(float(v) for v in fitted.mean),
        std=tuple(float(v) for v in fitted.std),
        clip=CLIP,
        classes=("N", "S", "V", "F"),
        threshold=THRESHOLD,
        sources=(
            Source(
                "mitdb",
                "MIT-BIH Arrhythmia Database (Moody & Mark 2001), lead MLII",
                "ODC-By 1.0",
                tuple(key.split("/")[1] for key in rows.keys),
            ),
        ),
        held_out=(),
        split=f"every person left out once ({people}); each of the others in turn for the operating point",
        measures=out_of_fold + quantised,
        conformal=conformal(p, y, rows.record[inside]),
        familiar=familiar(rows.X[inside]),
        limits=LIMITS,
        recipe=(
            f"scikit-learn {sklearn.__version__} LogisticRegression (softmax), one normal beat in five, seed {seed}",
            "weights: cube root of the beats of a record within its class; N, S, V alike, F a fifth",
            f"operating point: best mean PPV at gross sensitivity {SVEB} of S, {VEB} of V; offsets {offsets}",
            "int8: symmetric weights, features standardised outside and cut at +-4",
        ),
        sha256="",
        size_bytes=0,
    )
