"""Time lines under single faults: a frame lost, held back or sent twice costs what it costs, once, and no more."""

from __future__ import annotations

import random

import numpy as np
import pytest

from vitals.timeline import BurstTimeline, RrTimeline, SampleTimeline
from vitals.values import Block, ClockReset, Gap

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


def test_a_notification_that_comes_twice_is_counted_and_moves_no_beat() -> None:
    beats, sent = strap(4)
    line = RrTimeline()
    twice = [*sent[:101], (sent[100][0] + 0.001, sent[100][1]), *sent[101:]]
    blocks, gaps = play(twice, line)
    assert gaps == []
    assert line.dropped == {"duplicate": len(sent[100][1])}
    assert worst_error_s(blocks, beats, 20) < 0.2


def test_equal_notifications_that_a_stalled_host_delivers_together_are_all_kept() -> None:
    sent = [(n + 1.02 if not 50 <= n < 54 else 54.02 + n / 1000, [1024]) for n in range(100)]
    line = RrTimeline()
    blocks, gaps = play(sent, line)
    assert gaps == []
    assert not line.dropped
    assert sum(map(len, blocks)) == 100


def test_a_burst_that_comes_twice_is_counted_and_moves_no_beat() -> None:
    line = BurstTimeline("ppi", 1000.0)
    items = []
    for k in range(1, 60):
        items += line.push(k * 5_000_000, [1000, 990, 1010, 1005, 995])
        if k == 30:
            items += line.push(k * 5_000_000 + 10_000, [1000, 990, 1010, 1005, 995])
    items += line.end("end of stream")
    assert not any(isinstance(item, Gap) for item in items)
    assert line.dropped == {"duplicate": 5}
    assert items[-1].end_us == pytest.approx(59 * 5_000_000, abs=10_000)


@pytest.mark.parametrize("back_s", [0.05, 0.3, 0.5])
def test_a_clock_that_is_set_back_by_less_than_a_frame_is_a_reset(back_s: float) -> None:
    rng = random.Random(2)
    line, out = SampleTimeline("ecg", 130.0), []
    for k in range(1, 600):
        at = k * 73 / 130
        stamp = 1000 + at - (back_s if k > 300 else 0)
        arrival = at + 0.012 + abs(rng.gauss(0, 0.01))
        out += line.push(round(arrival * 1e6), np.full(73, k, dtype=np.int32), round(stamp * 1e6))
    out += line.end("end of stream")
    assert sum(isinstance(item, ClockReset) for item in out) == 1
    blocks = [item for item in out if isinstance(item, Block)]
    assert sum(map(len, blocks)) == 599 * 73
    assert max(abs(b.end_us / 1e6 - int(b.values[-1]) * 73 / 130 - 0.015) for b in blocks) < 0.03


@pytest.mark.parametrize("lost", [(2, 4, 6), (2, 4, 6, 8), (2, 4, 6, 8, 10, 12)])
def test_frames_lost_while_the_rate_is_measured_are_gaps(lost: tuple[int, ...]) -> None:
    line, out = SampleTimeline("ecg", 130.0), []
    for k in range(1, 200):
        if k not in lost:
            at = k * 73 / 130
            out += line.push(round((at + 0.012) * 1e6), np.full(73, k, dtype=np.int32), round((1000 + at) * 1e6))
    out += line.end("end of stream")
    assert sum(isinstance(item, Gap) for item in out) == len(lost)
    assert max(abs(b.end_us / 1e6 - int(b.values[-1]) * 73 / 130) for b in out if isinstance(b, Block)) < 0.03
