"""A virtual Movesense sensor: its GATT SensorData Protocol over the body, on a clock of milliseconds since power-on.

Laws of this file:
1. Every command is answered with its reference; a path that it does not have, with status 404.
2. Subscriptions end with the link and with the power, and the clock with the power.
3. Sample k of a measurement is what the body shows k sample periods of the sensor's clock after its start; data is
   stamped with its first sample, and split in two where it does not fit into one notification.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vitals.decode.movesense import (
    NOTIFY,
    OK,
    SERVICE,
    WRITE,
    Command,
    MessageCode,
    decode_command,
    encode_data,
    encode_response,
)
from vitals.errors import DecodeError
from vitals.virtual.body import Body
from vitals.virtual.gatt_device import GattDevice, Profile
from vitals.virtual.gatt_table import Characteristic, Connection, Service
from vitals.virtual.spot_devices import info_of
from vitals.virtual.waveform import Values, Waveform, given_or

NOT_FOUND, BAD_REQUEST = 404, 400
ECG_PER_FRAME, MOTION_PER_FRAME = 16, 8
STANDARD_G = 9.80665
LARGEST_MS = 1 << 32


class SensorData(Profile):
    """The service. `waveforms`: resource -> what it shows, in the unit that is sent."""

    def __init__(
        self, body: Body, waveforms: dict[str, Waveform], *, battery: int, millivolts: bool, since_ms: int, speed: float
    ) -> None:
        self.battery = battery
        self._body = body
        self._waveforms = waveforms
        self._millivolts = millivolts
        self._since = (since_ms, 0.0)  # clock in ms at a body time
        self._speed = speed
        self._running: dict[int, asyncio.Task[None]] = {}

    def services(self) -> Sequence[Service]:
        rows = (Characteristic(WRITE, write=self._on_command), Characteristic(NOTIFY, notify=True))
        return [Service(SERVICE, rows)]

    @property
    def running(self) -> tuple[int, ...]:
        """References of what is subscribed to."""
        return tuple(self._running)

    @property
    def done(self) -> bool:
        return all(task.done() for task in self._running.values())

    def rebooted(self) -> None:
        self._unsubscribe(*self._running)
        self._since = (0, self.device.body_s)

    def _unsubscribe(self, *references: int) -> None:
        for reference in references:
            self._running.pop(reference).cancel()

    def _on_command(self, connection: Connection, value: bytes) -> None:
        try:
            command = decode_command(value)
        except DecodeError:
            reference = value[1] if len(value) > 1 else 0
            self._tell(connection, encode_response(reference, BAD_REQUEST))
            return
        reference, path = command.reference, command.parameters.decode("ascii", "replace")
        match command.command:
            case Command.HELLO:
                texts = (self.device.info.serial, "Virtual sensor", "00-00", "vitals", "1.0")
                content = b"\x01" + b"".join(text.encode() + b"\0" for text in texts)
                self._tell(connection, bytes((MessageCode.RESPONSE, reference)) + content)
            case Command.GET if path.lower() == "/system/energy/level":
                self._tell(connection, encode_response(reference, OK, bytes((self.battery,))))
            case Command.SUBSCRIBE:
                play = self._stream(path, connection, reference)
                self._tell(connection, encode_response(reference, OK if play else NOT_FOUND))
                if play:
                    self._unsubscribe(*{reference} & set(self._running))
                    self.device.begin()
                    task = self._running[reference] = self.device.spawn(play())
                    task.add_done_callback(lambda task: None if task.cancelled() else self.device.played())
            case Command.UNSUBSCRIBE:
                known = {reference} & set(self._running)
                self._unsubscribe(*known)
                self._tell(connection, encode_response(reference, OK if known else NOT_FOUND))
            case _:
                self._tell(connection, encode_response(reference, NOT_FOUND))

    def _tell(self, connection: Connection, message: bytes) -> None:
        room = connection.att_mtu - 3
        self.device.notify(NOTIFY, message[:room], connection)
        if len(message) > room and message[0] == MessageCode.DATA:
            self.device.notify(NOTIFY, bytes((MessageCode.DATA_PART_2, message[1])) + message[room:], connection)

    # What streams

    def _stream(self, path: str, connection: Connection, reference: int) -> Callable[[], Any] | None:
        found = re.fullmatch(r"/meas/(ecg|acc|gyro|magn)/(\d+)(/mv)?", path.lower())
        if path.lower() == "/meas/hr":
            return lambda: self._beats(connection, reference)
        if not found or found[1] not in self._waveforms or (found[3] and not self._millivolts):
            return None
        return lambda: self._samples(connection, reference, found[1], int(found[2]), bool(found[3]))

    async def _samples(self, to: Connection, reference: int, resource: str, hz: int, millivolts: bool) -> None:
        waveform, rate = self._waveforms[resource], hz * self._speed
        start_s, sent = self.device.body_s, 0
        total = int((waveform.duration_s - start_s) * rate)
        while sent < total and self.device.subscribers(NOTIFY):
            n = min(ECG_PER_FRAME if resource == "ecg" else MOTION_PER_FRAME, total - sent)
            times = start_s + np.arange(sent, sent + n) / rate
            await self.device.until(float(times[-1]))
            shown = waveform.at(times)
            self._tell(
                to, encode_data(reference, self._clock_ms(float(times[0])), _as_sent(resource, shown, millivolts))
            )
            sent += n
        if sent < total:
            self._running.pop(reference, None)  # the link is gone, and the subscription with it

    async def _beats(self, to: Connection, reference: int) -> None:
        beats = self._body.beats_s
        ms = np.rint(beats * 1000 * self._speed).astype(np.int64)
        for number in range(int(np.searchsorted(beats, self.device.body_s)) + 1, len(beats)):
            await self.device.until(float(beats[number]))
            if not self.device.subscribers(NOTIFY):
                self._running.pop(reference, None)
                return
            mean = self._body.rate_bpm(float(beats[number]))
            content = struct.pack("<fH", mean, int(ms[number] - ms[number - 1]))
            self._tell(to, bytes((MessageCode.DATA, reference)) + content)

    def _clock_ms(self, body_s: float) -> int:
        since_ms, since_s = self._since
        return int(since_ms + (body_s - since_s) * 1000 * self._speed) % LARGEST_MS


def _as_sent(resource: str, shown: Values, millivolts: bool) -> Any:
    if resource == "ecg":
        return np.rint(shown * 1000).astype(np.int16 if millivolts else np.int32)
    return shown.astype(np.float32)


class MovesenseSensor(GattDevice):
    """A sensor on the chest of `body`.

    `ecg_mv` (one channel), `acc_g` and `gyro_dps` (three) replace what the body shows; it has no magnetometer. Without
    `millivolts` it is early firmware, whose ECG comes as counts only. Its clock shows `since_ms` at body time 0 and
    runs fast by `drift_ppm`.
    """

    def __init__(
        self,
        body: Body,
        *,
        ecg_mv: Waveform | None = None,
        acc_g: Waveform | None = None,
        gyro_dps: Waveform | None = None,
        battery: int = 100,
        millivolts: bool = True,
        since_ms: int = 12_345,
        drift_ppm: float = 0.0,
        name: str = "Movesense 000000000001",
        **options: Any,
    ) -> None:
        moves = given_or(acc_g, body.acc_g(52.0), "acc_g")
        waveforms = {
            "ecg": given_or(ecg_mv, body.ecg_mv(125.0), "ecg_mv"),
            "acc": _Scaled(moves, STANDARD_G),
            "gyro": given_or(gyro_dps, body.gyro_dps(52.0), "gyro_dps"),
        }
        self.gsp = SensorData(
            body,
            waveforms,
            battery=battery,
            millivolts=millivolts,
            since_ms=since_ms,
            speed=1 + drift_ppm * 1e-6,
        )
        super().__init__([self.gsp], info=info_of(name, "Virtual sensor"), **options)


class _Scaled:
    """A waveform in another unit."""

    def __init__(self, waveform: Waveform, factor: float) -> None:
        self._waveform = waveform
        self._factor = factor
        self.duration_s = waveform.duration_s

    def at(self, times_s: Values) -> Values:
        return self._waveform.at(times_s) * self._factor
