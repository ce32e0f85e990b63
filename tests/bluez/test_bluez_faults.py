"""`vitals.link` through bleak's own BlueZ backend: every way in which Bluetooth on Linux fails has its error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from vitals.errors import BluetoothUnavailable, DeviceNotFound, LinkError, LinkLost
from vitals.link import Backend, Inbox, Link, discover, open_link
from vitals.values import Frame

if TYPE_CHECKING:
    from .conftest import Computer, MakeComputer

BEAT = bytes([0x10, 60, 0x00, 0x04])
CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"


async def connect(target: str, *, timeout_s: float = 2, pair: bool = False) -> None:
    async with open_link(target, timeout_s=timeout_s, pair=pair):
        pass


async def drain(inbox: Inbox[Frame], into: list[Frame]) -> None:
    async for frame in inbox:
        into.append(frame)


async def every_use_raises_link_lost(link: Link) -> None:
    for use in (link.read("2a19"), link.write("2a39", b"\x01")):
        with pytest.raises(LinkLost, match=r"Polar H10.*connect again"):
            await use
    with pytest.raises(LinkLost):
        async with link.notifications("2a37"):
            pass


async def test_what_came_before_the_loss_is_delivered_first_and_the_strap_is_found_again(
    computer: Computer, backend: Backend | None
) -> None:
    async with open_link(computer.strap.address, timeout_s=2, backend=backend) as link:
        got: list[Frame] = []
        async with link.notifications("2a37") as inbox:
            await computer.daemon.notify(computer.strap, "2a37", *[BEAT] * 5)
            await computer.daemon.lose(computer.strap)
            await computer.settle()
            assert not link.is_up
            with pytest.raises(LinkLost, match=r"Polar H10.*connect again"):
                await asyncio.wait_for(drain(inbox, got), 1)
        assert [frame.payload for frame in got] == [BEAT] * 5
        await every_use_raises_link_lost(link)
    for _ in range(2):
        async with (
            open_link(computer.strap.name, timeout_s=2, backend=backend) as again,
            again.notifications("2a37") as inbox,
        ):
            await computer.daemon.notify(computer.strap, "2a37", BEAT)
            assert (await asyncio.wait_for(anext(inbox), 1)).payload == BEAT


async def test_a_reader_that_waits_is_told_of_the_loss(computer: Computer) -> None:
    async with open_link(computer.strap.address, timeout_s=2) as link, link.notifications("2a37") as inbox:
        waiting = asyncio.create_task(anext(inbox))
        await computer.settle()
        await computer.daemon.lose(computer.strap)
        with pytest.raises(LinkLost):
            await asyncio.wait_for(waiting, 1)


@pytest.mark.parametrize("words", ["Not connected", "Operation failed", "Operation failed with ATT error: 0x0e"])
async def test_a_read_that_the_loss_interrupts_is_a_lost_link(computer: Computer, words: str) -> None:
    computer.strap.characteristics["2a19"].is_mute = True
    async with open_link(computer.strap.address, timeout_s=2) as link:
        reading = asyncio.create_task(link.read("2a19"))
        await computer.settle()
        await computer.daemon.lose(computer.strap, noticed_after_s=0.1, words=words)
        with pytest.raises(LinkLost):
            await asyncio.wait_for(reading, 2)


async def test_a_read_between_the_loss_and_its_notice_is_a_lost_link(computer: Computer) -> None:
    async with open_link(computer.strap.address, timeout_s=2) as link, asyncio.TaskGroup() as world:
        world.create_task(computer.daemon.lose(computer.strap, noticed_after_s=0.1))
        await asyncio.sleep(0)
        with pytest.raises(LinkLost):
            await link.read("2a19")


@pytest.mark.parametrize("code", [0x80, 0x81, 0x0E, 0xFD])
async def test_a_refused_write_carries_its_att_code(computer: Computer, code: int) -> None:
    computer.strap.characteristics["2a39"].refuses = code
    async with open_link(computer.strap.address, timeout_s=2) as link:
        with pytest.raises(LinkError, match=rf"Polar H10 .* refused to write 2a39: .*ATT error {code:#04x}") as refused:
            await link.write("2a39", b"\x07")
        assert type(refused.value) is LinkError
        assert await link.read("2a38") == b"\x01"  # the link goes on


async def test_other_refusals_name_the_characteristic(computer: Computer) -> None:
    async with open_link(computer.strap.address, timeout_s=2) as link:
        uses: list[tuple[Awaitable[object], str]] = [
            (link.read("2a37"), r"refused to read 2a37.*0x02"),
            (link.write("2a38", b"\0"), r"refused to write 2a38.*0x03"),
            (link.read(CONTROL), rf"cannot read {CONTROL}.*Not paired"),
            (link.read("2a5f"), "has no characteristic 2a5f"),
        ]
        for use, words in uses:
            with pytest.raises(LinkError, match=words) as refused:
                await use
            assert type(refused.value) is LinkError
        with pytest.raises(LinkError, match="cannot subscribe to 2a38"):
            async with link.notifications("2a38"):
                pass


async def test_pairing_that_fails_is_an_error_of_the_link(computer: Computer) -> None:
    computer.strap.pairs = False
    with pytest.raises(LinkError, match="Authentication Failed"):
        await connect(computer.strap.address, pair=True)


async def test_bluetooth_switched_off_is_unavailable(computer: Computer) -> None:
    computer.daemon.power(False)
    for attempt in (discover(timeout_s=0.1), connect(computer.strap.address)):
        with pytest.raises(BluetoothUnavailable, match=r"[Tt]urn on Bluetooth.*vitals demo"):
            await attempt
    computer.daemon.power(True)
    await computer.settle()
    await connect(computer.strap.address)


async def test_bluetooth_switched_off_a_moment_ago_is_unavailable(computer: Computer) -> None:
    """bleak still believes that the adapter is powered; BlueZ answers NotReady."""
    assert await discover(timeout_s=0.1)
    computer.daemon.power(False, told=False)
    for attempt in (discover(timeout_s=0.1), connect(computer.strap.address)):
        with pytest.raises(BluetoothUnavailable, match=r"NotReady.*vitals demo"):
            await attempt


async def test_bluetooth_switched_off_while_connected_loses_the_link(computer: Computer) -> None:
    async with open_link(computer.strap.address, timeout_s=2) as link, link.notifications("2a37") as inbox:
        computer.daemon.power(False)
        with pytest.raises(LinkLost):
            await asyncio.wait_for(anext(inbox), 1)
        await every_use_raises_link_lost(link)


async def test_no_adapter_is_unavailable(computer: Computer) -> None:
    computer.daemon.unplug()
    for attempt in (discover(timeout_s=0.1), connect(computer.strap.address)):
        with pytest.raises(BluetoothUnavailable, match=r"No Bluetooth adapters.*vitals demo"):
            await attempt


async def test_an_adapter_pulled_out_while_connected_loses_the_link(computer: Computer) -> None:
    """No `Connected` changes, the objects are gone."""
    async with open_link(computer.strap.address, timeout_s=2) as link, link.notifications("2a37"):
        computer.daemon.unplug()
        await computer.settle()
        with pytest.raises(LinkLost):
            await link.read("2a19")


@pytest.mark.parametrize("policy", ["no calls", "no connections"])
async def test_access_denied_is_unavailable(make_computer: MakeComputer, policy: str) -> None:
    """A sandbox or a container that may not talk to bluetoothd, or to the bus at all."""
    async with make_computer(policy):
        for attempt in (discover(timeout_s=0.1), connect("F0:0A:1B:2C:3D:4E")):
            with pytest.raises(BluetoothUnavailable, match="vitals demo"):
                await attempt


async def test_no_bluetoothd_is_unavailable(computer: Computer) -> None:
    await computer.daemon.die()
    for attempt in (discover(timeout_s=0.1), connect(computer.strap.address)):
        with pytest.raises(BluetoothUnavailable, match="vitals demo"):
            await attempt


async def test_nobody_who_advertises_is_not_found(computer: Computer) -> None:
    with pytest.raises(DeviceNotFound, match="'Polar H7'"):
        await connect("Polar H7", timeout_s=0.2)
    assert await discover(timeout_s=0.1)
    computer.strap.is_advertising = False
    with pytest.raises(DeviceNotFound, match=computer.strap.address):
        await connect(computer.strap.address, timeout_s=0.2)  # remembered by BlueZ, but not heard


async def test_a_strap_that_left_after_the_scan_does_not_answer(computer: Computer) -> None:
    computer.strap.is_in_reach = False
    with pytest.raises(DeviceNotFound, match="does not answer"):
        await connect(computer.strap.address, timeout_s=0.3)
    await computer.settle()
    assert not computer.strap.connecting  # the attempt was taken back
    computer.strap.is_in_reach = True
    await connect(computer.strap.address)


async def test_a_link_lost_while_services_are_resolved_is_an_error_of_the_link(computer: Computer) -> None:
    computer.strap.drops = 1
    with pytest.raises(LinkError, match=r"connecting to Polar H10 .* failed: failed to discover services"):
        await asyncio.wait_for(connect(computer.strap.address), 1)
    await connect(computer.strap.address)


async def die(computer: Computer) -> None:
    await computer.daemon.die()


async def restart(computer: Computer) -> None:
    await computer.daemon.die()
    await computer.daemon.start()


async def stop_bus(computer: Computer) -> None:
    computer.bus.stop()


@pytest.mark.parametrize("catastrophe", [die, restart])
async def test_bluetoothd_dies_while_connected(
    computer: Computer, catastrophe: Callable[[Computer], Awaitable[None]]
) -> None:
    """No callback comes; the next use finds out, and the block can be left."""
    async with open_link(computer.strap.address, timeout_s=2) as link:
        async with link.notifications("2a37") as inbox:
            await computer.daemon.notify(computer.strap, "2a37", BEAT)
            await catastrophe(computer)
            assert (await asyncio.wait_for(anext(inbox), 1)).payload == BEAT
            assert link.is_up
            with pytest.raises(LinkLost):
                await asyncio.wait_for(link.read("2a19"), 1)
            assert not link.is_up
            with pytest.raises(LinkLost):  # so do those who listen
                await asyncio.wait_for(anext(inbox), 1)
        with pytest.raises(LinkLost):
            await link.write("2a39", b"\x01")
        leaving = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - leaving < 1
    if catastrophe is die:
        await computer.daemon.start()
    async with open_link(computer.strap.address, timeout_s=2) as fresh:
        assert await fresh.read("2a38") == b"\x01"


async def test_bluetoothd_dies_while_it_owes_an_answer(computer: Computer) -> None:
    computer.strap.characteristics["2a19"].is_mute = True
    async with open_link(computer.strap.address, timeout_s=2) as link:
        reading = asyncio.create_task(link.read("2a19"))
        await computer.settle()
        await computer.daemon.die()
        with pytest.raises(LinkLost):
            await asyncio.wait_for(reading, 1)


async def test_the_system_bus_dies_while_connected(computer: Computer) -> None:
    async with open_link(computer.strap.address, timeout_s=2) as link, link.notifications("2a37") as inbox:
        await computer.daemon.notify(computer.strap, "2a37", BEAT)
        computer.bus.stop()
        assert (await asyncio.wait_for(anext(inbox), 1)).payload == BEAT
        with pytest.raises(LinkLost):
            await asyncio.wait_for(anext(inbox), 1)
        await every_use_raises_link_lost(link)


async def test_the_system_bus_dies_while_scanning(computer: Computer) -> None:
    scanning = asyncio.create_task(discover(timeout_s=0.2))
    await computer.settle()
    computer.bus.stop()
    assert [found.name for found in await asyncio.wait_for(scanning, 1)] == [computer.strap.name]  # heard before
    with pytest.raises(BluetoothUnavailable, match="vitals demo"):
        await discover(timeout_s=0.1)


async def test_a_bluetoothd_that_hangs_does_not_hold_the_block(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP, a deadlock: D-Bus calls have no time-out of their own in dbus-fast."""
    monkeypatch.setattr("vitals.link.connection.FAREWELL_S", 0.2)
    async with asyncio.timeout(2):
        async with open_link(computer.strap.address, timeout_s=2):
            computer.daemon.hang()


async def test_a_bluetoothd_that_hangs_is_unavailable(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitals.link.adapter.ANSWER_S", 0.2)
    computer.daemon.hang()
    async with asyncio.timeout(2):
        for attempt in (discover(timeout_s=0.1), connect(computer.strap.address, timeout_s=0.2)):
            with pytest.raises(BluetoothUnavailable, match=r"does not answer.*vitals demo"):
                await attempt


async def test_an_error_of_the_body_comes_out_and_the_link_is_closed(computer: Computer) -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_link(computer.strap.address, timeout_s=2) as link, link.notifications("2a37"):
            _ = 1 / 0
    await computer.settle()
    assert not computer.strap.has_gatt


async def test_cancelling_at_any_moment_leaves_nothing_connected(computer: Computer) -> None:
    async def session() -> None:
        async with open_link(computer.strap.address, timeout_s=2) as link, link.notifications("2a37") as inbox:
            await anext(inbox)

    assert await discover(timeout_s=0.05)  # bleak's connection to the bus stands, as it does when one connects again
    for turns in range(60):  # of the event loop; the subscription stands after about 40
        task = asyncio.create_task(session())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled(), (turns, task.exception())
        assert not computer.strap.has_gatt
        assert not computer.strap.connecting
