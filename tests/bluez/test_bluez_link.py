"""`vitals.link` through bleak's own BlueZ backend, unmodified: a day on which everything works."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from vitals.link import Found, discover, open_link

if TYPE_CHECKING:
    from vitals.link import Backend

    from .conftest import Computer

MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"
BEAT = bytes([0x10, 60, 0x00, 0x04])


async def test_discover_names_who_advertises(computer: Computer) -> None:
    services = ("180d", "180f", "180a")
    expected = tuple(f"0000{one}-0000-1000-8000-00805f9b34fb" for one in services)
    (found,) = await discover(timeout_s=0.1)
    assert found == Found(computer.strap.name, computer.strap.address, -58, (*expected, found.services[-1]))
    computer.strap.is_advertising = False
    assert await discover(timeout_s=0.1) == []  # BlueZ remembers it, but nobody heard it


@pytest.mark.parametrize("by", ["name", "address"])
async def test_connects_resolves_and_reads_device_information(computer: Computer, by: str) -> None:
    async with open_link(getattr(computer.strap, by), timeout_s=2) as link:
        assert (link.name, link.address) == (computer.strap.name, computer.strap.address)
        assert MEASUREMENT in link.characteristics
        assert len(link.characteristics) == 10
        texts = [await link.read(f"2a{n}") for n in (24, 25, 26, 27, 29)]
        assert texts == [b"H10", b"0A1B2C3D", b"3.1.1", b"00760690.03", b"Polar Electro Oy"]
        assert computer.strap.has_gatt
    assert not computer.strap.has_gatt


async def test_writes_with_and_without_an_answer(computer: Computer) -> None:
    control = computer.strap.characteristics["2a39"]
    control.flags = ["write", "write-without-response"]
    async with open_link(computer.strap.address, timeout_s=2) as link:
        await link.write("2a39", b"\x01")
        await link.write("2a39", b"\x02", response=False)
    assert control.written == [(b"\x01", "request"), (b"\x02", "command")]


async def test_notifications_arrive_verbatim_and_end_with_the_block(
    computer: Computer, backend: Backend | None
) -> None:
    payloads = [BEAT, b"", b"\xff", bytes(244), BEAT, BEAT]  # empty, malformed, as long as the MTU allows, repeated
    heart = computer.strap.characteristics["2a37"]
    async with open_link(computer.strap.address, timeout_s=2, backend=backend) as link:
        for _ in range(2):
            async with link.notifications("2a37") as inbox:
                assert bool(heart.acquired) == bool(backend)
                assert bool(heart.sessions) != bool(backend)
                await computer.daemon.notify(computer.strap, "2a37", *payloads)
                frames = [await asyncio.wait_for(anext(inbox), 1) for _ in payloads]
            assert [frame.payload for frame in frames] == payloads
            assert {frame.uuid for frame in frames} == {MEASUREMENT}
            await computer.settle()
            assert not heart.acquired
            assert not heart.sessions


async def test_a_thousand_notifications_keep_their_order(computer: Computer, backend: Backend | None) -> None:
    payloads = [bytes([0x00]) + number.to_bytes(2, "little") + bytes(226) for number in range(1000)]
    async with (
        open_link(computer.strap.address, timeout_s=2, backend=backend) as link,
        link.notifications("2a37") as inbox,
    ):
        await computer.daemon.notify(computer.strap, "2a37", *payloads)
        frames = [await asyncio.wait_for(anext(inbox), 5) for _ in payloads]
        assert inbox.dropped == 0
    assert computer.strap.characteristics["2a37"].unsent == 0
    assert [frame.payload for frame in frames] == payloads
    assert [frame.arrival_us for frame in frames] == sorted(frame.arrival_us for frame in frames)


async def test_a_read_of_what_is_subscribed_also_arrives_as_a_notification(
    computer: Computer, backend: Backend | None
) -> None:
    """BlueZ publishes what was read as a changed value; the socket of AcquireNotify carries notifications alone."""
    async with (
        open_link(computer.strap.address, timeout_s=2, backend=backend) as link,
        link.notifications("2a19") as inbox,
    ):
        assert await link.read("2a19") == b"\x5a"
        await computer.daemon.notify(computer.strap, "2a19", b"\x59")
        first = await asyncio.wait_for(anext(inbox), 1)
        assert first.payload == (b"\x59" if backend else b"\x5a")


async def test_two_characteristics_share_an_inbox(computer: Computer, backend: Backend | None) -> None:
    async with (
        open_link(computer.strap.address, timeout_s=2, backend=backend) as link,
        link.notifications("2a37", "2a19") as inbox,
    ):
        await computer.daemon.notify(computer.strap, "2a37", BEAT)
        await computer.settle()
        await computer.daemon.notify(computer.strap, "2a19", b"\x58")
        frames = [await asyncio.wait_for(anext(inbox), 1) for _ in range(2)]
    assert [frame.uuid[4:8] for frame in frames] == ["2a37", "2a19"]


async def test_pairing_on_the_way_opens_what_is_encrypted(computer: Computer) -> None:
    async with open_link(computer.strap.address, timeout_s=2, pair=True) as link:
        assert await link.read("fb005c81-02e7-f387-1cad-8acd2d8df0c8") == b"\x0f\x05"
    async with open_link(computer.strap.address, timeout_s=2) as link:  # the bond stays
        assert await link.read("fb005c81-02e7-f387-1cad-8acd2d8df0c8") == b"\x0f\x05"


async def test_a_connection_that_the_controller_aborts_is_tried_again(computer: Computer) -> None:
    computer.strap.aborts = 2
    async with open_link(computer.strap.address, timeout_s=2) as link:
        assert await link.read("2a38") == b"\x01"
    assert computer.strap.aborts == 0
