"""Polar's measurement service (PMD) of a virtual device: control point and streams.

Laws of this file:
1. The control point answers by indication only: who has not subscribed waits for ever, as with a real device.
2. A start below MTU 232 is refused with status 10, of a running stream with status 6, of settings that are not offered
   with their own status; a reboot ends all streams and forgets the date.
3. Streams outlive a lost link: a real H10 goes on measuring, and says "already in state" to the next start.
4. Sample k of a stream is what the body shows k sample periods of the device clock after the start; the time stamp of a
   frame is the device clock at its last sample.

Facts from Polar's public SDK documentation; the codec is `vitals.decode.polar`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vitals.decode.polar.control import (
    ControlRequest,
    ControlResponse,
    Operation,
    Status,
    decode_request,
    encode_features,
    encode_response,
)
from vitals.decode.polar.frame import encode_frame
from vitals.decode.polar.gatt import OFFLINE_BIT, PMD_CONTROL_POINT, PMD_DATA, PMD_SERVICE, Measurement
from vitals.decode.polar.settings import Settings, encode_settings
from vitals.errors import DecodeError
from vitals.virtual.device_clock import DeviceClock
from vitals.virtual.gatt_device import Profile
from vitals.virtual.gatt_table import Characteristic, Connection, Service
from vitals.virtual.waveform import Values, Waveform

LEAST_MTU = 232
NOTHING = Settings()
_REFUSED = (
    ("sample_rate_hz", Status.INVALID_SAMPLE_RATE),
    ("resolution_bits", Status.INVALID_RESOLUTION),
    ("full_scale", Status.INVALID_RANGE),
    ("channels", Status.INVALID_CHANNELS),
)


@dataclass(frozen=True, slots=True)
class Stream:
    """One measurement that a device offers, as a row of its table.

    `step` is the physical value of one count: samples go out as rint(value / step), or as they are where floats are
    sent. `actual_hz` is the rate where the device does not keep the one it says. `offered.factor` is told on start.
    """

    kind: Measurement
    frame_type: int
    offered: Settings
    waveform: Waveform
    step: float
    samples_per_frame: int
    compressed: bool = False
    actual_hz: float | None = None

    def refusal(self, asked: Settings) -> Status:
        """SUCCESS, or why these settings cannot be streamed."""
        for name, status in _REFUSED:
            offers, chosen = getattr(self.offered, name), getattr(asked, name)
            if len(chosen) > 1 or not set(chosen) <= set(offers):
                return status
            if name == "sample_rate_hz" and offers and not chosen:
                return Status.INVALID_PARAMETER
        return Status.SUCCESS

    async def play(self, pmd: Pmd, asked: Settings) -> None:
        """Frames until the waveform ends."""
        rate = (self.actual_hz or asked.sample_rate_hz[0]) * pmd.clock.speed
        start_s, sent = pmd.device.body_s, 0
        total = int(np.ceil((self.waveform.duration_s - start_s) * rate - 1e-6))
        while sent < total:
            n = min(self.samples_per_frame, total - sent)
            times = start_s + np.arange(sent, sent + n) / rate
            await pmd.device.until(float(times[-1]))
            if pmd.heard:
                self._send(pmd, times, self.waveform.at(times))
            sent += n

    def _send(self, pmd: Pmd, times: Values, values: Values) -> None:
        """One frame, or several where compression did not make it small enough."""
        counts = np.rint(values / self.step).astype(np.int32) if self.step else values
        n = len(counts)
        while True:
            stamp = pmd.clock.ns(float(times[n - 1]))
            frame = encode_frame(self.kind, self.frame_type, stamp, counts[:n], compressed=self.compressed)
            if len(frame) <= LEAST_MTU - 3 or n == 1:
                break
            n = max(1, n * 3 // 4)
        pmd.device.notify(PMD_DATA, frame)
        if n < len(counts):
            self._send(pmd, times[n:], values[n:])


@dataclass(frozen=True, slots=True)
class PulseIntervals:
    """PPI: pulse-to-pulse intervals from beat times, in frames of what ended in `every_s`; it has no settings.

    Intervals that end in a span of `doubtful` (seconds of body time) carry the blocker bit, and a large error.
    """

    beats_s: Values  # (n,)
    every_s: float = 5.0
    error_ms: int = 10
    doubtful: Sequence[tuple[float, float]] = ()
    kind: Measurement = Measurement.PPI
    offered: Settings = NOTHING

    def refusal(self, asked: Settings) -> Status:
        """PPI has nothing to choose."""
        return Status.SUCCESS if asked == NOTHING else Status.INVALID_PARAMETER

    async def play(self, pmd: Pmd, _: Settings) -> None:
        """Frames until the last beat."""
        ends = self.beats_s[1:]
        intervals = np.rint(np.diff(self.beats_s) * 1000 * pmd.clock.speed).astype(np.int64)
        start_s, frames = pmd.device.body_s, 0
        sent = int(np.searchsorted(self.beats_s, start_s))
        while sent < len(ends):
            frames += 1
            await pmd.device.until(start_s + frames * self.every_s)
            through = int(np.searchsorted(ends, start_s + frames * self.every_s, side="right"))
            blocked = np.zeros(through - sent, np.int64)
            for begin, end in self.doubtful:
                blocked |= (ends[sent:through] >= begin) & (ends[sent:through] < end)
            pp = intervals[sent:through]
            ones = np.ones_like(pp)
            error = np.where(blocked, 10 * self.error_ms, self.error_ms)
            columns = np.stack([pp, error, np.rint(60_000 / pp).astype(np.int64), blocked, ones, ones], axis=1)
            sent = through
            for part in (columns[k : k + 36] for k in range(0, len(columns), 36)):
                pmd.device.notify(PMD_DATA, encode_frame(Measurement.PPI, 0, 0, part))


class Pmd(Profile):
    """The service over a table of streams."""

    def __init__(self, streams: Sequence[Stream | PulseIntervals], clock: DeviceClock) -> None:
        self.clock = clock
        self._streams = {stream.kind: stream for stream in streams}
        self._running: dict[Measurement, asyncio.Task[None]] = {}

    def services(self) -> Sequence[Service]:
        features = encode_features(frozenset(self._streams))
        control = Characteristic(PMD_CONTROL_POINT, features, indicate=True, write=self._on_request)
        return [Service(PMD_SERVICE, (control, Characteristic(PMD_DATA, notify=True)))]

    @property
    def heard(self) -> bool:
        """Somebody has subscribed to the data."""
        return bool(self.device.subscribers(PMD_DATA))

    @property
    def running(self) -> tuple[Measurement, ...]:
        """Streams that are started."""
        return tuple(self._running)

    @property
    def done(self) -> bool:
        return all(task.done() for task in self._running.values())

    def rebooted(self) -> None:
        for task in self._running.values():
            task.cancel()
        self._running.clear()
        self.clock.reset(self.device.body_s)

    def _on_request(self, connection: Connection, value: bytes) -> None:
        response = self._answer(connection, value)
        self.device.spawn(self._indicate(response, connection.att_mtu - 3))

    async def _indicate(self, response: ControlResponse, room: int) -> None:
        """In as many parts as the MTU asks for."""
        size = room - 5
        parts = [response.parameters[k : k + size] for k in range(0, len(response.parameters), size)] or [b""]
        for number, part in enumerate(parts, 1):
            more = number < len(parts)
            await self.device.indicate(
                PMD_CONTROL_POINT, encode_response(replace(response, parameters=part, more=more))
            )

    def _answer(self, connection: Connection, value: bytes) -> ControlResponse:
        operation, kind = (value + bytes(2))[:2]

        def answer(status: Status, parameters: bytes = b"") -> ControlResponse:
            return ControlResponse(operation, kind, status, False, parameters)

        if operation not in (Operation.GET_SETTINGS, Operation.START, Operation.STOP):
            known = operation in Operation.__members__.values()
            return answer(Status.NOT_SUPPORTED if known else Status.INVALID_OPERATION)
        if len(value) < 2:
            return answer(Status.INVALID_LENGTH)
        if kind & OFFLINE_BIT or kind not in self._streams:
            return answer(Status.INVALID_MEASUREMENT)
        try:
            request = decode_request(value)
        except DecodeError:
            return answer(Status.INVALID_PARAMETER)
        stream = self._streams[Measurement(kind)]
        if operation == Operation.GET_SETTINGS:
            return answer(Status.SUCCESS, encode_settings(replace(stream.offered, factor=())))
        if operation == Operation.STOP:
            return answer(self._stop(stream.kind))
        status = self._start(stream, request, connection.att_mtu)
        told = encode_settings(Settings(factor=stream.offered.factor)) if status is Status.SUCCESS else b""
        return answer(status, told)

    def _start(self, stream: Stream | PulseIntervals, request: ControlRequest, mtu: int) -> Status:
        if mtu < LEAST_MTU:
            return Status.INVALID_MTU
        if stream.kind in self._running:
            return Status.ALREADY_IN_STATE
        refusal = stream.refusal(request.settings)
        if refusal is Status.SUCCESS:
            self.device.begin()
            task = self._running[stream.kind] = self.device.spawn(stream.play(self, request.settings))
            task.add_done_callback(lambda task: None if task.cancelled() else self.device.played())
        return refusal

    def _stop(self, kind: Measurement) -> Status:
        task = self._running.pop(kind, None)
        if task is None:
            return Status.ALREADY_IN_STATE
        task.cancel()
        return Status.SUCCESS
