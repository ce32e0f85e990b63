"""Movesense sensors: ECG, motion, heart rate and beats on the sensor's own clock.

Data is stamped with the milliseconds since power-on of its first sample, modulo 2^32 (49.7 days), so that a frame is
placed to a millisecond through the clock of the sensor, which all measurements share. Heart rate has no stamp: it comes
at each beat and is placed by the running sum of its intervals. Motion is sent as floats of SI units and kept as integer
steps of `STEP`, 25 times finer than those of the converter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vitals.decode.movesense import (
    NOTIFY,
    OK,
    WRITE,
    Command,
    GspMessage,
    GspSamples,
    MessageCode,
    decode_command,
    decode_message,
    decode_samples,
    join_parts,
)
from vitals.errors import DecodeError
from vitals.intake.feed import Item, single
from vitals.intake.spot_values import Charge
from vitals.timeline import DeviceClock, Presence, RrTimeline, SampleTimeline, Stamp
from vitals.values import Frame

WRAP_MS = 1 << 32
SILENCE_US = 3_000_000
STANDARD_G = 9.80665  # m/s2
STEP = 1e-5  # of "unit" below
_MOTION: Mapping[str, tuple[str, str, float]] = {  # resource: kind, unit, and that unit in what is sent
    "acc": ("acc", "g", STANDARD_G),
    "gyro": ("gyro", "deg/s", 1.0),
    "magn": ("magnetometer", "gauss", 100.0),  # microtesla
}


class MovesenseFeed:
    """See `Feed`."""

    def __init__(self) -> None:
        self._clock = DeviceClock()
        self._charge = Charge()
        self._rr = RrTimeline(1000, at_beats=True)
        self._presence = Presence("hr", SILENCE_US)
        self._asked: dict[int, tuple[Command, str]] = {}  # reference -> what was asked for, and of which path
        self._lines: dict[tuple[str, str], SampleTimeline] = {}
        self._held: dict[int, GspMessage] = {}  # data whose second part may follow
        self._parted: dict[int, bool] = {}  # whether data come in two parts, once that is known
        self._stamp_ms = 0  # newest, unwrapped

    def feed(self, frame: Frame) -> list[Item]:
        if frame.uuid == WRITE:
            asked = decode_command(frame.payload)
            self._asked[asked.reference] = (asked.command, asked.parameters.decode("ascii", "replace"))
            return []
        message = decode_message(frame.payload)
        command, path = self._asked.get(message.reference, (None, ""))
        if message.code is MessageCode.RESPONSE:
            if command is Command.GET and message.status == OK and len(message.content) > 2:
                return self._charge.take(frame.arrival_us, min(message.content[2], 100))
            return []
        if command is not Command.SUBSCRIBE:
            return []
        return [item for whole in self._whole(message) for item in self._data(frame.arrival_us, whole, path)]

    def _whole(self, message: GspMessage) -> list[GspMessage]:
        """Data that is complete now. Until a second part was seen or missed, the first data waits for its next."""
        reference = message.reference
        held = self._held.pop(reference, None)
        if message.code is MessageCode.DATA_PART_2:
            self._parted[reference] = True
            return [join_parts(held, message)] if held else []
        if reference not in self._parted and held is not None:
            self._parted[reference] = False
            return [held, message]
        if self._parted.get(reference, True):
            self._held[reference] = message  # what was held before lost its second part, and is missing samples now
            return []
        return [message]

    def _data(self, at_us: int, message: GspMessage, path: str) -> list[Item]:
        decoded = decode_samples(message, path)
        if decoded.channels == ("hr",):
            return self._beats(at_us, decoded)
        resource = path.strip("/").split("/")[1].lower()
        if resource not in ("ecg", *_MOTION) or decoded.timestamp_ms is None:
            return []
        line, values = self._line(resource, path, decoded, message)
        return [*line.push(at_us, values, self._unwrapped(decoded.timestamp_ms) * 1000)]

    def _line(
        self, resource: str, path: str, decoded: GspSamples, message: GspMessage
    ) -> tuple[SampleTimeline, NDArray[np.int32]]:
        """The time line of a measurement, and its samples in integer steps."""
        if resource == "ecg":
            kind, unit, scale = "ecg", decoded.units[0], decoded.scale
            values = decoded.samples[:, 0].astype(np.int32)
        else:
            kind, unit, size = _MOTION[resource]
            scale = STEP
            with np.errstate(invalid="ignore"):
                steps = np.rint(decoded.samples.astype(np.float64) / (size * STEP))
            if not (np.abs(steps) < 2**31).all():
                raise DecodeError("a sample is out of range", uuid=NOTIFY, payload=message.content, offset=4)
            values = steps.astype(np.int32)
        key = (kind, path)
        if key not in self._lines:
            rate = re.search(r"\d+", path)
            hz = float(rate[0]) if rate else 0.0
            self._lines[key] = SampleTimeline(
                kind, hz or 1.0, scale=scale, unit=unit, stamp=Stamp.FIRST, clock=self._clock
            )
        return self._lines[key], values

    def _unwrapped(self, stamp_ms: int) -> int:
        turns = self._stamp_ms // WRAP_MS
        if self._stamp_ms % WRAP_MS - stamp_ms > WRAP_MS // 2:
            turns += 1
        elif turns and stamp_ms - self._stamp_ms % WRAP_MS > WRAP_MS // 2:
            turns -= 1  # stamped before the turn, arrived after
        whole = turns * WRAP_MS + stamp_ms
        self._stamp_ms = max(self._stamp_ms, whole) if turns else whole
        return whole

    def _beats(self, at_us: int, decoded: GspSamples) -> list[Item]:
        mean = float(decoded.samples[0, 0])
        if not 0 <= mean < 1000:
            raise DecodeError("the heart rate is no rate", uuid=NOTIFY, payload=b"", offset=0)
        done: list[Item] = [*self._presence.push(at_us)]
        if mean > 0:
            done.append(single("hr", at_us, round(mean * 10), "bpm", 0.1))
        return [*done, *self._rr.push(at_us, decoded.rr_ms)]

    def end(self, reason: str) -> list[Item]:
        self._held.clear()
        return [*self._rr.end(reason), *(item for line in self._lines.values() for item in line.end(reason))]
