"""A device: whatever streams. Behind this door a strap on a chest, a virtual one and a recording look alike."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from vitals.errors import InputError, LinkLost
from vitals.intake import DECODED, Intake
from vitals.link import Backend
from vitals.session import Listener, Supervisor
from vitals.values import Block, ClockReset, DeviceInfo, Frame, Gap, LinkEvent, LossReason, Provenance

if TYPE_CHECKING:
    from vitals.link import BLEDevice


Source = Literal["live", "virtual", "import"]
Item = Block | Gap | ClockReset | LinkEvent
Tap = Callable[[Frame | LinkEvent], None]


class Device(Protocol):
    """What `vitals.monitor` needs of a device."""

    name: str
    info: DeviceInfo
    source: Source
    zero_utc_us: int  # UTC of time 0 of the blocks
    made_by: Mapping[str, Provenance]  # streams that were computed rather than measured, by kind

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of stream that it has: "hr", "rr", "ecg", "battery", ..."""
        ...

    def items(
        self, until: asyncio.Event | None = None, *, kinds: Collection[str] | None = None, tap: Tap | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Item]]:
        """Blocks, gaps and link events of its streams (None: of all of them), in order of arrival; when `until` is set
        they end with what has come. `tap` is shown what arrives before it is decoded, where anything does."""
        ...

    def stream(self, kind: str) -> AbstractAsyncContextManager[AsyncIterator[Block]]:
        """Blocks of one stream. Raises InputError for a kind that the device does not have."""
        ...


@asynccontextmanager
async def only(device: Device, kind: str) -> AsyncIterator[AsyncIterator[Block]]:
    """The blocks of one kind out of all the items of a device."""
    _check(device, kind)
    async with device.items(kinds=(kind,)) as items:
        yield (item async for item in items if isinstance(item, Block) and item.kind == kind)


def _check_all(device: Device, kinds: Collection[str]) -> None:
    if isinstance(kinds, str):
        raise InputError(f"kinds is the text {kinds!r}; give a collection of kinds of stream: ({kinds!r},)")
    for kind in kinds:
        _check(device, kind)


def _check(device: Device, kind: str) -> None:
    if kind not in device.kinds:
        raise InputError(f"stream {kind!r} is not one of {device.name!r}; it has {', '.join(device.kinds) or 'none'}")


class LinkedDevice:
    """A device at the other end of a Bluetooth link, made by `connect`. When `ended` is set it has no more to say."""

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        kinds: Collection[str],
        source: Source,
        zero_utc_us: int,
        ended: asyncio.Event | None,
    ) -> None:
        self.name = supervisor.name
        self.info = supervisor.info
        self.source = source
        self.zero_utc_us = zero_utc_us
        self.made_by: Mapping[str, Provenance] = {}
        self._supervisor = supervisor
        self._kinds = kinds
        self._ended = ended

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(kind for kind in self._supervisor.kinds if kind in self._kinds)

    @property
    def is_connected(self) -> bool:
        """Whether the link is up now."""
        return self._supervisor.is_connected

    @asynccontextmanager
    async def stream(self, kind: str) -> AsyncIterator[AsyncIterator[Block]]:
        """Blocks of one stream; nothing else is started on the device. See `Device` and `items`."""
        _check(self, kind)
        async with self.frames(kinds=(kind,)) as frames:
            yield (item async for item in _decoded(frames) if isinstance(item, Block) and item.kind == kind)

    @asynccontextmanager
    async def items(
        self, until: asyncio.Event | None = None, *, kinds: Collection[str] | None = None, tap: Tap | None = None
    ) -> AsyncIterator[AsyncIterator[Item]]:
        """See `Device`; only `kinds` where they are given, and others are not started for it.

        The iteration goes on over losses of the link: Disconnected ends the run of data, Connected says that it is
        back, and the gap between them is declared when data come again.

        Without reconnect it raises LinkLost instead, after everything that arrived before. It raises LinkError where
        the device refuses all that it is asked for, and InputError for a kind that it does not have.
        """
        wanted = self.kinds if kinds is None else kinds
        async with self.frames(until, kinds=wanted) as frames:
            items = _decoded(frames, tap)
            yield (item async for item in items if not isinstance(item, Block | Gap) or item.kind in wanted)

    @asynccontextmanager
    async def frames(
        self, until: asyncio.Event | None = None, *, kinds: Collection[str] | None = None, limit: int = 4096
    ) -> AsyncIterator[AsyncIterator[Frame | LinkEvent]]:
        """What `items` decodes: notifications as they arrive, and link events, in order.

        `kinds` of stream that are wanted (None: all that are decoded). At most `limit` frames wait for their reader; an
        Overflow stands where more were dropped.
        """
        if kinds is not None:
            _check_all(self, kinds)
        async with self._supervisor.listening(self.kinds if kinds is None else kinds, limit=limit) as listener:
            watchers = [asyncio.create_task(_finish(listener, event)) for event in (until, self._ended) if event]
            try:
                yield listener.inbox
            finally:
                for watcher in watchers:
                    watcher.cancel()
                await asyncio.gather(*watchers, return_exceptions=True)


