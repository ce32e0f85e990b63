"""The link over a virtual strap: names, values, frames, and every failure in its own error."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any, ClassVar

import numpy as np
import pytest
from bleak.backends.scanner import BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

import vitals.virtual
from vitals.errors import BluetoothUnavailable, DeviceNotFound, LinkError, LinkLost, VitalsError
from vitals.link import Backend, Found, Inbox, discover, open_link
from vitals.values import Frame
from vitals.virtual import run, virtual_strap

MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"
LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
HEART = np.arange(0, 120, 0.8)


def test_discover_says_who_is_there(play: Any) -> None:
    async def main() -> tuple[list[Found], str]:
        async with virtual_strap([], name="Chest 7") as near:
            return await discover(timeout_s=1, backend=near.backend), near.address

    found, address = play(main())
    assert found == [Found("Chest 7", address, -50, ("0000180d-0000-1000-8000-00805f9b34fb",))]


@pytest.mark.parametrize("by", ["name", "address", "lower"])
def test_opens_by_name_and_by_address(play: Any, by: str) -> None:
    async def main() -> None:
        async with virtual_strap([], battery=42) as near:
            target = {"name": near.name, "address": near.address, "lower": near.address.lower()}[by]
            async with open_link(target, backend=near.backend) as link:
                assert (link.name, link.address) == (near.name, near.address)
                assert {MEASUREMENT, LEVEL} <= link.characteristics
                assert await link.read("2a19") == await link.read(LEVEL) == b"\x2a"
                await link.write("2a39", b"\x01")
            assert not near.strap.device.connections

    play(main())


def test_frames_carry_time_uuid_and_a_copy(play: Any) -> None:
    async def main() -> list[Frame]:
        async with virtual_strap(HEART) as near, open_link(near.name, backend=near.backend) as link:
            async with link.notifications("2a37", "2a19") as inbox:
                began = asyncio.get_running_loop().time()
                near.strap.battery = 99
                frames = [await anext(inbox) for _ in range(4)]
            assert [round(frame.arrival_us / 1e6 - began, 3) for frame in frames] == [0, 1, 2, 3]
            assert [frame.uuid for frame in frames] == [LEVEL, *[MEASUREMENT] * 3]
            assert all(type(frame.payload) is bytes and type(frame.arrival_us) is int for frame in frames)
            assert frames[0].payload == b"\x63"
            await asyncio.sleep(2)
            with pytest.raises(StopAsyncIteration):
                await anext(inbox)  # nothing came after the block was left
            async with link.notifications("2a37") as again:
                assert (await anext(again)).payload != b""
            return frames

    play(main())


def test_a_full_inbox_counts_what_it_drops(play: Any) -> None:
    async def main() -> tuple[int, int]:
        async with (
            virtual_strap(HEART) as near,
            open_link(near.name, backend=near.backend) as link,
            link.notifications("2a37", limit=5) as inbox,
        ):
            await asyncio.sleep(12.5)
            kept = [await anext(inbox) for _ in range(5)]
            assert kept[0].arrival_us + 4_000_000 == pytest.approx(kept[4].arrival_us, abs=1000)  # the oldest stay
            assert (await anext(inbox)).arrival_us > kept[4].arrival_us + 7_000_000
            return inbox.dropped, len(kept)

    assert play(main()) == (7, 5)


async def drain(inbox: Inbox[Frame], into: list[Frame]) -> None:
    async for frame in inbox:
        into.append(frame)


def test_what_came_before_the_loss_is_delivered_first(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap(HEART) as near, open_link(near.name, backend=near.backend) as link:
            async with link.notifications("2a37") as inbox:
                await asyncio.sleep(3.5)
                near.radio.drop()
                await asyncio.sleep(1)
                got: list[Frame] = []
                with pytest.raises(LinkLost, match=r"Virtual H10.*connect again"):
                    await drain(inbox, got)
                assert len(got) == 3
                with pytest.raises(LinkLost):
                    await anext(inbox)
            for use in (link.read("2a19"), link.write("2a39", b"\x01")):
                with pytest.raises(LinkLost):
                    await use
            with pytest.raises(LinkLost):
                async with link.notifications("2a19"):
                    pass
            async with open_link(near.name, backend=near.backend) as fresh:
                assert await fresh.read("2a19") == b"\x64"

    play(main())


def test_a_reader_that_waits_is_told_of_the_loss(play: Any) -> None:
    async def main() -> None:
        async with (
            virtual_strap([]) as near,
            open_link(near.name, backend=near.backend) as link,
            link.notifications("2a19") as inbox,
        ):
            asyncio.get_running_loop().call_later(9, near.radio.drop)
            with pytest.raises(LinkLost):
                await anext(inbox)

    play(main())


def test_a_read_that_the_loss_interrupts_is_a_lost_link(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near, open_link(near.name, backend=near.backend) as link:
            near.radio.out_of_range()
            with pytest.raises(LinkLost):
                await link.read("2a19")

    play(main())


def test_refusals_name_device_characteristic_and_code(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap([]) as near, open_link(near.name, backend=near.backend) as link:
            with pytest.raises(LinkError, match=r"Virtual H10 .* refused to write 2a39.*0x80"):
                await link.write("2a39", b"\x07")
            with pytest.raises(LinkError, match=r"has no characteristic 2a5f"):
                await link.read("2a5f")
            with pytest.raises(LinkError, match=r"has no characteristic 2a5f"):
                async with link.notifications("2a19", "2a5f"):
                    pass
            async with link.notifications("2a19"):  # the half-made subscription was taken back
                with pytest.raises(LinkError, match="already"):
                    async with link.notifications("2a19"):
                        pass

    play(main())


def test_nobody_of_that_name_is_not_found_in_time(play: Any) -> None:
    async def main() -> float:
        async with virtual_strap([]) as near:
            began = asyncio.get_running_loop().time()
            with pytest.raises(DeviceNotFound, match="'Polar H7'"):
                async with open_link("Polar H7", backend=near.backend, timeout_s=7):
                    pass
            return asyncio.get_running_loop().time() - began

    assert play(main()) == pytest.approx(7, abs=0.1)


def test_a_device_that_left_after_the_scan_is_not_found(play: Any) -> None:
    async def main() -> None:
        from bleak import BleakScanner

        async with virtual_strap([]) as near:
            device = await BleakScanner.find_device_by_name(near.name, backend=near.backend.scanner)
            assert device is not None
            near.radio.out_of_range()
            with pytest.raises(DeviceNotFound, match="does not answer"):
                async with open_link(device, backend=near.backend, timeout_s=3):
                    pass

    play(main())


def test_an_error_of_the_body_comes_out_and_the_link_is_closed(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap(HEART) as near:
            with pytest.raises(ZeroDivisionError):
                async with open_link(near.name, backend=near.backend) as link, link.notifications("2a37"):
                    _ = 1 / 0
            await asyncio.sleep(0.1)
            assert not near.strap.device.connections

    play(main())


class BrokenScanner(BaseBleakScanner):
    """Raises what a platform's stack raises when it cannot scan."""

    error: ClassVar[Exception]

    def __init__(self, detection_callback: Any = None, service_uuids: Any = None, *_: Any, **__: Any) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        raise self.error

    async def stop(self) -> None: ...


