"""Time lines under single faults: a frame lost, held back or sent twice costs what it costs, once, and no more."""

from __future__ import annotations

import random

import numpy as np
import pytest

from vitals.timeline import RrTimeline
from vitals.values import Block, Gap

Notification = tuple[float, list[int]]  # arrival [s], intervals


def strap(
    seed: int, *, rr_s: float = 0.8, seconds: int = 300, jitter_s: float = 0.03
) -> tuple[list[float], list[Notification]]:
    """True times of the beats that end an interval, and one notification a second."""
    rng = random.Random(seed)
    beats, ticks = [0.0], []
    while beats[-1] < seconds:
        ticks.append(round(rng.gauss(rr_s, 0.04) * 1024))
        beats.append(beats[-1] + ticks[-1] / 1024)
    sent, k = [], 0
    for second in range(1, seconds):
        own = []
        while beats[k + 1] <= second:
            own.append(ticks[k])
            k += 1
        sent.append((second + 0.012 + abs(rng.gauss(0, jitter_s)), own))
    return beats[1 : k + 1], sent


def play(sent: list[Notification], line: RrTimeline | None = None) -> tuple[list[Block], list[Gap]]:
    line = line or RrTimeline()
    out = [item for at, ticks in sent for item in line.push(round(at * 1e6), ticks)] + line.end("end of stream")
    gaps = [item for item in out if isinstance(item, Gap)]
    assert all(gap.start_us < gap.end_us for gap in gaps)
    return [item for item in out if isinstance(item, Block)], gaps


def worst_error_s(blocks: list[Block], beats: list[float], after_s: float) -> float:
    """Of the beats that were placed later than `after_s`, from the nearest that there was."""
    placed = np.concatenate([block.times_us() for block in blocks]) / 1e6
    assert np.all(np.diff(placed) > 0)
    true = np.array(beats)
    late = placed[placed > after_s]
    return float(np.abs(late[:, None] - true[None, :]).min(axis=1).max())


@pytest.mark.parametrize("rr_s", [0.7, 0.8, 1.0, 1.2])
@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
def test_one_notification_lost_after_connecting_is_at_most_two_gaps(k: int, rr_s: float) -> None:
    for seed in range(4):
        beats, sent = strap(seed, rr_s=rr_s)
        blocks, gaps = play(sent[: k - 1] + sent[k:])
        assert len(gaps) <= 2
        assert worst_error_s(blocks, beats, 20) < (0.5 if rr_s == 1.0 else 0.35)  # near 60 bpm, bounds lie apart


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
def test_first_notifications_held_back_by_the_host_are_no_gap(k: int) -> None:
    for seed in range(4):
        beats, sent = strap(seed)
        held = [(max(k + 0.02 + 0.001 * n, at), ticks) for n, (at, ticks) in enumerate(sent)]
        blocks, gaps = play(held)
        assert gaps == []
        assert worst_error_s(blocks, beats, 20) < 0.2


def test_a_host_that_stalls_for_long_loses_nothing_and_no_beat_moves() -> None:
    beats, sent = strap(3)
    stalled = [(max(at, 120.01 + 0.001 * n) if 100 <= n < 120 else at, ticks) for n, (at, ticks) in enumerate(sent)]
    blocks, gaps = play(stalled)
    assert gaps == []
    assert worst_error_s(blocks, beats, 20) < 0.2
