"""A device that comes back under another address is the same device; another device of its name is not."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vitals
from vitals import Store
from vitals.device import Item
from vitals.session.comeback import rotates
from vitals.values import Block, Connected, Disconnected, Gap
from vitals.virtual import Strap, scene
from vitals.virtual.chest_strap import DEFAULT_INFO

HEART = np.arange(0, 600, 0.8)
FIRST, SECOND, THIRD = "4A:11:22:33:44:55", "6B:99:88:77:66:55", "5C:01:02:03:04:05"


@pytest.mark.parametrize(
    ("address", "private"),
    [(FIRST, True), ("7F:00:00:00:00:01", True), ("C0:00:00:00:00:01", False), ("24:AC:AC:01:02:03", False),
     ("3F:00:00:00:00:01", False), ("80:00:00:00:00:01", False), ("12345678-ABCD-4F00-8000-0123456789AB", False)],
)  # fmt: skip
def test_resolvable_private_addresses_are_told_by_their_first_two_bits(address: str, private: bool) -> None:
    assert rotates(address) is private


def test_a_strap_that_changed_its_address_goes_on_in_its_session(play: Any, tmp_path: Path) -> None:
    strap = Strap(HEART)

    async def main(store: Store) -> list[str]:
        async with scene(strap) as near:
            await strap.change_address(FIRST)
            told: list[str] = []
            async with vitals.connect(near.name, backend=near.backend, rng=random.Random(1)) as device:
                link = vitals.monitor(
                    device, store=store, kinds={"rr"}, on_link=lambda event: told.append(type(event).__name__)
                )
                async with link as events:
                    await asyncio.sleep(60)
                    near.radio.drop(strap.device)
                    await strap.change_address(SECOND)
                    await asyncio.sleep(60)
                    events.stop()
                    _ = [event async for event in events]
            return told

    with Store.open(tmp_path / "s", key=vitals.passphrase("four words are enough"), create=True) as store:
        assert play(main(store)) == ["Connected", "Disconnected", "Connected"]
        assert len(store.devices()) == 1
        (stream,) = store.streams("rr")
        assert [gap.reason for gap in store.gap_list(stream)] == ["link lost"]
        assert sum(len(block) for block in store.blocks(stream)) > 130
        play(main(store))  # another day, under another address again
        assert [len(one.sessions) for one in store.devices()] == [2]


@pytest.mark.parametrize("static", [False, True])
def test_another_strap_of_that_name_is_left_alone(play: Any, static: bool) -> None:
    strap, other = Strap(HEART), Strap(HEART, info=replace(DEFAULT_INFO, serial="0002"))
    met: list[object] = []

    async def main() -> list[Item]:
        async with scene(strap, other) as near:
            near.radio.out_of_range(other.device)
            other.device.on("connection", met.append)
            if not static:
                await strap.change_address(FIRST)
                await other.change_address(THIRD)
            async with vitals.connect(strap.address, backend=near.backend, rng=random.Random(1)) as device:
                enough = asyncio.Event()
                loop = asyncio.get_running_loop()
                loop.call_later(30, near.radio.in_range, other.device)
                loop.call_later(30, near.radio.out_of_range, strap.device)
                loop.call_later(90, near.radio.in_range, strap.device)
                loop.call_later(150, enough.set)
                async with device.items(enough, kinds=("rr",)) as items:
                    seen = [item async for item in items]
                assert device.info.serial == "0001"
            return seen

    items = play(main())
    assert other.body_s == 0  # nobody ever listened to it
    assert len(met) == (0 if static else 1)  # and it was asked once who it is, where addresses rotate
    assert [type(one) for one in items if isinstance(one, Connected | Disconnected)] == [
        Connected, Disconnected, Connected,
    ]  # fmt: skip
    (gap,) = [one for one in items if isinstance(one, Gap)]
    assert gap.reason == "link lost"
    assert gap.end_us - gap.start_us == pytest.approx(62e6, abs=8e6)
    assert sum(len(one) for one in items if isinstance(one, Block)) > 90
