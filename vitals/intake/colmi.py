"""Colmi rings: heart rate and oxygen as they are measured, battery, steps of the day, and the log of heart rates.

What is measured now, battery and steps are stamped with their arrival: the ring averages over some seconds and does not
say when. The log ("hr_log") has one rate per five minutes on the ring's clock, which was set to the second when it was
connected: the set-time request, which the session notes, ties the two clocks. What was logged before that is as right
as the ring's clock was then.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from vitals.decode import colmi
from vitals.decode.colmi import Command, RealTimeKind
from vitals.intake.feed import Item, single
from vitals.intake.spot_values import Charge
from vitals.timeline import Presence
from vitals.values import Block, Frame, Timing

_KINDS: dict[int, str] = {RealTimeKind.HEART_RATE: "hr", RealTimeKind.SPO2: "spo2"}
SILENCE_US = 5_000_000  # the ring measures once a second, and pauses to measure something else


class ColmiFeed:
    """See `Feed`."""

    def __init__(self) -> None:
        self._charge = Charge()
        self._presence = {kind: Presence(kind, SILENCE_US) for kind in ("hr", "spo2")}
        self._ring_us: int | None = None  # session time of the ring's 1970-01-01
        self._logged_s = 0  # newest time of the log that was handed out, on the ring's clock
        self._steps = colmi.StepsAssembler()
        self._log = colmi.LogAssembler()

    def feed(self, frame: Frame) -> list[Item]:
        if frame.uuid == colmi.WRITE:
            if frame.payload[:1] == bytes((Command.SET_TIME,)):
                since = colmi.decode_set_time(frame.payload).replace(tzinfo=dt.UTC).timestamp()
                self._ring_us = frame.arrival_us - round(since * 1e6)
            return []
        packet = colmi.decode_packet(frame.payload)
        if isinstance(packet, colmi.RingBattery):
            return self._charge.take(frame.arrival_us, packet.percent)
        if isinstance(packet, colmi.RealTimeReading):
            return self._measured(frame.arrival_us, packet)
        if isinstance(packet, colmi.StepsHeader | colmi.StepsPart):
            return self._walked(frame.arrival_us, packet)
        log = self._log.feed(packet)
        return self._logged(frame.arrival_us, log) if isinstance(log, colmi.DayLog) else []

    def _measured(self, at_us: int, reading: colmi.RealTimeReading) -> list[Item]:
        kind = _KINDS.get(reading.kind, "")
        if not kind or reading.error or not reading.value:  # it has none yet, or cannot: never a zero
            return []
        unit, scale = ("bpm", 1) if kind == "hr" else ("%", 10)
        return [*self._presence[kind].push(at_us), single(kind, at_us, reading.value * scale, unit, 1 / scale)]

    def _walked(self, at_us: int, packet: colmi.StepsHeader | colmi.StepsPart) -> list[Item]:
        parts = self._steps.feed(packet)
        if not isinstance(parts, tuple) or len(parts) != parts[0].packets:  # a packet was lost: no total
            return []
        return [single("steps", at_us, sum(part.steps for part in parts), "steps")]

    def _logged(self, at_us: int, log: colmi.DayLog) -> list[Item]:
        """What the log has that was not handed out yet."""
        if self._ring_us is None or log.start_s is None or log.command is not Command.HEART_RATE_LOG:
            return []
        ring_s = log.start_s + np.arange(len(log.readings), dtype=np.int64) * (log.interval_min * 60)
        times = ring_s * 1_000_000 + self._ring_us
        new = (log.readings > 0) & (times <= at_us) & (ring_s > self._logged_s)
        if (log.readings < 0).any():  # a packet was lost: the rest is told when the log was heard whole
            new[int(np.argmax(log.readings < 0)) :] = False
        if not new.any():
            return []
        times = times[new]
        self._logged_s = int(ring_s[new][-1])
        values = log.readings[new].astype(np.int32)
        return [Block("hr_log", int(times[0]), Timing.STAMPED, 0.0, values, 1.0, "bpm", times - times[0])]

    def end(self, reason: str) -> list[Item]:
        self._steps, self._log = colmi.StepsAssembler(), colmi.LogAssembler()
        return []
