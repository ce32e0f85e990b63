"""The one task that owns the link to a device: connect, start, watch, and come back.

Laws of this file:
1. Order of a connection: scan, the adapter's connect lock, pair if asked, what there is to stream, then each source as
   its driver starts it. Listeners are told Connected before the first frame.
2. A steady source that is silent for 3 s is restarted; after three restarts in vain the link is given up. This also
   finds a Bluetooth service that died while connected, of which no callback tells.
3. A link is left in order: sources stopped, then disconnected. A strap left streaming drains its battery.
4. `run` ends by cancellation, by the error of a first connection that failed, or (without reconnect) by the first loss.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vitals.decode import TEXT_FIELDS, device_info, uuids
from vitals.errors import BluetoothUnavailable, DeviceNotFound, LinkError, LinkLost
from vitals.link import Adapter, Backend, Link, open_link, to_its_end
from vitals.session.comeback import Comeback
from vitals.session.driver import Driver, PlainDriver, Source
from vitals.session.listener import Listener
from vitals.session.polar import PolarDriver
from vitals.session.watch import STRIKES, Running
from vitals.values import Connected, DeviceInfo, Disconnected, Frame, LinkEvent, LossReason, Stall, StreamRefused

if TYPE_CHECKING:
    from vitals.link import BLEDevice

DRIVERS: tuple[type[Driver], ...] = (PlainDriver, PolarDriver)
FIRST_ATTEMPTS = 3  # a first connection is often lost in its first second
RECONNECT_TIMEOUT_S = 10.0
EXCHANGE_S = 6.0  # start or stop of one source
FAREWELL_S = 2.0  # stopping all of them, when nobody listens any more
ASK_AGAIN_US = 30_000_000  # a refused source
PROBE_US = 30_000_000  # a link on which nothing came for so long is asked whether it still is one
PATIENCE = 20  # times the usual silence, at most, for a device that has nothing to say


class Supervisor:
    """Keeps the link to `target` (advertised name, address, or BLEDevice) while `run` runs, as a task of its own.

    `rates` are samples per second that are wanted, by kind of stream.
    `rng` draws the jitter of reconnections. `bleak_kwargs` go to `bleak.BleakClient`.
    """

    def __init__(
        self,
        target: str | BLEDevice,
        *,
        backend: Backend | None = None,
        timeout_s: float = 30,
        reconnect: bool = True,
        rates: Mapping[str, int] = MappingProxyType({}),
        rng: random.Random | None = None,
        **bleak_kwargs: Any,
    ) -> None:
        self.ready = asyncio.Event()  # the first connection stands: `info` and `kinds` are known
        self.name = ""
        self.address = ""
        self.info = DeviceInfo()
        self.kinds: tuple[str, ...] = ()
        self._target = target
        self._backend = backend
        self._timeout_s = timeout_s
        self._reconnect = reconnect
        self._rates = rates
        self._bleak_kwargs = bleak_kwargs
        self._adapter = Adapter.of(backend, bleak_kwargs.get("bluez", {}).get("adapter"))
        self._comeback = Comeback(self._adapter, rng or random.Random())
        self._listeners: list[Listener] = []
        self._link: Link | None = None
        self._drivers: list[Driver] = []
        self._running: dict[str, Running] = {}
        self._refused: dict[str, tuple[int, LinkError]] = {}  # source -> when to ask again, and what it said
        self._heard_us = 0  # newest frame, or answer to a probe
        self._patience = 1
        self._wake = asyncio.Event()
        self._over: BaseException | None = None

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Run, and enter when the device is connected; leaving ends its streams and the link.

        Raises BluetoothUnavailable, DeviceNotFound, LinkError of the first connection.
        """
        task = asyncio.create_task(self.run(), name=f"link to {self._target}")
        first = asyncio.create_task(self.ready.wait())
        try:
            await asyncio.wait([task, first], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                await task
            yield
        finally:
            first.cancel()
            task.cancel()
            await to_its_end(_ended(first, task))

    @property
    def is_connected(self) -> bool:
        return self._link is not None and self._link.is_up

    @asynccontextmanager
    async def listening(self, kinds: Collection[str], *, limit: int = 4096) -> AsyncIterator[Listener]:
        """Frames and link events from now on; sources that nobody else wants stop on leaving.

        `kinds` of stream are wanted (see `kinds`). At most `limit` frames wait for their reader. The
        inbox raises LinkLost when the link is lost for good, LinkError where the device refuses every wanted stream.
        """
        listener = Listener(f"{self.name} ({self.address})", kinds, limit)
        if self._over is not None:
            raise self._over
        self._listeners.append(listener)
        self._wake.set()
        try:
            if self.is_connected:
                await listener.settled.wait()
            yield listener
        finally:
            self._listeners.remove(listener)
            self._wake.set()

    async def run(self) -> None:
        """See the laws of this file. Raises BluetoothUnavailable, DeviceNotFound, LinkError of the first connection."""
        try:
            await self._run()
            self._over = LinkLost(
                f"the link to {self.name} ({self.address}) was lost; bring the device into reach and connect again"
            )
        except asyncio.CancelledError:
            self._over = LinkError(f"the connection to {self.name} was closed; connect again")
            for listener in self._listeners:
                listener.close(_now_us())  # whoever still reads has come to the end
            raise
        except BaseException as error:
            self._over = error
            raise
        finally:
            for listener in self._listeners:
                listener.close(_now_us(), error=self._over)

    async def _run(self) -> None:
        device = await self._connect_first()
        while self._reconnect:
            device = await self._comeback.wait(device)
            try:
                device = await self._hold(device)
            except LinkError:
                self._comeback.failed()

    async def _connect_first(self) -> BLEDevice:
        """Hold the first link until it is lost."""
        attempts = FIRST_ATTEMPTS if self._reconnect else 1
        while True:
            attempts -= 1
            try:
                return await self._hold(self._target)
            except (BluetoothUnavailable, DeviceNotFound):
                raise
            except LinkError:
                if not attempts:
                    raise

    async def _hold(self, target: str | BLEDevice) -> BLEDevice:
        """One link, from the attempt to its end. Raises LinkError where it was lost before it could be used."""
        known = self.ready.is_set()
        timeout_s = RECONNECT_TIMEOUT_S if known else self._timeout_s
        async with open_link(
            target, backend=self._backend, timeout_s=timeout_s, known=known, **self._bleak_kwargs
        ) as link:
            with link.when_lost(self._wake.set):
                await self._prepare(link)
                await self._serve(link)
        return link.device

    async def _prepare(self, link: Link) -> None:
        ear = _Ear(self, link)
        drivers = [kind(link, ear, self._rates) for kind in DRIVERS if kind.matches(link.characteristics)]
        for driver in drivers:
            with _unless_refused():
                await _bounded(driver.prepare(), link)
        if not self.ready.is_set():
            self.name, self.address = link.name, link.address
            self.info = await _read_info(link)
            self.kinds = tuple(dict.fromkeys(kind for d in drivers for source in d.sources for kind in source.kinds))
        self._drivers = drivers
        self._running.clear()
        self._refused.clear()

    async def _serve(self, link: Link) -> None:
        """Stream until the link is lost or given up."""
        self._link = link
        self._heard_us = _now_us()
        self.ready.set()
        try:
            reason = await self._stream(link)
            self._link = None
            self._tell(Disconnected(_now_us(), reason), only_connected=True)
        finally:
            await self._leave(link)

    async def _stream(self, link: Link) -> LossReason:
        try:
            while link.is_up:
                self._wake.clear()
                await self._align(link)
                await self._rest()
                if not await self._is_alive(link):
                    return LossReason.SILENT
        except LinkLost:
            pass
        return LossReason.LOST

    async def _leave(self, link: Link) -> None:
        self._link = None
        if self._running:
            steady = [run for run in self._running.values() if run.source.steady]
            useful = any(run.heard_any for run in steady or self._running.values())
            (self._comeback.succeeded if useful else self._comeback.failed)()
            self._patience = 1 if useful else min(self._patience * 2, PATIENCE)
        if link.is_up:
            with suppress(LinkError, TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    for name, run in list(self._running.items()):
                        await run.driver.stop(name)
        self._running.clear()
        for listener in self._listeners:
            listener.settled.set()

    # What is wanted, and what runs

    async def _align(self, link: Link) -> None:
        """Start what is wanted and does not run, stop what runs and is not wanted."""
        listeners = list(self._listeners)
        for listener in listeners:
            if not listener.connected:
                listener.tell(Connected(_now_us()))
                for run in self._running.values():
                    if listener.wants(run.source):
                        for note in run.notes:
                            listener.offer(note)
                self._tell_refused(listener)
        for driver in self._drivers:
            for source in driver.sources:
                wanted = any(listener.wants(source) for listener in listeners)
                if wanted and source.name not in self._running:
                    await self._start(link, driver, source)
                elif not wanted:
                    self._refused.pop(source.name, None)
                    if self._running.pop(source.name, None):
                        with _unless_refused():
                            await _bounded(driver.stop(source.name), link)
        for listener in listeners:
            self._settle(listener)

    async def _start(self, link: Link, driver: Driver, source: Source) -> None:
        if source.name in self._refused and _now_us() < self._refused[source.name][0]:
            return
        run = self._running[source.name] = Running(driver, source, _now_us(), self._patience)
        try:
            await _bounded(driver.start(source.name), link)
        except LinkLost:
            raise
        except LinkError as error:
            del self._running[source.name]
            self._refuse(source, error)
        else:
            self._refused.pop(source.name, None)
            run.tried_us = max(run.tried_us, _now_us())

    def _refuse(self, source: Source, error: LinkError) -> None:
        is_news = source.name not in self._refused
        self._refused[source.name] = (_now_us() + ASK_AGAIN_US, error)
        if is_news:
            for listener in self._listeners:
                if listener.connected:
                    self._tell_refused(listener, source)

    def _tell_refused(self, listener: Listener, *sources: Source) -> None:
        """What of these sources (none given: of all) it wants and was refused."""
        for source in sources or (source for driver in self._drivers for source in driver.sources):
            if source.name in self._refused and listener.wants(source):
                for kind in source.kinds:
                    listener.tell(StreamRefused(_now_us(), kind, str(self._refused[source.name][1])))

    def _settle(self, listener: Listener) -> None:
        """A listener that got nothing at all of what it asked for has come in vain."""
        if not listener.settled.is_set():
            wanted = [source.name for d in self._drivers for source in d.sources if listener.wants(source)]
            if wanted and all(name in self._refused for name in wanted):
                listener.close(_now_us(), error=self._refused[wanted[0]][1])
        listener.settled.set()

    # Silence

    async def _rest(self) -> None:
        """Sleep until something changes or is due."""
        due = [self._heard_us + PROBE_US, *(at for at, _ in self._refused.values())]
        due += [at for run in self._running.values() if (at := run.due_us) is not None]
        timer = asyncio.get_running_loop().call_at(min(due) / 1e6, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    async def _is_alive(self, link: Link) -> bool:
        """Restart what is silent; False where that has been in vain too often. Raises LinkLost."""
        for name, run in list(self._running.items()):
            now_us = _now_us()
            if run.due_us is None or run.due_us > now_us or not link.is_up:
                continue
            if run.strikes >= STRIKES:
                return False
            self._tell(Stall(now_us, name, now_us - run.last_us), wanting=run.source)
            run.notes.clear()
            for step in (run.driver.stop, run.driver.start):
                with _unless_refused():  # what does not start now is silent, and has one strike more
                    await _bounded(step(name), link)
            run.restarted(_now_us())
        if link.is_up and _now_us() - self._heard_us >= PROBE_US:
            await self._probe(link)
        return True

    async def _probe(self, link: Link) -> None:
        """Ask the device for something small: of a Bluetooth service that died, only a call that fails tells."""
        for uuid in (*TEXT_FIELDS, uuids.BATTERY_LEVEL):
            if uuid in link.characteristics:
                with _unless_refused():
                    await _bounded(link.read(uuid), link)
                break
        self._heard_us = _now_us()

    # What drivers tell

    def _on_frame(self, link: Link, source: str, frame: Frame) -> None:
        run = self._running.get(source)
        if link is not self._link or run is None:
            return  # of a link that was given up, or of a source that was stopped meanwhile
        self._heard_us = frame.arrival_us
        run.heard(frame.arrival_us)
        for listener in self._listeners:
            if listener.connected and listener.wants(run.source):
                listener.offer(frame)

    def _on_note(self, link: Link, source: str, frame: Frame) -> None:
        run = self._running.get(source)
        if link is self._link and run is not None:
            run.notes.append(frame)
            for listener in self._listeners:
                if listener.connected and listener.wants(run.source):
                    listener.offer(frame)

    def _on_stopped(self, link: Link, source: str) -> None:
        run = self._running.get(source)
        if link is self._link and run is not None:
            run.stopped()
            self._wake.set()

    def _tell(self, event: LinkEvent, *, wanting: Source | None = None, only_connected: bool = False) -> None:
        for listener in self._listeners:
            if (wanting is None or listener.wants(wanting)) and (listener.connected or not only_connected):
                listener.tell(event)


class _Ear:
    """What drivers of one link tell."""

    def __init__(self, supervisor: Supervisor, link: Link) -> None:
        self._supervisor = supervisor
        self._link = link

    def heard(self, source: str, frame: Frame) -> None:
        self._supervisor._on_frame(self._link, source, frame)

    def noted(self, source: str, frame: Frame) -> None:
        self._supervisor._on_note(self._link, source, frame)

    def stopped(self, source: str) -> None:
        self._supervisor._on_stopped(self._link, source)


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    """Wait for cancelled tasks. Raises what one ended with that its readers cannot have been told of."""
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception) and not isinstance(outcome, LinkError):
            raise outcome


async def _bounded(exchange: Coroutine[Any, Any, None] | Coroutine[Any, Any, bytes], link: Link) -> None:
    """An exchange that may take EXCHANGE_S at most. Raises LinkLost, LinkError."""
    try:
        async with asyncio.timeout(EXCHANGE_S):
            await exchange
    except TimeoutError as error:
        raise LinkError(f"{link.name} ({link.address}) did not answer within {EXCHANGE_S:g} s") from error


@contextmanager
def _unless_refused() -> Iterator[None]:
    """Go on where the device refuses; a lost link is another matter."""
    try:
        yield
    except LinkLost:
        raise
    except LinkError:
        return


async def _read_info(link: Link) -> DeviceInfo:
    fields: dict[str, bytes] = {}
    for uuid in TEXT_FIELDS:
        if uuid in link.characteristics:
            with _unless_refused():
                fields[uuid] = await link.read(uuid)
    return device_info(link.name, fields)


def _now_us() -> int:
    return round(asyncio.get_running_loop().time() * 1e6)
