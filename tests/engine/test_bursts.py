"""Intervals in bursts without time stamps: where they lie, what is lost, what the sensor does not stand by."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals.timeline import BurstTimeline
from vitals.values import Block, Gap

EVERY_US = 5_000_000
Burst = tuple[int, list[int], list[str | None]]


def bursts_of(beats_us: np.ndarray, rng: np.random.Generator, *, drift: float = 0.0) -> list[Burst]:
    """What a band sends that tells every 5 s which intervals have ended; 15 to 40 ms of radio."""
    ticks = np.rint(np.diff(beats_us) / 1000 * (1 + drift)).astype(int)
    ends, made = beats_us[1:], []
    for turn in range(1, int(ends[-1] // EVERY_US) + 1):
        inside = (ends > (turn - 1) * EVERY_US) & (ends <= turn * EVERY_US)
        arrival = turn * EVERY_US + int(rng.integers(15_000, 40_000))
        row = [int(tick) for tick in ticks[inside]]
        fine: list[str | None] = [None] * len(row)
        made.append((arrival, row, fine))
    return made


def heart(minutes: float, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rr = np.clip(
        0.9 + np.cumsum(rng.normal(0, 0.01, int(minutes * 75))) * 0.2 + rng.normal(0, 0.04, int(minutes * 75)), 0.5, 1.5
    )
    return np.cumsum(np.rint(rr * 1000) * 1000)


def play(bursts: Iterable[Burst], line: BurstTimeline | None = None) -> tuple[list[Block], list[Gap]]:
    line = line or BurstTimeline("ppi", 1000.0)
    items = [item for burst in bursts for item in line.push(*burst)] + line.end("end of stream")
    return [i for i in items if isinstance(i, Block)], [i for i in items if isinstance(i, Gap)]


def beats(blocks: list[Block]) -> np.ndarray:
    return np.concatenate([block.times_us() for block in blocks])


def test_every_interval_comes_out_as_it_came_in_and_lies_within_the_bound() -> None:
    truth = heart(30)
    bursts = bursts_of(truth, np.random.default_rng(2), drift=40e-6)
    line = BurstTimeline("ppi", 1000.0)
    blocks, gaps = play(bursts[:-1], line)
    out = np.concatenate([block.values for block in blocks])
    assert out.tolist() == [tick for _, row, _ in bursts[:-1] for tick in row]
    assert gaps == []
    late = beats(blocks) - truth[1 : len(out) + 1]
    # A beat is placed no earlier than it was, but for the drift of ticks, and no later than the bound says.
    assert late.min() > -10_000
    line = BurstTimeline("ppi", 1000.0)
    bound = 0.0
    for burst in bursts[:40]:
        line.push(*burst)
        bound = line.error_us
    assert 0 < bound < 2_500_000
    assert late.max() < bound
    assert np.abs(late[len(late) // 4 :]).max() < 300_000  # in minutes, some burst hardly waited after its last beat
    spacing = np.diff(beats(blocks)) - np.diff(truth[1 : len(out) + 1])
    assert np.abs(spacing).max() < 1_500_000 / 512 + 1_000  # 2 ms in a second, and a tick


def test_a_lost_burst_is_a_gap_of_its_length_and_a_late_one_is_none() -> None:
    truth = heart(10)
    bursts = bursts_of(truth, np.random.default_rng(3))
    late = [*bursts]
    late[60] = (late[60][0] + 4_000_000, *late[60][1:])
    assert play(late)[1] == []
    blocks, gaps = play([*bursts[:60], *bursts[61:]])
    assert [gap.reason for gap in gaps] == ["missing intervals"]
    lost_us = sum(bursts[60][1]) * 1000
    assert gaps[0].end_us - gaps[0].start_us == pytest.approx(lost_us, abs=1_200_000)
    assert sum(len(block) for block in blocks) == sum(len(row) for k, (_, row, _) in enumerate(bursts) if k != 60)


@pytest.mark.parametrize("reason", ["movement", "no skin contact", "uncertain intervals"])
def test_what_the_sensor_does_not_stand_by_is_a_gap(reason: str) -> None:
    truth = heart(10)
    bursts = bursts_of(truth, np.random.default_rng(4))
    counted = 0
    for k in (40, 41, 42):  # a second into the first, a second before the end of the last
        _, row, faults = bursts[k]
        for j in range(len(row)):
            if (k > 40 or j >= 2) and (k < 42 or j < len(row) - 2):
                faults[j] = reason
                row[j] = 7 * j  # and what they say is nonsense
                counted += 1
    line = BurstTimeline("ppi", 1000.0)
    blocks, gaps = play(bursts, line)
    assert [gap.reason for gap in gaps] == [reason]
    assert line.dropped == {reason: counted, "time not known": 0}
    before = sum(len(row) for _, row, _ in bursts[:40]) + 2
    assert gaps[0].start_us == pytest.approx(truth[before], abs=400_000)
    after = sum(len(row) for _, row, _ in bursts[:43]) - 2
    assert gaps[0].end_us == pytest.approx(truth[after], abs=1_500_000)
    assert blocks[-1].end_us == pytest.approx(truth[sum(len(row) for _, row, _ in bursts)], abs=1_000_000)


def test_good_intervals_between_bad_ones_of_a_burst_have_no_time_and_are_counted() -> None:
    row, faults = [900] * 5, [None, "movement", None, "movement", None]
    line = BurstTimeline("ppi", 1000.0)
    for k in range(1, 5):
        line.push(k * EVERY_US, row, [None] * 5)
    items = line.push(5 * EVERY_US, row, faults) + line.end("link lost")
    assert line.dropped == {"movement": 2, "time not known": 1}
    assert sum(len(item) for item in items if isinstance(item, Block)) == 2


def test_good_intervals_of_a_broken_burst_behind_a_lost_one_have_no_time_either() -> None:
    row, clean = [1000] * 5, [None] * 5
    line, items = BurstTimeline("ppi", 1000.0), []
    for k in (*range(1, 11), 12):  # the 11th is lost
        items += line.push(k * EVERY_US, row, clean if k < 12 else [None, None, "movement", None, None])
    items += line.end("end of stream")
    assert line.dropped == {"movement": 1, "time not known": 2}
    blocks = [item for item in items if isinstance(item, Block)]
    assert blocks[-2].end_us == 10 * EVERY_US
    assert (blocks[-1].start_us, blocks[-1].end_us) == (12 * EVERY_US - 2_000_000, 12 * EVERY_US)


def test_a_link_that_was_lost_is_a_gap_of_that_reason() -> None:
    bursts = bursts_of(heart(10), np.random.default_rng(5))
    line = BurstTimeline("ppi", 1000.0)
    items = [item for burst in bursts[:50] for item in line.push(*burst)] + line.end("link lost")
    items += [item for burst in bursts[80:] for item in line.push(*burst)] + line.end("end of stream")
    gaps = [item for item in items if isinstance(item, Gap)]
    assert [gap.reason for gap in gaps] == ["link lost"]
    assert gaps[0].end_us - gaps[0].start_us == pytest.approx(150e6, abs=2e6)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_interval_is_lost_without_a_count_and_time_goes_forward(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    bursts = bursts_of(heart(4, seed=int(rng.integers(1000))), rng)
    line, items = BurstTimeline("ppi", 1000.0), []
    offered = 0
    for arrival, row, faults in bursts:
        fate = data.draw(st.sampled_from(["heard"] * 8 + ["lost", "late", "broken", "cut"]))
        if fate == "lost":
            continue
        if fate == "broken":
            for j in range(len(row)):
                if rng.random() < 0.4:
                    faults[j] = "movement"
        offered += len(row)
        items += line.push(arrival + (3_500_000 if fate == "late" else 0), row, faults)
        if fate == "cut":
            items += line.end("link lost")
    items += line.end("end of stream")
    blocks = [item for item in items if isinstance(item, Block)]
    assert sum(map(len, blocks)) + sum(line.dropped.values()) == offered
    if blocks:
        assert np.all(np.diff(beats(blocks)) > 0)
    end = None
    for item in items:  # blocks and gaps follow each other without a hole
        if end is not None:
            assert item.start_us == pytest.approx(end, abs=3_000)
        end = item.end_us
