"""The virtual strap as bleak, unmodified, sees it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.exc import BleakError, BleakGATTProtocolError

from vitals.errors import InputError
from vitals.virtual import Strap, VirtualStrap, run, virtual_strap

MEASUREMENT, LOCATION, CONTROL, LEVEL = "2a37", "2a38", "2a39", "2a19"
HEART_RATE_SERVICE = "0000180d-0000-1000-8000-00805f9b34fb"


def beats(seconds: float, *, seed: int = 0, rr_s: float = 0.85) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Beat times from 0 s with a standard deviation of 50 ms."""
    return np.cumsum(np.random.default_rng(seed).normal(rr_s, 0.05, int(seconds / rr_s)))


def rr_of(payload: bytes) -> list[int]:
    """RR intervals of a measurement, read from the specification's layout."""
    offset = 2 + (payload[0] & 1) + (2 if payload[0] & 8 else 0)
    return [int.from_bytes(payload[i : i + 2], "little") for i in range(offset, len(payload), 2)]


def played(times: Sequence[float] | np.ndarray[Any, Any]) -> list[int]:
    """Differences of beat times that were rounded to 1/1024 s first."""
    return [int(rr) for rr in np.diff(np.rint(np.asarray(times) * 1024).astype(int))]


async def listen(near: VirtualStrap, log: list[tuple[float, bytes]]) -> None:
    """Connect through bleak, and log measurements until the heart has played."""
    clock = asyncio.get_running_loop().time
    device = await BleakScanner.find_device_by_name(near.name, backend=near.backend.scanner)
    assert device is not None
    async with BleakClient(device, backend=near.backend.client) as client:
        await client.start_notify(MEASUREMENT, lambda _, data: log.append((clock(), bytes(data))))
        await near.strap.finished.wait()
        await client.stop_notify(MEASUREMENT)


def test_a_virtual_hour_arrives_to_the_tick(play: Any) -> None:
    times, log = beats(3600), list[tuple[float, bytes]]()

    async def main() -> None:
        async with virtual_strap(times) as near:
            await listen(near, log)

    play(main())
    assert [rr for _, payload in log for rr in rr_of(payload)] == played(times)
    assert len(log) == int(np.ceil(times[-1]))
    seconds = np.array([at for at, _ in log])
    assert np.abs(seconds - seconds[0] - np.arange(len(log))).max() < 1e-3  # 1 Hz without drift
    rates = np.array([payload[1] for _, payload in log[30:]])
    assert 60 < rates.min() < 60 / 0.85 < rates.max() < 85
    assert all(payload[0] == 0x16 for _, payload in log[2:] if rr_of(payload))


def test_in_real_time_a_late_notification_does_not_delay_the_next() -> None:
    async def main() -> list[float]:
        arrivals: list[float] = []
        async with virtual_strap(beats(60)) as near, BleakClient(near.address, backend=near.backend.client) as client:
            loop = asyncio.get_running_loop()
            await client.start_notify(MEASUREMENT, lambda *_: arrivals.append(loop.time() - began))
            began = loop.time()
            loop.call_later(0.8, time.sleep, 0.5)  # the computer is busy when the first one is due
            await asyncio.sleep(2.5)
        return arrivals

    first, second = run(main(), real_time=True)
    assert first == pytest.approx(1.3, abs=0.15)
    assert second == pytest.approx(2.0, abs=0.15)


