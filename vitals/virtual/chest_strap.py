"""A virtual chest strap: Heart Rate, Battery and Device Information services over a real host stack.

Laws of this file:
1. The heart beats whether or not anybody listens: beat time 0 is the first subscription to Heart Rate Measurement, and
   what beats while nobody is subscribed is not heard later.
2. Once per second, at absolute deadlines that do not drift, subscribers get the RR intervals that ended in that second.
3. Beat times are rounded to 1/1024 s first and subtracted then: intervals sum to the played time, to the tick.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

import numpy as np
from bumble import att, core, data_types, gatt
from bumble import device as bumble_device
from numpy.typing import NDArray

from vitals.errors import InputError
from vitals.values import DeviceInfo
from vitals.virtual.encode import heart_rate_measurement, rr_per_notification
from vitals.virtual.radio import VirtualRadio

TICKS_PER_S = 1024
LONGEST_RR = 0xFFFF  # ticks; about 64 s
CHEST = 1  # Body Sensor Location
RESET_ENERGY = 1
CONTROL_POINT_NOT_SUPPORTED = 0x80
RATE_MEMORY_RR, RATE_MEMORY_S = 8, 10  # what the heart rate is averaged over

DEFAULT_INFO = DeviceInfo(
    name="Virtual H10",
    manufacturer="vitals",
    model="Virtual strap",
    serial="0001",
    firmware="1.0",
    hardware="1",
    software="1.0",
)


class Strap:
    """A chest strap that wears the heart `beats_s`: increasing beat times in seconds.

    Attributes that a test may change while it plays: `contact` (None: not supported), `energy_kj` (None: not sent).
    `finished` is set one second after the last interval was sent, or went by unheard.

    Raises InputError where beat times do not increase by at least one tick of 1/1024 s, or are not finite.
    """

    def __init__(
        self,
        beats_s: Iterable[float],
        *,
        info: DeviceInfo = DEFAULT_INFO,
        battery: int = 100,
        contact: bool | None = True,
        energy_kj: int | None = None,
        wide_rate: bool = False,
        mtu: int = 247,
    ) -> None:
        self._at_ticks, self._rr = _intervals(beats_s)
        self._recent: deque[tuple[int, int]] = deque(maxlen=RATE_MEMORY_RR)  # (tick at which it ended, RR)
        self._battery = battery
        self._player: asyncio.Task[None] | None = None
        self.info = info
        self.contact = contact
        self.energy_kj = energy_kj
        self.wide_rate = wide_rate
        self.mtu = mtu
        self.finished = asyncio.Event()
        self.device: bumble_device.Device

    @property
    def address(self) -> str:
        """Random static address, upper case."""
        return str(self.device.random_address).split("/")[0]

    async def start(self, radio: VirtualRadio, *, address: str = "") -> None:
        """Switch the strap on: from now it advertises on `radio` whenever it is not connected."""
        self.device = await radio.make_device(self.info.name, address)
        self.device.gatt_server.max_mtu = self.mtu
        self._measurement = _characteristic(gatt.GATT_HEART_RATE_MEASUREMENT_CHARACTERISTIC, notify=True)
        self._measurement.on(self._measurement.EVENT_SUBSCRIPTION, self._on_subscription)
        control = _characteristic(gatt.GATT_HEART_RATE_CONTROL_POINT_CHARACTERISTIC, write=self._on_control_point)
        location = _characteristic(gatt.GATT_BODY_SENSOR_LOCATION_CHARACTERISTIC, bytes([CHEST]))
        self._level = _characteristic(gatt.GATT_BATTERY_LEVEL_CHARACTERISTIC, bytes([self._battery]), notify=True)
        self.device.add_services(
            [
                gatt.Service(gatt.GATT_HEART_RATE_SERVICE, [self._measurement, location, control]),
                gatt.Service(gatt.GATT_BATTERY_SERVICE, [self._level]),
                gatt.Service(gatt.GATT_DEVICE_INFORMATION_SERVICE, _device_information(self.info)),
            ]
        )
        advertised = [
            data_types.Flags(
                core.AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE
                | core.AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED
            ),
            data_types.CompleteListOf16BitServiceUUIDs([gatt.GATT_HEART_RATE_SERVICE]),
            data_types.CompleteLocalName(self.info.name),
        ]
        await self.device.start_advertising(auto_restart=True, advertising_data=bytes(core.AdvertisingData(advertised)))

    async def stop(self) -> None:
        """Switch the strap off."""
        if self._player:
            self._player.cancel()
            with suppress(asyncio.CancelledError):
                await self._player
        for connection in list(self.device.connections.values()):
            await connection.disconnect()
        await self.device.stop_advertising()
        await self.device.power_off()

    @property
    def battery(self) -> int:
        """Battery level in percent; setting it notifies whoever has subscribed."""
        return self._battery

    @battery.setter
    def battery(self, percent: int) -> None:
        self._battery = percent
        self._level.value = bytes([percent])
        for connection in self._subscribed(self._level):
            self._notify(connection, self._level, self._level.value)

    def _subscribed(self, characteristic: gatt.Characteristic[bytes]) -> list[bumble_device.Connection]:
        subscribers = self.device.gatt_server.subscribers
        return [
            connection
            for connection in self.device.connections.values()
            if subscribers.get(connection, {}).get(characteristic.handle, b"\0")[0] & 1
        ]

    def _notify(
        self, connection: bumble_device.Connection, characteristic: gatt.Characteristic[bytes], value: bytes
    ) -> None:
        """As `Server.notify_subscriber`, which formats every packet for its log and truncates silently."""
        assert len(value) <= connection.att_mtu - 3
        pdu = att.ATT_Handle_Value_Notification(attribute_handle=characteristic.handle, attribute_value=value)
        self.device.gatt_server.send_gatt_pdu(connection, bytes(pdu))

    def _on_control_point(self, _: bumble_device.Connection, value: bytes) -> None:
        if value != bytes([RESET_ENERGY]):
            raise att.ATT_Error(error_code=att.ErrorCode(CONTROL_POINT_NOT_SUPPORTED))
        if self.energy_kj is not None:
            self.energy_kj = 0

    def _on_subscription(self, _: object, notify: bool, __: bool) -> None:
        if notify and self._player is None:
            self._player = asyncio.get_running_loop().create_task(self._play(), name=f"heart of {self.info.name}")

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        start, second, sent = loop.time(), 0, 0
        while sent < len(self._rr):
            second += 1
            await _until(start + second)
            now = second * TICKS_PER_S
            through = int(np.searchsorted(self._at_ticks, now, side="right"))
            rr = [int(ticks) for ticks in self._rr[sent:through]]
            self._recent.extend(zip(self._at_ticks[sent:through].tolist(), rr, strict=True))
            sent = through
            for connection in self._subscribed(self._measurement):
                self._send(connection, self._heart_rate(now), rr)
        await _until(start + second + 1)
        self.finished.set()

    def _heart_rate(self, now: int) -> int:
        """Mean over recent intervals in bpm, 0 when there are none."""
        recent = [rr for at, rr in self._recent if at > now - RATE_MEMORY_S * TICKS_PER_S]
        return round(60 * TICKS_PER_S * len(recent) / sum(recent)) if recent else 0

    def _send(self, connection: bumble_device.Connection, heart_rate: int, rr: list[int]) -> None:
        energy = None if self.energy_kj is None else min(self.energy_kj, 0xFFFF)
        room = rr_per_notification(
            connection.att_mtu, heart_rate=heart_rate, energy=energy is not None, wide=self.wide_rate
        )
        for first in range(0, max(len(rr), 1), room):
            payload = heart_rate_measurement(
                heart_rate, rr[first : first + room], contact=self.contact, energy_kj=energy, wide=self.wide_rate
            )
            self._notify(connection, self._measurement, payload)


async def _until(deadline: float) -> None:
    """Sleep to an absolute time of the loop's clock."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(deadline - loop.time())


