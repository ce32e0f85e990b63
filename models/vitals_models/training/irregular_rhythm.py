"""Training and scoring of `irregular-rhythm`, from the folder of data sets to the shipped file and its card."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np

from vitals_models.card import Card, Measure, Source
from vitals_models.datasets import DATASETS, NEVER_TRAINED_ON, Recording, present, read
from vitals_models.loading import Model
from vitals_models.training.fitting import CLIP, INNER_FOLDS, THRESHOLD, Fitted, fit
from vitals_models.training.report import Progress, Report, SubjectScore
from vitals_models.training.shipping import conformal, familiar, ship
from vitals_models.training.validation import OUTER_FOLDS, CrossValidation, by_dataset, cross_validate
from vitals_models.training.windows import HOP, Windows, collect
from vitals_signal.rr.rhythm import RHYTHM_FEATURES, RHYTHM_VERSION, WINDOW

NAME = "irregular-rhythm"
HELD_OUT = ("mitdb/101", "mitdb/203")  # they judge the whole path, from the watch to the event
TITLES = {
    "afdb_rr": "MIT-BIH Atrial Fibrillation Database (Moody & Mark 1983), beats and rhythm marks",
    "nsr2db": "Normal Sinus Rhythm RR Interval Database (PhysioNet)",
    "chf2db": "Congestive Heart Failure RR Interval Database (PhysioNet)",
    "mitdb": "MIT-BIH Arrhythmia Database (Moody & Mark 2001)",
    "cinc2017": "PhysioNet/CinC Challenge 2017, AliveCor ECG (Clifford et al. 2017), beats of our own detector",
    "cpsc2021_sample": "CPSC 2021, wearable Holter (Wang et al. 2021), beats and rhythm marks",
}
LICENCES = {"cpsc2021_sample": "CC BY 4.0"}
LIMITS = (
    "Not a medical device; a flag is a reason to look, not a diagnosis.",
    "Long recordings with fibrillation are of seven people; the others gave at most a minute each (cinc2017).",
    "Trained mostly on intervals between annotated beats; missed or invented beats of a detector look irregular.",
    "Frequent multiform ectopy (MIT-BIH 106, 201, 208) is flagged in up to every other window; so may be atrial "
    "flutter with varying block and multifocal tachycardia.",
    "A window holds 64 intervals: episodes shorter than about half of that are not found.",
    "Heart-failure recordings may hold unmarked fibrillation; they count as without.",
    "Features, ridge and operating point were chosen while looking at the same people; only others can confirm them.",
    "Seven mixes of sets and ridges, two caps and several thresholds were tried on the outer folds; other seeds of the "
    "recipe that was kept gave sensitivities of .946 and .958 on AFDB.",
    "MIT-BIH 201 and 202 are the same person: figures on 202 are not figures on an unseen person.",
    "Figures pool the windows of all people of a set; agreement and loss of int8 are those of the models of the folds.",
    "Probabilities assume that half of the windows are fibrillation.",
)


def train(
    data_dir: str | Path,
    out_dir: str | Path,
    *,
    seed: int = 0,
    exclude: Collection[str] = HELD_OUT,
    subjects: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Card:
    """Train, cross-validate, quantise and write irregular-rhythm.tflite and .json into `out_dir`.

    `data_dir`: the folder that holds the sets by name; `exclude`: keys never touched ("mitdb/203"); `subjects`: only
    these. The same data and seed give the same bytes. Raises DataError, or ValueError where a class is missing.
    """
    used = (r for r in read(data_dir, DATASETS, subjects) if r.key not in set(exclude))
    windows = collect(_long_enough(used), progress=progress)
    checked = cross_validate(windows, seed=seed, progress=progress)
    fitted = fit(windows, np.arange(len(windows.keys)), seed=seed)
    return ship(_card(windows, fitted, checked, seed, tuple(sorted(exclude))), fitted.network, out_dir)


def evaluate(
    model: Model,
    data_dir: str | Path,
    *,
    datasets: Collection[str] | None = None,
    subjects: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Score a model on any subjects in the layout of `datasets` (None: those that lie there), at its card's threshold.

    Recordings without a whole window are passed over. Raises DataError; ValueError where the model was trained on other
    features.
    """
    if model.card.feature_version != RHYTHM_VERSION:
        raise ValueError(f"{model.card.name} takes features {model.card.feature_version}; this is {RHYTHM_VERSION}")
    if datasets is None:
        datasets = present(data_dir, (*DATASETS, *NEVER_TRAINED_ON)) or DATASETS
    windows = collect(_long_enough(read(data_dir, datasets, subjects)), progress=progress)
    score = model.predict_proba(windows.X)
    called = score >= model.threshold
    rows = []
    for number, key in enumerate(windows.keys):
        own = windows.record == number
        flags, truth = called[own], windows.y[own]
        counts = {"positive": truth, "found": flags & truth, "negative": ~truth, "false": flags & ~truth}
        rows.append(SubjectScore(key, {name: int(np.count_nonzero(one)) for name, one in counts.items()}))
    figures = by_dataset(windows, score, model.threshold, seed=0)
    return Report(
        model.card.name, model.card.sha256, model.runtime.name, model.threshold, figures, tuple(rows), windows.abstained
    )


def _long_enough(recordings: Iterable[Recording]) -> Iterator[Recording]:
    return (one for one in recordings if len(one.rr_ms) >= WINDOW)


def _card(windows: Windows, fitted: Fitted, checked: CrossValidation, seed: int, held_out: tuple[str, ...]) -> Card:
    import sklearn

    sources = []
    for dataset in dict.fromkeys(windows.datasets):
        records = tuple(k.split("/")[1] for k in windows.keys if k.startswith(f"{dataset}/"))
        sources.append(Source(dataset, TITLES[dataset], LICENCES.get(dataset, "ODC-By 1.0"), records))
    count = len(windows.keys)
    quantised = (
        Measure("all", "int8_label_agreement", checked.label_agreement, None, None, count, len(windows.y)),
        Measure("all", "int8_auroc_loss", checked.auroc_loss, None, None, count, len(windows.y)),
    )
    return Card(
        name=NAME,
        version="2",
        task="Is the rhythm of 64 successive RR intervals irregular as in atrial fibrillation?",
        output="one int8 logit; probability = 1 / (1 + exp(-logit))",
        feature_version=RHYTHM_VERSION,
        features=RHYTHM_FEATURES,
        mean=tuple(float(v) for v in fitted.mean),
        std=tuple(float(v) for v in fitted.std),
        clip=CLIP,
        classes=("regular", "irregular"),
        threshold=float(1.0 / (1.0 + np.exp(-fitted.logit))),
        sources=tuple(sources),
        held_out=held_out,
        split=(
            f"{OUTER_FOLDS} outer folds by person, {INNER_FOLDS} inner folds for calibration; "
            f"a window is 64 intervals, every {HOP} intervals, positive where half of it is fibrillation"
        ),
        measures=checked.measures + quantised,
        conformal=conformal(checked.probabilities, windows.y.astype(np.intp), windows.record),
        familiar=familiar(windows.X, windows.y.astype(np.intp)),
        limits=LIMITS,
        recipe=(
            f"scikit-learn {sklearn.__version__} LogisticRegression, C=1, weights by record within class, sum one",
            f"calibrated on people not in the fit; threshold: probability {THRESHOLD}; seed {seed}",
            "int8: symmetric weights, features standardised outside and cut at +-4, logits -8 to 8",
        ),
        sha256="",
        size_bytes=0,
    )
