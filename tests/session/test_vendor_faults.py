"""Every vendor's device through a script of faults and into a store: it comes back, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vitals
from tests.session.vendor_streams import ZERO_US, connected, events
from vitals.offline import items_of, redecoded
from vitals.store import KdfParams, Store, passphrase
from vitals.values import Block, Connected
from vitals.virtual import (
    BangleWatch,
    Body,
    ColmiRing,
    FaultScript,
    GattDevice,
    HuamiBand,
    MovesenseSensor,
    OxygenRing,
    PineTime,
    VirtualRadio,
    scene,
)
from vitals.virtual import (
    play as play_faults,
)

QUICK = KdfParams(memory_kib=19 * 1024, time_cost=2, lanes=1)
DEVICES: dict[str, tuple[Callable[[Body], GattDevice], tuple[str, ...]]] = {
    "InfiniTime": (PineTime, ("hr", "acc", "steps", "battery")),
    "Colmi": (ColmiRing, ("hr", "spo2", "battery")),
    "Movesense": (MovesenseSensor, ("ecg", "acc", "hr", "rr", "battery")),
    "Bangle.js": (BangleWatch, ("hr", "steps", "battery")),
    "O2Ring": (OxygenRing, ("hr", "spo2", "battery")),
    "Huami": (HuamiBand, ("hr",)),
}


def body(seconds: float) -> Body:
    beats = np.cumsum(np.random.default_rng(1).normal(0.8, 0.03, int(seconds / 0.8)))
    return Body(beats, activity=[(10, seconds / 2)])


def joined(blocks: list[Block]) -> tuple[Any, Any]:
    """Times and values of all the blocks."""
    return np.concatenate([one.times_us() for one in blocks]), np.concatenate([one.values for one in blocks])


@pytest.mark.parametrize("vendor", DEVICES)
def test_a_device_comes_back_from_faults(play: Any, vendor: str) -> None:
    make, kinds = DEVICES[vendor]
    script = FaultScript.random(seed=11, hours=0.12, per_hour=60)

    async def main() -> list[Any]:
        radio = VirtualRadio(seed=1, interval_s=0.045, packet_errors=0.05)
        async with scene(make(body(600)), radio=radio) as near, connected(near, kinds=kinds) as device:
            enough = asyncio.Event()
            async with device.items(enough) as items:
                faults = asyncio.create_task(play_faults(script, near))
                asyncio.get_running_loop().call_later(500, enough.set)
                got = [item async for item in items]
            await faults
            return got

    items = play(main())
    assert sum(isinstance(one, Connected) for one in events(items)) > 2
    last = {one.kind: one.end_us / 1e6 for one in items if isinstance(one, Block)}
    assert set(last) == set(kinds)
    began = items[0].at_us / 1e6
    for kind in set(kinds) - {"battery", "steps"}:
        assert last[kind] - began > 460, kind


@pytest.mark.parametrize("vendor", DEVICES)
def test_a_device_is_recorded_and_its_journal_gives_the_same(vendor: str, tmp_path: Path) -> None:
    make, kinds = DEVICES[vendor]

    async def main(store: Store) -> None:
        async with (
            scene(make(body(300))) as near,
            connected(near, kinds=kinds) as device,
            vitals.monitor(device, store=store, journal=True) as monitoring,
        ):
            loop = asyncio.get_running_loop()
            loop.call_later(60, near.radio.drop)
            loop.call_later(150, monitoring.stop)
            assert [event async for event in monitoring] == []

    with Store.create(tmp_path / "s", passphrase("correct horse"), kdf=QUICK) as store:
        vitals.virtual.run(main(store))
        (journal,) = store.streams("journal")
        again = list(redecoded(store, journal))
        for kind in kinds:
            kept = [one for stream in store.streams(kind) for one in items_of(store, stream)]
            live = [one for one in kept if isinstance(one, Block)]
            replayed = [one for one in again if isinstance(one, Block) and one.kind == kind]
            for first, second in zip(joined(live), joined(replayed), strict=True):
                np.testing.assert_array_equal(first, second)
            assert live[0].start_us > ZERO_US
        assert store.verify().ok


@pytest.mark.parametrize("vendor", DEVICES)
def test_a_stream_ends_when_the_body_has_been_played(play: Any, vendor: str) -> None:
    make, kinds = DEVICES[vendor]

    async def main() -> list[Any]:
        async with vitals.virtual.connected(make(body(40.3))) as device, device.items(kinds=kinds[:1]) as items:
            return [item async for item in items]

    items = play(main())
    ends = [one.end_us for one in items if isinstance(one, Block) and one.kind == kinds[0]]
    assert ends[-1] - items[0].at_us == pytest.approx(40e6, abs=3e6)
