"""Heartbeat classes on the path: minutes and events of real ECGs, however they come in pieces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals.recording import open_recording
from vitals.stages.beats import BeatStage
from vitals.stages.stage import Derived
from vitals.values import Block, Event, Features, Timing

FS = 250.0


def lead(block: Block, start_s: float, end_s: float) -> Block:
    """A stretch of a block."""
    first, last = round(start_s * block.rate_hz), round(end_s * block.rate_hz)
    return replace(block, values=block.values[first:last], first=block.first + first)


def ecg(shared: Path, record: str, start_s: float = 0.0, end_s: float = 1800.0) -> Block:
    items = open_recording(shared / "data" / "mitdb" / f"{record}.hea").of("ecg")
    block = next(item for item in items if isinstance(item, Block))
    return lead(block, start_s, end_s)


def judged(*blocks: Block) -> list[Derived]:
    stage = BeatStage("ecg", {})
    return [one for block in blocks for one in stage.push(block)] + list(stage.end())


def total(made: list[Derived], name: str) -> float:
    return sum(one.values[name] for one in made if isinstance(one, Features))


def events(made: list[Derived], kind: str) -> list[Event]:
    return [one for one in made if isinstance(one, Event) and one.kind == kind]


def synthetic(rr_s: NDArray[np.float64], noise: float = 0.0) -> Block:
    """P, QRS and T as three bumps per beat, in microvolts."""
    beats = 1.0 + np.cumsum(rr_s)
    t = np.arange(round((beats[-1] + 2.0) * FS)) / FS
    wave = noise * np.random.default_rng(2).normal(size=len(t))
    for beat in beats:
        for at, height, width in ((-0.16, 0.12, 0.025), (0.0, 1.1, 0.012), (0.03, -0.2, 0.012), (0.26, 0.3, 0.05)):
            near = np.abs(t - beat - at) < 6 * width
            wave[near] += height * np.exp(-0.5 * ((t[near] - beat - at) / width) ** 2)
    return Block("ecg", 0, Timing.REGULAR, FS, np.rint(wave * 1000).astype(np.int32), 1.0, "uV")


@pytest.mark.parametrize("record", ["112", "122"])
def test_sinus_rhythm_makes_no_event(shared: Path, record: str) -> None:
    made = judged(ecg(shared, record))
    assert not [one for one in made if isinstance(one, Event)]
    assert total(made, "beats_n") > 0.98 * sum(total(made, f"beats_{kind}") for kind in "nsvfq")


def test_frequent_ectopic_beats_are_one_event_and_its_minutes_count_them(shared: Path) -> None:
    """119: 444 ventricular beats in half an hour, by annotation."""
    made = judged(ecg(shared, "119"))
    assert total(made, "beats_v") == pytest.approx(444, abs=8)
    opened, closed = events(made, "ectopy")
    assert opened.start_us == closed.start_us
    assert (opened.state.value, closed.state.value) == ("open", "cut")
    assert closed.end_us - closed.start_us > 1600e6
    assert closed.score > 0.97
    assert closed.made_by.model_sha256


def test_any_pieces_give_the_same(shared: Path) -> None:
    whole = ecg(shared, "119", 0.0, 200.0)
    cuts = np.sort(np.random.default_rng(5).uniform(0.0, 200.0, 60))
    pieces = [lead(whole, a, b) for a, b in zip([0.0, *cuts], [*cuts, 200.0], strict=True)]
    assert repr(judged(whole)) == repr(judged(*pieces))


def test_time_of_day_moves_everything_alike(shared: Path) -> None:
    block = ecg(shared, "119", 0.0, 150.0)
    later = judged(replace(block, t0_us=block.t0_us + 86_400_000_000))
    for one, other in zip(judged(block), later, strict=True):
        assert (other.start_us - one.start_us, other.end_us - one.end_us) == (86_400_000_000, 86_400_000_000)


def test_a_pause_is_found_and_a_lost_lead_is_none() -> None:
    rr = np.full(120, 0.8)
    rr[80] = 2.6
    (pause,) = events(judged(synthetic(rr, 0.01)), "pause")
    assert pause.start_us == pytest.approx((1.0 + rr[:80].sum()) * 1e6, abs=20_000)
    assert pause.end_us - pause.start_us == pytest.approx(2.6e6, abs=20_000)
    block = synthetic(np.full(120, 0.8), 0.01)
    lost = block.values.copy()
    lost[round(65.3 * FS) : round(68.5 * FS)] = 0
    assert not events(judged(replace(block, values=lost)), "pause")
    gone = (lead(block, 0.0, 65.3), lead(block, 68.5, 97.0))
    assert not events(judged(*gone), "pause")


def test_a_slow_heart_makes_no_pause() -> None:
    rr = 2.05 + 0.05 * np.sin(np.arange(60) / 3.0)
    assert not events(judged(synthetic(rr, 0.01)), "pause")


def test_noise_is_not_classified() -> None:
    rng = np.random.default_rng(3)
    values = np.rint(300 * rng.normal(size=round(180 * FS))).astype(np.int32)
    made = judged(Block("ecg", 0, Timing.REGULAR, FS, values, 1.0, "uV"))
    assert not [one for one in made if isinstance(one, Event)]
    assert total(made, "beats_s") + total(made, "beats_v") + total(made, "beats_n") == 0
    assert all(one.coverage == 0.0 for one in made if isinstance(one, Features))


@pytest.mark.parametrize("samples", [1, 40, 3000])
def test_short_and_flat_streams_end_well(samples: int) -> None:
    made = judged(Block("ecg", 0, Timing.REGULAR, FS, np.zeros(samples, np.int32), 1.0, "uV"))
    (minute,) = made
    assert isinstance(minute, Features)
    assert minute.reason == "no two beats without a gap between them"
