"""Logs of a Colmi ring that take several packets: heart rate, stress and HRV of a day, steps of a day."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitals.decode.colmi.gatt import FIRST_HALF_HOURS, FIRST_HEART_RATES, HALF_HOURS, HEART_RATES, PART, Command
from vitals.decode.colmi.packet import LogHeader, LogPart, NoData, Packet, StepsHeader, StepsPart


@dataclass(frozen=True, slots=True, eq=False)
class DayLog:
    """Readings of one day, the first at midnight of the ring's clock."""

    command: Command
    interval_min: int
    start_s: int | None  # heart rate: midnight, Unix seconds
    day: int | None  # stress, HRV: days ago
    readings: NDArray[np.int16]  # 288 heart rates [bpm], 48 stress or HRV [ms] values; 0 not measured, -1 lost


class LogAssembler:
    """Collects the packets of one log (heart rate, stress, HRV). A new header begins anew."""

    def __init__(self) -> None:
        self._header: LogHeader | None = None
        self._start_s: int | None = None
        self._day: int | None = None
        self._readings: NDArray[np.int16] = np.zeros(0, np.int16)

    def feed(self, packet: Packet) -> DayLog | NoData | None:
        """The whole log with its last packet, NoData where the ring has none, None before. Other packets pass by."""
        if isinstance(packet, NoData):
            self._header = None
            return packet
        if isinstance(packet, LogHeader):
            slots = HEART_RATES if packet.command is Command.HEART_RATE_LOG else HALF_HOURS
            self._header, self._start_s, self._day = packet, None, None
            self._readings = np.full(slots, -1, np.int16)
        elif isinstance(packet, LogPart) and self._header is not None and packet.command is self._header.command:
            return self._add(packet, self._header)
        return None

    def _add(self, part: LogPart, header: LogHeader) -> DayLog | None:
        if part.index == 1:
            self._start_s, self._day, first = part.start_s, part.day, 0
        else:
            lead = FIRST_HEART_RATES if part.command is Command.HEART_RATE_LOG else FIRST_HALF_HOURS
            first = lead + (part.index - 2) * PART
        room = self._readings[first : first + len(part.readings)]
        room[:] = part.readings[: len(room)]
        if part.index < header.packets - 1:
            return None
        self._header = None
        return DayLog(header.command, header.interval_min, self._start_s, self._day, self._readings)


class StepsAssembler:
    """Collects the packets of one step log; calories come out in small calories."""

    def __init__(self) -> None:
        self._parts: list[StepsPart] = []
        self._factor = 1

    def feed(self, packet: Packet) -> tuple[StepsPart, ...] | NoData | None:
        """The quarters of the day with the last packet, NoData where there are none, None before."""
        if isinstance(packet, NoData):
            self._parts = []
            return packet
        if isinstance(packet, StepsHeader):
            self._parts, self._factor = [], 10 if packet.tens else 1
        elif isinstance(packet, StepsPart):
            calories = packet.calories * self._factor
            self._parts.append(replace(packet, calories=calories))
            # At most 255 packets: a log that never ends cannot fill memory.
            if packet.index >= packet.packets - 1 or len(self._parts) > 255:
                parts, self._parts = tuple(self._parts), []
                return parts
        return None
