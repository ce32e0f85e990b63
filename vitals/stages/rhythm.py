"""Irregular rhythm: windows of 64 intervals -> features -> probability -> episodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from vitals.events import EpisodeRule, EpisodeTracker
from vitals.stages.intervals import Intervals, interval_params
from vitals.stages.stage import Derived, model_named, personal_params
from vitals.values import Block, Features, Gap, Provenance, Score

if TYPE_CHECKING:
    from vitals_models import Model

MODEL: Final = "irregular-rhythm"
HOP: Final = 16  # intervals from one window of 64 to the next
# Seven of the last eight windows: chosen on scores of people whom the model had not seen, where it kept to 0.35 false
# alarms a day on healthy and 1 on failing hearts and found every episode of 5 minutes (benchmarks/rhythm_alarms.py).
OPEN_AT: Final = 7


class RhythmStage:
    """The model's opinion of each window, and the episodes that last."""

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        import vitals_signal as dsp

        self._model = model_named(MODEL, models)
        rule = EpisodeRule(threshold=self._model.threshold, open_at=OPEN_AT)
        self.made_by = Provenance(
            algorithm=MODEL,
            version=dsp.RHYTHM_VERSION,
            params={"hop": HOP, **rule.params(), **interval_params(source), **personal_params(self._model)},
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
        rows = np.array([list(w.values.values()) for w in windows])
        probabilities, doubtful = self._model.predict_proba(rows), self._model.doubtful(rows)
        for window, p, doubt in zip(windows, probabilities, doubtful, strict=True):
            # In doubt, a window still counts: else episodes of a kind that training has seen little of would be lost.
            values = {**window.values, "irregular_probability": float(p), "doubt": float(doubt)}
            reason = window.reason or (None if np.isfinite(p) else "the model abstained")
            yield Features(self._source, window.start_us, window.end_us, values, window.coverage, reason, self.made_by)
            yield from self._episodes.push(Score(window.start_us, window.end_us, float(p), reason, self.made_by))

    def end(self) -> Iterator[Derived]:
        yield from self._episodes.end()
