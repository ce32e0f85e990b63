"""One Bluetooth adapter, shared by all who want something of it.

Laws of this file:
1. One connection attempt at a time: stacks refuse or abort a second one.
2. One scan for all who listen: BlueZ refuses a second one. It runs only while somebody listens.
3. A scan that is older than RENEW_S is started anew when somebody comes to listen: a Bluetooth service that was
   restarted meanwhile has forgotten the old one without a word.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

from vitals.errors import DeviceNotFound
from vitals.link.unavailable import SILENT, opening, unavailable

if TYPE_CHECKING:
    from bleak import BleakScanner
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData, BaseBleakScanner

T = TypeVar("T")
RENEW_S = 7.0
ANSWER_S = 20.0  # D-Bus calls to a service that hangs have no time-out of their own


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


Match = Callable[["BLEDevice", "AdvertisementData"], bool]


class Adapter:
    """See the laws of this file. `Adapter.of` gives the one that all of an event loop share while anybody holds it."""

    _in_use: ClassVar[WeakValueDictionary[tuple[int, object, str | None], Adapter]] = WeakValueDictionary()

    def __init__(self, backend: Backend | None, name: str | None) -> None:
        self.connecting = asyncio.Lock()  # held during a connection attempt
        self._backend = backend
        self._name = name
        self._ears: list[Callable[[BLEDevice, AdvertisementData], None]] = []
        self._switching = asyncio.Lock()
        self._scanner: BleakScanner | None = None
        self._since = 0.0

    @classmethod
    def of(cls, backend: Backend | None, name: str | None = None) -> Adapter:
        """The adapter behind `backend` (None: the computer's own, by `name` where there are several)."""
        key = (id(asyncio.get_running_loop()), backend and backend.scanner, name)
        return cls._in_use.setdefault(key, cls(backend, name))

    async def hear(self, match: Match, timeout_s: float) -> BLEDevice | None:
        """The first advertiser that `match` accepts, None where none was heard in time.

        Raises BluetoothUnavailable, LinkError.
        """
        heard: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()

        def ear(device: BLEDevice, data: AdvertisementData) -> None:
            if not heard.done() and match(device, data):
                heard.set_result(device)

        async with self._listening(ear):
            await asyncio.wait([heard], timeout=timeout_s)
        return heard.result() if heard.done() else None

    async def find(self, target: str, timeout_s: float) -> BLEDevice:
        """The advertiser of that name or address. Raises BluetoothUnavailable, DeviceNotFound, LinkError."""
        wanted = target.casefold()
        device = await self.hear(
            lambda device, data: target in (data.local_name, device.name) or device.address.casefold() == wanted,
            timeout_s,
        )
        if device is None:
            raise DeviceNotFound(
                f"nobody named {target!r}, or of that address, advertised within {timeout_s:g} s; wake the device, "
                "bring it near, and see that no other phone or program is connected to it"
            )
        return device

    async def survey(self, timeout_s: float) -> list[Found]:
        """Who advertises within `timeout_s` seconds, strongest first. Raises BluetoothUnavailable, LinkError."""
        heard: dict[str, Found] = {}

        def ear(device: BLEDevice, data: AdvertisementData) -> None:
            before = heard[device.address].services if device.address in heard else ()
            services = tuple(dict.fromkeys((*before, *data.service_uuids)))  # not every advertisement names them all
            name = data.local_name or device.name or ""
            heard[device.address] = Found(name, device.address, data.rssi, services)

        async with self._listening(ear):
            await asyncio.sleep(timeout_s)
        return sorted(heard.values(), key=lambda one: (-one.rssi, one.address))

    @asynccontextmanager
    async def _listening(self, ear: Callable[[BLEDevice, AdvertisementData], None]) -> AsyncIterator[None]:
        self._ears.append(ear)
        try:
            with opening():
                async with self._switching:
                    if self._scanner and asyncio.get_running_loop().time() - self._since >= RENEW_S:
                        await self._stop()
                    if self._scanner is None:
                        await to_its_end(self._start())  # BlueZ goes on scanning where the request was only sent
            yield
        finally:
            self._ears.remove(ear)
            if not self._ears:
                await to_its_end(self._hush())

    async def _start(self) -> None:
        from bleak import BleakScanner

        options: dict[str, Any] = {"backend": self._backend.scanner} if self._backend else {}
        if self._name:
            options["bluez"] = {"adapter": self._name}
        scanner = BleakScanner(self._heard, **options)
        try:
            async with asyncio.timeout(ANSWER_S):
                await scanner.start()
        except TimeoutError as error:
            raise unavailable(SILENT, f"no answer to a scan within {ANSWER_S:g} s") from error
        self._scanner, self._since = scanner, asyncio.get_running_loop().time()

    async def _stop(self) -> None:
        from bleak.exc import BleakError

        scanner, self._scanner = self._scanner, None
        if scanner:
            try:
                async with asyncio.timeout(ANSWER_S):
                    await scanner.stop()
            except (BleakError, OSError, EOFError, TimeoutError):
                return  # the service that scanned for us is gone, and the scan with it

    async def _hush(self) -> None:
        async with self._switching:
            if not self._ears:
                await self._stop()

    def _heard(self, device: BLEDevice, data: AdvertisementData) -> None:
        for ear in list(self._ears):
            ear(device, data)


async def discover(*, timeout_s: float = 5, backend: Backend | None = None) -> list[Found]:
    """Listen for `timeout_s` seconds and return who advertises, strongest first.

    Raises BluetoothUnavailable.
    """
    return await Adapter.of(backend).survey(timeout_s)


async def to_its_end(operation: Coroutine[Any, Any, T]) -> T:
    """Let `operation` finish even where the waiter is cancelled meanwhile: half of a farewell leaves radios on."""
    task = asyncio.ensure_future(operation)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue  # told once already
        raise
