"""The Bluetooth link: the only module that knows bleak.

Laws of this file:
1. Every failure of the stack below becomes one of BluetoothUnavailable, DeviceNotFound, LinkLost or LinkError.
2. Callbacks are plain functions that stamp, copy and queue; queues are bounded and count what they drop.
3. What arrived before the link was lost is delivered before LinkLost is raised.
4. bleak is imported inside functions: importing this module costs nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vitals.errors import BluetoothUnavailable, DeviceNotFound, LinkError, LinkLost
from vitals.values import Frame

if TYPE_CHECKING:
    from bleak import BleakClient
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import BaseBleakScanner

WITHOUT_HARDWARE = (
    "To go on without hardware, `vitals demo` plays a virtual watch and `vitals.virtual.strap()` "
    "gives one to your code."
)
# D-Bus says that there is no Bluetooth service, or that we may not talk to it.
_DBUS_UNAVAILABLE = (
    "org.bluez.Error.NotReady",
    "org.freedesktop.DBus.Error.AccessDenied",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.Spawn",
)


@dataclass(frozen=True, slots=True)
class Backend:
    """The pair of bleak backend classes that a link goes through; None in its place means bleak's own."""

    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]


@dataclass(frozen=True, slots=True)
class Found:
    """A device that advertises."""

    name: str  # empty where it does not say
    address: str  # Bluetooth address; on macOS an identifier of the operating system
    rssi: int  # dBm
    services: tuple[str, ...]  # advertised service UUIDs, 128-bit lower case


async def discover(*, timeout_s: float = 5, backend: Backend | None = None) -> list[Found]:
    """Listen for `timeout_s` seconds and return who advertises, strongest first.

    Raises BluetoothUnavailable.
    """
    from bleak import BleakScanner

    with _opening():
        heard = await BleakScanner.discover(timeout=timeout_s, return_adv=True, **_scanning(backend))
    found = [
        Found(data.local_name or device.name or "", device.address, data.rssi, tuple(data.service_uuids))
        for device, data in heard.values()
    ]
    return sorted(found, key=lambda one: (-one.rssi, one.address))


@asynccontextmanager
async def open_link(
    target: str | BLEDevice, *, backend: Backend | None = None, timeout_s: float = 30, **bleak_kwargs: Any
) -> AsyncIterator[Link]:
    """Connect to `target` (advertised name, address, or bleak's BLEDevice); leaving the block disconnects.

    `timeout_s` bounds the search and the connection attempt, each. `bleak_kwargs` go to `bleak.BleakClient`
    (`pair`, `services`, `bluez`, `winrt`).

    Raises BluetoothUnavailable, DeviceNotFound, LinkError.
    """
    from bleak import BleakClient
    from bleak.exc import BleakError

    with _opening():
        device = await _find(target, backend, timeout_s) if isinstance(target, str) else target
    link = Link(device.name or device.address, device.address)
    client = BleakClient(
        device,
        disconnected_callback=lambda _: link._on_disconnected(),
        timeout=timeout_s,
        backend=backend.client if backend else None,
        **bleak_kwargs,
    )
    with _opening(link.name):
        await client.connect()
    link._on_connected(client)
    try:
        yield link
    finally:
        link._on_disconnected()
        # A Bluetooth service that died with the link refuses to end it; nothing is left to be done.
        with suppress(BleakError, OSError, EOFError, TimeoutError):
            await client.disconnect()


