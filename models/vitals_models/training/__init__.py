"""Training and evaluation, reproducible from a seed (train extra: scikit-learn, wfdb, ai-edge-litert).

`vitals models train NAME --data DIR` and `vitals models evaluate NAME --data DIR`. A recipe is a module of this package
with the functions `train` and `evaluate` below; RECIPES says which serves which model.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from vitals_models.card import Card
from vitals_models.errors import ModelNotFound
from vitals_models.loading import load
from vitals_models.training.report import Progress, Report, SubjectScore

RECIPES: Final = {
    "activity": "activity",
    "beats": "beats",
    "falls": "falls",
    "falls-trained": "falls_trained",
    "irregular-rhythm": "irregular_rhythm",
    "sleep": "sleep",
}

__all__ = ["RECIPES", "Report", "SubjectScore", "evaluate", "train"]


def train(
    name: str,
    data_dir: str | Path,
    out_dir: str | Path,
    *,
    seed: int = 0,
    subjects: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Card:
    """Train a model, score it on people it has not seen, and write its file and card into `out_dir`.

    `data_dir` holds the data sets by folder name; `subjects`: only these ("203" or "mitdb/203"). The same data and seed
    give the same bytes. Raises ModelNotFound for a name without a recipe, DataError, ValueError where a class is
    missing.
    """
    made: Card = _recipe(name).train(data_dir, out_dir, seed=seed, subjects=subjects, progress=progress)
    return made


def evaluate(
    name_or_path: str | Path,
    data_dir: str | Path,
    *,
    subjects: Collection[str] | None = None,
    runtime: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Score a model, shipped or in a file, on any subjects in the layout of its data sets.

    Raises ModelError, DataError; ValueError where the model was trained on other features.
    """
    model = load(name_or_path, runtime=runtime)
    report: Report = _recipe(model.card.name).evaluate(model, data_dir, subjects=subjects, progress=progress)
    return report


def _recipe(name: str) -> Any:
    if name not in RECIPES:
        raise ModelNotFound(f"there is no recipe for {name!r}; there are: {', '.join(RECIPES)}")
    return import_module(f"vitals_models.training.{RECIPES[name]}")
