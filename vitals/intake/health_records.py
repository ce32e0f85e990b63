"""Health devices that measure now and then, and may have kept what they measured: cuff, scale, thermometer, oximeter,
glucose meter, continuous glucose monitor.

Laws of this file:
1. Records are placed as `record_clock` says; with each that carries a time comes its "record_time_error".
2. A record is told once. A device reports it again after a lost link, or when all are asked for: it is known by its
   number (glucose: sequence number and base time; continuous glucose: session and minute), others by their bytes where
   these hold a time.
3. While stored records are reported (from the request that the session notes to the answer) and no tie is known, they
   wait: the newest of them, which comes last, tells where the others lie.
4. A glucose monitor counts minutes since its session began; its status ties them to the minute. What it tells unasked
   it measured now, or kept: what would have begun after the last sign of a session is of a new one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from vitals.decode import DECODERS
from vitals.decode import uuids as u
from vitals.decode.record_access import RecordOperation
from vitals.intake.feed import Item
from vitals.intake.health_readings import READINGS, Reading, blocks, of_cgm
from vitals.intake.record_clock import UNBOUNDED_S, RecordClock, civil_us
from vitals.values import Frame

if TYPE_CHECKING:
    from vitals.decode.cgm import CgmRecord

MINUTE_US = 60_000_000
REPORTS = (RecordOperation.REPORT_RECORDS, RecordOperation.COMBINED_REPORT)
ENDS = (RecordOperation.RESPONSE_CODE, RecordOperation.COMBINED_REPORT_RESPONSE)
CGM_ERROR_S = 61  # minutes are whole
ANOTHER_SESSION_US = 5 * MINUTE_US  # more than a clock drifts in two weeks
SAME_WEIGHING_US, SAME_WEIGHT_KG = 10_000_000, 0.05  # of a scale that tells it in two characteristics


class HealthRecordFeed:
    """See `Feed` and the laws above."""

    def __init__(self) -> None:
        self._civil = RecordClock()
        self._minutes = RecordClock()  # of the session of a glucose monitor
        self._session = 0
        self._start = b""  # of that session, as the device tells it
        self._alive_us: int | None = None  # arrival of the newest word that was of that session's present
        self._is_start_stale = False  # a session began of which the device has not told the start yet
        self._told: set[Hashable] = set()
        self._reporting = False
        self._held: list[tuple[RecordClock, int, int, Reading]] = []  # clock, time on it, arrival
        self._weighed: tuple[str, int, float] = ("", 0, 0.0)  # characteristic, when, kg

    def feed(self, frame: Frame) -> list[Item]:
        if frame.uuid == u.RECORD_ACCESS_CONTROL_POINT:
            return self._reported(frame.payload[:1])
        said: Any = DECODERS[frame.uuid](frame.payload)
        if frame.uuid in (u.CURRENT_TIME, u.DATE_TIME):
            shown: dt.datetime | None = said.datetime
            if shown is not None:
                self._civil.tie(civil_us(shown), frame.arrival_us)
            return []
        if frame.uuid == u.CGM_SESSION_START_TIME:
            self._started(frame.payload)
            return []
        if frame.uuid == u.CGM_STATUS:
            self._tie_minutes(said.time_offset_min, frame.arrival_us)
            return []
        if frame.uuid == u.CGM_MEASUREMENT:
            return [item for record in said.records for item in self._of_monitor(frame.arrival_us, record)]
        reading = READINGS[frame.uuid][1](said)
        if reading.when is None and getattr(said, "time", None) is not None and not reading.live:
            return self._told_at(
                frame, frame.arrival_us, reading, UNBOUNDED_S
            )  # its date is not known, or not possible
        return self._read(frame, reading, getattr(said, "sequence", None))

    def _read(self, frame: Frame, reading: Reading, sequence: int | None) -> list[Item]:
        if reading.live and reading.when is not None:
            self._civil.tie(civil_us(reading.when), frame.arrival_us)
        if reading.live or (reading.when is None and sequence is None):
            return self._told_at(frame, frame.arrival_us, reading)
        # A glucose record is named by its number and base time, which are its first bytes; others by all of theirs.
        if self._is_known((frame.uuid, frame.payload if sequence is None else frame.payload[1:10])):
            return []
        if reading.when is None:
            return self._told_at(frame, frame.arrival_us, reading, UNBOUNDED_S)
        return self._stamped(self._civil, civil_us(reading.when), frame, reading)

    def _stamped(self, clock: RecordClock, device_us: int, frame: Frame, reading: Reading) -> list[Item]:
        if self._reporting and clock.zero_us is None:
            clock.see(device_us, frame.arrival_us)
            self._held.append((clock, device_us, frame.arrival_us, reading))
            return []
        at_us, error_s = clock.place(device_us, frame.arrival_us)
        return self._told_at(frame, at_us, reading, error_s)

    def _told_at(self, frame: Frame, at_us: int, reading: Reading, error_s: int | None = None) -> list[Item]:
        found = dict(reading.numbers)
        kg = found.get("weight")
        if kg is not None:
            other, when, before = self._weighed
            self._weighed = (frame.uuid, at_us, kg)
            if other not in ("", frame.uuid) and abs(at_us - when) <= SAME_WEIGHING_US:
                found = {kind: value for kind, value in found.items() if kind not in ("weight", "height", "user")}
                found |= {} if abs(kg - before) <= SAME_WEIGHT_KG else {"weight": kg}
        if found and error_s is not None:
            found["record_time_error"] = error_s
        return [*blocks(at_us, found)]

    # Stored records

    def _reported(self, operation: bytes) -> list[Item]:
        code = operation[0] if operation else 0
        if code in REPORTS:
            self._reporting = True
        elif code in ENDS:
            self._reporting = False
            return self._release()
        return []

    def _release(self) -> list[Item]:
        held, self._held = self._held, []
        done: list[Item] = []
        for clock, device_us, arrival_us, reading in sorted(held, key=lambda one: one[1]):
            at_us, error_s = clock.place(device_us, arrival_us)
            done += blocks(at_us, {**reading.numbers, "record_time_error": error_s} if reading.numbers else {})
        return done

    def _is_known(self, name: Hashable) -> bool:
        known = name in self._told
        self._told.add(name)
        return known

    # A glucose monitor

    def _started(self, told: bytes) -> None:
        if told == self._start:
            return
        if not self._is_start_stale:
            self._minutes.clear()
            self._session += 1
        self._start, self._is_start_stale = told, False

    def _tie_minutes(self, minute: int, arrival_us: int) -> None:
        """What the monitor says now; the earliest of such ties is right, for minutes are whole and frames come late."""
        begun_us = arrival_us - minute * MINUTE_US
        zero_us = self._minutes.zero_us
        is_fresh = self._alive_us is None or begun_us > self._alive_us - MINUTE_US
        if zero_us is not None and is_fresh and begun_us - zero_us > ANOTHER_SESSION_US:
            self._session += 1
            self._is_start_stale, zero_us = True, None
        if zero_us is None or abs(begun_us - zero_us) <= ANOTHER_SESSION_US:
            self._alive_us = arrival_us
        if zero_us is None or begun_us < zero_us:
            self._minutes.tie(minute * MINUTE_US, arrival_us, CGM_ERROR_S)

    def _of_monitor(self, arrival_us: int, record: CgmRecord) -> list[Item]:
        frame = Frame(arrival_us, u.CGM_MEASUREMENT, b"")
        if not self._reporting:
            self._tie_minutes(record.time_offset_min, arrival_us)
        if self._is_known((u.CGM_MEASUREMENT, self._session, record.time_offset_min)):
            return []
        return self._stamped(self._minutes, record.time_offset_min * MINUTE_US, frame, of_cgm(record))

    def end(self, reason: str) -> list[Item]:
        done = self._release()
        self._reporting = False
        self._civil.clear()
        self._minutes.clear()
        return done
