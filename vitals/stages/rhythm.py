"""Irregular rhythm: windows of 64 intervals -> features -> probability -> episodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from vitals.events import EpisodeRule, EpisodeTracker
from vitals.stages.intervals import Intervals, interval_params
from vitals.stages.stage import Derived, model_named
from vitals.values import Block, Features, Gap, Provenance, Score

if TYPE_CHECKING:
    from vitals_models import Model

MODEL: Final = "irregular-rhythm"
HOP: Final = 16  # intervals from one window of 64 to the next


class RhythmStage:
    """The model's opinion of each window, and the episodes that last."""

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        import vitals_signal as dsp

        self._model = model_named(MODEL, models)
        rule = EpisodeRule(threshold=self._model.threshold)
        self.made_by = Provenance(
            algorithm=MODEL,
            version=dsp.RHYTHM_VERSION,
            params={"hop": HOP, **rule.params(), **interval_params(source)},
            model_sha256=self._model.card.sha256,
        )
        self._source = source
        self._intervals = Intervals()
        self._windows = dsp.RhythmStream(HOP)
        self._episodes = EpisodeTracker("irregular_rhythm", source, rule, self.made_by)

    def push(self, item: Block | Gap) -> Iterator[Derived]:
        if isinstance(item, Gap):
            self._windows.gap()
            yield from self._episodes.gap(item.start_us, item.end_us)
            return
        times, rr_ms = self._intervals.take(item)
        windows = self._windows.update(times, rr_ms) if len(times) else []
        if not windows:
            return
        probabilities = self._model.predict_proba(np.array([list(w.values.values()) for w in windows]))
        for window, p in zip(windows, probabilities, strict=True):
            values = {**window.values, "irregular_probability": float(p)}
            reason = window.reason or (None if np.isfinite(p) else "the model abstained")
            yield Features(self._source, window.start_us, window.end_us, values, window.coverage, reason, self.made_by)
            yield from self._episodes.push(Score(window.start_us, window.end_us, float(p), reason, self.made_by))

    def end(self) -> Iterator[Derived]:
        yield from self._episodes.end()
