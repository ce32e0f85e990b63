"""Date and time as devices tell them (CTS 1.1, 0x1805): Date Time, Current Time, Local Time Information, their parts.

Layouts (GATT Specification Supplement, sections of the same names):
    Date Time               year u16, month, day, hour, minute, second u8; a year, month or day of 0 is not known
    Day Date Time           Date Time, day of week u8 (0 unknown, 1 Monday .. 7 Sunday)
    Exact Time 256          Day Date Time, fraction of a second u8 [1/256 s]
    Current Time            Exact Time 256, adjust reason u8
    Local Time Information  time zone s8 [15 min], DST offset u8 [15 min]

A device says local time without a zone: what comes out is a naive `datetime`.
"""

from __future__ import annotations

import calendar
import datetime as dt
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.errors import DecodeError

_DATE_TIME_SIZE = 7


@dataclass(frozen=True, slots=True)
class DateTime:
    """Local date and time of a device; a year, month or day that the device does not know is None."""

    year: int | None
    month: int | None
    day: int | None
    hour: int
    minute: int
    second: int

    @property
    def datetime(self) -> dt.datetime | None:
        """The naive datetime; None unless the whole date is known."""
        if self.year is None or self.month is None or self.day is None:
            return None
        return dt.datetime(self.year, self.month, self.day, self.hour, self.minute, self.second)


class DayOfWeek(enum.IntEnum):
    UNKNOWN = 0
    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7


class AdjustReason(enum.IntFlag):
    """Why the clock was set."""

    MANUAL_TIME_UPDATE = 0x01
    EXTERNAL_REFERENCE_TIME_UPDATE = 0x02
    CHANGE_OF_TIME_ZONE = 0x04
    CHANGE_OF_DST = 0x08


@dataclass(frozen=True, slots=True)
class DayDateTime:
    date_time: DateTime
    day_of_week: DayOfWeek | int


