"""bleak backend classes over a virtual central, so that bleak itself, unmodified, reaches virtual devices.

Laws of this file:
1. bleak is told what its own backends would tell it: ATT errors are BleakGATTProtocolError, a device that does not
   answer is TimeoutError, `services` is None unless connected.
2. When the link is lost, what is under way fails with BleakError at once, and the disconnected callback runs. bumble
   would cancel the waiting task instead, which asyncio cannot tell from its own cancellation: every request races
   against the loss (`_guard`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble import att, core, gatt, gatt_client, hci
from bumble import device as bumble_device

from vitals.link import Backend
from vitals.virtual.scanner import Central, VirtualScanner, bleak_uuid, to_its_end

T = TypeVar("T")

CLIENT_MTU = 517
UNCONFIRMED = "write-without-response"
WRITE_NOT_PERMITTED = 0x03  # Core 5.4, Vol 3, Part F, 3.4.1.1
ATT_TIMEOUT_S = 30  # Core 5.4, Vol 3, Part F, 3.3.3
_PROPERTY_NAMES: dict[gatt.Characteristic.Properties, CharacteristicPropertyName] = {
    gatt.Characteristic.Properties.BROADCAST: "broadcast",
    gatt.Characteristic.Properties.READ: "read",
    gatt.Characteristic.Properties.WRITE_WITHOUT_RESPONSE: "write-without-response",
    gatt.Characteristic.Properties.WRITE: "write",
    gatt.Characteristic.Properties.NOTIFY: "notify",
    gatt.Characteristic.Properties.INDICATE: "indicate",
    gatt.Characteristic.Properties.AUTHENTICATED_SIGNED_WRITES: "authenticated-signed-writes",
    gatt.Characteristic.Properties.EXTENDED_PROPERTIES: "extended-properties",
}


@dataclass(frozen=True, slots=True)
class VirtualBackend(Backend):
    """What `backends` makes; `adapter` is for `bleak.BleakAdapter.get`."""

    adapter: type[BaseBleakAdapter]
    host: Central


def backends(central: bumble_device.Device, *, seed: int = 1) -> VirtualBackend:
    """Backend classes that reach what is on the radio of `central`; real classes, because bleak reads their names."""
    host = Central(central, seed)
    of_host = {"central": host}
    return VirtualBackend(
        scanner=type("VirtualScanner", (VirtualScanner,), of_host),
        client=type("VirtualClient", (VirtualClient,), of_host),
        adapter=type("VirtualAdapter", (VirtualAdapter,), of_host),
        host=host,
    )


class VirtualClient(BaseBleakClient):
    """bleak's client interface over bumble's GATT client."""

    central: ClassVar[Central]

    def __init__(self, address_or_ble_device: BLEDevice | str, **kwargs: Any) -> None:
        super().__init__(address_or_ble_device, **kwargs)
        self._name = address_or_ble_device.name if isinstance(address_or_ble_device, BLEDevice) else None
        self._connection: bumble_device.Connection | None = None
        self._gone: asyncio.Future[int] | None = None
        self._gatt: _GattClient
        self._under_way: list[asyncio.Future[Any]] = []
        self._subscriptions: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection else att.ATT_DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:
        if self.is_connected:
            raise BleakError("already connected")
        try:
            peer = hci.Address(self.address, hci.Address.RANDOM_DEVICE_ADDRESS)
        except ValueError as error:
            raise BleakDeviceNotFoundError(self.address, f"{self.address} is no Bluetooth address") from error
        async with self.central.connecting:
            connection = await self._establish(peer)
        self._connection = connection
        self._gone = gone = asyncio.get_running_loop().create_future()
        self._gatt = _GattClient(connection)
        connection.gatt_client = self._gatt
        connection.on(connection.EVENT_DISCONNECTION, lambda reason: self._on_disconnection(gone, reason))
        try:
            bonds = self.central.device.keystore
            if bonds and await bonds.get(str(connection.peer_address)):
                await self._encrypt(connection)
            elif pair:
                await self.pair()
            await self._guard(self._gatt.request_mtu(CLIENT_MTU))
            self.services = await self._discover()
        except BaseException:
            await to_its_end(self.disconnect())
            raise

    async def _encrypt(self, connection: bumble_device.Connection) -> None:
        """A bond that only this side remembers is an error, and the link ends, as with BlueZ."""
        try:
            await self._guard(connection.encrypt())
        except BleakError as error:
            raise BleakError(f"{self.address} has lost its bond ({error}); unpair and pair again") from error

    async def _establish(self, peer: hci.Address) -> bumble_device.Connection:
        # bumble's own time-out rests on asyncio.wait_for, which in Python 3.11 can swallow a cancellation.
        attempt = asyncio.ensure_future(self.central.device.connect_le(peer, timeout=None))
        try:
            await asyncio.wait([attempt], timeout=self._timeout)
        except asyncio.CancelledError:
            await to_its_end(self._abandon(attempt))
            raise
        if not attempt.done():
            await to_its_end(self._abandon(attempt))
            raise TimeoutError(f"{self.address} did not answer within {self._timeout:g} s")
        try:
            return attempt.result()
        except core.BaseBumbleError as error:
            raise BleakError(f"connecting to {self.address} failed: {error}") from error

    async def _abandon(self, attempt: asyncio.Future[bumble_device.Connection]) -> None:
        """Take back an attempt: else the controller refuses the next one, or a link stays that nobody owns."""
        while not attempt.done():  # the request itself may still wait for its turn
            await self.central.device.send_command(hci.HCI_LE_Create_Connection_Cancel_Command())
            await asyncio.wait([attempt], timeout=0.01)
        if not attempt.exception():
            await attempt.result().disconnect()

    async def disconnect(self) -> None:
        connection, gone = self._connection, self._gone
        if connection is None or gone is None:
            return
        with suppress(BleakError):  # lost meanwhile, which is what was wanted
            await self._guard(connection.disconnect())
        await gone

    def _on_disconnection(self, gone: asyncio.Future[int], reason: int) -> None:
        self._connection = self.services = None
        self._subscriptions.clear()
        gone.set_result(reason)
        for task in self._under_way:  # not now: bumble is about to tell them the same
            asyncio.get_running_loop().call_soon(task.cancel)
        if self._disconnected_callback:
            self._disconnected_callback()

    async def _guard(self, request: Coroutine[Any, Any, T]) -> T:
        if self._connection is None or self._gone is None:
            request.close()
            raise BleakError("Not connected")
        task, gone = asyncio.ensure_future(request), self._gone
        self._under_way.append(task)
        task.add_done_callback(self._finished)
        either: list[asyncio.Future[Any]] = [task, gone]
        # Who waits may be cancelled; a request on the air may not: its answer would be taken for the next one's.
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            await asyncio.wait([task])
            raise BleakError("disconnected")
        try:
            return task.result()
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except (core.BaseBumbleError, hci.HCI_Error) as error:
            raise BleakError(str(error)) from error

    def _finished(self, task: asyncio.Future[Any]) -> None:
        self._under_way.remove(task)
        if not task.cancelled():
            task.exception()  # retrieved, should nobody wait for it any more

    async def _discover(self) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        for service in await self._guard(self._gatt.discover_services()):
            bleak_service = BleakGATTService(service, service.handle, bleak_uuid(service.uuid))
            found.add_service(bleak_service)
            for characteristic in await self._guard(self._gatt.discover_characteristics((), service)):
                names = [name for bit, name in _PROPERTY_NAMES.items() if characteristic.properties & bit]
                bleak_characteristic = BleakGATTCharacteristic(
                    characteristic,
                    characteristic.handle,
                    bleak_uuid(characteristic.uuid),
                    names,
                    lambda: self.mtu_size - 3,
                    bleak_service,
                )
                found.add_characteristic(bleak_characteristic)
                for descriptor in await self._guard(self._gatt.discover_descriptors(characteristic)):
                    found.add_descriptor(
                        BleakGATTDescriptor(
                            descriptor, descriptor.handle, bleak_uuid(descriptor.type), bleak_characteristic
                        )
                    )
        return found

    async def pair(self, *_: Any, **__: Any) -> None:
        assert self._connection is not None
        await self._guard(self._connection.pair())

    async def unpair(self) -> None:
        keystore = self.central.device.keystore
        if keystore is not None:
            await keystore.delete(self.address)
        await self.disconnect()

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_: Any
    ) -> bytearray:
        return bytearray(await self._guard(self._gatt.read_value(characteristic.handle)))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_: Any
    ) -> bytearray:
        return bytearray(await self._guard(self._gatt.read_value(descriptor.handle)))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        if response and "write" not in characteristic.properties and UNCONFIRMED in characteristic.properties:
            raise BleakGATTProtocolError(WRITE_NOT_PERMITTED)
        if not response and len(data) > characteristic.max_write_without_response_size:
            raise BleakError(f"{len(data)} bytes do not fit a write without response at MTU {self.mtu_size}")
        await self._guard(self._gatt.write_value(characteristic.handle, bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        await self._guard(self._gatt.write_value(descriptor.handle, bytes(data), with_response=True))

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any) -> None:
        if characteristic.handle in self._subscriptions:
            raise BleakError("Characteristic notifications already started")

        def deliver(value: bytes) -> None:
            if self._subscriptions.get(characteristic.handle) is deliver and not self.central.loses():
                callback(bytearray(value))

        self._subscriptions[characteristic.handle] = deliver
        try:
            await self._guard(self._gatt.subscribe(characteristic.obj, deliver))
        except BaseException:
            self._subscriptions.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        deliver = self._subscriptions.pop(characteristic.handle, None)
        if deliver is not None:
            await self._guard(self._gatt.unsubscribe(characteristic.obj, deliver))


class _GattClient(gatt_client.Client):
    """bumble's GATT client without its log of every packet, and obedient to cancellation."""

    async def send_request(self, request: att.ATT_PDU) -> att.ATT_PDU:
        """As bumble's, which rests on asyncio.wait_for: in Python 3.11 that can swallow a cancellation."""
        async with self.request_semaphore:
            self.pending_request = request
            answer: asyncio.Future[att.ATT_PDU] = asyncio.get_running_loop().create_future()
            self.pending_response = answer
            try:
                self.send_gatt_pdu(bytes(request))
                await asyncio.wait([answer], timeout=ATT_TIMEOUT_S)
                if not answer.done():
                    raise core.TimeoutError(f"no answer to {request.name}")
                return answer.result()
            finally:
                self.pending_request = self.pending_response = None

    def on_gatt_pdu(self, att_pdu: att.ATT_PDU) -> None:
        if not isinstance(att_pdu, att.ATT_Handle_Value_Notification):
            super().on_gatt_pdu(att_pdu)
        elif self.notification_subscribers.get(att_pdu.attribute_handle):  # else it crossed our farewell on the air
            self.on_att_handle_value_notification(att_pdu)


class VirtualAdapter(BaseBleakAdapter):
    """bleak's adapter interface: what is connected now."""

    central: ClassVar[Central]

    @classmethod
    async def get(cls, **_: Any) -> VirtualAdapter:
        return cls()

    async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:
        return [
            BLEDevice(address, None, connection.peer_address)
            for connection in self.central.device.connections.values()
            if (address := connection.peer_address.to_string(with_type_qualifier=False))
            and {bleak_uuid(service.uuid) for service in connection.gatt_client.services} & service_uuids
        ]
