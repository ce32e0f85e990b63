"""Which protocols a device speaks. A new one is one line here."""

from __future__ import annotations

from vitals.session.bangle import BangleDriver
from vitals.session.colmi import ColmiDriver
from vitals.session.driver import Driver, PlainDriver
from vitals.session.huami import HuamiDriver
from vitals.session.infinitime import InfiniTimeDriver
from vitals.session.movesense import MovesenseDriver
from vitals.session.polar import PolarDriver
from vitals.session.stored_records import StoredRecordsDriver
from vitals.session.viatom import ViatomDriver

DRIVERS: tuple[type[Driver], ...] = (
    PlainDriver,
    StoredRecordsDriver,
    PolarDriver,
    InfiniTimeDriver,
    ColmiDriver,
    MovesenseDriver,
    BangleDriver,
    ViatomDriver,
    HuamiDriver,
)


def drivers_of(uuids: frozenset[str]) -> list[type[Driver]]:
    """The drivers for a device with these services and characteristics; one that refines another stands in for it."""
    matching = [kind for kind in DRIVERS if kind.matches(uuids)]
    return [kind for kind in matching if not any(one is not kind and issubclass(one, kind) for one in matching)]
