"""The async shell: device -> analysis -> store, and events to whoever listens.

Laws of this file:
1. What arrives is stored before it is told: an event that the application has seen is in the store at the next flush.
2. However it ends (end of stream, lost link, cancelled), everything that was taken in is analysed and flushed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vitals.analysis import Analysis
from vitals.device import Device, Item
from vitals.journal import Journal, journal_block
from vitals.values import Block, ClockReset, Event, Features, Frame, Gap, LinkEvent

if TYPE_CHECKING:
    from vitals.store import Session, Store
    from vitals_models import Model


class Monitoring:
    """Events of one device while it is being watched; iterate it with `async for`.

    The iteration ends when the device has no more to say. It goes on while a device that reconnects is out of reach; of
    one that does not (`connect(..., reconnect=False)`) it raises LinkLost.
    """

    def __init__(
        self,
        device: Device,
        session: Session | None,
        model: Model | None,
        on_link: Callable[[LinkEvent | ClockReset], object] | None,
        kinds: Collection[str] | None,
        journal: bool,
    ) -> None:
        self._device = device
        self._kinds = kinds
        self._journal = Journal() if journal and session else None
        self._noted_us: int | None = None  # time of the newest block of the journal
        self._link = Journal()
        self._session = session
        self._on_link = on_link
        self._analysis = Analysis(model)
        self._enough = asyncio.Event()
        self._events: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()
        self.start_us: int | None = None  # time of the first sample, on the clock of the device's blocks
        self.end_us: int | None = None  # time of the newest one
        self.counts: Counter[str] = Counter()  # samples by kind of stream
        self.gaps: Counter[str] = Counter()  # gaps by kind of stream
        self.latest: dict[str, Block] = {}  # the newest block of each kind
        self.link_events: Counter[str] = Counter()  # "Disconnected", "Stall", ...: how often it happened

    async def watch(self) -> None:
        """Take in all that the device says; runs as a task of `monitor`."""
        outcome: BaseException | None = None
        try:
            try:
                async with self._device.items(self._enough, kinds=self._kinds, tap=self._note) as items:
                    async for item in items:
                        self.take(item)
            finally:
                self._derive(self._analysis.end())
                if self._session:
                    self._session.flush()
        except Exception as error:
            outcome = error
        finally:
            self._events.put_nowait(outcome)

    def _note(self, entry: Frame | LinkEvent) -> None:
        """What arrives, before it is decoded."""
        if self._journal and self._session:
            # A loss is noticed after frames that came later than it: the bytes keep the order in which they were made.
            at_us = entry.arrival_us if isinstance(entry, Frame) else entry.at_us
            self._noted_us = at_us if self._noted_us is None else max(self._noted_us, at_us)
            self._session.append(journal_block(self._noted_us, self._journal.append(entry)))

    def stop(self) -> None:
        """Enough: the iteration ends after what has arrived until now."""
        self._enough.set()

    def utc(self, time_us: int) -> datetime:
        """A time of this device's blocks and events, as UTC."""
        return datetime.fromtimestamp((self._device.zero_utc_us + time_us) / 1e6, UTC)

    @property
    def seconds(self) -> float:
        """How much time the samples span."""
        return 0.0 if self.start_us is None or self.end_us is None else (self.end_us - self.start_us) / 1e6

    def take(self, item: Item) -> None:
        """One more block, gap or link event."""
        if not isinstance(item, Block | Gap):
            self.link_events[type(item).__name__] += 1
            if self._session:
                self._link.cut()  # one is read alone
                self._session.append(journal_block(item.at_us, self._link.append(item), "link"))
            if self._on_link:
                self._on_link(item)
            return
        if isinstance(item, Block):
            self.counts[item.kind] += len(item)
            self.latest[item.kind] = item
            self.start_us = item.start_us if self.start_us is None else min(self.start_us, item.start_us)
            self.end_us = item.end_us if self.end_us is None else max(self.end_us, item.end_us)
        else:
            self.gaps[item.kind] += 1
        if self._session:
            if isinstance(item, Block):
                self._session.append(item, made_by=self._device.made_by.get(item.kind))
            else:
                self._session.gap(item)
        self._derive(self._analysis.push(item))

    def _derive(self, made: list[Features | Event]) -> None:
        for one in made:
            if self._session:
                if isinstance(one, Event):
                    self._session.event(one)
                else:
                    self._session.features(one)
            if isinstance(one, Event):
                self._events.put_nowait(one)

    def __aiter__(self) -> Monitoring:
        return self

    async def __anext__(self) -> Event:
        item = await self._events.get()
        if isinstance(item, Event):
            return item
        self._events.put_nowait(item)  # whoever asks again gets the same answer
        if item is None:
            raise StopAsyncIteration
        raise item


@asynccontextmanager
async def monitor(
    device: Device,
    *,
    store: Store | None = None,
    subject: str = "self",
    kinds: Collection[str] | None = None,
    model: Model | None = None,
    on_link: Callable[[LinkEvent | ClockReset], object] | None = None,
    journal: bool = False,
) -> AsyncIterator[Monitoring]:
    """Watch a device: analyse what it streams, keep it in `store` (None: keep nothing), and yield its events.

    `kinds` of stream that are wanted (None: all that it has); the others are not started on the device. Events come
    when they open and again when they close; their times are those of the device's blocks, and `Monitoring.utc` makes
    UTC of them. Leaving the block stops watching. `on_link`, a plain function, is told of losses, returns and troubles
    of the link as they are met among the data; the store keeps them, too (`vitals.offline.link_events`). A device that
    is lost and comes back goes on in the same session of the store, after a gap. With `journal` the store also keeps
    what arrived as it arrived, as the stream "journal", so that a better decoder can decode it again
    (`vitals.offline.redecoded`).

    The iteration raises LinkLost when the link is lost for good, and StoreError where the store cannot be written.
    """
    if store is None:
        async with _watching(Monitoring(device, None, model, on_link, kinds, False)) as monitoring:
            yield monitoring
        return
    session = store.session(device=device.info, source=device.source, zero_utc_us=device.zero_utc_us, subject=subject)
    with session:
        async with _watching(Monitoring(device, session, model, on_link, kinds, journal)) as monitoring:
            yield monitoring


@asynccontextmanager
async def _watching(monitoring: Monitoring) -> AsyncIterator[Monitoring]:
    task = asyncio.create_task(monitoring.watch())
    try:
        yield monitoring
    finally:
        monitoring.stop()
        await task
