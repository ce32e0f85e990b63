"""Blocks and gaps in, features and events out: all that vitals makes of the streams of one device.

Laws of this file:
1. Live, replay and `vitals analyze` all pass through `Analysis`, and give the same.
2. What a stage makes hangs on one kind of stream, its source (see vitals/stages).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from vitals.stages import STAGES, Derived, Entry, Stage
from vitals.values import Block, Gap, Provenance

if TYPE_CHECKING:
    from vitals_models import Model


class Analysis:
    """The stages of one device; with `source`, only those whose results hang on that kind of stream."""

    def __init__(self, model: Model | None = None, *, source: str | None = None) -> None:
        """`model` is used instead of the shipped one of its name."""
        self._models = {} if model is None else {model.card.name: model}
        self._entries = [entry for entry in STAGES if source in (None, entry.source)]
        self._stages: dict[Entry, Stage] = {}

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of stream that something listens to; others are none of its business."""
        return frozenset(kind for entry in self._entries for kind in entry.kinds)

    def made_by(self, source: str) -> list[Provenance]:
        """Makers of everything that hangs on the stream `source`, whether or not something did. Raises ModelError."""
        return [self._stage(entry).made_by for entry in self._entries if entry.source == source]

    def push(self, item: Block | Gap) -> list[Derived]:
        """One more block or gap; those of one kind in order of time. Raises ModelError."""
        listening = [entry for entry in self._entries if item.kind in entry.kinds]
        return [derived for entry in listening for derived in self._stage(entry).push(item)]

    def end(self) -> list[Derived]:
        """No more data will come."""
        return [derived for stage in self._stages.values() for derived in stage.end()]

    def _stage(self, entry: Entry) -> Stage:
        if entry not in self._stages:
            self._stages[entry] = entry.make(self._models)
        return self._stages[entry]


def analyze(items: Iterable[Block | Gap], model: Model | None = None) -> Iterator[Derived]:
    """The batch twin: everything that `Analysis` makes of a finished recording."""
    analysis = Analysis(model)
    for item in items:
        yield from analysis.push(item)
    yield from analysis.end()
