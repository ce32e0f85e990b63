"""scan, record, live: devices in reach."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vitals.cli.speaking import NOT_MEDICAL, emit, iso, say, span
from vitals.cli.unlocking import store_opener

if TYPE_CHECKING:
    from vitals.link import Backend, Found
    from vitals.monitoring import Monitoring
    from vitals.values import ClockReset, LinkEvent


def scan(arguments: argparse.Namespace) -> int:
    from vitals.link import discover

    async def listen() -> list[Found]:
        async with _backend(arguments.hci) as backend:
            return await discover(timeout_s=arguments.seconds, backend=backend)

    found = asyncio.run(listen())
    for one in found:
        if arguments.json:
            emit({"name": one.name, "address": one.address, "rssi_dbm": one.rssi, "services": list(one.services)})
        else:
            print(f"{one.rssi:>5} dBm  {one.address}  {one.name or '(no name)'}")
    if not found:
        say("nobody advertises; wake the device and see that no phone is connected to it")
    return 0


def record(arguments: argparse.Namespace) -> int:
    if arguments.locked:
        return asyncio.run(_collect(arguments))
    return asyncio.run(_watch(arguments, live=False))


def live(arguments: argparse.Namespace) -> int:
    return asyncio.run(_watch(arguments, live=True))


async def _watch(arguments: argparse.Namespace, *, live: bool) -> int:
    from vitals.device import connect
    from vitals.monitoring import monitor

    opened = store_opener(arguments)
    say(f"looking for {arguments.device} ...")
    async with _backend(arguments.hci) as backend, connect(arguments.device, backend=backend) as device:
        say(f"connected to {device.name} ({device.info.manufacturer or 'unknown maker'} {device.info.model})")
        with opened() as store:
            async with monitor(device, store=store, on_link=_tell, journal=arguments.journal) as events:
                timer = asyncio.get_running_loop().call_later(arguments.seconds or 1e9, events.stop)
                rate = asyncio.create_task(_heart_rate(events)) if live else None
                try:
                    async for event in events:
                        row = {"start": iso(event.start_us + device.zero_utc_us), "kind": event.kind}
                        row |= {"end": iso(event.end_us + device.zero_utc_us), "state": event.state.value}
                        if arguments.json:
                            emit({**row, "score": round(event.score, 4)})
                        elif live:
                            print("{start} - {end}  {kind} ({state})".format(**row))
                finally:
                    timer.cancel()
                    if rate:
                        rate.cancel()
    say(f"stored {span(events.seconds)}: " + ", ".join(f"{n} {kind}" for kind, n in events.counts.items()))
    say(NOT_MEDICAL)
    return 0


async def _collect(arguments: argparse.Namespace) -> int:
    """Record without a key."""
    from vitals.device import connect
    from vitals.locked import collect

    say(f"looking for {arguments.device} ...")
    async with _backend(arguments.hci) as backend, connect(arguments.device, backend=backend) as device:
        enough = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(arguments.seconds or 1e9, enough.set)
        try:
            count = await collect(device, arguments.store, until=enough)
        finally:
            timer.cancel()
    if arguments.json:
        emit({"device": device.name, "notifications": count})
    say(f"sealed {count} notifications of {device.name}; `vitals take-in` brings them in when the store is unlocked")
    return 0


@asynccontextmanager
async def _backend(hci: str | None) -> AsyncIterator[Backend | None]:
    """What reaches devices: None is the Bluetooth of this computer."""
    if hci is None:
        yield None
        return
    from vitals.virtual import hci_backend

    async with hci_backend(hci) as backend:
        yield backend


def _tell(event: LinkEvent | ClockReset) -> None:
    """Troubles of the link in words."""
    from vitals import values

    match event:
        case values.Disconnected(reason=loss):
            say(f"{loss.value}; waiting for the device to come back (Ctrl+C ends, and keeps what has come)")
        case values.Connected():
            say("receiving")
        case values.Stall(source=source):
            say(f"nothing comes from {source}; starting it again")
        case values.Overflow(frames=frames):
            say(f"this computer is too slow: {frames} notifications were dropped")
        case values.StreamRefused(kind=kind, reason=reason):
            say(f"no {kind}: {reason}")
        case values.ContactChange(contact=contact):
            say("skin contact again" if contact else "no skin contact: moisten the strap, or move it")
        case values.BatteryLow(percent=percent):
            say(f"the battery of the device is at {percent} %")
        case values.ClockReset():
            say("the clock of the device began anew: it was switched off")


async def _heart_rate(events: Monitoring) -> None:
    while True:
        await asyncio.sleep(5)
        if "hr" in events.latest:
            say(f"{events.latest['hr'].values[-1]} bpm")
