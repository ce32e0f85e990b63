"""Hysteresis of the episode tracker, on scores written by hand."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from vitals.events import EpisodeRule, EpisodeTracker
from vitals.values import Event, EventState, Provenance, Score

MAKER = Provenance("test", "1")
RULE = EpisodeRule(threshold=0.5)


def score(k: int, p: float) -> Score:
    return Score(k * 10_000_000, k * 10_000_000 + 40_000_000, p, None, MAKER)


def run(probabilities: list[float]) -> list[Event]:
    tracker = EpisodeTracker("irregular_rhythm", "rr", RULE, MAKER)
    return [e for k, p in enumerate(probabilities) for e in tracker.push(score(k, p))] + tracker.end()


def test_an_episode_opens_and_closes_at_the_centres_of_its_first_and_last_window() -> None:
    opened, closed = run([0.0] * 20 + [0.9] * 30 + [0.0] * 20)
    assert opened.state is EventState.OPEN
    assert closed.state is EventState.CLOSED
    assert opened.start_us == closed.start_us == 20 * 10_000_000 + 20_000_000
    assert closed.end_us == 49 * 10_000_000 + 20_000_000
    assert closed.score == 0.9
    assert closed.sqi == 1.0


def test_a_few_positive_windows_are_not_an_event() -> None:
    assert run([0.0] * 10 + [0.9] * 4 + [0.0] * 20) == []


def test_a_dip_does_not_split_an_episode() -> None:
    assert [e.state for e in run([0.9] * 20 + [0.1] * 4 + [0.9] * 20)] == [EventState.OPEN, EventState.CUT]


def test_abstaining_windows_lower_the_quality_not_the_score() -> None:
    opened, event = run([0.8] * 8 + [math.nan] * 10 + [0.8] * 2)
    assert opened.start_us == event.start_us
    assert math.isclose(event.score, 0.8)
    assert math.isclose(event.sqi, 10 / 20)


def test_an_event_is_cut_when_the_model_abstains_for_long() -> None:
    _, event = run([0.8] * 8 + [math.nan] * 20)
    assert event.state is EventState.CUT
    assert event.end_us == 7 * 10_000_000 + 20_000_000


def test_a_long_gap_cuts_and_a_short_one_does_not() -> None:
    tracker = EpisodeTracker("irregular_rhythm", "rr", RULE, MAKER)
    for k in range(10):
        tracker.push(score(k, 0.9))
    assert tracker.gap(0, 60_000_000) == []
    (event,) = tracker.gap(0, 121_000_000)
    assert event.state is EventState.CUT
    assert tracker.end() == []


@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=80))
def test_events_never_overlap_and_every_opening_is_ended(probabilities: list[float]) -> None:
    events = run(probabilities)
    assert [e.state is EventState.OPEN for e in events] == [True, False] * (len(events) // 2)
    for opened, ended in zip(events[::2], events[1::2], strict=True):
        assert opened.start_us == ended.start_us
        assert opened.end_us <= ended.end_us
    assert all(a.end_us < b.start_us for a, b in zip(events[1::2], events[2::2], strict=False))
