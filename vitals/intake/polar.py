"""Polar's measurement streams: ECG, acceleration, gyroscope, magnetometer and PPG on the device's own clock.

The start request and its answer, which the session notes before the data, say which rate was asked for and which factor
compressed frames carry. All streams of one device share its clock.
"""

from __future__ import annotations

from vitals.decode.polar import (
    PMD_CONTROL_POINT,
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
from vitals.timeline import DeviceClock, SampleTimeline
from vitals.values import Frame

STREAMS: dict[Measurement, tuple[str, float]] = {  # kind of stream, and the rate where none was asked for
    Measurement.ECG: ("ecg", 130.0),
    Measurement.PPG: ("ppg", 55.0),
    Measurement.ACC: ("acc", 50.0),
    Measurement.GYRO: ("gyro", 52.0),
    Measurement.MAGNETOMETER: ("magnetometer", 20.0),
}


class PolarFeed:
    """See `Feed`."""

    def __init__(self) -> None:
        self._clock = DeviceClock()
        self._rates: dict[Measurement, float] = {}
        self._factors: dict[int, float] = {}
        self._lines: dict[tuple[Measurement, float], SampleTimeline] = {}

    def feed(self, frame: Frame) -> list[Item]:
        if frame.uuid == PMD_CONTROL_POINT:
            self._note(frame.payload)
            return []
        kind = frame.payload[0] & 0x3F if frame.payload else 0
        decoded = decode_frame(frame.payload, factor=self._factors.get(kind, 1.0))
        if not isinstance(decoded, PmdFrame) or decoded.kind not in STREAMS or decoded.signals.dtype.kind == "f":
            return []
        values = decoded.signals[:, 0] if decoded.layout.signals == 1 else decoded.signals
        return [*self._line(decoded).push(frame.arrival_us, values, decoded.timestamp_ns // 1000)]

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

    def _line(self, decoded: PmdFrame) -> SampleTimeline:
        """The time line of a stream; another scale is another line, for one stream has one."""
        key = (decoded.kind, decoded.scale)
        if key not in self._lines:
            kind, usual_hz = STREAMS[decoded.kind]
            rate = self._rates.get(decoded.kind, usual_hz)
            line = SampleTimeline(kind, rate, scale=decoded.scale, unit=decoded.unit, clock=self._clock)
            self._lines[key] = line
        return self._lines[key]

    def end(self, reason: str) -> list[Item]:
        return [item for line in self._lines.values() for item in line.end(reason)]
