"""A peripheral of any kind: tables of services, played by profiles over bumble's GATT server.

Laws of this file:
1. A device is a name, a table and profiles. Everything that is common to peripherals (advertising, subscriptions,
   indications in order, truncation at the MTU, encryption, power) is here and nowhere else.
2. The body lives whether or not anybody listens: body time 0 is when something is first measured (`begin`); a reboot or
   a lost link does not stop it.
3. A notification that nobody has subscribed to, and one of a muted device, does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Protocol

from bumble import core, data_types, gatt, hci
from bumble import device as bumble_device

from vitals.errors import InputError
from vitals.values import DeviceInfo
from vitals.virtual.gatt_table import (
    Characteristic,
    Connection,
    Service,
    bumble_characteristic,
    bumble_uuid,
    full_uuid,
    information,
    merged,
)
from vitals.virtual.security import Security

NOTIFICATION, INDICATION = 0x1B, 0x1D  # Core 5.4, Vol 3, Part F, 3.4.7
CONFIRMATION_TIMEOUT_S = 30.0
BOOT_S = 2.0
LAST_WORD_S = 1.0  # until the last notification has reached everybody


class Medium(Protocol):
    """Where a device is switched on: a `VirtualRadio`, or an `HciMedium` to a controller elsewhere."""

    async def make_device(self, name: str, address: str = "") -> bumble_device.Device:
        """A powered bumble device of that name; an empty address means any."""
        ...

    async def vanish(self, gone: bumble_device.Device) -> None:
        """The power of `gone` fails: its links end without a goodbye."""
        ...


class Profile:
    """What a device does with some of its services; `device` is set when it is switched on."""

    device: GattDevice

    def services(self) -> Sequence[Service]:
        """The tables, asked for when the device is switched on; rows of one service may come from several profiles."""
        return ()

    def subscribed(self, uuid: str) -> None:
        """Somebody has just subscribed to `uuid`."""

    def began(self) -> None:
        """Body time 0 is now."""

    def rebooted(self) -> None:
        """The device lost power and everything that it kept in memory."""

    @property
    def done(self) -> bool:
        """True where everything that there was to play has been played."""
        return True


class GattDevice:
    """A virtual peripheral.

    `info` names it and fills the Device Information service; `mtu` is the largest that it agrees to; `beside` are more
    profiles, such as a clock (`ShownClock`). Attributes that a
    test or a fault script may change while it runs: `muted` (connected, but says nothing), `spoil` (uuid, payload ->
    what goes out instead). `finished` is set one second after every profile has played what it had.
    """

    def __init__(
        self,
        profiles: Sequence[Profile],
        *,
        info: DeviceInfo,
        advertised: Sequence[str] = (),
        mtu: int = 247,
        security: Security | None = None,
        beside: Sequence[Profile] = (),
    ) -> None:
        self.info = info
        self._mtu = mtu
        self.muted = False
        self.spoil: Callable[[str, bytes], bytes] | None = None
        self.finished = asyncio.Event()
        self.device: bumble_device.Device
        self._profiles = (*profiles, *beside)
        self._advertised = tuple(advertised)
        self._security = security
        self._zero: float | None = None
        self._on = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rows: dict[str, gatt.Characteristic[bytes]] = {}
        self._gone: dict[Connection, asyncio.Future[None]] = {}
        self._indicating = asyncio.Lock()

    # Power

    @property
    def name(self) -> str:
        """The name that it advertises."""
        return self.info.name

    @property
    def address(self) -> str:
        """Random static address, upper case."""
        return str(self.device.random_address).split("/")[0]

    async def start(self, medium: Medium, *, address: str = "") -> None:
        """Switch the device on: from now it advertises whenever it is not connected."""
        self._medium = medium
        self.device = await medium.make_device(self.name, address)
        try:
            self._furnish()
            self._on = True
            await self._advertise()
        except BaseException:  # of a profile's table, say
            self._on = False
            await self.device.power_off()
            raise

    def _furnish(self) -> None:
        """Give the powered device its services and its security."""
        self.device.gatt_server.max_mtu = self._mtu
        self.device.on("connection", self._on_connection)
        if self._security:
            self.device.pairing_config_factory = self._security.of_device
        for profile in self._profiles:
            profile.device = self
        played = [table for profile in self._profiles for table in profile.services()]
        for service in merged([*played, information(self.info)]):
            self._rows |= {row.uuid: self._row(row) for row in service.characteristics}
            rows = [self._rows[row.uuid] for row in service.characteristics]
            self.device.add_service(gatt.Service(bumble_uuid(service.uuid), rows))
        if self._security:
            self._security.protect(self.device.gatt_server.attributes)

    async def stop(self) -> None:
        """Switch the device off, with a goodbye to whoever is connected."""
        self._on = False
        await self._end_tasks()
        await self.disconnect()
        await self.device.stop_advertising()
        await self.device.power_off()

    async def reboot(self, *, off_s: float = BOOT_S) -> None:
        """Lose power for `off_s`: links, streams and the clock are lost, the body goes on, bonds are kept."""
        self._on = False
        await self.device.stop_advertising()
        await self._medium.vanish(self.device)
        for profile in self._profiles:
            profile.rebooted()
        await asyncio.sleep(off_s)
        self._on = True
        await self._advertise()

    async def change_address(self, address: str) -> None:
        """Be heard under another address from the next advertisement on, as a device that rotates private ones; links
        end first."""
        await self.disconnect()
        await self.device.stop_advertising()
        changed = hci.Address(address, hci.Address.RANDOM_DEVICE_ADDRESS)
        await self.device.send_sync_command(hci.HCI_LE_Set_Random_Address_Command(random_address=changed))
        self.device.random_address = changed
        await self._advertise()

    async def disconnect(self) -> None:
        """Say goodbye to whoever is connected."""
        for connection in list(self.device.connections.values()):
            await connection.disconnect()

    async def forget_bonds(self) -> None:
        """Lose the keys of every host that has paired."""
        if self.device.keystore:
            await self.device.keystore.delete_all()

    @property
    def mtu(self) -> int:
        """The largest MTU that it agrees to; a change counts from the next connection on."""
        return self._mtu

    @mtu.setter
    def mtu(self, mtu: int) -> None:
        self._mtu = mtu
        if self._on:
            self.device.gatt_server.max_mtu = mtu

    async def _advertise(self) -> None:
        flags = core.AdvertisingData.Flags
        parts: list[Any] = [
            data_types.Flags(flags.LE_GENERAL_DISCOVERABLE_MODE | flags.BR_EDR_NOT_SUPPORTED),
            data_types.CompleteListOf16BitServiceUUIDs([bumble_uuid(uuid) for uuid in self._advertised]),
            data_types.CompleteLocalName(self.name),
        ]
        await self.device.start_advertising(auto_restart=True, advertising_data=bytes(core.AdvertisingData(parts)))

    # Body

    def begin(self) -> None:
        """Something is measured for the first time: body time 0."""
        if self._zero is None:
            self._zero = asyncio.get_running_loop().time()
            for profile in self._profiles:
                profile.began()
            self.played()

    @property
    def body_s(self) -> float:
        """Seconds since body time 0; 0 before it."""
        return 0.0 if self._zero is None else asyncio.get_running_loop().time() - self._zero

    async def until(self, body_s: float) -> None:
        """Sleep to an absolute body time, so that delays do not add up."""
        await asyncio.sleep(body_s - self.body_s)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task that ends with the device."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _end_tasks(self) -> None:
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def played(self) -> None:
        """A profile has come to its end."""
        if self._done:
            self.spawn(self._finish())

    async def _finish(self) -> None:
        await asyncio.sleep(LAST_WORD_S)
        if self._done:
            self.finished.set()

    @property
    def _done(self) -> bool:
        return all(profile.done for profile in self._profiles)

    # Talking

    def subscribers(self, uuid: str, bit: int = 1) -> list[Connection]:
        """Connections that notifications (`bit` 1) or indications (2) of `uuid` reach."""
        handle, states = self._served(uuid).handle, self.device.gatt_server.subscribers
        return [
            connection
            for connection in self.device.connections.values()
            if states.get(connection, {}).get(handle, b"\0")[0] & bit
        ]

    def notify(self, uuid: str, value: bytes, to: Connection | None = None) -> bool:
        """Send `value` to `to`, or to all subscribers; True where one was there. Cut at the MTU, as devices do."""
        listening = self.subscribers(uuid)
        chosen = [connection for connection in listening if to is None or connection is to]
        if self.muted or not self._on:
            return False
        for connection in chosen:
            self._send(NOTIFICATION, connection, uuid, value)
        return bool(chosen)

    async def indicate(self, uuid: str, value: bytes) -> bool:
        """Send `value` to all subscribers, one after the other; True where at least one confirmed it."""
        async with self._indicating:  # Core 5.4, Vol 3, Part F, 3.3.2: one indication under way
            confirmed = [await self._indicate(one, uuid, value) for one in self.subscribers(uuid, 2)]
        return any(confirmed)

    async def _indicate(self, connection: Connection, uuid: str, value: bytes) -> bool:
        gone = self._gone.get(connection)
        if self.muted or not self._on or gone is None or gone.done():
            return False
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pending = self.device.gatt_server.pending_confirmations
        pending[connection] = answer
        self._send(INDICATION, connection, uuid, value)
        await asyncio.wait([answer, gone], timeout=CONFIRMATION_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if connection in pending:
            pending[connection] = None
        return answer.done()

    def _send(self, opcode: int, connection: Connection, uuid: str, value: bytes) -> None:
        if self.spoil:
            value = self.spoil(uuid, value)
        head = bytes((opcode,)) + self._served(uuid).handle.to_bytes(2, "little")
        self.device.gatt_server.send_gatt_pdu(connection, head + value[: connection.att_mtu - 3])

    def _served(self, uuid: str) -> gatt.Characteristic[bytes]:
        row = self._rows.get(uuid) or self._rows.get(full_uuid(uuid))
        if row is None:
            raise InputError(f"{self.name!r} has no characteristic {uuid!r}; it has {', '.join(self._rows) or 'none'}")
        return row

    # bumble

    def _on_connection(self, connection: Connection) -> None:
        gone = self._gone[connection] = asyncio.get_running_loop().create_future()

        def on_disconnection(_: int) -> None:
            self._gone.pop(connection, None)
            gone.set_result(None)

        connection.on(connection.EVENT_DISCONNECTION, on_disconnection)
        if self._security:
            self._security.watch(self.device, connection)

    def _row(self, row: Characteristic) -> gatt.Characteristic[bytes]:
        made = bumble_characteristic(row)

        def subscription(_: Connection, notify: bool, indicate: bool) -> None:
            if notify or indicate:
                for profile in self._profiles:
                    profile.subscribed(row.uuid)

        made.on(made.EVENT_SUBSCRIPTION, subscription)
        return made