async def _finish(listener: Listener, event: asyncio.Event) -> None:
    await event.wait()
    listener.close(round(asyncio.get_running_loop().time() * 1e6))


async def _decoded(frames: AsyncIterator[Frame | LinkEvent], tap: Tap | None = None) -> AsyncIterator[Item]:
    intake = Intake()
    try:
        async for one in frames:
            if tap:
                tap(one)
            for item in intake.take(one):
                yield item
    except LinkLost:
        for item in intake.end(LossReason.LOST.value):
            yield item
        raise
    for item in intake.end("end of stream"):
        yield item


@asynccontextmanager
async def connect(
    target: str | BLEDevice,
    *,
    backend: Backend | None = None,
    reconnect: bool = True,
    timeout_s: float = 30,
    kinds: Collection[str] = DECODED,
    rates: Mapping[str, int] = MappingProxyType({}),
    source: Source = "live",
    zero_utc_us: int | None = None,
    ended: asyncio.Event | None = None,
    rng: random.Random | None = None,
    **bleak_kwargs: Any,
) -> AsyncIterator[LinkedDevice]:
    """Connect to a Bluetooth device by advertised name or address; leaving the block stops its streams and disconnects.

    `backend` is a pair of bleak backend classes (None: bleak's own), `bleak_kwargs` go to `bleak.BleakClient`. With
    `reconnect` a lost link is taken up again as soon as the device is heard, for as long as the block lasts; without,
    streams raise LinkLost. `timeout_s` bounds the search and the first connection, each. `kinds` of stream are wanted
    (others are never started), `rates` in samples per second by kind ({"acc": 200}) where the device lets choose: of
    the rates that it offers the next one above is taken, or its highest.
    `zero_utc_us` says which UTC the event loop's time 0 is (None: from the system clock, now). When `ended` is set,
    streams end as if the device had no more to say. `rng` draws the jitter of reconnections.

    Raises BluetoothUnavailable, DeviceNotFound, LinkError, and InputError for kinds and rates that there are not.
    """
    _check_asked(kinds, rates)
    if zero_utc_us is None:
        zero_utc_us = time.time_ns() // 1000 - round(asyncio.get_running_loop().time() * 1e6)
    supervisor = Supervisor(
        target,
        backend=backend,
        timeout_s=timeout_s,
        reconnect=reconnect,
        rates=rates,
        zero_utc_us=zero_utc_us,
        rng=rng,
        **bleak_kwargs,
    )
    async with supervisor.supervised():
        yield LinkedDevice(supervisor, kinds=kinds, source=source, zero_utc_us=zero_utc_us, ended=ended)


def _check_asked(kinds: Collection[str], rates: Mapping[str, int]) -> None:
    if isinstance(kinds, str):
        raise InputError(f"kinds is the text {kinds!r}; give a collection of kinds of stream: ({kinds!r},)")
    for kind in (*kinds, *rates):
        if kind not in DECODED:
            raise InputError(f"no device has a stream {kind!r}; the kinds are {', '.join(sorted(DECODED))}")
    for kind, rate in rates.items():
        if not isinstance(rate, int) or rate <= 0:
            raise InputError(f"the rate {rate!r} of {kind} is none; give whole samples per second above 0")
