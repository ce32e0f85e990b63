"""Generic Health Sensor Service (GHSS 1.0, 0x1840): live and stored observations, IEEE 11073-10206 (ACOM) on the wire.

What is public is the source code of a Philips demonstrator, not the specification; this is written from it and from
memory:
    segmentation header, then (stored 0x2BDD only) record number u32, then
    class u8, length u16, flags u16: bit 0 type, 1 time stamp, 2 duration, 3 status, 4 object id, 5 patient,
        6 supplemental information, 7 derived from, 8 members, 9 TLVs
    type u32 (MDC code), time stamp 9 bytes, duration FLOAT [s], status u16, object id u32, patient u8,
        then lists of u32, each with its count u8: supplemental codes, derived from, members
    the TLVs and the value, which are kept as bytes
Demonstrator and memory disagree on whether the length counts class and length themselves: both are taken. The names
of the status bits 3 to 7 are from memory.
Time stamp (GATT Specification Supplement, Elapsed Time): flags u8, u48, sync source u8, offset s8 [15 min].
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.decode.segmentation import Segment, read_segment


class ObservationClass(enum.IntEnum):
    SIMPLE_NUMERIC = 0
    SIMPLE_DISCRETE = 1
    STRING = 2
    REAL_TIME_SAMPLE_ARRAY = 3
    COMPOUND = 4
    COMPOUND_DISCRETE_EVENT = 5
    COMPOUND_STATE = 6
    TLV_ENCODED = 7
    BUNDLE = 0xFF


class ObservationStatus(enum.IntFlag):
    INVALID = 1 << 0
    QUESTIONABLE = 1 << 1
    NOT_AVAILABLE = 1 << 2
    CALIBRATING = 1 << 3
    TEST_DATA = 1 << 4
    EARLY_ESTIMATE = 1 << 5
    MANUALLY_ENTERED = 1 << 6
    SETTING = 1 << 7
    THRESHOLD_ERROR = 1 << 14
    THRESHOLDING_DISABLED = 1 << 15


@dataclass(frozen=True, slots=True)
class ElapsedTime:
    units: int  # since 2000-01-01, or since whenever a tick counter began
    unit_s: float  # 1, 0.1, 0.001 or 0.0001
    tick_counter: bool
    utc: bool  # False: local time
    offset_min: int | None  # local time minus UTC
    current_timeline: bool
    source: int

    @property
    def datetime(self) -> dt.datetime | None:
        """Date and time, aware where it is UTC; None for a tick counter, or beyond the year 9999."""
        if self.tick_counter:
            return None
        try:
            since = dt.timedelta(microseconds=round(self.units * self.unit_s * 1e6))
            return dt.datetime(2000, 1, 1, tzinfo=dt.UTC if self.utc else None) + since
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class HealthObservation:
    record_number: int | None  # stored observations only
    observation_class: ObservationClass | int
    type_code: int | None  # MDC code: partition in the upper, term in the lower 16 bits
    time: ElapsedTime | None
    duration_s: float | None
    status: ObservationStatus | None
    object_id: int | None
    patient: int | None
    supplemental: tuple[int, ...]  # MDC codes
    derived_from: tuple[int, ...]  # object ids
    members: tuple[int, ...]  # object ids
    has_tlvs: bool  # they stand at the head of `value`
    value: bytes


def elapsed_time(at: Cursor) -> ElapsedTime:
    """Read the nine bytes of an Elapsed Time."""
    flags, units = at.uint(1, "time flags"), at.uint(6, "time value")
    source, quarters = at.uint(1, "time source"), at.sint(1, "time offset")
    return ElapsedTime(
        units,
        (1.0, 0.1, 0.001, 0.0001)[flags >> 2 & 3],
        bool(flags & 0x01),
        bool(flags & 0x02),
        quarters * 15 if flags & 0x10 else None,
        bool(flags & 0x20),
        source,
    )


def _codes(at: Cursor, what: str) -> tuple[int, ...]:
    return tuple(at.uint(4, what) for _ in range(at.uint(1, f"count of {what}")))


def _observation(at: Cursor, *, stored: bool) -> HealthObservation:
    number = at.uint(4, "record number") if stored else None
    size = at.left
    kind = named(ObservationClass, at.uint(1, "observation class"))
    length = at.uint(2, "length")
    if length not in (size, size - 3):
        raise at.error(f"length is {length}, the observation has {size} bytes", back=2)
    flags = at.uint(2, "flags")
    return HealthObservation(
        record_number=number,
        observation_class=kind,
        type_code=at.uint(4, "type") if flags & 0x001 else None,
        time=elapsed_time(at) if flags & 0x002 else None,
        duration_s=at.float32("duration") if flags & 0x004 else None,
        status=ObservationStatus(at.uint(2, "status")) if flags & 0x008 else None,
        object_id=at.uint(4, "object id") if flags & 0x010 else None,
        patient=at.uint(1, "patient") if flags & 0x020 else None,
        supplemental=_codes(at, "supplemental information") if flags & 0x040 else (),
        derived_from=_codes(at, "derived from") if flags & 0x080 else (),
        members=_codes(at, "members") if flags & 0x100 else (),
        has_tlvs=bool(flags & 0x200),
        value=at.take(at.left, "value"),
    )


def decode_observation(uuid: str, body: bytes) -> HealthObservation:
    """An observation whose segments were joined. Raises DecodeError where bytes are missing or the length is wrong."""
    return _observation(Cursor(uuid, body), stored=uuid == uuids.STORED_HEALTH_OBSERVATIONS)


def _notification(uuid: str, payload: bytes) -> HealthObservation | Segment:
    at = Cursor(uuid, payload)
    segment = read_segment(at)
    if not (segment.first and segment.last):
        return segment
    at.offset = 1
    return _observation(at, stored=uuid == uuids.STORED_HEALTH_OBSERVATIONS)


def decode_live_observation(payload: bytes) -> HealthObservation | Segment:
    """Live Health Observations (0x2B8B): an observation in one piece, or a segment for `SegmentAssembler`."""
    return _notification(uuids.LIVE_HEALTH_OBSERVATIONS, payload)


def decode_stored_observation(payload: bytes) -> HealthObservation | Segment:
    """Stored Health Observations (0x2BDD): an observation in one piece, or a segment for `SegmentAssembler`."""
    return _notification(uuids.STORED_HEALTH_OBSERVATIONS, payload)


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.LIVE_HEALTH_OBSERVATIONS: decode_live_observation,
    uuids.STORED_HEALTH_OBSERVATIONS: decode_stored_observation,
}
