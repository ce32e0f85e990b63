"""events --link: what happened to the links of the recordings, for whoever asks why something is missing."""

from __future__ import annotations

import argparse
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from vitals.cli.speaking import emit, iso, say
from vitals.cli.unlocking import open_store

if TYPE_CHECKING:
    from vitals.values import ClockReset, LinkEvent

KINDS = {
    "Connected": "connected",
    "Disconnected": "disconnected",
    "Stall": "stall",
    "Overflow": "overflow",
    "StreamRefused": "stream_refused",
    "ContactChange": "contact_change",
    "BatteryLow": "battery_low",
    "ClockReset": "clock_reset",
}


def show(arguments: argparse.Namespace) -> int:
    from vitals.offline import link_events

    with open_store(arguments) as store:
        rows = link_events(store, arguments.start, arguments.end)
    rows = [row for row in rows if arguments.kind in (None, KINDS[type(row.event).__name__])]
    for row in rows:
        at, kind = iso(row.event.at_us), KINDS[type(row.event).__name__]
        device = row.session.device.name
        if arguments.json:
            told = {field.name: _plain(getattr(row.event, field.name)) for field in fields(row.event)[1:]}
            emit({"at": at, "kind": kind, **told, "device": device, "subject": row.session.subject})
        else:
            print(f"{at}  {device}  {words(row.event)}")
    if not rows:
        say("nothing is known of any link; recordings of files have none")
    return 0


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def words(event: LinkEvent | ClockReset) -> str:
    """One link event, as one reads it later."""
    from vitals import values

    match event:
        case values.Connected():
            return "connected"
        case values.Disconnected(reason=loss):
            return f"disconnected: {loss.value}"
        case values.Stall(source=source, silent_us=silent_us):
            return f"silent for {silent_us / 1e6:.1f} s, started again: {source}"
        case values.Overflow(frames=frames):
            return f"{frames} notifications dropped: this computer was too slow"
        case values.StreamRefused(kind=kind, reason=reason):
            return f"no {kind}: {reason}"
        case values.ContactChange(contact=contact):
            return "skin contact found" if contact else "skin contact lost"
        case values.BatteryLow(percent=percent):
            return f"battery of the device at {percent} %"
        case values.ClockReset(shift_us=shift_us):
            return f"clock of the device jumped by {shift_us / 1e6:+.1f} s"
