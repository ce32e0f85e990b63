"""Blocks and gaps in, features and events out: what vitals makes of RR intervals.

Laws of this file:
1. Live, replay and `vitals analyze` all pass through `RrAnalysis`; only differences of time matter, so session time
   and UTC give the same result.
2. Any split of the intervals into blocks gives the same features and events.
3. Every number names its maker.
4. Pulse intervals of an optical sensor ("ppi") take the same way and are never mixed with those of the heart's own
   signal ("rr"): they are off by ten milliseconds where those are by one, so what comes of them names them as its
   source and in its maker, and what the sensor does not stand by lowers coverage and sqi.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from vitals.errors import ModelError
from vitals.events import EpisodeRule, EpisodeTracker
from vitals.values import Block, Event, Features, Gap, Provenance, Score

if TYPE_CHECKING:
    from vitals_models import Model
    from vitals_signal import FeatureWindow

MODEL = "irregular-rhythm"
HOP = 16  # intervals from one window of 64 to the next
HRV_WINDOW_S = 300.0  # the short-term recording of the Task Force (1996)
INTERVALS = ("rr", "ppi")  # kinds of stream that are analysed

Derived = Features | Event


class Stage(Protocol):
    """One thing that is computed from RR intervals."""

    made_by: Provenance

    def push(self, times_us: NDArray[np.int64], rr_ms: NDArray[np.float64]) -> Iterator[Derived]:
        """Intervals and the beats that end them, shapes (n,), times increasing."""
        ...

    def gap(self, gap: Gap) -> Iterator[Derived]: ...

    def end(self) -> Iterator[Derived]: ...


class HrvStage:
    """Heart-rate variability (time, frequency, the core of nonlinear measures), in windows of five minutes."""

    def __init__(self, source: str) -> None:
        import vitals_signal as dsp

        self._source = source
        self._stream = dsp.HrvStream(HRV_WINDOW_S)
        self.made_by = Provenance("hrv-time", dsp.HRV_VERSION, {"window_s": HRV_WINDOW_S, **_params(source)})

    def push(self, times_us: NDArray[np.int64], rr_ms: NDArray[np.float64]) -> Iterator[Derived]:
        yield from map(self._features, self._stream.update(times_us, rr_ms))

    def gap(self, gap: Gap) -> Iterator[Derived]:
        self._stream.gap()
        yield from ()

    def end(self) -> Iterator[Derived]:
        yield from map(self._features, self._stream.end())

    def _features(self, window: FeatureWindow) -> Features:
        values = {**window.values, "corrected_share": window.corrected_share}
        return Features(
            self._source, window.start_us, window.end_us, values, window.coverage, window.reason, self.made_by
        )


class RhythmStage:
    """Windows of 64 RR intervals -> features -> probability of an irregular rhythm -> episodes."""

    def __init__(self, source: str, model: Model | None = None) -> None:
        import vitals_models
        import vitals_signal as dsp

        try:
            self._model = model if model is not None else vitals_models.load(MODEL)
        except RuntimeError as error:  # vitals_models.errors.ModelError
            raise ModelError(f"the model {MODEL} cannot be used: {error}") from error
        rule = EpisodeRule(threshold=self._model.threshold)
        self.made_by = Provenance(
            algorithm=MODEL,
            version=dsp.RHYTHM_VERSION,
            params={"hop": HOP, **rule.params(), **_params(source)},
            model_sha256=self._model.card.sha256,
        )
        self._source = source
        self._names = dsp.RHYTHM_FEATURES
        self._windows = dsp.RhythmStream(HOP)
        self._episodes = EpisodeTracker("irregular_rhythm", source, rule, self.made_by)

    def push(self, times_us: NDArray[np.int64], rr_ms: NDArray[np.float64]) -> Iterator[Derived]:
        windows = self._windows.update(times_us, rr_ms)
        if not windows:
            return
        probabilities = self._model.predict_proba(np.array([w.values for w in windows]))
        for window, p in zip(windows, probabilities, strict=True):
            values = dict(zip(self._names, map(float, window.values), strict=True))
            values["irregular_probability"] = float(p)
            reason = window.reason or (None if np.isfinite(p) else "the model abstained")
            coverage = 1.0 if window.reason is None else 0.0
            yield Features(self._source, window.start_us, window.end_us, values, coverage, reason, self.made_by)
            yield from self._episodes.push(Score(window.start_us, window.end_us, float(p), reason, self.made_by))

    def gap(self, gap: Gap) -> Iterator[Derived]:
        self._windows.gap()
        yield from self._episodes.gap(gap.start_us, gap.end_us)

    def end(self) -> Iterator[Derived]:
        yield from self._episodes.end()


def _params(source: str) -> dict[str, str]:
    """What a maker says of intervals that are not those of the heart's own signal."""
    return {} if source == "rr" else {"intervals": source}


class _Line:
    """What is computed from one stream of intervals."""

    def __init__(self, source: str, model: Model | None) -> None:
        self._source, self._model = source, model
        self._last_us: int | None = None

    @cached_property
    def stages(self) -> list[Stage]:
        # The model is loaded when the first interval comes.
        return [HrvStage(self._source), RhythmStage(self._source, self._model)]

    def push(self, item: Block | Gap) -> list[Derived]:
        if isinstance(item, Gap):
            return [derived for stage in self.stages for derived in stage.gap(item)]
        times, rr_ms = item.times_us(), item.physical()
        # An interval that does not advance (0 ticks from a confused sensor) ends at no new beat.
        floor = np.maximum.accumulate(
            np.concatenate(([self._last_us if self._last_us is not None else item.start_us], times))
        )
        advances = times > floor[:-1]
        if not advances.any():
            return []
        times, rr_ms = times[advances], rr_ms[advances]
        self._last_us = int(times[-1])
        return [derived for stage in self.stages for derived in stage.push(times, rr_ms)]

    def end(self) -> list[Derived]:
        return [derived for stage in self.stages for derived in stage.end()]


class RrAnalysis:
    """All that vitals computes from the interval streams of one device."""

    def __init__(self, model: Model | None = None) -> None:
        self._model = model
        self._lines: dict[str, _Line] = {}

    def made_by(self, source: str = "rr") -> list[Provenance]:
        """Makers of everything that comes of the stream `source`, whether or not something did."""
        return [stage.made_by for stage in self._line(source).stages]

    def push(self, item: Block | Gap) -> list[Derived]:
        """One more block or gap, in order of time; streams that are not `INTERVALS` are none of its business."""
        return self._line(item.kind).push(item) if item.kind in INTERVALS else []

    def end(self) -> list[Derived]:
        """No more data will come."""
        return [derived for line in self._lines.values() for derived in line.end()]

    def _line(self, source: str) -> _Line:
        if source not in self._lines:
            self._lines[source] = _Line(source, self._model)
        return self._lines[source]


def analyze(items: Iterable[Block | Gap], model: Model | None = None) -> Iterator[Derived]:
    """The batch twin: everything that `RrAnalysis` makes of a finished recording."""
    analysis = RrAnalysis(model)
    for item in items:
        yield from analysis.push(item)
    yield from analysis.end()
