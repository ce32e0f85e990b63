"""The virtual Bluetooth link: notifications per second, CPU per notification, and what a strap's full load costs.

Central, peripheral, two controllers and bleak in one process and one thread. The peer is bumble as it comes, which has
no bleak above it; a peer that is not installed is left out.

python run.py bench link [HOURS]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from bleak import BleakClient

from vitals.decode.uuids import BATTERY_LEVEL, HEART_RATE_MEASUREMENT
from vitals.virtual import Body, OpticalBand, Strap, run, scene, virtual_strap
from vitals_signal.synthetic import wearer

COUNT, ROUNDS = 3000, 5
LIMIT_US, LIMIT_SHARE = 250.0, 0.003
CONTROL, DATA = "fb005c81-02e7-f387-1cad-8acd2d8df0c8", "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
ECG_AND_ACC = "02000001820001010e00", "02020001c8000101100002010200"
BAND = (
    "02010001370001011600040104",
    "020200013400010110000201080004 0103",
    "02050001340001011000 0201d007 040103",
    "0203",
)


async def ours(size: int) -> float:
    """CPU seconds per notification of `size` bytes."""
    got = 0

    def count(*_: Any) -> None:
        nonlocal got
        got += 1

    async with virtual_strap([]) as near, BleakClient(near.address, backend=near.backend.client) as client:
        await client.start_notify(BATTERY_LEVEL, count)
        payload = bytes(size)
        began = time.process_time()
        for _ in range(COUNT):
            near.strap.notify(BATTERY_LEVEL, payload)
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        cpu = time.process_time() - began
        assert got == COUNT
    return cpu / COUNT


async def plain_bumble(size: int) -> float:
    """The same through bumble's own devices, controllers and link."""
    from bumble import controller, device, gatt, hci, host, link

    air = link.LocalLink()  # type: ignore[no-untyped-call]
    ends = []
    for name, address in (("central", "C0:00:00:00:00:01"), ("peripheral", "F0:00:00:00:00:02")):
        node = controller.Controller(name, link=air)
        config = device.DeviceConfiguration(name=name, address=hci.Address(address))
        ends.append(device.Device(config=config, host=host.Host(node, node)))
        await ends[-1].power_on()
    central, peripheral = ends
    kind = gatt.Characteristic
    level: gatt.Characteristic[bytes] = kind("2A19", kind.Properties.NOTIFY, kind.Permissions.READABLE, b"")
    peripheral.add_service(gatt.Service("180F", [level]))
    await peripheral.start_advertising()
    connection = await central.connect_le(peripheral.random_address)
    peer = device.Peer(connection)
    await peer.request_mtu(247)
    await peer.discover_all()  # type: ignore[no-untyped-call]
    got = 0

    def count(_: bytes) -> None:
        nonlocal got
        got += 1

    await peer.subscribe(peer.get_characteristics_by_uuid(level.uuid)[0], count)
    payload = bytes(size)
    began = time.process_time()
    for _ in range(COUNT):
        await peripheral.notify_subscribers(level, payload)
    await asyncio.sleep(1)
    cpu = time.process_time() - began
    assert got == COUNT
    return cpu / COUNT


async def heart_rate(hours: float) -> tuple[int, float]:
    """Notifications and CPU seconds of 1 Hz heart rate over `hours`."""
    async with scene(Strap(wearer(hours, seed=1).beats_s)) as near:
        return await listened(near, [HEART_RATE_MEASUREMENT], ())


async def full_strap(hours: float) -> tuple[int, float]:
    """Heart rate, ECG at 130 Hz and acceleration at 200 Hz."""
    async with scene(Strap(wearer(hours, seed=1).beats_s)) as near:
        return await listened(near, [HEART_RATE_MEASUREMENT, CONTROL, DATA], ECG_AND_ACC)


async def full_band(hours: float) -> tuple[int, float]:
    """Heart rate, PPG at 55 Hz, acceleration and gyroscope at 52 Hz, pulse intervals; compressed."""
    async with scene(OpticalBand(Body.of(wearer(hours, seed=1)))) as near:
        return await listened(near, [HEART_RATE_MEASUREMENT, CONTROL, DATA], BAND)


async def listened(near: Any, subscribed: list[str], requests: tuple[str, ...]) -> tuple[int, float]:
    got = 0

    def count(*_: Any) -> None:
        nonlocal got
        got += 1

    async with BleakClient(near.address, backend=near.backend.client) as client:
        for uuid in subscribed:
            await client.start_notify(uuid, count)
        for request in requests:
            await client.write_gatt_char(CONTROL, bytes.fromhex(request), response=True)
        began = time.process_time()
        await near.devices[0].finished.wait()
        return got, time.process_time() - began


def best(job: Callable[[int], Coroutine[Any, Any, float]], size: int) -> float:
    return statistics.median(run(job(size)) for _ in range(ROUNDS)) * 1e6


def main(hours: float) -> None:
    print(f"{'one notification':32} {'us CPU':>8} {'per second':>11} {'of bumble as it comes':>22}")
    for size in (10, 229):
        mine = best(ours, size)
        try:
            peer = best(plain_bumble, size)
            beside = f"{mine / peer:20.2f} x"
        except (ImportError, AttributeError, TypeError) as error:
            beside = f"left out: {error}"
        verdict = f"limit {LIMIT_US:.0f} us: {'kept' if mine <= LIMIT_US else 'BROKEN'}" if size == 229 else ""
        print(f"{size:4} bytes through bleak {'':8} {mine:8.0f} {1e6 / mine:11,.0f} {beside:>22}  {verdict}")
    print(f"\n{f'{hours:g} h in virtual time':32} {'CPU s':>8} {'notified':>11} {'share of a core':>22}")
    for name, job in (("heart rate, 1 Hz", heart_rate), ("full strap", full_strap), ("full optical band", full_band)):
        got, cpu = run(job(hours))
        share = cpu / hours / 3600
        verdict = (
            f"limit {LIMIT_SHARE:.1%}: {'kept' if share <= LIMIT_SHARE else 'BROKEN'}" if job is full_strap else ""
        )
        print(f"{name:32} {cpu:8.2f} {got:11,} {share:21.3%}  {verdict}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