class Link:
    """A connection to one device, made by `open_link`."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self.characteristics: frozenset[str] = frozenset()  # 128-bit lower case UUIDs
        self._client: BleakClient | None = None
        self._inboxes: list[Inbox] = []

    def _on_connected(self, client: BleakClient) -> None:
        self._client = client
        self.characteristics = frozenset(one.uuid for one in client.services.characteristics.values())

    def _on_disconnected(self) -> None:
        self._client = None
        for inbox in self._inboxes:
            inbox.close(lost=True)

    async def read(self, uuid: str) -> bytes:
        """Value of the characteristic `uuid` (16-bit or 128-bit).

        Raises LinkLost, and LinkError where the device lacks or refuses it.
        """
        with self._using("read", uuid) as client:
            return bytes(await client.read_gatt_char(uuid))

    async def write(self, uuid: str, data: bytes, *, response: bool = True) -> None:
        """Write `data`; with `response` the device confirms it, without it may be lost.

        Raises LinkLost, and LinkError where the device lacks or refuses it.
        """
        with self._using("write", uuid) as client:
            await client.write_gatt_char(uuid, data, response=response)

    @asynccontextmanager
    async def notifications(self, *uuids: str, limit: int = 4096) -> AsyncIterator[Inbox]:
        """Subscribe to `uuids`; leaving the block unsubscribes.

        At most `limit` frames wait for their reader; newer ones are dropped and counted.
        Raises LinkLost, and LinkError where the device lacks or refuses one.
        """

        inbox = Inbox(f"{self.name} ({self.address})", limit)
        async with AsyncExitStack() as subscriptions:
            self._inboxes.append(inbox)
            subscriptions.callback(self._inboxes.remove, inbox)
            subscriptions.callback(inbox.close, lost=False)
            for uuid in uuids:
                with self._using("subscribe to", uuid) as client:
                    await client.start_notify(uuid, inbox.receiver(_long(uuid)))
                subscriptions.push_async_callback(self._unsubscribe, uuid)
            yield inbox

    async def _unsubscribe(self, uuid: str) -> None:
        # Where the link went away first, the subscription went with it.
        with suppress(LinkError), self._using("unsubscribe from", uuid) as client:
            await client.stop_notify(uuid)

    @contextmanager
    def _using(self, doing: str, uuid: str) -> Iterator[BleakClient]:
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
            raise LinkError(
                f"{who} refused to {doing} {uuid}: {error.args[1]} (ATT error {error.code:#04x})"
            ) from error
        except (BleakError, OSError, EOFError, TimeoutError) as error:
            gone = isinstance(error, BleakDBusError) and error.dbus_error.startswith(_DBUS_UNAVAILABLE)
            if gone or self._client is None or not client.is_connected:
                raise LinkLost(lost) from error
            raise LinkError(f"cannot {doing} {uuid} of {who}: {error}") from error


class Inbox:
    """Notifications in order of arrival, made by `Link.notifications`; iterate it with `async for`.

    Iteration raises LinkLost when the connection has ended and everything that came before is delivered.
    `dropped` counts frames that found the inbox full.
    """

    def __init__(self, sender: str, limit: int) -> None:
        self.dropped = 0
        self._sender = sender
        self._limit = limit
        self._frames: deque[Frame] = deque()
        self._end: Exception | None = None
        self._changed = asyncio.Event()

    def receiver(self, uuid: str) -> Callable[[object, bytearray], None]:
        """The callback that takes notifications of `uuid`."""
        clock = asyncio.get_running_loop().time

        def on_notify(_: object, data: bytearray) -> None:
            if len(self._frames) >= self._limit:
                self.dropped += 1
                return
            self._frames.append(
                Frame(round(clock() * 1e6), uuid, bytes(data))
            )  # a copy: the stack may reuse its buffer
            self._changed.set()

        return on_notify

    def close(self, *, lost: bool) -> None:
        """No more frames will come: the link was `lost`, or the subscription was ended."""
        if self._end is None:
            words = f"the link to {self._sender} was lost; bring the device into reach and connect again"
            self._end = LinkLost(words) if lost else StopAsyncIteration()
            self._changed.set()

    def __aiter__(self) -> Inbox:
        return self

    async def __anext__(self) -> Frame:
        while not self._frames:
            if self._end:
                raise self._end
            self._changed.clear()
            await self._changed.wait()
        return self._frames.popleft()


def _scanning(backend: Backend | None) -> dict[str, Any]:
    return {"backend": backend.scanner} if backend else {}


async def _find(target: str, backend: Backend | None, timeout_s: float) -> BLEDevice:
    from bleak import BleakScanner

    wanted = target.casefold()
    device = await BleakScanner.find_device_by_filter(
        lambda device, data: target in (data.local_name, device.name) or device.address.casefold() == wanted,
        timeout=timeout_s,
        **_scanning(backend),
    )
    if device is None:
        raise DeviceNotFound(
            f"nobody named {target!r}, or of that address, advertised within {timeout_s:g} s; wake the device, "
            "bring it near, and see that no other phone or program is connected to it"
        )
    return device


@contextmanager
def _opening(name: str = "the device") -> Iterator[None]:
    """Translate what scanning and connecting raise."""
    from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakDeviceNotFoundError, BleakError

    try:
        yield
    except BleakBluetoothNotAvailableError as error:
        raise BluetoothUnavailable(f"Bluetooth is not available: {error.args[0]}. {WITHOUT_HARDWARE}") from error
    except BleakDeviceNotFoundError as error:
        raise DeviceNotFound(f"{name} is not known to this computer's Bluetooth; scan for it again") from error
    except TimeoutError as error:
        raise DeviceNotFound(f"{name} does not answer; wake it, bring it near, and try again") from error
    except BleakDBusError as error:
        if error.dbus_error.startswith(_DBUS_UNAVAILABLE):
            raise BluetoothUnavailable(f"Bluetooth is not available: {error}. {WITHOUT_HARDWARE}") from error
        raise LinkError(f"connecting to {name} failed: {error}") from error
    except BleakError as error:
        raise LinkError(f"connecting to {name} failed: {error}") from error
    except OSError as error:  # FileNotFoundError, PermissionError, ConnectionRefusedError of the D-Bus socket
        raise BluetoothUnavailable(
            f"this computer has no Bluetooth service that answers ({error}). {WITHOUT_HARDWARE}"
        ) from error


def _long(uuid: str) -> str:
    from bleak.uuids import normalize_uuid_str

    return normalize_uuid_str(uuid)
