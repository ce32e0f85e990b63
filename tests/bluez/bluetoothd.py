"""A `bluetoothd` of our own: the `org.bluez` object tree on a D-Bus, as bleak's BlueZ backend meets it.

Laws of this file:
1. Names, types, order of signals and words of errors are those of BlueZ 5.66 to 5.82 (doc/org.bluez.*.rst; bleak reads
   ATT codes out of the words).
2. Everything that happens to a device is a method of this class that a test calls; nothing happens by itself.
3. A link ends as it does in BlueZ: first the ATT bearer (sockets closed, requests failed), later `Connected`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from .peripheral import Characteristic, Peripheral, long_uuid

ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
SERVICE, CHARACTERISTIC = "org.bluez.GattService1", "org.bluez.GattCharacteristic1"
PROPERTIES, OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"
DBUS = "org.freedesktop.DBus"
HCI0 = "/org/bluez/hci0"


class Refused(Exception):
    """The method answers with an error: its name below org.bluez.Error, and its words."""

    def __init__(self, error: str, words: str) -> None:
        self.name = error if "." in error else f"org.bluez.Error.{error}"
        super().__init__(words)


class Bluetoothd:
    """Owns `org.bluez` on the bus at `address`, with one adapter and the given peripherals in the air."""

    def __init__(self, address: str, peripherals: list[Peripheral]) -> None:
        self._address = address
        self.peripherals = {f"{HCI0}/dev_{one.address.replace(':', '_')}": one for one in peripherals}
        self._tree: dict[str, dict[str, dict[str, Variant]]] = {}
        self._scanners: dict[str, dict[str, Variant]] = {}  # D-Bus client -> its filter
        self._filters: dict[str, dict[str, Variant]] = {}
        self._is_hanging = False
        self._bus: MessageBus

    async def start(self) -> None:
        self._tree = {HCI0: {ADAPTER: _adapter()}}
        self._bus = await MessageBus(self._address, negotiate_unix_fd=True).connect()
        self._bus.add_message_handler(self._on_message)
        rule = f"type=signal,sender={DBUS},member=NameOwnerChanged"
        await self._bus.call(Message(DBUS, "/org/freedesktop/DBus", DBUS, "AddMatch", signature="s", body=[rule]))
        await self._bus.request_name("org.bluez")

    @property
    def unique_name(self) -> str:
        """Its name on the bus."""
        return str(self._bus.unique_name)

    async def die(self) -> None:
        """As when the process is killed: the kernel closes its sockets, nobody says goodbye."""
        for peripheral in self.peripherals.values():
            self._close_bearer(peripheral, answering=False)
            peripheral.connecting.clear()
        if self._bus.connected:
            self._bus.disconnect()
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    # What happens in the world

    def power(self, on: bool, *, told: bool = True) -> None:
        """Bluetooth is switched on or off (rfkill, desktop menu); the news of it may be late."""
        if not told:
            self._tree[HCI0][ADAPTER]["Powered"] = Variant("b", on)
            return
        if not on:
            for path in self.peripherals:
                self._close_link(path)
            self._scanners.clear()
            self._set(HCI0, ADAPTER, Discovering=Variant("b", False))
        self._set(HCI0, ADAPTER, Powered=Variant("b", on))

    def hang(self) -> None:
        """As after SIGSTOP: calls are taken, none is answered."""
        self._is_hanging = True

    def unplug(self) -> None:
        """The adapter is pulled out: objects vanish, and no `Connected` changes."""
        for path, peripheral in self.peripherals.items():
            self._close_bearer(peripheral)
            self._remove(path)
        self._remove(HCI0)

    async def lose(self, peripheral: Peripheral, *, noticed_after_s: float = 0, words: str = "Not connected") -> None:
        """Supervision time-out: pending requests fail with `words`; the kernel tells of it after `noticed_after_s`."""
        self._close_bearer(peripheral, words=words)
        await asyncio.sleep(noticed_after_s)
        self._close_link(self._path(peripheral))

    async def flush(self) -> None:
        """Returns when the bus has taken all that was said."""
        await self._bus.call(Message(DBUS, "/org/freedesktop/DBus", DBUS, "GetNameOwner", signature="s", body=[DBUS]))

    async def notify(self, peripheral: Peripheral, uuid: str, *payloads: bytes) -> None:
        """The device sends notifications; who has not subscribed gets none."""
        one = peripheral.characteristics[uuid]
        for number, payload in enumerate(payloads):
            if one.acquired:
                try:
                    one.acquired.send(payload[: peripheral.mtu - 3])
                except BlockingIOError:  # BlueZ logs this, and drops the notification
                    one.unsent += 1
                await asyncio.sleep(0)
            elif one.sessions:
                self._set(one.path, CHARACTERISTIC, Value=Variant("ay", payload[: peripheral.mtu - 3]))
                if number % 50 == 49:  # dbus-fast takes a full socket for a dead one
                    await self.flush()
        await self.flush()

    # The object tree

    def _set(self, path: str, interface: str, *gone: str, **changed: Variant) -> None:
        properties = self._tree[path][interface]
        properties.update(changed)
        names = [name for name in gone if properties.pop(name, None)]
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, changed, names])

    def _add(self, path: str, interface: str, properties: dict[str, Variant]) -> None:
        self._tree[path] = {interface: properties}
        self._signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, self._tree[path]])

    def _remove(self, path: str) -> None:
        for below in sorted((one for one in self._tree if f"{one}/".startswith(f"{path}/")), reverse=True):
            interfaces = list(self._tree.pop(below))
            self._signal("/", OBJECTS, "InterfacesRemoved", "oas", [below, interfaces])

    def _path(self, peripheral: Peripheral) -> str:
        return next(path for path, one in self.peripherals.items() if one is peripheral)

    def _is(self, path: str, name: str) -> bool:
        return bool(path in self._tree and self._tree[path][DEVICE][name].value)

    def _hear(self, path: str, peripheral: Peripheral) -> None:
        """An advertisement arrives while somebody scans."""
        if not peripheral.is_advertising or self._is(path, "Connected"):
            return
        if path in self._tree:
            self._set(path, DEVICE, RSSI=Variant("n", peripheral.rssi))
        else:
            self._add(path, DEVICE, _device(peripheral))

    def _export_services(self, path: str, peripheral: Peripheral) -> None:
        if not peripheral.has_gatt:
            return
        handle = 10
        for uuid, characteristics in peripheral.services.items():
            service = f"{path}/service{handle:04x}"
            handle += 1
            if service not in self._tree:
                self._add(service, SERVICE, _service(uuid, path))
            for one in characteristics:
                one.path = f"{service}/char{handle:04x}"
                handle += 3
                if one.path not in self._tree:
                    self._add(one.path, CHARACTERISTIC, _characteristic(one, service, peripheral.mtu))
        self._set(path, DEVICE, ServicesResolved=Variant("b", True))

    # The end of a link

    def _close_bearer(self, peripheral: Peripheral, *, words: str = "Not connected", answering: bool = True) -> None:
        peripheral.has_gatt = False
        for one in peripheral.characteristics.values():
            self._release(one)
            one.sessions.clear()
            for call in one.reading if answering else []:
                self._send(Message.new_error(call, "org.bluez.Error.Failed", words))
            one.reading.clear()

    def _close_link(self, path: str) -> None:
        peripheral = self.peripherals[path]
        self._close_bearer(peripheral)
        for call in peripheral.connecting:
            self._send(Message.new_error(call, "org.bluez.Error.Failed", "Operation canceled"))
        peripheral.connecting.clear()
        if self._is(path, "Connected"):
            self._set(path, DEVICE, ServicesResolved=Variant("b", False))
            self._set(path, DEVICE, Connected=Variant("b", False))

    def _release(self, one: Characteristic) -> None:
        if one.acquired:
            asyncio.get_running_loop().remove_reader(one.acquired)
            one.acquired.close()
            one.acquired = None

    # Methods

    def _on_message(self, message: Message) -> Message | bool | None:
        if message.member == "NameOwnerChanged" and message.message_type is MessageType.SIGNAL:
            self._on_gone(message.body[0], message.body[2])
        if message.message_type is not MessageType.METHOD_CALL or message.interface == "org.freedesktop.DBus.Peer":
            return None
        if self._is_hanging:
            return True
        path, interface, member = message.path or "", message.interface or "", message.member or ""
        if (interface, member) == (OBJECTS, "GetManagedObjects") and path == "/":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._tree])
        method: Callable[[Message, str], Any] | None = {
            (ADAPTER, "SetDiscoveryFilter"): self._set_filter,
            (ADAPTER, "StartDiscovery"): self._start_discovery,
            (ADAPTER, "StopDiscovery"): self._stop_discovery,
            (DEVICE, "Connect"): self._connect,
            (DEVICE, "Disconnect"): self._disconnect,
            (DEVICE, "Pair"): self._pair,
            (PROPERTIES, "Set"): self._set_property,
            (CHARACTERISTIC, "ReadValue"): self._read,
            (CHARACTERISTIC, "WriteValue"): self._write,
            (CHARACTERISTIC, "StartNotify"): self._start_notify,
            (CHARACTERISTIC, "StopNotify"): self._stop_notify,
            (CHARACTERISTIC, "AcquireNotify"): self._acquire_notify,
        }.get((interface, member))
        if method is None or path not in self._tree:
            words = (
                f'Method "{member}" with signature "{message.signature}" on interface "{interface}" doesn\'t exist\n'
            )
            unknown = "UnknownMethod" if path in self._tree else "UnknownObject"
            return Message.new_error(message, f"org.freedesktop.DBus.Error.{unknown}", words)
        try:
            answer = method(message, path)
        except Refused as refusal:
            return Message.new_error(message, refusal.name, str(refusal))
        return Message.new_method_return(message) if answer is None else answer

    def _on_gone(self, client: str, new_owner: str) -> None:
        """A D-Bus client left without saying so: what it asked for ends."""
        if not new_owner:
            self._scanners.pop(client, None)
            self._filters.pop(client, None)
            for peripheral in self.peripherals.values():
                for one in peripheral.characteristics.values():
                    one.sessions.discard(client)

    def _needs_power(self) -> None:
        if not self._tree[HCI0][ADAPTER]["Powered"].value:
            raise Refused("NotReady", "Resource Not Ready")

    def _set_filter(self, call: Message, _: str) -> None:
        self._needs_power()
        self._filters[call.sender] = call.body[0]

    def _start_discovery(self, call: Message, _: str) -> None:
        self._needs_power()
        if call.sender in self._scanners:
            raise Refused("InProgress", "Operation already in progress")
        self._scanners[call.sender] = wanted = self._filters.get(call.sender, {})
        assert wanted["Transport"].value == "le"
        self._set(HCI0, ADAPTER, Discovering=Variant("b", True))
        for path, peripheral in self.peripherals.items():
            asyncio.get_running_loop().call_soon(self._hear, path, peripheral)

    def _stop_discovery(self, call: Message, _: str) -> None:
        self._needs_power()
        if self._scanners.pop(call.sender, None) is None:
            raise Refused("Failed", "No discovery started")
        for path in self.peripherals.keys() & self._tree.keys():
            self._set(path, DEVICE, "RSSI")
        self._set(HCI0, ADAPTER, Discovering=Variant("b", bool(self._scanners)))

    def _connect(self, call: Message, path: str) -> bool | None:
        self._needs_power()
        peripheral = self.peripherals[path]
        if not peripheral.is_in_reach:
            peripheral.connecting.append(call)
            return True
        self._set(path, DEVICE, Connected=Variant("b", True))
        if peripheral.aborts:
            peripheral.aborts -= 1
            asyncio.get_running_loop().call_later(0.02, self._close_link, path)
            raise Refused("Failed", "le-connection-abort-by-local")
        peripheral.has_gatt = True
        if peripheral.drops:
            peripheral.drops -= 1
            asyncio.get_running_loop().call_later(0.02, self._close_link, path)
            return None
        asyncio.get_running_loop().call_soon(self._export_services, path, peripheral)
        return None

    def _disconnect(self, _: Message, path: str) -> None:
        if not self._is(path, "Connected") and not self.peripherals[path].connecting:
            raise Refused("NotConnected", "Not Connected")
        asyncio.get_running_loop().call_soon(self._close_link, path)

    def _pair(self, call: Message, path: str) -> bool | None:
        if self._is(path, "Paired"):
            raise Refused("AlreadyExists", "Already Exists")
        if not self.peripherals[path].pairs:
            raise Refused("AuthenticationFailed", "Authentication Failed")
        answer = self._connect(call, path)
        self._set(path, DEVICE, Paired=Variant("b", True), Bonded=Variant("b", True))
        return answer

    def _set_property(self, call: Message, path: str) -> None:
        interface, name, value = call.body
        if (interface, name) != (DEVICE, "Trusted"):
            raise Refused("org.freedesktop.DBus.Error.PropertyReadOnly", f"Property {name} is not writable")
        self._set(path, DEVICE, Trusted=value)

    def _characteristic(self, path: str, *, encrypted: bool = True) -> Characteristic:
        device = path[: -len("/service000c/char000d")]
        peripheral = self.peripherals[device]
        one = next(one for one in peripheral.characteristics.values() if one.path == path)
        if not peripheral.has_gatt:
            raise Refused("Failed", "Not connected")
        if encrypted and one.is_encrypted and not self._is(device, "Paired"):
            raise Refused("NotPermitted", "Not paired")
        return one

    def _read(self, call: Message, path: str) -> Message | bool:
        one = self._characteristic(path)
        if "read" not in one.flags:
            raise Refused("NotPermitted", "Read not permitted")
        if one.is_mute:
            one.reading.append(call)
            return True
        self._set(path, CHARACTERISTIC, Value=Variant("ay", one.value))  # subscribers see it, too
        return Message.new_method_return(call, "ay", [one.value])

    def _write(self, call: Message, path: str) -> None:
        one = self._characteristic(path)
        value, options = call.body
        if not {"write", "write-without-response"} & set(one.flags):
            raise Refused("NotPermitted", "Write not permitted")
        if one.refuses:
            raise Refused("Failed", f"Operation failed with ATT error: 0x{one.refuses:02x}")
        one.written.append((bytes(value), options["type"].value))

    def _start_notify(self, call: Message, path: str) -> None:
        one = self._characteristic(path)
        if not one.can_notify:
            raise Refused("NotSupported", "Operation is not supported")
        if one.acquired:
            raise Refused("NotPermitted", "Notify acquired")
        if call.sender in one.sessions:
            raise Refused("Failed", "Already notifying")
        one.sessions.add(call.sender)
        self._set(path, CHARACTERISTIC, Notifying=Variant("b", True))

    def _stop_notify(self, call: Message, path: str) -> None:
        one = self._characteristic(path, encrypted=False)
        if call.sender not in one.sessions:
            raise Refused("Failed", "No notify session started")
        one.sessions.discard(call.sender)
        self._set(path, CHARACTERISTIC, Notifying=Variant("b", bool(one.sessions)))

    def _acquire_notify(self, call: Message, path: str) -> bool:
        one = self._characteristic(path)
        if one.acquired:
            raise Refused("NotPermitted", "Notify acquired")
        if one.sessions:
            raise Refused("InProgress", "Operation already in progress")
        if not one.can_notify:
            raise Refused("NotSupported", "Operation is not supported")
        one.acquired, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        one.acquired.setblocking(False)
        asyncio.get_running_loop().add_reader(one.acquired, self._release, one)  # the client hangs up
        mtu = self._tree[path][CHARACTERISTIC]["MTU"].value
        fd = os.dup(theirs.fileno())
        theirs.close()
        answer = Message.new_method_return(call, "hq", [0, mtu], [fd])
        self._send(answer).add_done_callback(lambda _: os.close(fd))
        return True

    # The bus

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self._send(Message.new_signal(path, interface, member, signature, body))

    def _send(self, message: Message) -> asyncio.Future[None]:
        sent: asyncio.Future[None] = self._bus.send(message)
        sent.add_done_callback(lambda done: done.cancelled() or done.exception())  # a dead bus takes nothing
        return sent


def _adapter() -> dict[str, Variant]:
    return {
        "Address": Variant("s", "00:1A:7D:DA:71:13"),
        "AddressType": Variant("s", "public"),
        "Name": Variant("s", "computer"),
        "Alias": Variant("s", "computer"),
        "Powered": Variant("b", True),
        "Discovering": Variant("b", False),
        "UUIDs": Variant("as", [long_uuid("1800"), long_uuid("1801")]),
        "Roles": Variant("as", ["central", "peripheral"]),
    }


def _device(peripheral: Peripheral) -> dict[str, Variant]:
    return {
        "Address": Variant("s", peripheral.address),
        "AddressType": Variant("s", "random"),
        "Name": Variant("s", peripheral.name),
        "Alias": Variant("s", peripheral.name or peripheral.address.replace(":", "-")),
        "Paired": Variant("b", False),
        "Bonded": Variant("b", False),
        "Trusted": Variant("b", False),
        "Blocked": Variant("b", False),
        "Connected": Variant("b", False),
        "ServicesResolved": Variant("b", False),
        "UUIDs": Variant("as", [long_uuid(uuid) for uuid in peripheral.services]),
        "Adapter": Variant("o", HCI0),
        "RSSI": Variant("n", peripheral.rssi),
    }


def _service(uuid: str, device: str) -> dict[str, Variant]:
    return {
        "UUID": Variant("s", long_uuid(uuid)),
        "Device": Variant("o", device),
        "Primary": Variant("b", True),
        "Includes": Variant("ao", []),
    }


def _characteristic(one: Characteristic, service: str, mtu: int) -> dict[str, Variant]:
    properties = {
        "UUID": Variant("s", long_uuid(one.uuid)),
        "Service": Variant("o", service),
        "Value": Variant("ay", b""),
        "Flags": Variant("as", list(one.flags)),
        "MTU": Variant("q", mtu),
    }
    if one.can_notify:
        properties |= {"Notifying": Variant("b", False), "NotifyAcquired": Variant("b", False)}
    return properties
