"""What the radio does to packets, links and connection requests, and what pairing asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError, BleakGATTProtocolError

from vitals.errors import InputError
from vitals.virtual import Security, VirtualRadio
from vitals.virtual.radio import SUPERVISION_S

MEASUREMENT, LEVEL, MAKER = "2a37", "2a19", "2a29"
BEATS = np.arange(0.5, 300, 0.9)
Strap = Callable[..., Any]


def now() -> float:
    return asyncio.get_running_loop().time()


def client_of(near: Any, **options: Any) -> BleakClient:
    return BleakClient(near.address, backend=near.backend.client, **options)


@pytest.mark.parametrize(("interval_s", "least", "most"), [(0.0075, 0.1, 0.6), (0.030, 0.5, 1.8), (0.045, 0.8, 2.7)])
def test_connecting_takes_connection_events(
    virtual_time: Any, virtual_strap: Strap, radio: VirtualRadio, interval_s: float, least: float, most: float
) -> None:
    radio.interval_s = interval_s

    async def main() -> float:
        async with virtual_strap(BEATS) as near:
            began = now()
            async with client_of(near):
                return now() - began

    assert least < virtual_time(main()) < most


def test_packet_errors_delay_and_lose_nothing(virtual_time: Any, virtual_strap: Strap, radio: VirtualRadio) -> None:
    radio.interval_s = 0.045

    async def main() -> list[tuple[float, int]]:
        log: list[tuple[float, int]] = []
        async with virtual_strap(BEATS) as near, client_of(near) as client:
            radio.packet_errors = 0.5
            await client.start_notify(MEASUREMENT, lambda _, data: log.append((now(), len(data))))
            await near.strap.finished.wait()
            radio.packet_errors = 0.0
        return log

    log = virtual_time(main())
    assert len(log) == 300
    delay = np.array([at for at, _ in log])
    delay = (delay - delay.min()) - np.arange(300)
    delay -= delay.min()
    # Geometric waits of 45 ms: a second event is needed half of the time, a fourth in one of eight.
    assert np.quantile(delay, 0.5) < 0.07
    assert 0.15 < np.quantile(delay, 0.99) < 0.45
    assert (np.diff([at for at, _ in log]) > 0).all()


def test_paced_links_repeat_byte_for_byte(virtual_time: Any) -> None:
    from vitals.virtual import virtual_strap

    async def main(seed: int) -> list[tuple[float, bytes]]:
        log: list[tuple[float, bytes]] = []
        air = VirtualRadio(seed=seed, interval_s=0.03, packet_errors=0.3)
        async with virtual_strap(BEATS[:50], radio=air) as near:
            device = await BleakScanner.find_device_by_name(near.name, backend=near.backend.scanner)
            assert device is not None
            async with BleakClient(device, backend=near.backend.client) as client:
                await client.start_notify(MEASUREMENT, lambda _, data: log.append((now(), bytes(data))))
                await near.strap.finished.wait()
        return log

    assert virtual_time(main(4)) == virtual_time(main(4))
    assert virtual_time(main(4)) != virtual_time(main(5))


def test_order_survives_the_way_out_of_range_and_back(
    virtual_time: Any, virtual_strap: Strap, radio: VirtualRadio
) -> None:
    async def main() -> list[int]:
        levels: list[int] = []
        async with virtual_strap([]) as near, client_of(near) as client:
            await client.start_notify(LEVEL, lambda _, data: levels.append(data[0]))
            radio.interval_s = 0.05
            for level in range(60):
                near.strap.battery = level
                if level == 20:
                    radio.out_of_range(near.name)
                    before = len(levels)
                if level == 40:
                    assert len(levels) == before  # what waited for its connection event waits on
                    radio.in_range(near.address)
                    radio.interval_s = None
                await asyncio.sleep(0.013)
            await asyncio.sleep(1)
        return levels

    assert virtual_time(main()) == list(range(60))


@pytest.mark.parametrize("first", ["central", "peripheral"])
def test_a_link_lost_at_one_end_is_lost_at_the_other_after_the_supervision_time_out(
    virtual_time: Any, virtual_strap: Strap, radio: VirtualRadio, first: Any
) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near:
            ended: list[float] = []
            client = client_of(near, disconnected_callback=lambda _: ended.append(now()))
            await client.connect()
            lost_at = now()
            radio.drop(near.name, seen_by=first)
            await asyncio.sleep(0.1)
            assert bool(near.strap.device.connections) == (first == "central")
            assert client.is_connected == (first == "peripheral")
            if first == "central":  # the strap does not advertise: it believes in its link
                assert await BleakScanner.discover(timeout=1, backend=near.backend.scanner) == []
            await asyncio.sleep(SUPERVISION_S)
            assert not near.strap.device.connections
            assert ended == [pytest.approx(lost_at + (0 if first == "central" else SUPERVISION_S))]
            async with client_of(near) as again:
                assert await again.read_gatt_char(LEVEL)

    virtual_time(main())


def test_a_lost_connection_request_is_told_after_six_intervals(
    virtual_time: Any, virtual_strap: Strap, radio: VirtualRadio
) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near:
            radio.lose_connects(2)
            for _ in range(2):
                began = now()
                with pytest.raises(BleakError):
                    await client_of(near).connect()
                assert now() - began < 1
            async with client_of(near) as client:
                assert client.is_connected

    virtual_time(main())


def test_nobody_of_that_name_is_an_error(virtual_time: Any, virtual_strap: Strap, radio: VirtualRadio) -> None:
    async def main() -> None:
        async with virtual_strap([]):
            with pytest.raises(InputError, match="nobody of name or address 'strap'"):
                radio.drop("strap")

    virtual_time(main())


@pytest.mark.parametrize("mtu", [23, 65, 232, 517])
def test_a_notification_is_cut_at_the_mtu(virtual_time: Any, virtual_strap: Strap, mtu: int) -> None:
    async def main() -> list[int]:
        sizes: list[int] = []
        async with virtual_strap([], mtu=mtu) as near, client_of(near) as client:
            await client.start_notify(LEVEL, lambda _, data: sizes.append(len(data)))
            near.strap.notify("00002a19-0000-1000-8000-00805f9b34fb", bytes(300))
            await asyncio.sleep(1)
        return sizes

    assert virtual_time(main()) == [min(300, mtu - 3)]


def test_an_encrypted_device_tells_nothing_before_pairing(virtual_time: Any, virtual_strap: Strap) -> None:
    async def main() -> None:
        async with virtual_strap([], security=Security()) as near:
            async with client_of(near) as client:
                for refused in (
                    client.read_gatt_char(MAKER),
                    client.start_notify(MEASUREMENT, print),
                    client.write_gatt_char("2a39", b"\x01", response=True),
                ):
                    with pytest.raises(BleakGATTProtocolError) as error:
                        await refused
                    assert error.value.code == 0x0F
                await client.pair()
                assert await client.read_gatt_char(MAKER) == b"vitals"
            async with client_of(near) as client:  # the bond is used without being asked for
                assert await client.read_gatt_char(MAKER) == b"vitals"
            await near.strap.forget_bonds()
            with pytest.raises(BleakError, match="has lost its bond"):
                await client_of(near).connect()
            await asyncio.sleep(1)
            assert not near.strap.device.connections
            await client_of(near).unpair()
            async with client_of(near, pair=True) as client:
                assert await client.read_gatt_char(MAKER) == b"vitals"

    virtual_time(main())


@pytest.mark.parametrize(("typed", "outcome"), [(424242, "ok"), (111111, "BleakError"), (None, "code 5")])
def test_the_passkey_counts(virtual_time: Any, virtual_strap: Strap, typed: int | None, outcome: str) -> None:
    async def main() -> str:
        security = Security("passkey", passkey=424242)
        async with virtual_strap([], security=security, passkey=typed) as near, client_of(near) as client:
            try:
                await client.pair()
                return "ok" if await client.read_gatt_char(MAKER) == b"vitals" else "wrong"
            except BleakGATTProtocolError as error:
                return f"code {error.code}"
            except BleakError as error:
                assert "CONFIRM" in str(error).upper()
                return type(error).__name__

    assert virtual_time(main()) == outcome