@dataclass(frozen=True, slots=True)
class ExactTime:
    date_time: DateTime
    day_of_week: DayOfWeek | int
    fraction_256: int  # 1/256 s

    @property
    def datetime(self) -> dt.datetime | None:
        """The naive datetime with its fraction; None unless the whole date is known."""
        whole = self.date_time.datetime
        return whole and whole.replace(microsecond=self.fraction_256 * 1_000_000 // 256)


@dataclass(frozen=True, slots=True)
class CurrentTime:
    time: ExactTime
    adjust_reason: AdjustReason

    @property
    def datetime(self) -> dt.datetime | None:
        return self.time.datetime


@dataclass(frozen=True, slots=True)
class TimeZone:
    offset_min: int | None  # standard time minus UTC; None where the device does not know


@dataclass(frozen=True, slots=True)
class DstOffset:
    offset_min: int | None  # 0, 30, 60 or 120; None where the device does not know


@dataclass(frozen=True, slots=True)
class LocalTimeInformation:
    time_zone: TimeZone
    dst: DstOffset

    @property
    def utc_offset_min(self) -> int | None:
        """Local time minus UTC; None unless both parts are known."""
        if self.time_zone.offset_min is None or self.dst.offset_min is None:
            return None
        return self.time_zone.offset_min + self.dst.offset_min


class TimeSource(enum.IntEnum):
    UNKNOWN = 0
    NETWORK_TIME_PROTOCOL = 1
    GPS = 2
    RADIO_TIME_SIGNAL = 3
    MANUAL = 4
    ATOMIC_CLOCK = 5
    CELLULAR_NETWORK = 6
    NOT_SYNCHRONIZED = 7


@dataclass(frozen=True, slots=True)
class ReferenceTimeInformation:
    source: TimeSource | int
    accuracy_s: float | None  # drift in steps of 1/8 s; None for "out of range" (254) and "unknown" (255)
    days_since_update: int  # 255: 255 days or more
    hours_since_update: int  # 255: 255 days or more


def date_time(at: Cursor, what: str) -> DateTime:
    """Read the seven bytes of a Date Time. Raises DecodeError for a field out of range or a day that does not exist."""
    year, month, day = at.uint(2, f"year of {what}"), at.uint(1, f"month of {what}"), at.uint(1, f"day of {what}")
    if year and not 1582 <= year <= 9999:
        raise at.error(f"year {year} of {what} is not 1582 to 9999, nor 0 for unknown", back=4)
    if month > 12:
        raise at.error(f"month {month} of {what} is above 12", back=2)
    longest = calendar.monthrange(year or 2000, month)[1] if month else 31
    if day > longest:
        raise at.error(f"day {day} of {what} does not exist in that month", back=1)
    clock: list[int] = []
    for name, limit in (("hour", 24), ("minute", 60), ("second", 60)):
        clock.append(at.uint(1, f"{name} of {what}"))
        if clock[-1] >= limit:
            raise at.error(f"{name} {clock[-1]} of {what} is not below {limit}", back=1)
    return DateTime(year or None, month or None, day or None, *clock)


def time_stamp(at: Cursor, what: str) -> DateTime:
    """Read the Date Time of a record. One that does not exist (month 13) is one that the device does not know: what it
    measured is none the less true. Raises DecodeError where bytes are missing."""
    begun = at.offset
    if at.left >= _DATE_TIME_SIZE:
        try:
            return date_time(at, what)
        except DecodeError:
            at.offset = begun
    at.take(_DATE_TIME_SIZE, what)
    return DateTime(None, None, None, 0, 0, 0)


def time_zone(at: Cursor) -> TimeZone:
    """Read the byte of a Time Zone: -48 to +56 quarters of an hour, -128 unknown. Raises DecodeError for others."""
    quarters = at.sint(1, "time zone")
    if quarters == -128:
        return TimeZone(None)
    if not -48 <= quarters <= 56:
        raise at.error(f"time zone {quarters} is reserved", back=1)
    return TimeZone(quarters * 15)


def dst_offset(at: Cursor) -> DstOffset:
    """Read the byte of a DST Offset: 0, 2, 4 or 8 quarters of an hour, 255 unknown. Raises DecodeError for others."""
    quarters = at.uint(1, "DST offset")
    if quarters not in (0, 2, 4, 8, 255):
        raise at.error(f"DST offset {quarters} is reserved", back=1)
    return DstOffset(None if quarters == 255 else quarters * 15)


def _exact_time(at: Cursor) -> ExactTime:
    when = date_time(at, "date time")
    return ExactTime(when, named(DayOfWeek, at.uint(1, "day of week")), at.uint(1, "fractions of a second"))


def decode_date_time(payload: bytes) -> DateTime:
    """Date Time (0x2A08)."""
    at = Cursor(uuids.DATE_TIME, payload)
    value = date_time(at, "date time")
    at.end()
    return value


def decode_day_of_week(payload: bytes) -> DayOfWeek | int:
    """Day of Week (0x2A09)."""
    at = Cursor(uuids.DAY_OF_WEEK, payload)
    value = named(DayOfWeek, at.uint(1, "day of week"))
    at.end()
    return value


def decode_day_date_time(payload: bytes) -> DayDateTime:
    """Day Date Time (0x2A0A)."""
    at = Cursor(uuids.DAY_DATE_TIME, payload)
    value = DayDateTime(date_time(at, "date time"), named(DayOfWeek, at.uint(1, "day of week")))
    at.end()
    return value


def decode_exact_time_256(payload: bytes) -> ExactTime:
    """Exact Time 256 (0x2A0C)."""
    at = Cursor(uuids.EXACT_TIME_256, payload)
    value = _exact_time(at)
    at.end()
    return value


def decode_current_time(payload: bytes) -> CurrentTime:
    """Current Time (0x2A2B)."""
    at = Cursor(uuids.CURRENT_TIME, payload)
    value = CurrentTime(_exact_time(at), AdjustReason(at.uint(1, "adjust reason")))
    at.end()
    return value


def decode_time_zone(payload: bytes) -> TimeZone:
    """Time Zone (0x2A0E)."""
    at = Cursor(uuids.TIME_ZONE, payload)
    value = time_zone(at)
    at.end()
    return value


def decode_dst_offset(payload: bytes) -> DstOffset:
    """DST Offset (0x2A0D)."""
    at = Cursor(uuids.DST_OFFSET, payload)
    value = dst_offset(at)
    at.end()
    return value


def decode_local_time_information(payload: bytes) -> LocalTimeInformation:
    """Local Time Information (0x2A0F)."""
    at = Cursor(uuids.LOCAL_TIME_INFORMATION, payload)
    value = LocalTimeInformation(time_zone(at), dst_offset(at))
    at.end()
    return value


def decode_reference_time_information(payload: bytes) -> ReferenceTimeInformation:
    """Reference Time Information (0x2A14)."""
    at = Cursor(uuids.REFERENCE_TIME_INFORMATION, payload)
    source, accuracy = named(TimeSource, at.uint(1, "time source")), at.uint(1, "accuracy")
    days, hours = at.uint(1, "days since update"), at.uint(1, "hours since update")
    at.end()
    return ReferenceTimeInformation(source, None if accuracy >= 254 else accuracy / 8, days, hours)


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.DATE_TIME: decode_date_time,
    uuids.DAY_OF_WEEK: decode_day_of_week,
    uuids.DAY_DATE_TIME: decode_day_date_time,
    uuids.EXACT_TIME_256: decode_exact_time_256,
    uuids.CURRENT_TIME: decode_current_time,
    uuids.TIME_ZONE: decode_time_zone,
    uuids.DST_OFFSET: decode_dst_offset,
    uuids.LOCAL_TIME_INFORMATION: decode_local_time_information,
    uuids.REFERENCE_TIME_INFORMATION: decode_reference_time_information,
}
