"""Values that stand by themselves: battery, oxygen saturation, steps; and motion without a clock."""

from __future__ import annotations

import numpy as np

from vitals.decode import infinitime
from vitals.decode.battery import decode_battery_level
from vitals.decode.pulse_oximeter import decode_plx_continuous
from vitals.intake.feed import Item, single
from vitals.intake.health_readings import OXYGEN, blocks, oxygen
from vitals.timeline import Presence, SampleTimeline, Stamp
from vitals.values import BatteryLow, Frame

BATTERY_LOW, BATTERY_CHARGED = 15, 20  # percent: low is said at the one, and may be said again after the other
OXIMETER_SILENCE_US = 5_000_000  # it notifies once a second
INFINITIME_HZ = 10.0  # of its motion notifications; what really comes is measured


class Charge:
    """A battery level over time: its values, and a word when it becomes low."""

    def __init__(self) -> None:
        self._low = False

    def take(self, at_us: int, percent: int) -> list[Item]:
        """A level in percent."""
        was_low = self._low
        self._low = percent <= (BATTERY_CHARGED if was_low else BATTERY_LOW)
        block = single("battery", at_us, percent, "%")
        return [block, BatteryLow(at_us, percent)] if self._low and not was_low else [block]


class BatteryFeed:
    """See `Feed`."""

    def __init__(self) -> None:
        self._charge = Charge()

    def feed(self, frame: Frame) -> list[Item]:
        return self._charge.take(frame.arrival_us, decode_battery_level(frame.payload).percent)

    def end(self, reason: str) -> list[Item]:
        return []


class OximeterFeed:
    """Oxygen saturation, pulse rate and pulse amplitude index of a continuous pulse oximeter, stamped by arrival."""

    def __init__(self) -> None:
        self._presence = {kind: Presence(kind, OXIMETER_SILENCE_US) for kind in OXYGEN}

    def feed(self, frame: Frame) -> list[Item]:
        found = oxygen(decode_plx_continuous(frame.payload))  # none where it does not measure now: never a zero
        told = [gap for kind in found for gap in self._presence[kind].push(frame.arrival_us)]
        return [*told, *blocks(frame.arrival_us, found)]

    def end(self, reason: str) -> list[Item]:
        return []


class InfiniTimeFeed:
    """Steps and acceleration of a watch that stamps nothing: arrival is all that there is."""

    def __init__(self) -> None:
        line = SampleTimeline("acc", INFINITIME_HZ, scale=1 / infinitime.STEPS_PER_G, unit="g", stamp=Stamp.NONE)
        self._motion = line

    def feed(self, frame: Frame) -> list[Item]:
        if frame.uuid == infinitime.STEP_COUNT:
            return [single("steps", frame.arrival_us, infinitime.decode_step_count(frame.payload).steps, "steps")]
        motion = infinitime.decode_motion(frame.payload)
        values = np.array([[motion.x, motion.y, motion.z]], dtype=np.int32)
        return [*self._motion.push(frame.arrival_us, values)]

    def end(self, reason: str) -> list[Item]:
        return [*self._motion.end(reason)]
