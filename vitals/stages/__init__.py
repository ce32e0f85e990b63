"""What is computed from streams: one stage per thing, and the table of them.

A new one is a file with a class that satisfies `Stage`, and its line in STAGES. A stage is loaded, with its DSP and its
model, when the first block of a kind comes that it listens to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from vitals.stages.stage import Derived, Stage

if TYPE_CHECKING:
    from vitals_models import Model


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a stage lives, and what it listens to."""

    source: str  # kind of the stream that its results hang on
    module: str
    name: str
    context: tuple[str, ...] = ()  # kinds that it also listens to, where the device has them

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds of stream that it listens to."""
        return (self.source, *self.context)

    def make(self, models: Mapping[str, Model]) -> Stage:
        """A new stage; `models` are taken instead of the shipped ones, by name. Raises ModelError."""
        stage: Stage = getattr(import_module(f"vitals.stages.{self.module}"), self.name)(self.source, models)
        return stage


STAGES: tuple[Entry, ...] = (
    Entry("rr", "variability", "HrvStage"),
    Entry("rr", "rhythm", "RhythmStage"),
    Entry("ppi", "variability", "HrvStage"),
    Entry("ppi", "rhythm", "RhythmStage"),
    Entry("ecg", "quality", "EcgQualityStage"),
    Entry("ecg", "beats", "BeatStage"),
    Entry("acc", "movement", "MovementStage"),
    Entry("acc", "activity", "ActivityStage"),
    Entry("acc", "falls", "FallStage"),
    Entry("ppg", "pulse", "PulseRateStage", context=("acc",)),
    Entry("hr", "rates", "HeartRateStage", context=("acc",)),
    Entry("spo2", "oxygen", "OxygenStage", context=("acc",)),
)
SOURCES: tuple[str, ...] = tuple(
    dict.fromkeys(entry.source for entry in STAGES)
)  # kinds that something is computed from

__all__ = ["Derived", "Entry", "SOURCES", "STAGES", "Stage"]
