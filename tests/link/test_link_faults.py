"""What goes wrong on the air, as bleak reports it: lost links, absences, cancelled and contested connections."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakDeviceNotFoundError, BleakError

from vitals.virtual import VirtualStrap, virtual_strap
from vitals.virtual.backend import backends
from vitals.virtual.radio import SUPERVISION_S

MEASUREMENT, LEVEL = "2a37", "2a19"
NOBODY = "F0:00:00:00:00:99"
HEART = np.arange(0, 60, 0.8)


def now() -> float:
    return asyncio.get_running_loop().time()


async def reachable(near: VirtualStrap) -> bool:
    """A fresh connection works."""
    async with BleakClient(near.address, backend=near.backend.client) as client:
        return await client.read_gatt_char(LEVEL) == bytearray([100])


def test_a_link_lost_between_notifications_ends_at_both_ends(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap(HEART) as near:
            ended: list[float] = []
            client = BleakClient(near.address, lambda _: ended.append(now()), backend=near.backend.client)
            await client.connect()
            got: list[bytes] = []
            await client.start_notify(MEASUREMENT, lambda _, data: got.append(bytes(data)))
            await asyncio.sleep(5.5)
            lost_at = now()
            near.radio.drop()
            await asyncio.sleep(3)
            assert ended == [lost_at]
            assert len(got) == 5
            assert not client.is_connected
            assert not near.strap.device.connections
            with pytest.raises(BleakError):
                await client.read_gatt_char(LEVEL)
            await client.disconnect()
            await client.connect()  # the same client again
            await client.start_notify(MEASUREMENT, lambda _, data: got.append(bytes(data)))
            await asyncio.sleep(2)
            assert len(got) == 7
            await client.disconnect()

    play(main())


def test_a_read_under_way_fails_at_once_when_the_link_is_lost(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near:
            client = BleakClient(near.address, backend=near.backend.client)
            await client.connect()
            near.radio.out_of_range()
            reads = [asyncio.create_task(client.read_gatt_char(uuid)) for uuid in (LEVEL, LEVEL, "2a29")]
            await asyncio.sleep(0.1)
            began = now()
            near.radio.drop()
            results = await asyncio.gather(*reads, return_exceptions=True)
            assert [type(result) for result in results] == [BleakError] * 3
            assert now() == began
            assert not any(read.cancelled() for read in reads)

    play(main())


def test_out_of_range_ends_the_link_after_the_supervision_time_out(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near:
            client = BleakClient(near.address, backend=near.backend.client)
            await client.connect()
            near.radio.out_of_range(near.strap.device)
            began = now()
            with pytest.raises(BleakError):
                await client.read_gatt_char(LEVEL)
            assert now() - began == pytest.approx(SUPERVISION_S)
            assert await BleakScanner.discover(timeout=2, backend=near.backend.scanner) == []
            near.radio.in_range(near.strap.device)
            assert await reachable(near)

    play(main())


def test_a_short_absence_delays_and_loses_nothing(play: Any) -> None:
    async def main() -> list[tuple[float, int]]:
        log: list[tuple[float, int]] = []
        async with virtual_strap(HEART) as near, BleakClient(near.address, backend=near.backend.client) as client:
            await client.start_notify(MEASUREMENT, lambda _, data: log.append((now() - start, data[-2])))
            start = now()
            await asyncio.sleep(2.5)
            near.radio.out_of_range()
            await asyncio.sleep(3)
            near.radio.in_range()
            await asyncio.sleep(2)
        return log

    assert [round(at, 3) for at, _ in play(main())] == [1, 2, 5.5, 5.5, 5.5, 6, 7]


def test_leaving_while_out_of_range_leaves_no_half_open_link(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near:
            client = BleakClient(near.address, backend=near.backend.client)
            await client.connect()
            near.radio.out_of_range(client._backend.central.device)  # type: ignore[attr-defined]
            await client.disconnect()
            await asyncio.sleep(SUPERVISION_S + 0.1)
            assert not near.strap.device.connections
            near.radio.in_range()
            assert await reachable(near)

    play(main())


def test_connecting_to_nobody_times_out_when_it_should(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near:
            began = now()
            with pytest.raises(TimeoutError):
                await BleakClient(NOBODY, timeout=2, backend=near.backend.client).connect()
            assert now() - began == pytest.approx(2)
            assert await reachable(near)

    play(main())


def test_a_cancelled_connection_attempt_lets_the_next_one_through(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await BleakClient(NOBODY, backend=near.backend.client).connect()
            assert await reachable(near)

    began = time.perf_counter()
    play(main())
    assert time.perf_counter() - began < 5


def test_cancelling_at_any_step_of_connecting_leaves_no_link(play: Any) -> None:
    async def cancelled_after(near: VirtualStrap, steps: int) -> bool:
        client = BleakClient(near.address, backend=near.backend.client)
        heard = asyncio.Event()
        near.strap.device.once("connection", lambda _: heard.set())
        attempt = asyncio.create_task(client.connect())
        await heard.wait()
        for _ in range(steps):
            await asyncio.sleep(0)
        finished = attempt.done()
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)
        if not finished:
            assert not client.is_connected
        await client.disconnect()
        await asyncio.sleep(0.01)
        assert not near.strap.device.connections
        return finished

    async def main() -> int:
        async with virtual_strap([]) as near:
            steps = 0
            while not await cancelled_after(near, steps):
                steps += 1
            assert await reachable(near)
        return steps

    assert play(main()) > 100  # or the steps did not fall into connecting


def test_cancelling_at_any_step_of_scanning_stops_the_scan(play: Any) -> None:
    async def main() -> int:
        async with virtual_strap([]) as near:
            central = near.backend.scanner.central.device  # type: ignore[attr-defined]

            async def listen_once() -> None:
                async with BleakScanner(backend=near.backend.scanner):
                    pass

            for steps in range(200):
                scan = asyncio.create_task(listen_once())
                for _ in range(steps):
                    await asyncio.sleep(0)
                finished = scan.done()
                scan.cancel()
                await asyncio.gather(scan, return_exceptions=True)
                await asyncio.sleep(0.01)
                assert not central.scanning
                assert not near.radio._nodes[0].le_scan_enable
                if finished:
                    return steps
        return 0

    assert play(main()) > 10


def test_the_answer_to_a_cancelled_read_is_not_taken_for_the_next_one(play: Any) -> None:
    async def main() -> None:
        async with (
            virtual_strap([], battery=77) as near,
            BleakClient(near.address, backend=near.backend.client) as client,
        ):
            for steps in range(1, 30):
                first = asyncio.create_task(client.read_gatt_char("2a29"))
                for _ in range(steps):
                    await asyncio.sleep(0)
                first.cancel()
                assert await client.read_gatt_char(LEVEL) == bytearray([77])
                await asyncio.gather(first, return_exceptions=True)

    play(main())


def test_of_two_centrals_that_want_one_strap_one_gets_it_and_the_other_is_told(play: Any) -> None:
    async def main() -> list[str]:
        async with virtual_strap([]) as near:
            rival = await near.radio.make_device("rival")
            clients = [BleakClient(near.address, backend=one.client) for one in (near.backend, backends(rival))]
            results = await asyncio.gather(*(client.connect() for client in clients), return_exceptions=True)
            assert now() < 1  # told after six connection intervals, not after the 30 s of an unanswered request
            await asyncio.gather(*(client.disconnect() for client in clients))
            await rival.power_off()
            return [type(result).__name__ for result in results]

    assert sorted(play(main())) == ["BleakError", "NoneType"]


def test_several_attempts_at_once_wait_for_each_other(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near:
            lost = asyncio.create_task(BleakClient(NOBODY, timeout=1, backend=near.backend.client).connect())
            assert await reachable(near)
            with pytest.raises(TimeoutError):
                await lost

    play(main())


def test_a_strap_that_is_switched_off_is_gone(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap(HEART) as near:
            ended = asyncio.Event()
            client = BleakClient(near.address, lambda _: ended.set(), backend=near.backend.client)
            await client.connect()
            await client.start_notify(MEASUREMENT, lambda *_: None)
            await near.strap.stop()
            await ended.wait()
            assert await BleakScanner.discover(timeout=2, backend=near.backend.scanner) == []

    play(main())


def test_what_is_no_address_is_no_device(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near:
            with pytest.raises(BleakDeviceNotFoundError):
                await BleakClient("no address", backend=near.backend.client).connect()

    play(main())
