"""What streams over one link: sources started as listeners want them, restarted when they fall silent.

Laws of this file:
1. A steady source that is silent for 3 s (or what its driver says) is restarted; after three restarts in vain the link
   is not alive. This also finds a Bluetooth service that died while connected, of which no callback tells; or a probe,
   where none is steady.
2. A source that the device refuses is asked for again every 30 s; who wanted nothing else is told by an error.
3. What comes of a link after `leave` is not heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress

from vitals.decode import TEXT_FIELDS, device_info, uuids
from vitals.errors import LinkError, LinkLost
from vitals.link import Link
from vitals.session.driver import Driver, Source
from vitals.session.exchange import NoAnswer, bounded, now_us, unless_refused
from vitals.session.listener import Listener
from vitals.session.protocols import drivers_of
from vitals.session.watch import STRIKES, Running
from vitals.values import Connected, DeviceInfo, Frame, Stall, StreamRefused

FAREWELL_S = 2.0  # stopping all sources, when nobody listens any more
ASK_AGAIN_US = 30_000_000
PROBE_US = 30_000_000  # nothing came for so long


class Streams:
    """The sources of the device behind `link`; it is the ear of their drivers.

    `listeners` is read whenever something happens; `wake` is set when `align` or `is_alive` have something to do.
    `patience` lengthens the silence that is granted before the first frame. `zero_utc_us` is UTC at the event loop's
    time 0; `memory` is what drivers keep over connections.
    """

    def __init__(
        self,
        link: Link,
        listeners: Sequence[Listener],
        wake: asyncio.Event,
        rates: Mapping[str, int],
        patience: int,
        zero_utc_us: int,
        memory: MutableMapping[str, int],
    ) -> None:
        self._link = link
        self._listeners = listeners
        self._wake = wake
        self._patience = patience
        self._zero_utc_us = zero_utc_us
        self.memory = memory
        self._drivers = [kind(link, self, rates) for kind in drivers_of(link.characteristics | link.services)]
        self._running: dict[str, Running] = {}
        self._refused: dict[str, tuple[int, LinkError]] = {}  # source -> when to ask again, and what it said
        self._heard_us = now_us()  # newest frame, or answer to a probe
        self._left = False

    async def prepare(self) -> None:
        """Find out what there is. Raises LinkLost."""
        for driver in self._drivers:
            with unless_refused():
                await bounded(driver.prepare(), self._link)

    async def info(self) -> DeviceInfo:
        """What the device says of itself. Raises LinkLost."""
        fields: dict[str, bytes] = {}
        for uuid in TEXT_FIELDS:
            if uuid in self._link.characteristics:
                with unless_refused():
                    fields[uuid] = await bounded(self._link.read(uuid), self._link)
        return device_info(self._link.name, fields)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of stream that there are."""
        return tuple(dict.fromkeys(kind for _, source in self._sources() for kind in source.kinds))

    @property
    def is_useful(self) -> bool | None:
        """Whether anything (of the steady sources, where there are any) has come; None where nothing was wanted."""
        steady = [run for run in self._running.values() if run.source.steady]
        return any(run.heard_any for run in steady or self._running.values()) if self._running else None

    def _sources(self) -> Iterator[tuple[Driver, Source]]:
        return ((driver, source) for driver in self._drivers for source in driver.sources)

    async def align(self) -> None:
        """Start what is wanted and does not run, stop what runs and is not wanted. Raises LinkLost."""
        listeners = list(self._listeners)
        for listener in listeners:
            if not listener.connected:
                listener.tell(Connected(now_us()))
                for run in self._running.values():
                    if listener.wants(run.source):
                        for note in run.notes:
                            listener.offer(note)
                self._tell_refused(listener)
        for driver, source in self._sources():
            wanted = any(listener.wants(source) for listener in listeners)
            if wanted and source.name not in self._running:
                await self._start(driver, source)
            elif not wanted:
                self._refused.pop(source.name, None)
                if self._running.pop(source.name, None):
                    with unless_refused():
                        await bounded(driver.stop(source.name), self._link)
        for listener in listeners:
            self._settle(listener)

    async def _start(self, driver: Driver, source: Source) -> None:
        if source.name in self._refused and now_us() < self._refused[source.name][0]:
            return
        run = self._running[source.name] = Running(driver, source, now_us(), self._patience)
        try:
            await bounded(driver.start(source.name), self._link)
        except LinkLost:
            raise
        except LinkError as error:
            waited_for = any(one.settled.is_set() and one.wants(source) for one in self._listeners)
            if isinstance(error, NoAnswer) and source.steady and waited_for:
                run.restarted(now_us())  # a silence like any other
            else:
                del self._running[source.name]
                self._refuse(source, error)
        else:
            self._refused.pop(source.name, None)
            run.tried_us = max(run.tried_us, now_us())

    def _refuse(self, source: Source, error: LinkError) -> None:
        is_news = source.name not in self._refused
        self._refused[source.name] = (now_us() + ASK_AGAIN_US, error)
        if is_news:
            for listener in self._listeners:
                if listener.connected:
                    self._tell_refused(listener, source)

    def _tell_refused(self, listener: Listener, *sources: Source) -> None:
        """What of these sources (none given: of all) it wants and was refused."""
        for source in sources or [source for _, source in self._sources()]:
            if source.name in self._refused and listener.wants(source):
                for kind in source.kinds:
                    listener.tell(StreamRefused(now_us(), kind, str(self._refused[source.name][1])))

    def _settle(self, listener: Listener) -> None:
        """A listener that got nothing at all of what it asked for has come in vain."""
        if not listener.settled.is_set():
            wanted = [source.name for _, source in self._sources() if listener.wants(source)]
            if wanted and all(name in self._refused for name in wanted):
                listener.close(now_us(), error=self._refused[wanted[0]][1])
        listener.settled.set()

    @property
    def due_us(self) -> int:
        """When `align` or `is_alive` have something to do, should nothing happen before."""
        due = [self._heard_us + PROBE_US, *(at for at, _ in self._refused.values())]
        return min(due + [at for run in self._running.values() if (at := run.due_us) is not None])

    async def is_alive(self) -> bool:
        """Restart what is silent; False where that has been in vain too often. Raises LinkLost."""
        for name, run in list(self._running.items()):
            now = now_us()
            if run.due_us is None or run.due_us > now or not self._link.is_up:
                continue
            if run.strikes >= STRIKES:
                return False
            for listener in self._listeners:
                if listener.wants(run.source):
                    listener.tell(Stall(now, name, now - run.last_us))
            run.notes.clear()
            for step in (run.driver.stop, run.driver.start):
                with unless_refused():  # what does not start now is silent, and has one strike more
                    await bounded(step(name), self._link)
            run.restarted(now_us())
        if self._link.is_up and now_us() - self._heard_us >= PROBE_US:
            await self._probe()
        return True

    async def _probe(self) -> None:
        """Ask the device for something small: of a Bluetooth service that died, only a call that fails tells."""
        for uuid in (*TEXT_FIELDS, uuids.BATTERY_LEVEL):
            if uuid in self._link.characteristics:
                with unless_refused():
                    await bounded(self._link.read(uuid), self._link)
                break
        self._heard_us = now_us()

    async def leave(self) -> None:
        """Stop whatever streams, as far as the link still allows."""
        self._left = True
        if self._link.is_up:
            with suppress(LinkError, TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    for name, run in list(self._running.items()):
                        await run.driver.stop(name)

    # What drivers tell

    def heard(self, source: str, frame: Frame) -> None:
        run = self._running.get(source)
        if not self._left and run is not None:
            self._heard_us = frame.arrival_us
            run.heard(frame.arrival_us)
            self._pass_on(run, frame)

    def noted(self, source: str, frame: Frame) -> None:
        run = self._running.get(source)
        if not self._left and run is not None:
            run.notes.append(frame)
            self._pass_on(run, frame)

    def stopped(self, source: str) -> None:
        if source in self._running:
            self._running[source].stopped()
            self._wake.set()

    @property
    def utc_us(self) -> int:
        return self._zero_utc_us + now_us()

    def _pass_on(self, run: Running, frame: Frame) -> None:
        for listener in self._listeners:
            if listener.connected and listener.wants(run.source):
                listener.offer(frame)
