"""One connection to one device: read, write, subscribe, and every failure in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from vitals.errors import LinkError, LinkLost
from vitals.link.adapter import Adapter, Backend, to_its_end
from vitals.link.inbox import Inbox, stamp
from vitals.link.unavailable import DBUS_UNAVAILABLE, opening
from vitals.values import Frame

if TYPE_CHECKING:
    from bleak import BleakClient
    from bleak.backends.device import BLEDevice

NOTICE_S = 1.0  # within which BlueZ tells of a loss (0.1 to 0.7 s were measured)
UNLIKELY_ERROR = 0x0E
NEEDS_PAIRING = (0x05, 0x08, 0x0C, 0x0F)  # insufficient authentication, authorization, key size, encryption
DBUS_VANISHED = ("org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod")
DBUS_AMBIGUOUS = ("org.bluez.Error.Failed", "org.bluez.Error.NotConnected")
FAREWELL_S = 10.0  # a device out of reach cannot agree to end a link; the stack gives up by itself before that


@asynccontextmanager
async def open_link(
    target: str | BLEDevice,
    *,
    backend: Backend | None = None,
    timeout_s: float = 30,
    known: bool = False,
    **bleak_kwargs: Any,
) -> AsyncIterator[Link]:
    """Connect to `target` (advertised name, address, or bleak's BLEDevice); leaving the block disconnects.

    `timeout_s` bounds the search and the connection attempt, each. `known`: we were connected before, its services are
    taken from the cache of the operating system (BlueZ and macOS do so by themselves). `bleak_kwargs` go to
    `bleak.BleakClient` (`pair`, `services`, `bluez`, `winrt`).

    Raises BluetoothUnavailable, DeviceNotFound, LinkError.
    """
    from bleak import BleakClient

    adapter = Adapter.of(backend, bleak_kwargs.get("bluez", {}).get("adapter"))
    device = await adapter.find(target, timeout_s) if isinstance(target, str) else target
    link = Link(device)
    if known:
        bleak_kwargs["winrt"] = {"use_cached_services": True, **bleak_kwargs.get("winrt", {})}
    client = BleakClient(
        device,
        disconnected_callback=lambda _: link._on_disconnected(),
        timeout=timeout_s,
        backend=backend.client if backend else None,
        **bleak_kwargs,
    )
    async with adapter.connecting:
        with opening(link.name):
            await client.connect()  # cancelled, every backend takes its attempt back
        link._on_connected(client)
    try:
        yield link
    finally:
        link._on_disconnected()
        await to_its_end(_leave(client))


async def _leave(client: BleakClient) -> None:
    """Disconnect. A Bluetooth service that died with the link refuses to, or hangs: nothing is left to be done then."""
    from bleak.exc import BleakError

    farewell = asyncio.ensure_future(client.disconnect())
    await asyncio.wait([farewell], timeout=FAREWELL_S)
    while not farewell.done():  # bleak may hang again while it cleans up
        farewell.cancel()
        await asyncio.wait([farewell], timeout=FAREWELL_S / 10)
    # The assertion is bleak's own, where the link went away meanwhile.
    with suppress(BleakError, OSError, EOFError, TimeoutError, AssertionError, asyncio.CancelledError):
        farewell.result()


class Link:
    """A connection to one device, made by `open_link`."""

    def __init__(self, device: BLEDevice) -> None:
        self.device = device
        self.name = device.name or device.address
        self.address = device.address
        self.characteristics: frozenset[str] = frozenset()  # 128-bit lower case UUIDs
        self.notifying: frozenset[str] = frozenset()  # those that notify or indicate
        self.services: frozenset[str] = frozenset()
        self._unconfirmed: frozenset[str] = frozenset()  # those that can only be written without response
        self._client: BleakClient | None = None
        self._lost = asyncio.Event()
        self._when_lost: list[Callable[[], None]] = []

    def _on_connected(self, client: BleakClient) -> None:
        self._client = client
        found = list(client.services.characteristics.values())
        self.characteristics = frozenset(one.uuid for one in found)
        self.notifying = frozenset(one.uuid for one in found if {"notify", "indicate"} & set(one.properties))
        self.services = frozenset(one.uuid for one in client.services)
        blind = {"write", "write-without-response"}
        self._unconfirmed = frozenset(one.uuid for one in found if blind & set(one.properties) == blind - {"write"})

    def _on_disconnected(self) -> None:
        self._client = None
        self._lost.set()
        for told in list(self._when_lost):
            told()

    @property
    def is_up(self) -> bool:
        """False once the stack said that the link is gone. A dead Bluetooth service says nothing."""
        return self._client is not None

    @property
    def mtu(self) -> int:
        """The largest ATT packet in bytes, as far as the stack tells (23, the smallest, where it does not)."""
        if self._client is None:
            return 23
        # Not `mtu_size`: BlueZ's is always 23.
        sizes = [one.max_write_without_response_size for one in self._client.services.characteristics.values()]
        return max(sizes, default=20) + 3

    @contextmanager
    def when_lost(self, told: Callable[[], None]) -> Iterator[None]:
        """Within the block, `told` is called when the link is lost."""
        self._when_lost.append(told)
        try:
            yield
        finally:
            self._when_lost.remove(told)

    async def read(self, uuid: str) -> bytes:
        """Value of the characteristic `uuid` (16-bit or 128-bit).

        Raises LinkLost, and LinkError where the device lacks or refuses it.
        """
        async with self._using("read", uuid) as client:
            return bytes(await client.read_gatt_char(uuid))

    async def read_frame(self, uuid: str) -> Frame:
        """Value of a characteristic as if it had just been notified. Raises LinkLost, LinkError."""
        value = await self.read(uuid)
        return Frame(round(asyncio.get_running_loop().time() * 1e6), _long(uuid), value)

    async def write(self, uuid: str, data: bytes, *, response: bool = True) -> None:
        """Write `data`; with `response` the device confirms it, where it can, without it may be lost.

        Raises LinkLost, and LinkError where the device lacks or refuses it.
        """
        async with self._using("write", uuid) as client:
            await client.write_gatt_char(uuid, data, response=response and _long(uuid) not in self._unconfirmed)

    async def subscribe(self, uuid: str, receive: Callable[[Frame], object]) -> None:
        """From now `receive`, a plain function that may not wait, is called with every notification of `uuid`.

        Raises LinkLost, and LinkError where the device lacks or refuses it.
        """
        clock, long = asyncio.get_running_loop().time, _long(uuid)

        def on_notify(_: object, data: bytearray) -> None:
            receive(stamp(clock(), long, data))

        async with self._using("subscribe to", uuid) as client:
            await client.start_notify(uuid, on_notify)

    async def unsubscribe(self, uuid: str) -> None:
        """End a subscription. Raises LinkLost, LinkError."""
        async with self._using("unsubscribe from", uuid) as client:
            await client.stop_notify(uuid)

    @asynccontextmanager
    async def notifications(self, *uuids: str, limit: int = 4096) -> AsyncIterator[Inbox[Frame]]:
        """Subscribe to `uuids`; leaving the block unsubscribes.

        At most `limit` frames wait for their reader; newer ones are dropped and counted.
        Raises LinkLost, and LinkError where the device lacks or refuses one.
        """
        inbox: Inbox[Frame] = Inbox(f"{self.name} ({self.address})", limit)
        async with AsyncExitStack() as subscriptions:
            subscriptions.enter_context(self.when_lost(lambda: inbox.close(lost=True)))
            subscriptions.callback(inbox.close)
            for uuid in uuids:
                await self.subscribe(uuid, inbox.offer)
                subscriptions.push_async_callback(self._farewell, uuid)
            yield inbox

    async def _farewell(self, uuid: str) -> None:
        with suppress(LinkError):  # where the link went away first, the subscription went with it
            await self.unsubscribe(uuid)

    @asynccontextmanager
    async def _using(self, doing: str, uuid: str) -> AsyncIterator[BleakClient]:
        """The client, or LinkLost; what bleak raises inside is translated."""
        from bleak.exc import BleakCharacteristicNotFoundError, BleakDBusError, BleakError, BleakGATTProtocolError

        client, who = self._client, f"{self.name} ({self.address})"
        lost = f"the link to {who} was lost; bring the device into reach and connect again"
        if client is None:
            raise LinkLost(lost)
        try:
            yield client
        except BleakCharacteristicNotFoundError as error:
            raise LinkError(f"{who} has no characteristic {uuid}; it has {sorted(self.characteristics)}") from error
        except BleakGATTProtocolError as error:
            if error.code == UNLIKELY_ERROR and await self._is_lost_soon():
                raise LinkLost(lost) from error
            remedy = "; pair with it: connect(..., pair=True)" if error.code in NEEDS_PAIRING else ""
            raise LinkError(
                f"{who} refused to {doing} {uuid}: {error.args[1]} (ATT error {error.code:#04x}){remedy}"
            ) from error
        except (BleakError, OSError, EOFError, TimeoutError) as error:
            name = error.dbus_error if isinstance(error, BleakDBusError) else ""
            if name.startswith((*DBUS_UNAVAILABLE, *DBUS_VANISHED)):
                self._on_disconnected()  # nobody else will say so
            ambiguous = name in DBUS_AMBIGUOUS and await self._is_lost_soon()
            if ambiguous or self._client is None or not client.is_connected:
                raise LinkLost(lost) from error
            raise LinkError(f"cannot {doing} {uuid} of {who}: {error}") from error

    async def _is_lost_soon(self) -> bool:
        """BlueZ fails what is under way when a link is lost in words that fit a refusal, and tells it later."""
        with suppress(TimeoutError):
            async with asyncio.timeout(NOTICE_S):
                await self._lost.wait()
        return self._lost.is_set()


def _long(uuid: str) -> str:
    from bleak.uuids import normalize_uuid_str

    return normalize_uuid_str(uuid)
