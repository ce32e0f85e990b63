"""Low oxygen: what must be an event, and what a loose or moving sensor must not make one of."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals.stages import Derived
from vitals.stages.oxygen import OxygenStage
from vitals.values import Block, Event, EventState, Features, Timing

MINUTE = 60


def spo2(percent: NDArray[np.float64], first_s: int = 0) -> Block:
    tenths = np.rint(np.nan_to_num(percent) * 10).astype(np.int16)
    return Block("spo2", first_s * 1_000_000, Timing.REGULAR, 1.0, tenths, 0.1, "%")


def minutes(*spans: tuple[float, float]) -> NDArray[np.float64]:
    return np.concatenate([np.full(round(n * MINUTE), level) for n, level in spans])


def run(*blocks: Block) -> list[Derived]:
    stage = OxygenStage("spo2", {})
    return [one for block in blocks for one in stage.push(block)] + list(stage.end())


def told(derived: list[Derived]) -> list[Event]:
    return [one for one in derived if isinstance(one, Event) and one.state is not EventState.OPEN]


def test_ten_minutes_below_the_limit_are_one_event() -> None:
    (event,) = told(run(spo2(minutes((10, 96), (10, 85), (10, 96)))))
    assert (event.kind, event.source, event.state) == ("low_oxygen", "spo2", EventState.CLOSED)
    assert (event.start_us, event.end_us) == (10 * 60e6 + 15e6, 20 * 60e6 - 15e6)
    # 1 / (1 + exp(-(89.5 - 85) / 2))
    assert event.score == pytest.approx(0.9047, abs=1e-4)


@pytest.mark.parametrize("level", [90.0, 91.0, 96.0])
def test_at_and_above_the_limit_is_none(level: float) -> None:
    assert not told(run(spo2(minutes((30, level)))))


def test_a_dip_of_two_minutes_is_none() -> None:
    assert not told(run(spo2(minutes((10, 95), (2, 80), (10, 95)))))


def test_a_sensor_that_jumps_is_not_believed() -> None:
    jumping = np.where(np.arange(30 * MINUTE) % 10 < 5, 85.0, 78.0)
    derived = run(spo2(jumping))
    assert not told(derived)
    assert {one.reason for one in derived if isinstance(one, Features)} == {"unsteady"}


def test_a_sensor_that_slides_is_not_believed() -> None:
    at = np.arange(360, dtype=np.int64) * 5_000_000
    sliding = np.tile(np.array([880, 860, 840, 820, 800, 780], np.int16), 60)
    derived = run(Block("spo2", 0, Timing.STAMPED, 0.0, sliding, 0.1, "%", at))
    assert not told(derived)
    assert {one.reason for one in derived if isinstance(one, Features)} == {"unsteady"}


def test_a_moving_wearer_is_not_judged() -> None:
    seconds = 30 * MINUTE
    sign = np.where(np.arange(seconds * 5) % 2 == 0, 60, -60)
    mg = np.column_stack((0 * sign, 0 * sign, 1000 + sign)).astype(np.int16)
    derived = run(Block("acc", 0, Timing.REGULAR, 5.0, mg, 1.0, "mg"), spo2(np.full(seconds, 84.0)))
    assert not told(derived)
    assert {one.reason for one in derived if isinstance(one, Features)} == {"the wearer moved"}


def test_no_reading_is_no_low_reading() -> None:
    derived = run(spo2(minutes((30, 0))))
    assert not told(derived)
    assert {one.reason for one in derived if isinstance(one, Features)} == {"too few values"}


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(1, 30 * MINUTE - 1), max_size=20))
def test_blocks_do_not_matter(cuts: set[int]) -> None:
    level = minutes((8, 95), (14, 86.5), (8, 95))
    edges = [0, *sorted(cuts), len(level)]
    pieces = [spo2(level[a:b], a) for a, b in itertools.pairwise(edges)]
    assert repr(run(*pieces)) == repr(run(spo2(level)))  # NaN equals NaN as text


def test_patients_in_intensive_care(shared: Path) -> None:
    """A recording lasts eight minutes: an event where the reference stays below 90 % for five, and nowhere else."""
    wrong = []
    for path in sorted((shared / "data" / "bidmc").glob("*.npz")):
        with np.load(path) as kept:
            level = kept["numerics"][:, 4].astype(np.float64)
        below = np.concatenate(([0], (np.nan_to_num(level, nan=100.0) < 90.0).astype(int), [0]))
        edges = np.flatnonzero(np.diff(below))
        longest = max((int(b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)), default=0)
        events = told(run(spo2(level)))
        if (longest >= 300) != bool(events):
            wrong.append((path.stem, longest, len(events)))
    assert wrong == []
