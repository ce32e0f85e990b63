"""Recording into a store that nobody has unlocked, and taking it in when somebody has.

Laws of this file:
1. What is collected goes through nothing but the seal: no decoding, no analysis, no key.
2. When it is taken in it goes the way that a live stream goes, and gives the same blocks, features and events.
3. A sealed file is removed after what it held is durable in the store. If that is cut short, what came of it is taken
   out and it is taken in again: a session knows the file that it came from, so nothing is there twice.
4. What is still collected, or taken in by another process, is left alone: who does it holds a lock on the file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vitals.device import Device, Item, Source, Tap, only
from vitals.intake import DECODED, Intake
from vitals.journal import Damage, Journal, unpack
from vitals.monitoring import Monitoring
from vitals.values import Block, ClockReset, DeviceInfo, Frame, LinkEvent, Provenance

if TYPE_CHECKING:
    from vitals.store import Store
    from vitals.store.sealed import Sealed
    from vitals_models import Model


async def collect(
    device: Device, store: str | os.PathLike[str], *, subject: str = "self", until: asyncio.Event | None = None
) -> int:
    """Record a device into the locked store at the path `store`, without a key, until it ends or `until` is set.

    Returns how many notifications came. Raises LinkError, StoreError, StoreMissing (no store that takes sealed
    recordings).
    """
    from vitals.store.sealed import SealedJournal

    journal, count = Journal(), 0

    def tap(entry: Frame | LinkEvent) -> None:
        nonlocal count
        count += isinstance(entry, Frame)
        sealed.append(journal.append(entry))

    with SealedJournal(
        store, device=device.info, source=device.source, zero_utc_us=device.zero_utc_us, subject=subject
    ) as sealed:
        async with device.items(until, tap=tap) as items:
            async for _ in items:
                pass
    return count


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What one sealed recording brought into the store."""

    device: str
    samples: Mapping[str, int]  # by kind of stream
    events: int
    whole: bool  # False: it was cut off, or changed, after what was taken in


async def take_in(store: Store, *, model: Model | None = None) -> list[TakenIn]:
    """Decode, analyse and keep what was collected while the store was locked. Raises StoreDamaged, StoreError."""
    done = []
    for one in store.sealed():
        known = store.find_import(one.sha256)
        if known is None or known.state != "complete":
            if known is not None:
                store.drop(known)
            done.append(await _taken(store, one, model))
        one.remove()
    return done


async def _taken(store: Store, one: Sealed, model: Model | None) -> TakenIn:
    device = _Collected(one.device, "virtual" if one.source == "virtual" else "live", one.zero_utc_us, one.journal)
    with store.session(
        device=device.info, source=device.source, zero_utc_us=device.zero_utc_us, subject=one.subject,
        source_sha256=one.sha256,
    ) as session:  # fmt: skip
        monitoring = Monitoring(device, session, model, None, None, True)
        await monitoring.watch()
        events = len([event async for event in monitoring])
    return TakenIn(one.device.name, dict(monitoring.counts), events, one.whole)


class _Collected:
    """The device of a sealed recording."""

    def __init__(self, info: DeviceInfo, source: Source, zero_utc_us: int, journal: bytes) -> None:
        self.name = info.name
        self.info = info
        self.source: Source = source
        self.zero_utc_us = zero_utc_us
        self.made_by: Mapping[str, Provenance] = {}
        self.kinds = tuple(sorted(DECODED))
        self._journal = journal

    @asynccontextmanager
    async def items(
        self, until: asyncio.Event | None = None, *, kinds: Collection[str] | None = None, tap: Tap | None = None
    ) -> AsyncIterator[AsyncIterator[Item]]:
        """See `vitals.device.Device`."""
        yield _decoded([one for one in unpack(self._journal) if not isinstance(one, Damage | ClockReset)], tap)

    @asynccontextmanager
    async def stream(self, kind: str) -> AsyncIterator[AsyncIterator[Block]]:
        """See `vitals.device.Device`."""
        async with only(self, kind) as blocks:
            yield blocks


async def _decoded(entries: Iterable[Frame | LinkEvent], tap: Tap | None) -> AsyncIterator[Item]:
    intake = Intake()
    for one in entries:
        if tap:
            tap(one)
        for item in intake.take(one):
            yield item
    for item in intake.end("end of stream"):
        yield item
