"""A PineTime as a device: values that are notified when they change only, motion without a clock, faults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.session.vendor_streams import events, gaps, lose, mute, numbers, of, streamed
from vitals.device import Item
from vitals.values import BatteryLow, Block, Connected, Disconnected, Gap, LossReason, Stall
from vitals.virtual import Body, PineTime, Recording

STEADY = np.arange(0, 200, 0.75)  # 80 bpm, always


def body(**options: Any) -> Body:
    return Body(STEADY, activity=[(20, 60)], **options)


def test_what_is_offered_and_that_it_is_what_the_body_does(play: Any) -> None:
    rng = np.random.default_rng(1)
    moved = np.rint(rng.uniform(-2, 2, (2000, 3)) * 1024) / 1024
    watch = PineTime(body(), acc_g=Recording(moved, 10), battery=70)
    kinds, items = play(streamed(watch, 90))
    assert set(kinds) == {"hr", "battery", "steps", "acc"}
    assert [type(one) for one in events(items)] == [Connected]
    _, rates = numbers("hr", items)
    assert set(rates[15:]) == {80}
    assert [block.values.tolist() for block in of("battery", items)] == [[70]]
    _, steps = numbers("steps", items)
    assert steps[0] == 0
    assert steps[-1] == int(40 * 1.8)
    assert all(np.diff(steps) > 0)
    blocks = of("acc", items)
    acc = np.concatenate([block.physical() for block in blocks])
    assert acc.shape[0] == pytest.approx(900, abs=12)
    start = int(np.flatnonzero((moved == acc[0]).all(axis=1))[0])
    assert np.array_equal(acc, moved[start : start + len(acc)])
    assert {block.unit for block in blocks} == {"g"}
    assert all(block.rate_hz == pytest.approx(10, rel=0.01) for block in blocks)
    assert not gaps("acc", items)


def test_a_steady_pulse_is_asked_for_and_is_no_gap(play: Any) -> None:
    """InfiniTime notifies a rate only when it changes; without asking, a steady heart would look like a dead watch."""
    _, items = play(streamed(PineTime(body()), 120, kinds=("hr",)))
    times, rates = numbers("hr", items)
    assert not gaps("hr", items)
    assert [type(one) for one in events(items)] == [Connected]
    later = times > times[0] + 20
    assert np.diff(times[later]).max() < 3
    assert np.median(np.diff(times[later])) > 1.4  # and not more often than needed
    assert set(rates[later]) == {80}


def test_a_lost_link_is_a_gap_and_comes_back(play: Any) -> None:
    _, items = play(streamed(PineTime(body()), 90, (40, lose), kinds=("hr", "acc")))
    first, lost, again = events(items)
    assert (type(first), lost.reason, type(again)) == (Connected, LossReason.LOST, Connected)
    assert again.at_us - lost.at_us < 8e6
    (hole,) = [gap for gap in gaps("acc", items) if gap.reason == LossReason.LOST]
    assert hole.start_us < lost.at_us
    assert hole.end_us > lost.at_us


def test_a_mute_watch_answers_reads_and_lives(play: Any) -> None:
    _, items = play(streamed(PineTime(body()), 60, (20, mute(True)), (40, mute(False)), kinds=("hr", "steps")))
    assert not [one for one in events(items) if isinstance(one, Disconnected)]
    assert not gaps("hr", items)


def test_what_is_malformed_is_left_out(play: Any) -> None:
    def cut(uuid: str, payload: bytes) -> bytes:
        return payload[:-1]

    watch = PineTime(body())
    _, items = play(streamed(watch, 60, (30, lambda _: setattr(watch, "spoil", cut)), kinds=("steps", "acc")))
    times, _ = numbers("acc", items)
    assert times[-1] == pytest.approx(30, abs=1.5)
    assert all(isinstance(item, Block | Gap | Connected | Stall) for item in items)


def test_a_low_battery_is_said_once(play: Any) -> None:
    watch = PineTime(body(), battery=30)

    def discharge(percent: int) -> Any:
        return lambda _: setattr(watch, "battery", percent)

    faults = [(10.0 + k, discharge(percent)) for k, percent in enumerate((20, 15, 14))]
    items: list[Item]
    _, items = play(streamed(watch, 30, *faults, kinds=("battery",)))
    assert [block.values.tolist() for block in of("battery", items)] == [[30], [20], [15], [14]]
    assert [one.percent for one in events(items) if isinstance(one, BatteryLow)] == [15]