OFF = BleakBluetoothNotAvailableError("no adapter is powered", BleakBluetoothNotAvailableReason.POWERED_OFF)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OFF, BluetoothUnavailable),
        (FileNotFoundError(2, "No such file or directory"), BluetoothUnavailable),
        (PermissionError(13, "denied"), BluetoothUnavailable),
        (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["no org.bluez"]), BluetoothUnavailable),
        (BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", ["rules"]), BluetoothUnavailable),
        (BleakDBusError("org.bluez.Error.Failed", ["busy"]), LinkError),
        (BleakError("something else"), LinkError),
    ],
)
def test_every_failure_of_the_stack_has_its_error(error: Exception, expected: type[VitalsError]) -> None:
    scanner = type("Broken", (BrokenScanner,), {"error": error})
    backend = Backend(scanner=scanner, client=None)  # type: ignore[arg-type]
    with pytest.raises(VitalsError) as scanned:
        run(discover(backend=backend))
    assert type(scanned.value) is expected
    assert scanned.value.__cause__ is error
    assert ("vitals demo" in str(scanned.value)) == (expected is BluetoothUnavailable)

    async def connect() -> None:
        async with open_link("strap", backend=backend):
            pass

    with pytest.raises(expected):
        run(connect())


@pytest.mark.skipif(sys.platform != "linux", reason="bleak's D-Bus backend is for Linux")
def test_a_computer_without_bluetooth_is_told_of_the_virtual_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")

    async def connect() -> None:
        async with open_link("Polar H10"):
            pass

    for attempt in (discover(timeout_s=0.1), connect()):
        with pytest.raises(BluetoothUnavailable, match=r"vitals demo.*vitals\.virtual\.strap\(\)"):
            run(attempt, real_time=True)


def test_an_inbox_is_an_async_iterator_of_its_own() -> None:
    async def main() -> None:
        inbox: Inbox[Frame] = Inbox("nobody", 1)
        assert aiter(inbox) is inbox
        inbox.close(lost=False)
        assert [frame async for frame in inbox] == []

    run(main())


def test_bumble_and_bleak_are_loaded_only_when_used() -> None:
    code = (
        "import sys, vitals.link, vitals.virtual; vitals.virtual.run; "
        "print([name for name in ('bleak', 'bumble', 'dbus_fast') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_without_bumble_the_extra_is_named() -> None:
    code = "import sys; sys.modules['bumble'] = None; import vitals.virtual; vitals.virtual.virtual_strap"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].startswith("vitals.errors.MissingExtra: The virtual Bluetooth link")
    assert "vitals[sim]" in ended.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(vitals.virtual, "nonsense")  # noqa: B009