def test_scan_shows_name_address_and_services(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([], name="Chest 7") as near:
            found = await BleakScanner.discover(timeout=1, return_adv=True, backend=near.backend.scanner)
            assert list(found) == [near.address]
            device, data = found[near.address]
            assert (device.name, data.local_name, data.service_uuids) == ("Chest 7", "Chest 7", [HEART_RATE_SERVICE])
            assert int(near.address[:2], 16) >= 0xC0  # random static
            other = await BleakScanner.discover(timeout=1, service_uuids=["180f"], backend=near.backend.scanner)
            assert other == []

    play(main())


def test_device_information_battery_and_location_are_read(play: Any) -> None:
    async def main() -> None:
        async with (
            virtual_strap([], battery=83) as near,
            BleakClient(near.address, backend=near.backend.client) as client,
        ):
            read = {uuid: bytes(await client.read_gatt_char(uuid)) for uuid in (LEVEL, LOCATION)}
            assert read == {LEVEL: bytes([83]), LOCATION: b"\x01"}
            texts = [(await client.read_gatt_char(f"2a{n}")).decode() for n in (24, 25, 26, 27, 28, 29)]
            assert texts == ["Virtual strap", "0001", "1.0", "1", "1.0", "vitals"]
            assert client.mtu_size == 247
            measurement = client.services.get_characteristic(MEASUREMENT)
            assert measurement is not None
            assert measurement.properties == ["notify"]
            with pytest.raises(BleakGATTProtocolError) as refused:
                await client.read_gatt_char(MEASUREMENT)
            assert refused.value.code == 0x02  # read not permitted
            adapter = await BleakAdapter.get(backend=near.backend.adapter)
            assert [device.address for device in await adapter.get_connected_devices(["180d"])] == [near.address]
            assert await adapter.get_connected_devices(["1822"]) == []

    play(main())


def test_battery_notifies_its_changes(play: Any) -> None:
    async def main() -> list[int]:
        levels: list[int] = []
        async with virtual_strap([]) as near, BleakClient(near.address, backend=near.backend.client) as client:
            near.strap.battery = 90
            await client.start_notify(LEVEL, lambda _, data: levels.append(data[0]))
            for level in (80, 79):
                near.strap.battery = level
                await asyncio.sleep(1)
            assert await client.read_gatt_char(LEVEL) == bytearray([79])
            await client.stop_notify(LEVEL)
            near.strap.battery = 10
            await asyncio.sleep(1)
        return levels

    assert play(main()) == [80, 79]


def test_energy_is_reset_by_the_control_point_and_nothing_else_is_taken(play: Any) -> None:
    log: list[bytes] = []

    async def main() -> None:
        async with (
            virtual_strap(beats(20), energy_kj=700, contact=None, wide_rate=True) as near,
            BleakClient(near.address, backend=near.backend.client) as client,
        ):
            await client.start_notify(MEASUREMENT, lambda _, data: log.append(bytes(data)))
            await asyncio.sleep(3.5)
            for wrong in (b"\x02", b"", b"\x01\x00"):
                with pytest.raises(BleakGATTProtocolError) as refused:
                    await client.write_gatt_char(CONTROL, wrong, response=True)
                assert refused.value.code == 0x80
            await client.write_gatt_char(CONTROL, b"\x01", response=True)
            near.strap.contact = False
            await asyncio.sleep(3)

    play(main())
    assert [payload[3:5] for payload in log] == [(700).to_bytes(2, "little")] * 3 + [b"\0\0"] * 3
    assert [payload[0] & 0x0F for payload in log] == [0b1001] * 3 + [0b1101] * 3


def test_at_mtu_23_a_burst_is_split_and_nothing_is_lost(play: Any) -> None:
    times, log = np.arange(0, 30, 0.05), list[tuple[float, bytes]]()  # 20 intervals a second, three notifications

    async def main() -> None:
        async with virtual_strap(times, mtu=23) as near:
            await listen(near, log)

    play(main())
    assert max(len(payload) for _, payload in log) == 19  # flags, 16-bit rate, 8 intervals: one more would be 21
    assert [rr for _, payload in log for rr in rr_of(payload)] == played(times)
    assert len(log) > 2 * 30


def test_equal_seeds_give_equal_logs_byte_for_byte(play: Any) -> None:
    def digest(seed: int) -> str:
        log: list[tuple[float, bytes]] = []

        async def main() -> str:
            async with virtual_strap(beats(300, seed=3), seed=seed) as near:
                await listen(near, log)
                return near.address

        return hashlib.sha256(repr((play(main()), log)).encode()).hexdigest()

    assert digest(5) == digest(5)
    assert digest(5) != digest(6)


def test_an_interval_that_no_field_can_hold_is_left_out_with_the_one_after_it(play: Any) -> None:
    log: list[tuple[float, bytes]] = []
    times = [0.0, 1.0, 2.0, 102.0, 103.0, 104.0]

    async def main() -> None:
        async with virtual_strap(times) as near:
            await listen(near, log)

    play(main())
    assert [(round(at - log[0][0]) + 1, rr_of(payload)) for at, payload in log if rr_of(payload)] == [
        (1, [1024]),
        (2, [1024]),
        (104, [1024]),
    ]
    assert [payload[1] for _, payload in log][50] == 0  # nothing recent to average


@pytest.mark.parametrize("times", [[0.0, 1.0, 1.0], [1.0, 0.5], [0.0, float("nan")], [[0.0], [1.0]]])
def test_a_heart_that_goes_backwards_is_refused(times: Any) -> None:
    with pytest.raises(InputError, match="beats_s"):
        Strap(times)


def test_two_scanners_share_one_radio(play: Any) -> None:
    async def main() -> list[int]:
        async with virtual_strap([]) as near:
            scan = BleakScanner.discover
            found = await asyncio.gather(
                scan(timeout=1, backend=near.backend.scanner), scan(timeout=3, backend=near.backend.scanner)
            )
        return [len(devices) for devices in found]

    assert play(main()) == [1, 1]


def test_bleak_refuses_a_second_subscription_and_a_write_that_does_not_fit(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near, BleakClient(near.address, backend=near.backend.client) as client:
            await client.start_notify(LEVEL, lambda _, __: None)
            with pytest.raises(BleakError, match="already"):
                await client.start_notify(LEVEL, lambda _, __: None)
            with pytest.raises(BleakError, match="do not fit"):
                await client.write_gatt_char(CONTROL, bytes(245), response=False)

    play(main())
