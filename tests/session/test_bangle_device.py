"""A Bangle.js as a device: lines in pieces, console text between them, steps that add up, faults."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.session.vendor_streams import connected, events, gaps, lose, mute, numbers, of, streamed
from vitals.decode import bangle
from vitals.errors import LinkError
from vitals.intake import Intake
from vitals.session.bangle import BangleDriver
from vitals.session.protocols import drivers_of
from vitals.values import BatteryLow, Block, Connected, Disconnected, Frame, LossReason, Stall
from vitals.virtual import BangleWatch, Body, scene


def body() -> Body:
    return Body(np.cumsum(np.random.default_rng(2).normal(0.8, 0.02, 500)), activity=[(20, 60)])


@pytest.mark.parametrize("mtu", [23, 53, 131])
def test_what_is_offered_and_that_it_is_what_the_body_does(play: Any, mtu: int) -> None:
    wearer = body()
    kinds, items = play(streamed(BangleWatch(wearer, battery=64, mtu=mtu), 90))
    assert set(kinds) == {"hr", "steps", "battery"}
    assert [type(one) for one in events(items)] == [Connected]
    times, rates = numbers("hr", items)
    expected = np.array([wearer.rate_bpm(at - items[0].at_us / 1e6) for at in times])
    assert len(rates) == pytest.approx(86, abs=4)
    assert np.abs(rates - expected).max() < 2
    assert not gaps("hr", items)
    _, steps = numbers("steps", items)
    assert steps[0] == 0
    assert steps[-1] == wearer.steps(80)
    assert {int(level) for level in numbers("battery", items)[1]} == {64}


def test_console_text_and_other_messages_are_no_values(play: Any) -> None:
    watch = BangleWatch(body())

    def chatter(_: Any) -> None:
        watch.console.print(b'>{"t":"act","stp":300,"hrm":70}\r\n{"t":"notify","id":1}\r\n=undefined\r\n>')

    _, items = play(streamed(watch, 30, (10, chatter), kinds=("steps",)))
    assert numbers("steps", items)[1].max() < 40


def test_leaving_tells_the_watch_to_stop(play: Any) -> None:
    async def main() -> tuple[bool, bool]:
        watch = BangleWatch(body())
        async with scene(watch) as near, connected(near, kinds=("hr",)) as device:
            async with device.items():
                await asyncio.sleep(5)
                during = watch.console.active
            await asyncio.sleep(0.5)
            return during, watch.console.active

    assert play(main()) == (True, False)


def test_after_a_lost_link_steps_go_on(play: Any) -> None:
    _, items = play(streamed(BangleWatch(body()), 90, (40, lose)))
    assert [type(one) for one in events(items)] == [Connected, Disconnected, Connected]
    _, steps = numbers("steps", items)
    assert (np.diff(steps) > 0).all()
    assert body().steps(80) - 15 < steps[-1] <= body().steps(80)  # those of the loss are missing


def test_a_mute_watch_is_restarted_and_then_given_up(play: Any) -> None:
    _, items = play(streamed(BangleWatch(body()), 120, (20, mute(True)), (70, mute(False)), kinds=("hr",)))
    found = events(items)
    assert [type(one) for one in found][:5] == [Connected, Stall, Stall, Stall, Disconnected]
    assert found[4].reason is LossReason.SILENT
    assert numbers("hr", items)[0][-1] > 118


def test_malformed_lines_give_no_values(play: Any) -> None:
    watch = BangleWatch(body(), mtu=131)

    def damage(uuid: str, payload: bytes) -> bytes:
        return payload.replace(b'"hrm":', b'"hrm":9')

    _, items = play(streamed(watch, 60, (20, lambda _: setattr(watch, "spoil", damage)), kinds=("hr",)))
    times, rates = numbers("hr", items)
    assert times[-1] == pytest.approx(20, abs=1.5)
    assert rates.max() < 100


def test_a_watch_without_the_app_is_an_error_in_time(play: Any) -> None:
    async def main() -> float:
        async with scene(BangleWatch(body())) as near, connected(near) as device:
            near.devices[0].muted = True
            began = asyncio.get_running_loop().time()
            with pytest.raises(LinkError, match="did not answer act within 3 s"):
                async with asyncio.timeout(60), device.stream("hr") as blocks:
                    await anext(blocks)
            return asyncio.get_running_loop().time() - began

    assert play(main()) < 7


def test_a_low_battery_is_said_once(play: Any) -> None:
    watch = BangleWatch(body(), battery=12)
    _, items = play(streamed(watch, 30, kinds=("battery",)))
    assert [one.percent for one in events(items) if isinstance(one, BatteryLow)] == [12]
    assert len(of("battery", items)) == 2  # the one that was asked for, and the one unasked


def test_another_device_with_the_same_service_is_no_watch(play: Any) -> None:
    async def main() -> tuple[str, ...]:
        async with scene(BangleWatch(body(), name="Serial cable")) as near, connected(near) as device:
            kinds: tuple[str, ...] = device.kinds
            return kinds

    assert play(main()) == ()
    assert drivers_of(frozenset({bangle.SERVICE})) == [BangleDriver]


def test_lines_as_the_app_of_the_watch_writes_them() -> None:
    """By hand from apps/android/lib.js: gbSend prints an empty line, then the JSON of `{t, stp, hrm, rt}`."""
    intake = Intake()
    asked = bangle.encode_call({"t": "act", "hrm": True, "stp": True, "int": 1})
    assert intake.feed(Frame(0, bangle.WRITE, asked)) == []
    said = b'\r\n{"t":"act","stp":3,"hrm":71,"rt":1}\r\n\r\n{"t":"status","bat":55,"chg":0}\r\n'
    items = [one for k in range(0, len(said), 20) for one in intake.feed(Frame(k, bangle.NOTIFY, said[k : k + 20]))]
    assert [(one.kind, one.values.tolist()) for one in items if isinstance(one, Block)] == [
        ("hr", [71]),
        ("steps", [3]),
        ("battery", [55]),
    ]
