"""Movesense sensors over their GATT SensorData Protocol: a subscription per measurement, stopped by its reference.

Every measurement has a reference of its own, which its data bear. What is subscribed to is noted before the request,
for data has no type: the path tells. Heart rate and battery are offered only where the sensor does not have the
standard services for them. Facts: Movesense's specification of the protocol, sensein/movesense-py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from vitals.decode import uuids as u
from vitals.decode.movesense import NOTIFY, OK, SERVICE, WRITE, Command, MessageCode, decode_message, encode_command
from vitals.errors import DecodeError, LinkError
from vitals.link import Link
from vitals.session.asking import Asking
from vitals.session.driver import Ear, Source
from vitals.session.repeated import Repeated
from vitals.values import Frame

BATTERY = "BATTERY"
BATTERY_REFERENCE, BATTERY_PATH, BATTERY_EVERY_S = 60, "/System/Energy/Level", 300.0
NOT_FOUND = 400  # and above: statuses of HTTP
_ECG_HZ = (125, 128, 200, 250, 256, 500, 512)
_MOTION_HZ = (13, 26, 52, 104, 208, 416, 833)


@dataclass(frozen=True, slots=True)
class _Measurement:
    reference: int
    kinds: tuple[str, ...]
    paths: tuple[str, ...]  # of which the first one that the sensor knows is taken
    rates_hz: tuple[int, ...] = ()
    usual_hz: int = 0
    steady: bool = True


_MEASUREMENTS: Mapping[str, _Measurement] = {
    # Early firmware has no millivolts, only counts of its converter.
    "ECG": _Measurement(11, ("ecg",), ("/Meas/ECG/{}/mV", "/Meas/ECG/{}"), _ECG_HZ, 125),
    "ACC": _Measurement(12, ("acc",), ("/Meas/Acc/{}",), _MOTION_HZ, 52),
    "GYRO": _Measurement(13, ("gyro",), ("/Meas/Gyro/{}",), _MOTION_HZ, 52),
    "MAGN": _Measurement(14, ("magnetometer",), ("/Meas/Magn/{}",), _MOTION_HZ, 13),
    "HR": _Measurement(15, ("hr", "rr"), ("/Meas/HR",), steady=False),  # at every beat: none without a pulse
}


class MovesenseDriver:
    """See the head of this file. `rates` in Hz by kind of stream: the next one that sensors have is taken."""

    def __init__(self, link: Link, ear: Ear, rates: Mapping[str, int]) -> None:
        self._link = link
        self._ear = ear
        self._rates = rates
        self._asking = Asking(link, WRITE)
        self._battery = Repeated(link, BATTERY_EVERY_S, self._ask_battery)
        self._subscribed: set[str] = set()
        self.sources: tuple[Source, ...] = ()

    @classmethod
    def matches(cls, uuids: frozenset[str]) -> bool:
        return SERVICE in uuids

    async def prepare(self) -> None:
        await self._link.subscribe(NOTIFY, self._on_message)
        has = self._link.characteristics
        sources = [
            Source(name, one.kinds, one.steady)
            for name, one in _MEASUREMENTS.items()
            if name != "HR" or u.HEART_RATE_MEASUREMENT not in has
        ]
        if u.BATTERY_LEVEL not in has:
            sources.append(Source(BATTERY, ("battery",), False))
        self.sources = tuple(sources)

    async def start(self, source: str) -> None:
        await self.stop(source)
        if source == BATTERY:
            await self._ask_battery()
            self._battery.start()
            return
        wanted = _MEASUREMENTS[source]
        status = 0
        for path in wanted.paths:
            command = encode_command(Command.SUBSCRIBE, wanted.reference, path.format(self._rate(wanted)).encode())
            self._note(source, command)
            status = await self._ask(command, wanted.reference, f"SUBSCRIBE {source}")
            if status < NOT_FOUND:
                break
        if status >= NOT_FOUND:
            raise LinkError(
                f"{self._link.name} ({self._link.address}) refused to stream {source}: status {status}; see that its "
                "firmware has this measurement, and that its data logger is stopped"
            )
        self._subscribed.add(source)

    async def stop(self, source: str) -> None:
        if source == BATTERY:
            await self._battery.stop()
        elif source in self._subscribed:
            self._subscribed.remove(source)
            reference = _MEASUREMENTS[source].reference
            # Its status does not matter: what is not subscribed to cannot be given up.
            await self._ask(encode_command(Command.UNSUBSCRIBE, reference), reference, f"UNSUBSCRIBE {source}")

    def _rate(self, wanted: _Measurement) -> int:
        asked = self._rates.get(wanted.kinds[0], wanted.usual_hz)
        return min((one for one in wanted.rates_hz if one >= asked), default=max(wanted.rates_hz, default=0))

    async def _ask_battery(self) -> None:
        command = encode_command(Command.GET, BATTERY_REFERENCE, BATTERY_PATH.encode())
        self._note(BATTERY, command)
        status = await self._ask(command, BATTERY_REFERENCE, f"GET {BATTERY_PATH}")
        if status != OK:
            raise LinkError(
                f"{self._link.name} ({self._link.address}) does not tell its battery: status {status}; look in its app"
            )

    def _note(self, source: str, command: bytes) -> None:
        self._ear.noted(source, Frame(round(asyncio.get_running_loop().time() * 1e6), WRITE, command))

    async def _ask(self, command: bytes, reference: int, what: str) -> int:
        """The status that answers a command. Raises LinkLost, NoAnswer, LinkError."""
        head = bytes((MessageCode.RESPONSE, reference))
        answer = await self._asking.ask(command, lambda said: said[:2] == head and len(said) >= 4, what)
        status = decode_message(answer.payload).status
        assert status is not None
        return status

    def _on_message(self, frame: Frame) -> None:
        self._asking.offer(frame)
        try:
            message = decode_message(frame.payload)
        except DecodeError:
            return  # it names no measurement
        if message.reference == BATTERY_REFERENCE:
            self._ear.heard(BATTERY, frame)
        elif message.code is not MessageCode.RESPONSE:
            for name, one in _MEASUREMENTS.items():
                if one.reference == message.reference:
                    self._ear.heard(name, frame)
