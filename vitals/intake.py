"""Frames in, blocks and gaps out: decoding and time for one device. Deterministic, no I/O, no clock.

A payload that does not follow its specification is counted and left out; the time line finds the gap that it leaves.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from vitals.decode import BatteryLevel, HeartRateMeasurement, decode, uuids
from vitals.errors import DecodeError
from vitals.timeline import Presence, RrTimeline
from vitals.values import BatteryLow, Block, ContactChange, Frame, Gap, Timing

HEART_RATE_SILENCE_US = 3_000_000  # three notifications of a heart-rate sensor
KINDS: dict[str, tuple[str, ...]] = {  # characteristic -> kinds of stream that it feeds
    uuids.HEART_RATE_MEASUREMENT: ("hr", "rr"),
    uuids.BATTERY_LEVEL: ("battery",),
}

DECODED = frozenset(kind for kinds in KINDS.values() for kind in kinds)
BATTERY_LOW, BATTERY_CHARGED = 15, 20  # percent: low is said at the one, and may be said again after the other


class Intake:
    """Turns the notifications of one device into its streams."""

    def __init__(self) -> None:
        self._rr = RrTimeline()
        self._presence = Presence("hr", HEART_RATE_SILENCE_US)
        self._contact = True
        self._battery_low = False
        self.refused: Counter[str] = Counter()  # payloads that did not decode, by characteristic

    def feed(self, frame: Frame) -> list[Block | Gap | ContactChange | BatteryLow]:
        """What is certain after one more notification."""
        try:
            reading = decode(frame.uuid, frame.payload)
        except DecodeError:
            self.refused[frame.uuid] += 1
            return []
        if isinstance(reading, HeartRateMeasurement):
            return self._heart_rate(frame.arrival_us, reading)
        if isinstance(reading, BatteryLevel):
            return self._battery(frame.arrival_us, reading.percent)
        return []

    def _battery(self, arrival_us: int, percent: int) -> list[Block | Gap | ContactChange | BatteryLow]:
        block = _single("battery", arrival_us, percent, "%")
        was_low = self._battery_low
        self._battery_low = percent <= (BATTERY_CHARGED if was_low else BATTERY_LOW)
        return [block, BatteryLow(arrival_us, percent)] if self._battery_low and not was_low else [block]

    def _heart_rate(
        self, arrival_us: int, reading: HeartRateMeasurement
    ) -> list[Block | Gap | ContactChange | BatteryLow]:
        done: list[Block | Gap | ContactChange | BatteryLow] = []
        if reading.contact is not None and reading.contact != self._contact:
            self._contact = reading.contact
            done.append(ContactChange(arrival_us, reading.contact))
        if reading.contact is False:  # intervals without skin contact are noise
            return [*self._rr.end("no skin contact"), *done]
        done += self._presence.push(arrival_us)
        if reading.rate_bpm:  # 0 means that the sensor has no rate yet
            done.append(_single("hr", arrival_us, reading.rate_bpm, "bpm"))
        return [*done, *self._rr.push(arrival_us, reading.rr_ticks)]

    def end(self, reason: str) -> list[Block | Gap]:
        """The link is gone (or the stream is over): hand out what was held back."""
        return self._rr.end(reason)


def _single(kind: str, time_us: int, value: int, unit: str) -> Block:
    offsets = np.zeros(1, dtype=np.int64)
    return Block(kind, time_us, Timing.STAMPED, 0.0, np.array([value], dtype=np.int32), 1.0, unit, offsets)
