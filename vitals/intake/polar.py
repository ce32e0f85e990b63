"""Polar's measurement streams on the device's own clock: ECG, PPG, motion, magnetic field, warmth, air pressure; and
its pulse intervals, which have no time stamps (`vitals.timeline.bursts`).

The start request and its answer, which the session notes before the data, say which rate was asked for and which factor
compressed frames carry. All streams of one device share its clock.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals.decode.polar import (
    PMD_CONTROL_POINT,
    PMD_DATA,
    ControlResponse,
    Measurement,
    Operation,
    decode_control_point,
    decode_frame,
    decode_request,
    decode_settings,
)
from vitals.decode.polar.frame import PmdFrame
from vitals.errors import DecodeError
from vitals.intake.feed import Item
from vitals.timeline import BurstTimeline, DeviceClock, SampleTimeline
from vitals.values import ContactChange, Frame

STREAMS: dict[Measurement, tuple[str, float]] = {  # kind of stream, and the rate where none was asked for
    Measurement.ECG: ("ecg", 130.0),
    Measurement.PPG: ("ppg", 55.0),
    Measurement.ACC: ("acc", 50.0),
    Measurement.GYRO: ("gyro", 52.0),
    Measurement.MAGNETOMETER: ("magnetometer", 20.0),
    Measurement.PPI: ("ppi", 1000.0),  # ticks per second
    Measurement.SKIN_TEMPERATURE: ("skin_temperature", 4.0),
    Measurement.PRESSURE: ("pressure", 1.0),
    # Of the device itself (polar-ble-sdk issue 581), not of its wearer, who is the stream "temperature".
    Measurement.TEMPERATURE: ("device_temperature", 1.0),
}
# Streams keep integers: what is sent as floats is kept in these steps, all finer than the sensors.
STEPS = {
    Measurement.GYRO: 0.001,
    Measurement.SKIN_TEMPERATURE: 0.001,
    Measurement.PRESSURE: 1e-6,
    Measurement.TEMPERATURE: 0.001,
}
UNITS = {"degC": "°C"}
UNCERTAIN_MS = (
    30  # an interval that may be off by more says nothing of variability: that of a resting heart is no larger
)


class PolarFeed:
    """See `Feed`."""

    def __init__(self) -> None:
        self._clock = DeviceClock()
        self._rates: dict[Measurement, float] = {}
        self._factors: dict[int, float] = {}
        self._lines: dict[tuple[Measurement, float], SampleTimeline] = {}
        self._pulses = BurstTimeline(*STREAMS[Measurement.PPI])
        self._contact = True

    def feed(self, frame: Frame) -> list[Item]:
        if frame.uuid == PMD_CONTROL_POINT:
            self._note(frame.payload)
            return []
        kind = frame.payload[0] & 0x3F if frame.payload else 0
        decoded = decode_frame(frame.payload, factor=self._factors.get(kind, 1.0))
        if not isinstance(decoded, PmdFrame) or decoded.kind not in STREAMS or not decoded.layout.signals:
            return []
        if decoded.kind is Measurement.PPI:
            return self._intervals(frame.arrival_us, decoded.samples)
        values, scale = _steps(decoded, frame)
        line = self._line(decoded, scale)
        return [*line.push(frame.arrival_us, values, decoded.timestamp_ns // 1000)]

    def _intervals(self, arrival_us: int, samples: NDArray[Any]) -> list[Item]:
        """Pulse intervals, without those that the sensor or its contact puts in doubt.

        Source: documentation/PPIData.md of polar-ble-sdk: samples with the blocker bit, or without skin contact where
        that is supported, are not valid.
        """
        rows: list[list[int]] = samples.tolist()
        faults = [_fault(*row) for row in rows]
        done: list[Item] = [*self._pulses.push(arrival_us, [row[0] for row in rows], faults)]
        told = [bool(contact) for *_, contact, supported in rows if supported]
        if told and told[-1] != self._contact:
            self._contact = told[-1]
            done.append(ContactChange(arrival_us, self._contact))
        return done

    def _note(self, payload: bytes) -> None:
        """What a start request asked for, or its answer granted; other messages of the control point are not ours."""
        if payload[:1] == b"\xf0":
            answer = decode_control_point(payload)
            if isinstance(answer, ControlResponse) and answer.operation == Operation.START and answer.parameters:
                self._factors[answer.kind & 0x3F] = decode_settings(answer.parameters).scale
            return
        try:
            request = decode_request(payload)
        except DecodeError:
            return
        if request.operation is Operation.START and request.kind is not None and request.settings.sample_rate_hz:
            self._rates[request.kind] = float(request.settings.sample_rate_hz[0])

    def _line(self, decoded: PmdFrame, scale: float) -> SampleTimeline:
        """The time line of a stream; another scale is another line, for one stream has one."""
        key = (decoded.kind, scale)
        if key not in self._lines:
            kind, usual_hz = STREAMS[decoded.kind]
            rate = self._rates.get(decoded.kind) or usual_hz  # firmware of a Polar 360 says 0 Hz (issue 767)
            unit = UNITS.get(decoded.unit, decoded.unit)
            self._lines[key] = SampleTimeline(kind, rate, scale=scale, unit=unit, clock=self._clock)
        return self._lines[key]

    def end(self, reason: str) -> list[Item]:
        return [*self._pulses.end(reason), *(item for line in self._lines.values() for item in line.end(reason))]


def _fault(pp: int, error: int, _hr: int, blocker: int, contact: int, supported: int) -> str | None:
    """Why an interval must not be used."""
    if supported and not contact:
        return "no skin contact"
    if blocker:
        return "movement"
    return "uncertain intervals" if error > UNCERTAIN_MS or pp == 0 else None


def _steps(decoded: PmdFrame, frame: Frame) -> tuple[NDArray[Any], float]:
    """The signal columns as integers, shape (n,) or (n, channels), and what one step is worth."""
    values, scale = decoded.signals, decoded.scale
    if values.dtype.kind == "f":
        step = STEPS[decoded.kind]
        counts = np.rint(values * (scale / step))
        if not np.all(np.abs(counts) < 2**31):  # NaN is not less, either
            raise DecodeError(
                "a sample is not a finite number in range", uuid=PMD_DATA, payload=frame.payload, offset=10
            )
        values, scale = counts.astype(np.int32), step
    return (values[:, 0] if decoded.layout.signals == 1 else values), scale
