"""Activity and falls as stages: a scripted wearer, any split the same, abstention with a reason, live as offline."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals.analysis import Analysis, analyze
from vitals.stages.stage import Derived
from vitals.values import Block, Event, Features, Gap, Timing
from vitals_signal.synthetic import Bout, motion

FS = 25.0
STEP_G = 1 / 4096
SCRIPT = [Bout("walk", 60), Bout("sit", 60), Bout("run", 60), Bout("stand", 20), Bout("fall", 10), Bout("lie", 30)]


def blocks(acc_g: NDArray[np.float64], fs: float = FS, size: int = 71, first: int = 0) -> list[Block]:
    counts = np.rint(acc_g / STEP_G).astype(np.int32)
    return [
        Block("acc", 1_000_000, Timing.REGULAR, fs, counts[k : k + size], STEP_G, "g", first=first + k)
        for k in range(0, len(counts), size)
    ]


def rows(derived: list[Derived], algorithm: str) -> list[Features]:
    return [one for one in derived if isinstance(one, Features) and one.made_by.algorithm == algorithm]


def told(derived: list[Derived]) -> list[tuple[object, ...]]:
    """What can be compared: NaN is equal to NaN, numbers to the last few bits."""
    out: list[tuple[object, ...]] = []
    for one in derived:
        if isinstance(one, Event):
            out.append(("event", one.kind, one.start_us, one.end_us, round(one.score, 9), one.state))
        elif one.made_by.algorithm in ("activity", "falls"):
            values = tuple("nan" if np.isnan(v) else round(v, 6) for v in one.values.values())
            out.append((one.made_by.algorithm, one.start_us, one.end_us, one.reason, *values))
    return sorted(out, key=str)


@pytest.fixture(scope="module")
def acc_g() -> NDArray[np.float64]:
    return motion(SCRIPT, FS, seed=3).acc_g


def test_a_fall_is_one_event_at_its_impact_and_names_its_maker(acc_g: NDArray[np.float64]) -> None:
    truth = motion(SCRIPT, FS, seed=3)
    derived = list(analyze(blocks(acc_g)))
    (event,) = [one for one in derived if isinstance(one, Event)]
    assert event.kind == "fall"
    assert event.source == "acc"
    assert (event.start_us + event.end_us) / 2e6 - 1.0 == pytest.approx(truth.falls_s[0], abs=0.2)
    assert event.made_by.model_sha256
    assert 0.0 < event.score <= 1.0
    (blow,) = [one for one in rows(derived, "falls") if one.values["fall_probability"] == event.score]
    moved = [value for name, value in blow.values.items() if name.startswith("by_")]
    assert len(moved) == 19
    assert sum(moved) > 0  # linear: the contributions add up to the logit over that of the mean


def test_walking_running_and_rest_are_told_apart(acc_g: NDArray[np.float64]) -> None:
    """A synthetic wearer says nothing about people: it shows that time and classes are put together rightly."""
    active = rows(list(analyze(blocks(acc_g))), "activity")
    assert {one.end_us - one.start_us for one in active} == {10_000_000}
    assert np.diff([one.start_us for one in active]).tolist() == [5_000_000] * (len(active) - 1)

    def moving(a: float, b: float) -> float:
        inside = [one.values for one in active if a + 1 <= one.start_us / 1e6 and one.end_us / 1e6 <= b + 1]
        assert inside
        return float(np.mean([v["walk_followed"] + v["jog_followed"] + v["stairs_followed"] for v in inside[3:]]))

    assert moving(0, 60) > 0.7
    assert moving(120, 180) > 0.7
    assert moving(60, 120) < 0.1
    for one in active:
        if one.reason is None:
            assert sum(p for name, p in one.values.items() if name.endswith("_followed")) == pytest.approx(1.0)


@pytest.mark.parametrize("size", [1, 10, 333, 100_000])
def test_any_split_gives_the_same(acc_g: NDArray[np.float64], size: int) -> None:
    part = acc_g[-1750:]
    assert told(list(analyze(blocks(part, size=size)))) == told(list(analyze(blocks(part))))


def test_a_short_gap_lowers_coverage_and_a_long_one_starts_anew(acc_g: NDArray[np.float64]) -> None:
    one = blocks(acc_g[:1000])
    held = blocks(acc_g[1100:2000], first=1100)  # 4 s are missing
    gap = Gap("acc", one[-1].end_us, held[0].start_us, "no data")
    partly = rows(list(analyze([*one, gap, *held])), "activity")
    assert min(row.coverage for row in partly) < 0.8
    assert all(row.reason for row in partly if row.coverage < 0.8)
    assert all(np.isnan(row.values["walk_followed"]) for row in partly if row.reason)
    late = blocks(acc_g[2000:3000], first=5000)
    apart = rows(list(analyze([*one, *late])), "activity")
    alone = rows(list(analyze(late)), "activity")
    assert [row.values for row in apart[-len(alone) :]] == [row.values for row in alone]


@pytest.mark.parametrize("fs", [10.0, 18.0])
def test_too_slow_a_sensor_gives_nothing(acc_g: NDArray[np.float64], fs: float) -> None:
    derived = list(analyze(blocks(acc_g, fs)))
    assert not rows(derived, "activity")
    assert not rows(derived, "falls")


@pytest.mark.parametrize("level", [0.0, 1.0, 1e5])
def test_a_dead_sensor_is_not_judged(level: float) -> None:
    derived = list(analyze(blocks(np.full((1500, 3), level))))
    assert not [one for one in derived if isinstance(one, Event)]
    active = rows(derived, "activity")
    assert active
    assert all(one.reason for one in active)
    assert all(np.isnan(one.values["still"]) for one in active)


def test_one_axis_is_no_wrist_acceleration() -> None:
    counts = np.arange(2000, dtype=np.int32)
    block = Block("acc", 0, Timing.REGULAR, FS, counts, STEP_G, "g")
    assert not rows(list(analyze([block])), "activity")


def test_live_and_batch_agree_whatever_the_clock_says(acc_g: NDArray[np.float64]) -> None:
    part = acc_g[-1750:]
    live = Analysis()
    cuts = [0, 100, 900, 1749, 1750]
    made = [d for a, b in pairwise(cuts) for one in blocks(part[a:b], first=a) for d in live.push(one)] + live.end()
    assert told(made) == told(list(analyze(blocks(part))))
