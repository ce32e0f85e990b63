"""The one task that owns the link to a device: connect, stream, and come back.

Laws of this file:
1. Order of a connection: scan, the adapter's connect lock, pair if asked, what there is to stream, then each source as
   its driver starts it. Listeners are told Connected before the first frame.
2. A link is left in order: sources stopped, then disconnected. A strap left streaming drains its battery.
3. `run` ends by cancellation, by the error of a first connection that failed, or (without reconnect) by the first loss.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vitals.errors import BluetoothUnavailable, DeviceNotFound, LinkError, LinkLost
from vitals.link import Adapter, Backend, Link, open_link, to_its_end
from vitals.session.comeback import Comeback
from vitals.session.exchange import now_us
from vitals.session.listener import Listener
from vitals.session.streams import Streams
from vitals.values import DeviceInfo, Disconnected, LossReason

if TYPE_CHECKING:
    from vitals.link import BLEDevice

FIRST_ATTEMPTS = 3  # a first connection is often lost in its first second
RECONNECT_TIMEOUT_S = 10.0
PATIENCE = 20  # times the usual silence, at most, for a device that has nothing to say


class Supervisor:
    """Keeps the link to `target` (advertised name, address, or BLEDevice) while `run` runs, as a task of its own.

    `rates` are samples per second that are wanted, by kind of stream; `zero_utc_us` is UTC at the event loop's time 0.
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
        zero_utc_us: int = 0,
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
        self._zero_utc_us = zero_utc_us
        self._bleak_kwargs = bleak_kwargs
        self._adapter = Adapter.of(backend, bleak_kwargs.get("bluez", {}).get("adapter"))
        self._comeback = Comeback(self._adapter, rng or random.Random())
        self._listeners: list[Listener] = []
        self._memory: dict[str, int] = {}
        self._link: Link | None = None
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
        self._memory.clear()  # what was fetched before went to others
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
                listener.close(now_us())  # whoever still reads has come to the end
            raise
        except BaseException as error:
            self._over = error
            raise
        finally:
            for listener in self._listeners:
                listener.close(now_us(), error=self._over)

    async def _run(self) -> None:
        device = await self._connect_first()
        while self._reconnect:
            heard = await self._comeback.wait(device)
            try:
                device = await self._hold(heard)
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
                await self._serve(link)
        return link.device

    async def _serve(self, link: Link) -> None:
        """Stream until the link is lost or given up. Raises LinkLost where it was lost before it could be used."""
        streams = Streams(
            link, self._listeners, self._wake, self._rates, self._patience, self._zero_utc_us, self._memory
        )
        await streams.prepare()
        if not self.ready.is_set():
            self.name, self.address, self.kinds = link.name, link.address, streams.kinds
            self.info = await streams.info()
        elif link.address != self.address:
            await self._recognise(link, streams)
        self._link = link
        self.ready.set()
        try:
            reason = await self._stream(link, streams)
            for listener in self._listeners:
                if listener.connected:
                    listener.tell(Disconnected(now_us(), reason))
        finally:
            self._link = None
            if streams.is_useful is not None:
                (self._comeback.succeeded if streams.is_useful else self._comeback.failed)()
                self._patience = 1 if streams.is_useful else min(self._patience * 2, PATIENCE)
            await streams.leave()
            for listener in self._listeners:
                listener.settled.set()

    async def _recognise(self, link: Link, streams: Streams) -> None:
        """A device that came back under another address. Raises LinkError where it says that it is another one."""
        info, known = await streams.info(), self.info
        said = ((info.manufacturer, known.manufacturer), (info.model, known.model), (info.serial, known.serial))
        if any(now and before and now != before for now, before in said):
            self._comeback.disown(link.address)
            raise LinkError(f"{link.name} ({link.address}) is another device of that name; bring the first one near")
        self.address = link.address

    async def _stream(self, link: Link, streams: Streams) -> LossReason:
        with suppress(LinkLost):
            while link.is_up:
                self._wake.clear()
                await streams.align()
                timer = asyncio.get_running_loop().call_at(streams.due_us / 1e6, self._wake.set)
                try:
                    await self._wake.wait()
                finally:
                    timer.cancel()
                if not await streams.is_alive():
                    return LossReason.SILENT
        return LossReason.LOST


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    """Wait for cancelled tasks. Raises what one ended with that its readers cannot have been told of."""
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception) and not isinstance(outcome, LinkError):
            raise outcome
