"""High and low heart rate: what must be an event, what must not, and that neither blocks nor their order matter."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals.stages import Derived
from vitals.stages.rates import HeartRateStage
from vitals.values import Block, Event, EventState, Features, Timing

MINUTE = 60


def hr(bpm: NDArray[np.float64], first_s: int = 0) -> Block:
    return Block("hr", first_s * 1_000_000, Timing.REGULAR, 1.0, np.rint(bpm).astype(np.int16), 1.0, "bpm")


def acc(seconds: int, amplitude_mg: float, first_s: int = 0) -> Block:
    """5 Hz; a square wave of this amplitude has it as its mean amplitude deviation."""
    sign = np.where((first_s * 5 + np.arange(seconds * 5)) % 2 == 0, 1.0, -1.0)
    mg = np.column_stack((np.zeros_like(sign), np.zeros_like(sign), 1000.0 + sign * amplitude_mg))
    return Block("acc", first_s * 1_000_000, Timing.REGULAR, 5.0, mg.astype(np.int16), 1.0, "mg")


def run(*blocks: Block) -> list[Derived]:
    stage = HeartRateStage("hr", {})
    return [one for block in blocks for one in stage.push(block)] + list(stage.end())


def together(bpm: NDArray[np.float64], *movement: tuple[int, float]) -> list[Derived]:
    """Minute by minute, acceleration of so many minutes at an amplitude in mg before the rate of the same minute."""
    amplitudes = [amplitude for n, amplitude in movement for _ in range(n)]
    pieces = []
    for minute, amplitude in enumerate(amplitudes):
        first = minute * MINUTE
        pieces += [acc(MINUTE, amplitude, first), hr(bpm[first : first + MINUTE], first)]
    return run(*pieces)


def told(derived: list[Derived], kind: str) -> list[Event]:
    return [one for one in derived if isinstance(one, Event) and one.kind == kind and one.state is not EventState.OPEN]


def minutes(*spans: tuple[int, float]) -> NDArray[np.float64]:
    return np.concatenate([np.full(n * MINUTE, rate) for n, rate in spans])


def test_a_high_rate_at_rest_is_one_event_with_its_times() -> None:
    bpm = minutes((20, 65), (25, 132), (20, 66))
    (event,) = told(run(acc(len(bpm), 2.0), hr(bpm)), "high_heart_rate_at_rest")
    assert event.state is EventState.CLOSED
    assert (event.start_us, event.end_us) == (20.5 * 60e6, 44.5 * 60e6)
    # Mean of 1 / (1 + exp(-(132 - 120) / 5)).
    assert event.score == pytest.approx(0.9168, abs=1e-4)
    assert event.sqi == 1.0


@pytest.mark.parametrize("amplitude", [30.0, 200.0])
def test_a_high_rate_while_moving_is_none(amplitude: float) -> None:
    bpm = minutes((20, 65), (25, 150), (20, 66))
    assert not told(together(bpm, (20, 2.0), (25, amplitude), (20, 2.0)), "high_heart_rate_at_rest")
    assert told(together(bpm, (65, 2.0)), "high_heart_rate_at_rest")


def test_recovery_from_effort_is_no_rest() -> None:
    # A rate that takes thirteen minutes to settle: five count as recovery, and what is left is too short.
    bpm = minutes((20, 150), (13, 125), (20, 70))
    assert not told(together(bpm, (20, 200.0), (33, 2.0)), "high_heart_rate_at_rest")
    assert told(together(bpm, (14, 200.0), (39, 2.0)), "high_heart_rate_at_rest")


def test_without_an_accelerometer_a_high_rate_is_not_judged_and_a_low_one_is() -> None:
    derived = run(hr(minutes((20, 65), (30, 140), (30, 35), (20, 65))))
    assert not told(derived, "high_heart_rate_at_rest")
    assert len(told(derived, "low_heart_rate")) == 1
    windows = [one for one in derived if isinstance(one, Features)]
    assert all(math.isnan(one.values["at_rest"]) for one in windows)


def test_a_short_dip_and_a_rate_at_the_limit_are_none() -> None:
    assert not told(run(hr(minutes((20, 60), (8, 30), (20, 60)))), "low_heart_rate")
    assert not told(run(hr(minutes((60, 41)))), "low_heart_rate")


def test_a_heart_that_beats_slowly_by_nature_is_learned() -> None:
    # Resting at 50: the limits become 35 and 100 once four hours of rest are known.
    bpm = minutes((300, 50), (30, 38), (30, 50), (30, 110), (30, 50))
    derived = run(acc(len(bpm), 2.0), hr(bpm))
    assert not told(derived, "low_heart_rate")
    assert len(told(derived, "high_heart_rate_at_rest")) == 1
    last = [one for one in derived if isinstance(one, Features)][-1].values
    # A tenth of all minutes lies below the rate that is called resting: the half hour at 38 is less than that.
    assert (last["resting_rate"], last["low_limit"], last["high_limit"]) == (50.0, 35.0, 100.0)


def test_absurd_and_missing_rates_are_not_judged() -> None:
    zero = run(acc(40 * MINUTE, 2.0), hr(minutes((40, 0))))
    assert not [one for one in zero if isinstance(one, Event)]
    assert {one.reason for one in zero if isinstance(one, Features)} == {"too few heart rates"}
    sparse = Block(
        "hr", 0, Timing.STAMPED, 0.0, np.full(40, 30, np.int16), 1.0, "bpm", np.arange(40, dtype=np.int64) * 60_000_000
    )
    assert not told(run(sparse), "low_heart_rate")


def test_ten_minutes_of_silence_follow_an_event() -> None:
    bpm = minutes((15, 36), (9, 60), (25, 36), (30, 60))
    first, second = told(run(hr(bpm)), "low_heart_rate")
    assert first.end_us == 14.5 * 60e6
    # The second stretch begins at 24.0, within the silence; the first minute that is judged again is the next.
    assert second.start_us == 25.5 * 60e6


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_neither_blocks_nor_their_order_matter(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 5)))
    bpm = minutes((12, 70), (22, 135), (14, 60), (16, 36)) + rng.integers(-2, 3, 64 * MINUTE)
    total = len(bpm)
    whole = run(acc(total, 3.0), hr(bpm))
    edges = [0, *sorted(data.draw(st.sets(st.integers(1, total - 1), max_size=12))), total]
    pieces: list[tuple[float, Block]] = []
    for first in range(0, total, 5):
        late = data.draw(st.sampled_from([0.0, 4.0, 9.0])) if first % 50 == 0 else 0.0
        pieces.append((first + late, acc(min(5, total - first), 3.0, first)))
    for first, last in itertools.pairwise(edges):
        for start in range(first, last, 5):
            stop = min(start + 5, last)
            pieces.append((float(start), hr(bpm[start:stop], start)))
    pieces.sort(key=lambda one: one[0])
    made = run(*(block for _, block in pieces))
    assert repr(made) == repr(whole)  # NaN equals NaN as text
    assert len(told(made, "low_heart_rate")) == len(told(made, "high_heart_rate_at_rest")) == 1


def test_a_day_after_infarction_without_context_is_quiet(shared: Path) -> None:
    with np.load(shared / "data" / "cast_hr24h" / "cast_hr24h.npz") as kept:
        first, last = kept["offsets"][:2]
        bpm = kept["hr_centibpm"][first:last] / 100.0
    derived = run(hr(bpm))
    assert not [one for one in derived if isinstance(one, Event)]
    assert len([one for one in derived if isinstance(one, Features)]) > 1200