def _intervals(beats_s: Iterable[float]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ticks at which intervals end, and the intervals in ticks, both shape (n,).

    An interval longer than LONGEST_RR cannot be sent; like a sensor that has to find the rhythm again, the strap leaves
    out the first interval after it, too.
    """
    beats = np.asarray(list(beats_s), dtype=np.float64)
    if beats.ndim != 1 or not np.isfinite(beats).all():
        raise InputError("beats_s must be a flat sequence of finite times in seconds")
    ticks = np.rint(beats * TICKS_PER_S).astype(np.int64)
    rr = np.diff(ticks)
    if (rr < 1).any():
        raise InputError(
            f"beats_s must increase by at least 1/{TICKS_PER_S} s; beat {int(np.argmax(rr < 1)) + 1} does not"
        )
    gap = rr > LONGEST_RR
    kept = ~gap
    kept[1:] &= ~gap[:-1]
    return ticks[1:][kept], rr[kept]


def _characteristic(
    uuid: core.UUID,
    value: bytes = b"",
    *,
    notify: bool = False,
    write: Callable[[bumble_device.Connection, bytes], None] | None = None,
) -> gatt.Characteristic[bytes]:
    """A characteristic that is read where it has a value, notifies, or is written by `write`."""
    kinds, permissions = gatt.Characteristic.Properties, gatt.Characteristic.Permissions
    properties = kinds.NOTIFY if notify else kinds(0)
    if value:
        return gatt.Characteristic(uuid, properties | kinds.READ, permissions.READABLE, value)
    if write:
        properties |= kinds.WRITE
    source = gatt.CharacteristicValue[bytes](read=_refuse_read, write=write)
    return gatt.Characteristic(uuid, properties, permissions.WRITEABLE if write else permissions(0), source)


def _refuse_read(_: bumble_device.Connection) -> bytes:
    """bumble's server does not look at permissions."""
    raise att.ATT_Error(error_code=att.ErrorCode.READ_NOT_PERMITTED)


def _device_information(info: DeviceInfo) -> list[gatt.Characteristic[bytes]]:
    return [
        _characteristic(uuid, text.encode())
        for uuid, text in (
            (gatt.GATT_MANUFACTURER_NAME_STRING_CHARACTERISTIC, info.manufacturer),
            (gatt.GATT_MODEL_NUMBER_STRING_CHARACTERISTIC, info.model),
            (gatt.GATT_SERIAL_NUMBER_STRING_CHARACTERISTIC, info.serial),
            (gatt.GATT_FIRMWARE_REVISION_STRING_CHARACTERISTIC, info.firmware),
            (gatt.GATT_HARDWARE_REVISION_STRING_CHARACTERISTIC, info.hardware),
            (gatt.GATT_SOFTWARE_REVISION_STRING_CHARACTERISTIC, info.software),
        )
        if text
    ]
