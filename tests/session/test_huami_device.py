"""A Huami band as a device: heart rate that streams while it is asked for and kept going, and refusals."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.session.vendor_streams import connected, events, gaps, lose, mute, numbers, streamed
from vitals.errors import LinkError
from vitals.session.driver import PlainDriver
from vitals.session.huami import HuamiDriver
from vitals.session.protocols import drivers_of
from vitals.values import Connected, Disconnected, LossReason, Stall
from vitals.virtual import Body, HuamiBand, scene


def body() -> Body:
    return Body(np.cumsum(np.random.default_rng(2).normal(0.8, 0.02, 500)))


def test_rates_come_and_are_those_of_the_body(play: Any) -> None:
    wearer, band = body(), HuamiBand(body())
    kinds, items = play(streamed(band, 120))
    assert kinds == ("hr",)
    assert [type(one) for one in events(items)] == [Connected]
    times, rates = numbers("hr", items)
    assert times[0] - items[0].at_us / 1e6 > 7  # it takes its time, and that is no fault
    assert times[-1] > 117
    assert np.abs(rates - [wearer.rate_bpm(at - items[0].at_us / 1e6) for at in times]).max() < 2
    assert not gaps("hr", items)
    assert np.diff(band.heart.alive) == pytest.approx(np.full(len(band.heart.alive) - 1, 10), abs=0.5)
    assert len(band.heart.alive) in (11, 12)


def test_leaving_ends_the_measurement(play: Any) -> None:
    async def main() -> tuple[bool, bool]:
        band = HuamiBand(body())
        async with scene(band) as near, connected(near) as device:
            async with device.items():
                await asyncio.sleep(15)
                during = band.heart.running
            await asyncio.sleep(0.5)
            return during, band.heart.running

    assert play(main()) == (True, False)


def test_a_band_that_is_bound_to_an_account_says_so(play: Any) -> None:
    async def main() -> None:
        async with scene(HuamiBand(body(), needs_key=True)) as near, connected(near) as device:
            with pytest.raises(LinkError, match=r"refused to measure heart rate: .* not bound to an account"):
                async with asyncio.timeout(60), device.stream("hr") as blocks:
                    await anext(blocks)

    play(main())


def test_a_band_that_does_not_answer_is_an_error_in_time(play: Any) -> None:
    async def main() -> float:
        async with scene(HuamiBand(body())) as near, connected(near) as device:
            near.devices[0].muted = True
            began = asyncio.get_running_loop().time()
            with pytest.raises(LinkError, match=r"did not answer .* within 3 s"):
                async with asyncio.timeout(60), device.stream("hr") as blocks:
                    await anext(blocks)
            return asyncio.get_running_loop().time() - began

    assert play(main()) < 8


def test_a_lost_link_is_a_gap_and_the_measurement_begins_again(play: Any) -> None:
    _, items = play(streamed(HuamiBand(body()), 120, (50, lose)))
    assert [type(one) for one in events(items)] == [Connected, Disconnected, Connected]
    assert len(gaps("hr", items)) == 1
    assert numbers("hr", items)[0][-1] > 117


def test_a_mute_band_is_restarted_and_then_given_up(play: Any) -> None:
    _, items = play(streamed(HuamiBand(body()), 250, (30, mute(True)), (150, mute(False))))
    found = events(items)
    assert [type(one) for one in found][:5] == [Connected, Stall, Stall, Stall, Disconnected]
    assert found[4].reason is LossReason.SILENT
    assert numbers("hr", items)[0][-1] > 247


def test_malformed_rates_are_left_out(play: Any) -> None:
    band = HuamiBand(body())
    _, items = play(streamed(band, 60, (30, lambda _: setattr(band, "spoil", lambda _, payload: payload[:1]))))
    assert numbers("hr", items)[0][-1] == pytest.approx(30, abs=2.5)


def test_the_driver_of_a_band_stands_in_for_the_plain_one() -> None:
    band = frozenset(f"0000{short}-0000-1000-8000-00805f9b34fb" for short in ("fee0", "2a37", "2a39", "180d"))
    assert drivers_of(band) == [HuamiDriver]
    assert drivers_of(band - {"0000fee0-0000-1000-8000-00805f9b34fb"}) == [PlainDriver]
