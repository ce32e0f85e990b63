"""Losses and returns: what a reader of `vitals.connect` sees, in which order, and how soon."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

import vitals
from vitals.device import Item
from vitals.errors import BluetoothUnavailable, DeviceNotFound, LinkError, LinkLost
from vitals.link import Backend
from vitals.values import Block, Connected, Disconnected, Gap, LossReason
from vitals.virtual import Scene, Strap, VirtualRadio, VirtualStrap, scene, virtual_strap

HEART = np.arange(0, 600, 0.8)
RECOVERY_S = 8.0


def now() -> float:
    return asyncio.get_running_loop().time()


def device_of(near: Scene, **options: Any) -> Any:
    return vitals.connect(near.name, backend=near.backend, rng=random.Random(1), **options)


async def collect(device: Any, seconds: float) -> list[Item]:
    """What comes within `seconds`; then the stream is ended."""
    enough = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, enough.set)
    async with device.items(enough) as items:
        return [item async for item in items]


def of(kind: str, items: list[Item]) -> list[Block | Gap]:
    return [item for item in items if isinstance(item, Block | Gap) and item.kind == kind]


def events(items: list[Item]) -> list[Any]:
    return [item for item in items if not isinstance(item, Block | Gap)]


def after(near: VirtualStrap, seconds: float, fault: Callable[[], object]) -> None:
    asyncio.get_running_loop().call_later(seconds, fault)


def test_a_loss_ends_the_run_and_the_return_declares_the_gap(play: Any) -> None:
    async def main() -> list[Item]:
        async with virtual_strap(HEART) as near, device_of(near) as device:
            after(near, 30, lambda: near.radio.drop(near.strap.device))
            return await collect(device, 60)

    items = play(main())
    first, lost, again = events(items)
    assert isinstance(first, Connected)
    assert lost == Disconnected(lost.at_us, LossReason.LOST)
    assert isinstance(again, Connected)
    assert again.at_us - lost.at_us < 1_000_000
    at = items.index(lost)
    before, later = of("rr", items[:at]), of("rr", items[at:])
    assert sum(map(len, (one for one in before if isinstance(one, Block)))) >= 34  # nothing is held back
    gap = later[0]
    assert isinstance(gap, Gap)
    assert gap.reason == "link lost"
    assert gap.start_us == before[-1].end_us
    following = later[1]
    assert isinstance(following, Block)
    assert gap.end_us == following.start_us
    assert not any(isinstance(one, Gap) for one in later[1:])


@pytest.mark.parametrize("absent_s", [2.0, 10.0, 400.0])
def test_it_is_back_soon_after_the_device_is_in_reach(play: Any, absent_s: float) -> None:
    async def main() -> tuple[float, list[Item]]:
        radio = VirtualRadio(seed=3, interval_s=0.045, packet_errors=0.1)
        async with virtual_strap(HEART, radio=radio) as near, device_of(near) as device:
            after(near, 20, lambda: radio.out_of_range(near.strap.device))
            after(near, 20 + absent_s, lambda: radio.in_range(near.strap.device))
            back = now() + 20 + absent_s
            return back, await collect(device, 20 + absent_s + 20)

    back, items = play(main())
    heart_rates = [one.start_us / 1e6 for one in of("hr", items) if isinstance(one, Block)]
    assert min(at for at in heart_rates if at >= back) - back < RECOVERY_S
    assert (len(events(items)) == 1) == (absent_s < 3)  # a short absence is no loss


def test_lost_connection_requests_are_repeated(play: Any) -> None:
    async def main() -> list[Item]:
        async with virtual_strap(HEART) as near:
            near.radio.lose_connects(2)
            async with device_of(near) as device:
                after(near, 5, lambda: near.radio.lose_connects(3))
                after(near, 5, lambda: near.radio.drop(near.strap.device))
                return await collect(device, 20)

    _, lost, again = events(play(main()))
    assert again.at_us - lost.at_us < 3_000_000


def test_without_reconnect_the_first_attempt_and_the_first_loss_count(play: Any) -> None:
    async def main() -> list[Item]:
        seen: list[Item] = []
        async with virtual_strap(HEART) as near:
            near.radio.lose_connects(1)
            with pytest.raises(LinkError, match="connecting to Virtual H10 failed"):
                async with device_of(near, reconnect=False):
                    pass
            async with device_of(near, reconnect=False) as device:
                after(near, 10, lambda: near.radio.drop(near.strap.device))
                async with device.items() as items:
                    with pytest.raises(LinkLost, match=r"Virtual H10 .* connect again"):
                        async for item in items:
                            seen.append(item)
                assert not device.is_connected
                with pytest.raises(LinkLost):
                    async with device.stream("hr"):
                        pass
        return seen

    seen = play(main())
    assert isinstance(seen[-1], Disconnected)
    assert len(of("hr", seen)) == 9


@pytest.mark.parametrize("moment_s", [0.0, 0.05, 0.3, 5.0, 33.0])
def test_leaving_during_a_reconnection_is_immediate(play: Any, moment_s: float) -> None:
    async def main() -> float:
        async with virtual_strap(HEART) as near:
            async with device_of(near) as device, device.items():
                await asyncio.sleep(10)
                near.radio.out_of_range(near.strap.device)
                near.radio.drop(near.strap.device)
                await asyncio.sleep(moment_s)
                assert not device.is_connected
                began = now()
            assert not near.strap.device.connections
            return now() - began

    assert play(main()) == pytest.approx(0, abs=1e-6)


def test_cancelling_at_any_step_of_connecting_leaves_no_link(play: Any) -> None:
    async def main() -> int:
        async with virtual_strap([]) as near:

            async def hold() -> None:
                async with device_of(near) as device, device.items() as items:
                    async for _ in items:
                        pass

            for steps in range(0, 4000, 5):
                heard = asyncio.Event()
                near.strap.device.once("connection", lambda _, heard=heard: heard.set())
                task = asyncio.create_task(hold())
                await heard.wait()
                for _ in range(steps):
                    await asyncio.sleep(0)
                subscribed = bool(near.strap.subscribers("00002a37-0000-1000-8000-00805f9b34fb"))
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert task.cancelled()
                await asyncio.sleep(0.01)
                assert not near.strap.device.connections
                assert not near.central.device.scanning
                if subscribed:
                    return steps
        return 0

    assert play(main()) > 100  # or the steps did not fall into connecting


def test_a_device_that_connects_and_leaves_at_once_is_asked_ever_more_rarely(play: Any) -> None:
    async def main() -> tuple[int, int]:
        async with virtual_strap(HEART) as near, device_of(near) as device:
            count = 0

            def refuse(_: object) -> None:
                nonlocal count
                count += 1
                asyncio.get_running_loop().call_later(0.001, near.radio.drop, near.strap.device)

            near.strap.device.on("connection", refuse)
            near.radio.drop(near.strap.device)
            listening = asyncio.create_task(collect(device, 600))
            await asyncio.sleep(300)
            early = count
            near.strap.device.remove_listener("connection", refuse)
            items = await listening
            assert isinstance(events(items)[-1], Connected)
            return early, count

    early, _ = play(main())
    assert 10 < early < 60  # 3000 advertisements were heard


def test_the_log_of_a_seed_is_the_same_each_time(play: Any) -> None:
    async def main(seed: int) -> list[str]:
        radio = VirtualRadio(seed=seed, interval_s=0.045, packet_errors=0.2)
        async with (
            virtual_strap(HEART, radio=radio) as near,
            vitals.connect(near.name, backend=near.backend, rng=random.Random(seed)) as device,
        ):
            for at in (20, 50, 80):
                after(near, at, lambda: radio.drop(near.strap.device))
            return [str(item) for item in await collect(device, 120)]

    assert play(main(5)) == play(main(5)) != play(main(6))


def test_two_devices_on_one_adapter_take_turns(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> tuple[list[list[Item]], int]:
        straps = [
            Strap(HEART, info=vitals.DeviceInfo(name="Left")),
            Strap(HEART, info=vitals.DeviceInfo(name="Right")),
        ]
        async with scene(*straps, radio=VirtualRadio(seed=2, interval_s=0.045)) as near:
            at_once = most = 0
            connect = near.backend.client.connect

            async def counted(self: Any, pair: bool, **kwargs: Any) -> None:
                nonlocal at_once, most
                at_once += 1
                most = max(most, at_once)
                try:
                    await connect(self, pair, **kwargs)
                finally:
                    at_once -= 1

            monkeypatch.setattr(near.backend.client, "connect", counted)

            async def one(name: str) -> list[Item]:
                async with vitals.connect(name, backend=near.backend, rng=random.Random(name)) as device:
                    return await collect(device, 60)

            asyncio.get_running_loop().call_later(30, near.radio.drop)
            return list(await asyncio.gather(one("Left"), one("Right"))), most

    both, most = play(main())
    assert most == 1
    for items in both:
        assert [type(one) for one in events(items)] == [Connected, Disconnected, Connected]
        assert sum(len(one) for one in of("hr", items) if isinstance(one, Block)) > 50


def test_where_nobody_can_scan_attempts_are_blind_and_capped(play: Any) -> None:
    async def main() -> list[float]:
        async with virtual_strap(HEART) as near:
            broken = False
            attempts: list[float] = []

            class Scanner(near.backend.scanner):  # type: ignore[name-defined,misc]
                async def start(self) -> None:
                    if broken:
                        reason = BleakBluetoothNotAvailableReason.POWERED_OFF
                        raise BleakBluetoothNotAvailableError("off", reason)
                    await super().start()

            class Client(near.backend.client):  # type: ignore[name-defined,misc]
                async def connect(self, pair: bool, **kwargs: Any) -> None:
                    attempts.append(now())
                    if broken:
                        raise BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF)
                    await super().connect(pair, **kwargs)

            backend = Backend(Scanner, Client)
            async with vitals.connect(near.name, backend=backend, rng=random.Random(2)) as device:
                listening = asyncio.create_task(collect(device, 560))
                await asyncio.sleep(10)
                broken = True
                near.radio.drop(near.strap.device)
                await asyncio.sleep(400)
                assert not device.is_connected
                broken = False
                await asyncio.sleep(31)
                assert device.is_connected
                await listening
            return attempts

    attempts = play(main())
    pauses = np.diff(attempts)[1:]
    assert 0 < len(pauses) < 60
    assert pauses.max() <= 31
    assert pauses.max() > 10


@pytest.mark.parametrize("reason", list(BleakBluetoothNotAvailableReason))
def test_each_absence_of_bluetooth_has_its_own_words(play: Any, reason: BleakBluetoothNotAvailableReason) -> None:
    async def main() -> str:
        async with virtual_strap([]) as near:

            class Scanner(near.backend.scanner):  # type: ignore[name-defined,misc]
                async def start(self) -> None:
                    raise BleakBluetoothNotAvailableError("said the stack", reason)

            with pytest.raises(BluetoothUnavailable, match=r"said the stack.*vitals demo.*vitals\.virtual") as refused:
                async with vitals.connect(near.name, backend=Backend(Scanner, near.backend.client)):
                    pass
            return str(refused.value)

    remedy = {"NO_BLUETOOTH": "plug in", "POWERED_OFF": "switch it on", "DENIED_BY_USER": "allow it"}
    assert remedy.get(reason.name, "luetooth") in play(main())


def test_nobody_of_that_name_is_said_once_and_in_time(play: Any) -> None:
    async def main() -> float:
        async with virtual_strap([]) as near:
            began = now()
            with pytest.raises(DeviceNotFound, match="'Polar H7'"):
                async with vitals.connect("Polar H7", backend=near.backend, timeout_s=7):
                    pass
            return now() - began

    assert play(main()) == pytest.approx(7, abs=0.1)
