"""A device: whatever streams. Behind this door a strap on a chest, a virtual one and a recording look alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol

from vitals.decode import TEXT_FIELDS, device_info
from vitals.errors import InputError, LinkLost
from vitals.intake import KINDS, Intake
from vitals.link import Backend, Inbox, Link, open_link
from vitals.values import Block, DeviceInfo, Gap, Provenance

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice


Source = Literal["live", "virtual", "import"]


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

    def items(self, until: asyncio.Event | None = None) -> AbstractAsyncContextManager[AsyncIterator[Block | Gap]]:
        """Blocks and gaps of all its streams, in order of arrival; when `until` is set they end with what has come."""
        ...

    def stream(self, kind: str) -> AbstractAsyncContextManager[AsyncIterator[Block]]:
        """Blocks of one stream. Raises InputError for a kind that the device does not have."""
        ...


@asynccontextmanager
async def only(device: Device, kind: str) -> AsyncIterator[AsyncIterator[Block]]:
    """The blocks of one kind out of all the items of a device."""
    if kind not in device.kinds:
        raise InputError(f"stream {kind!r} is not one of {device.name!r}; it has {', '.join(device.kinds) or 'none'}")
    async with device.items() as items:
        yield (item async for item in items if item.kind == kind and isinstance(item, Block))


class LinkedDevice:
    """A device at the other end of a Bluetooth link. When `ended` is set it has no more to say."""

    def __init__(
        self, link: Link, info: DeviceInfo, *, source: Source, zero_utc_us: int, ended: asyncio.Event | None
    ) -> None:
        self.name = link.name
        self.info = info
        self.source = source
        self.zero_utc_us = zero_utc_us
        self.made_by: Mapping[str, Provenance] = {}
        self._link = link
        self._ended = ended

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(kind for uuid, kinds in KINDS.items() if uuid in self._link.characteristics for kind in kinds)

    def stream(self, kind: str) -> AbstractAsyncContextManager[AsyncIterator[Block]]:
        return only(self, kind)

    @asynccontextmanager
    async def items(self, until: asyncio.Event | None = None) -> AsyncIterator[AsyncIterator[Block | Gap]]:
        """See `Device`. The iteration raises LinkLost when the link breaks, after everything that arrived before."""
        uuids = [uuid for uuid in KINDS if uuid in self._link.characteristics]
        async with self._link.notifications(*uuids) as inbox:
            watchers = [asyncio.create_task(_finish(inbox, event)) for event in (until, self._ended) if event]
            try:
                yield _decoded(inbox)
            finally:
                for watcher in watchers:
                    watcher.cancel()
                await asyncio.gather(*watchers, return_exceptions=True)


async def _finish(inbox: Inbox, event: asyncio.Event) -> None:
    await event.wait()
    inbox.close(lost=False)


async def _decoded(inbox: Inbox) -> AsyncIterator[Block | Gap]:
    intake = Intake()
    try:
        async for frame in inbox:
            for item in intake.feed(frame):
                yield item
    except LinkLost:
        for item in intake.end("link lost"):
            yield item
        raise
    for item in intake.end("end of stream"):
        yield item


@asynccontextmanager
async def connect(
    target: str | BLEDevice,
    *,
    backend: Backend | None = None,
    timeout_s: float = 30,
    source: Source = "live",
    zero_utc_us: int | None = None,
    ended: asyncio.Event | None = None,
    **bleak_kwargs: Any,
) -> AsyncIterator[LinkedDevice]:
    """Connect to a Bluetooth device by advertised name or address; leaving the block disconnects.

    `backend` is a pair of bleak backend classes (None: bleak's own), `bleak_kwargs` go to `bleak.BleakClient`.
    `zero_utc_us` says which UTC the event loop's time 0 is (None: from the system clock, now). When `ended` is set,
    streams end as if the device had no more to say.

    Raises BluetoothUnavailable, DeviceNotFound, LinkError.
    """
    async with open_link(target, backend=backend, timeout_s=timeout_s, **bleak_kwargs) as link:
        fields: dict[str, bytes] = {}
        for uuid in TEXT_FIELDS:
            if uuid in link.characteristics:
                fields[uuid] = await link.read(uuid)
        if zero_utc_us is None:
            zero_utc_us = time.time_ns() // 1000 - round(asyncio.get_running_loop().time() * 1e6)
        yield LinkedDevice(link, device_info(link.name, fields), source=source, zero_utc_us=zero_utc_us, ended=ended)
