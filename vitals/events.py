"""From scores of overlapping windows to events: hysteresis over the last windows, cut by long gaps.

An episode opens when `open_at` of the last `span` windows are positive and closes when at most `close_at` are. It
starts at the centre of its first positive window and ends at the centre of its last one: a window turns positive when
about half of it is irregular, so the centre is the unbiased edge. Windows on which the model abstained count neither
way, but when nothing else came for `cut_after_s` the event is cut.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vitals.values import Event, EventState, Provenance, Score


@dataclass(frozen=True, slots=True)
class EpisodeRule:
    """When scores become an event."""

    threshold: float  # probability from which on a window is positive
    span: int = 8  # windows looked back at
    open_at: int = 5
    close_at: int = 2
    cut_after_s: float = 120.0  # nothing known for longer than this ends an event

    def params(self) -> Mapping[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Seen:
    centre_us: int
    probability: float  # NaN: abstained
    positive: bool


class EpisodeTracker:
    """Follows one kind of episode through one stream."""

    def __init__(self, kind: str, source: str, rule: EpisodeRule, made_by: Provenance) -> None:
        self._kind = kind
        self._source = source
        self._rule = rule
        self._made_by = made_by
        self._recent: deque[_Seen] = deque(maxlen=rule.span)
        self._episode: list[_Seen] | None = None  # all windows since the first positive one

    def push(self, score: Score) -> list[Event]:
        """One more window, in order of time; returns the event that opened or closed with it."""
        centre = (score.start_us + score.end_us) // 2
        seen = _Seen(centre, score.probability, score.probability >= self._rule.threshold)
        if math.isnan(score.probability):
            if self._episode is not None:
                self._episode.append(seen)
            return self.gap(self._recent[-1].centre_us, centre) if self._recent else []
        self._recent.append(seen)
        positive = sum(one.positive for one in self._recent)
        if self._episode is not None:
            self._episode.append(seen)
            if positive <= self._rule.close_at:
                return [self._finish(EventState.CLOSED)]
        elif positive >= self._rule.open_at:
            recent = list(self._recent)
            first = next(k for k, one in enumerate(recent) if one.positive)
            self._episode = recent[first:]
            return [self._event(EventState.OPEN)]
        return []

    def gap(self, start_us: int, end_us: int) -> list[Event]:
        """The stream has no data from start to end."""
        return self.end() if end_us - start_us > self._rule.cut_after_s * 1e6 else []

    def end(self) -> list[Event]:
        """No more data: what is open is cut off here."""
        done = [self._finish(EventState.CUT)] if self._episode is not None else []
        self._recent.clear()
        return done

    def _finish(self, state: EventState) -> Event:
        event = self._event(state)
        self._episode = None
        return event

    def _event(self, state: EventState) -> Event:
        assert self._episode is not None
        last = max(k for k, one in enumerate(self._episode) if one.positive)
        windows = self._episode[: last + 1]
        known = [one.probability for one in windows if not math.isnan(one.probability)]
        return Event(
            kind=self._kind,
            source=self._source,
            start_us=windows[0].centre_us,
            end_us=windows[-1].centre_us,
            score=math.fsum(known) / len(known),
            sqi=len(known) / len(windows),
            state=state,
            made_by=self._made_by,
        )
