"""Viatom and Wellue O2Ring: oxygen, pulse and battery as the ring answers, every two seconds, stamped with the arrival.

The ring renews its values once a second and does not stamp them: they are up to a second older than their arrival, and
averages of some seconds. While it calibrates, or is not worn, there are none.
"""

from __future__ import annotations

from vitals.decode.viatom import NOTIFY, FrameAssembler, decode_reading
from vitals.errors import DecodeError
from vitals.intake.feed import Item, single
from vitals.intake.spot_values import Charge
from vitals.timeline import Presence
from vitals.values import ContactChange, Frame

SILENCE_US = 5_000_000  # two answers are missing
PAUSE_US = 1_000_000  # an answer has no such pause: what was begun before will not be completed


class ViatomFeed:
    """See `Feed`."""

    def __init__(self) -> None:
        self._frames = FrameAssembler()
        self._charge = Charge()
        self._percent = -1
        self._presence = {kind: Presence(kind, SILENCE_US) for kind in ("spo2", "hr")}
        self._worn = True
        self._heard_us = 0

    def feed(self, frame: Frame) -> list[Item]:
        if frame.arrival_us - self._heard_us > PAUSE_US:
            self._frames = FrameAssembler()
        self._heard_us = frame.arrival_us
        return [item for whole in self._frames.feed(frame.payload) for item in self._reading(frame.arrival_us, whole)]

    def _reading(self, at_us: int, whole: bytes) -> list[Item]:
        reading = decode_reading(whole)
        if reading.battery_percent > 100 or reading.spo2_percent > 100:
            raise DecodeError("a percentage is above 100", uuid=NOTIFY, payload=whole, offset=0)
        done: list[Item] = []
        if reading.worn != self._worn:
            self._worn = reading.worn
            done.append(ContactChange(at_us, reading.worn))
        if reading.battery_percent != self._percent:
            self._percent = reading.battery_percent
            done += self._charge.take(at_us, reading.battery_percent)
        if not reading.worn:
            return done
        if reading.spo2_percent:
            done += [*self._presence["spo2"].push(at_us), single("spo2", at_us, reading.spo2_percent * 10, "%", 0.1)]
        if reading.pulse_bpm:
            done += [*self._presence["hr"].push(at_us), single("hr", at_us, reading.pulse_bpm, "bpm")]
        return done

    def end(self, reason: str) -> list[Item]:
        self._frames = FrameAssembler()
        self._percent = -1
        return []
