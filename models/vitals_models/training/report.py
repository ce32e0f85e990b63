"""What scoring a model on a folder of data sets gives, whichever model it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals_models.card import Measure

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SubjectScore:
    """The figures of one record, by name."""

    record: str  # "mitdb/203"
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Report:
    """A model's figures on a folder of data sets."""

    model: str
    sha256: str
    runtime: str
    threshold: float
    measures: tuple[Measure, ...]
    subjects: tuple[SubjectScore, ...]
    abstained: int  # windows without a score
