"""Virtual devices in another process, or on a real radio: HCI over a byte stream (H4; Core 5.4, Vol 4, Part A).

The app's process keeps the radio and opens it with `hci_server`; `python -m vitals.virtual strap --hci
tcp-client:127.0.0.1:PORT` plays the device. The same command with `--hci usb:0`, or any other transport that bumble
knows, plays it on a real Bluetooth controller. The app may be in another process, too: `hci_backend` gives it a central
behind such a transport (`vitals record DEVICE --hci ...`). All need real time: `vitals.virtual.run(main,
real_time=True)`.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import TracebackType

from bumble import device, hci
from bumble import transport as bumble_transport
from bumble.transport.common import PacketParser, Transport, TransportSpecError

from vitals.errors import InputError
from vitals.link.unavailable import unavailable
from vitals.virtual.backend import VirtualBackend, backends
from vitals.virtual.controller import VirtualController
from vitals.virtual.radio import ADVERTISING_INTERVAL_MS, VirtualRadio, static_address
from vitals.virtual.scanner import to_its_end
from vitals.virtual.security import of_central


@asynccontextmanager
async def hci_server(radio: VirtualRadio, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Offer controllers on `radio` to other processes; yields the TCP port (0 asks for a free one).

    Every connection is a controller of its own, named "hci 1", "hci 2", ... When it closes, the device behind it has
    lost power: its peers notice after the supervision time-out. Whoever can reach `host` and `port` can connect: keep
    it on this computer.
    """
    count = 0
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        writers.add(writer)
        node = VirtualController(f"hci {count}", radio)
        node.hci_sink = _Sink(writer)
        parser = PacketParser(node)
        try:
            with suppress(ConnectionError):
                while data := await reader.read(4096):
                    parser.feed_data(data)
        finally:
            radio.remove(node)
            writers.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(writers):
            writer.close()
        await asyncio.sleep(0)
        await server.wait_closed()


@asynccontextmanager
async def hci_backend(spec: str) -> AsyncIterator[VirtualBackend]:
    """A backend for `vitals.connect` and `vitals.discover` whose central is the controller behind `spec`, a transport
    in bumble's notation: without the Bluetooth of the operating system.

    Raises InputError where there is none of that notation, BluetoothUnavailable where it does not open.
    """
    async with HciMedium(spec, seed=secrets.randbits(32)) as medium:
        central = await to_its_end(medium.make_device("central"))
        central.pairing_config_factory = lambda _: of_central(None)
        try:
            yield backends(central)
        finally:
            if not medium.lost.is_set():
                await central.power_off()


class _Sink:
    """What a controller tells goes to the host at the other end."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def on_packet(self, packet: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(packet)


class HciMedium:
    """A controller behind `spec`, a transport in bumble's notation: "tcp-client:HOST:PORT", "usb:0", "hci-socket:0".

    An asynchronous context manager, whose errors are those of `hci_backend`; it holds one device, which
    `GattDevice.start` makes. `lost` is set when the transport ends.
    """

    def __init__(self, spec: str, *, seed: int = 1) -> None:
        self.lost = asyncio.Event()
        self._spec = spec
        self._random = random.Random(seed)
        self._transport: Transport

    async def __aenter__(self) -> HciMedium:
        try:
            self._transport = await bumble_transport.open_transport(self._spec)
        except Exception as error:  # every transport has errors of its own: bare ones, of libusb, of pyserial, of gRPC
            if type(error) in (ValueError, TransportSpecError):
                raise InputError(
                    f"{self._spec!r} is no HCI transport ({error}); give for example tcp-client:127.0.0.1:9000 or usb:0"
                ) from error
            words = (
                f"the HCI transport {self._spec!r} does not open: start who answers there, or plug in the controller"
            )
            raise unavailable(f"{words} and see that no other program holds it", error) from error
        terminated: asyncio.Future[None] = self._transport.source.terminated
        terminated.add_done_callback(lambda _: self.lost.set())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    async def make_device(self, name: str, address: str = "") -> device.Device:
        """See `Medium`."""
        config = device.DeviceConfiguration(
            name=name,
            address=hci.Address(address or static_address(self._random), hci.Address.RANDOM_DEVICE_ADDRESS),
            advertising_interval_min=ADVERTISING_INTERVAL_MS,
            advertising_interval_max=ADVERTISING_INTERVAL_MS,
        )
        made = device.Device.from_config_with_hci(config, self._transport.source, self._transport.sink)
        await made.power_on()
        return made

    async def vanish(self, gone: device.Device) -> None:
        """A controller that is not ours cannot be silenced: the link ends with a goodbye."""
        for connection in list(gone.connections.values()):
            await connection.disconnect()
