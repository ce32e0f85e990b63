"""Physical Activity Monitor Service (PAMS 1.0, 0x183E): activity, heart and breath, steps, sleep, sessions.

The specification was not at hand. Flag bits of the data characteristics are those that other projects quote from
PAMS 1.0 (tables 3.4 to 3.20); order and sizes of the fields, and the sessions, are those of a public implementation
of a draft, which names the same bits; the segmentation header is from memory. Units of most fields are not public:
such a field is the integer as sent, under the name that the specification gives it; a unit in a name means that it
follows from the name.

Layout of the seven data characteristics (the tables below are their fields):
    segmentation header u8, flags u8 .. u32, session u16, sub-session u16, relative time stamp u32 [s], sequence u32,
    fields
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.decode.segmentation import Segment, read_segment

_Fields = tuple[tuple[str, int], ...]  # name and bytes, one per flag bit from bit 0


def _extremes(name: str, size: int) -> _Fields:
    return tuple((f"{which}_{name}", size) for which in ("minimum", "maximum", "average"))


_GENERAL_NOW: _Fields = (
    ("normal_walking_energy_per_hour", 2),
    ("intensity_energy_per_hour", 2),
    ("total_energy_per_hour", 2),
    ("fat_burned_per_hour", 2),
    ("metabolic_equivalent", 1),
    ("speed", 2),
    ("motion_cadence", 2),
    ("elevation", -3),  # the only signed ones: elevation and floors
    ("activity_count_per_minute", 2),
    ("activity_level", 2),
    ("activity_type", 2),
)
_GENERAL_SUMMARY: _Fields = (
    ("normal_walking_energy", 4),
    ("intensity_energy", 4),
    ("total_energy", 4),
    ("fat_burned", 2),
    *_extremes("metabolic_equivalent", 1),
    ("distance", 3),
    *_extremes("speed", 2),
    ("normal_walking_duration_s", 3),
    ("intensity_walking_duration_s", 3),
    *_extremes("motion_cadence", 2),
    ("floors", -1),
    ("positive_elevation_gain", 3),
    ("negative_elevation_gain", 3),
    ("activity_count", 4),
    *_extremes("activity_level", 2),
    ("average_activity_type", 2),
    ("worn_duration_s", 3),
)
_CARDIO_NOW: _Fields = (
    ("vo2_max", 1),
    ("heart_rate_bpm", 1),
    ("pulse_inter_beat_interval", 2),
    ("resting_heart_rate_bpm", 1),
    ("heart_rate_variability", 2),
    ("respiration_rate_per_min", 1),
    ("resting_respiration_rate_per_min", 1),
)
_CARDIO_SUMMARY: _Fields = (
    *((f"time_in_heart_rate_zone_{zone}_s", 3) for zone in range(1, 6)),
    *_extremes("vo2_max", 1),
    *_extremes("heart_rate_bpm", 1),
    *_extremes("pulse_inter_beat_interval", 2),
    *_extremes("resting_heart_rate_bpm", 1),
    *_extremes("heart_rate_variability", 2),
    *_extremes("respiration_rate_per_min", 1),
    *_extremes("resting_respiration_rate_per_min", 1),
    ("worn_duration_s", 3),
)
_STEPS_SUMMARY: _Fields = (
    ("normal_walking_steps", 3),
    ("intensity_steps", 3),
    ("floor_steps", 3),
    ("distance", 3),
    ("worn_duration_s", 3),
)
_SLEEP_NOW: _Fields = (
    ("visible_light_level", 3),
    ("uv_light_level", 3),
    ("ir_light_level", 3),
    ("sleep_stage", 3),  # bits, see SleepStage
    ("sleeping_heart_rate_bpm", 1),
)
_SLEEP_SUMMARY: _Fields = (
    ("total_sleep_time_s", 3),
    ("total_wake_time_s", 3),
    ("total_bed_time_s", 3),
    ("awakenings", 2),
    ("sleep_latency", 2),
    ("sleep_efficiency", 1),
    ("snooze_time", 2),
    ("toss_and_turn_events", 2),
    ("time_of_awakening_after_alarm_s", 3),
    *_extremes("visible_light_level", 3),
    *_extremes("uv_light_level", 3),
    *_extremes("ir_light_level", 3),
    ("average_sleeping_heart_rate_bpm", 1),
    ("worn_duration_s", 3),
)
_LAYOUTS: Mapping[str, tuple[int, _Fields, bool]] = {  # bytes of flags, fields, whether the top bit says "worn"
    uuids.GENERAL_ACTIVITY_INSTANTANEOUS_DATA: (3, _GENERAL_NOW, True),
    uuids.GENERAL_ACTIVITY_SUMMARY_DATA: (4, _GENERAL_SUMMARY, False),
    uuids.CARDIORESPIRATORY_ACTIVITY_INSTANTANEOUS_DATA: (2, _CARDIO_NOW, True),
    uuids.CARDIORESPIRATORY_ACTIVITY_SUMMARY_DATA: (4, _CARDIO_SUMMARY, False),
    uuids.STEP_COUNTER_ACTIVITY_SUMMARY_DATA: (1, _STEPS_SUMMARY, False),
    uuids.SLEEP_ACTIVITY_INSTANTANEOUS_DATA: (2, _SLEEP_NOW, True),
    uuids.SLEEP_ACTIVITY_SUMMARY_DATA: (3, _SLEEP_SUMMARY, False),
}


class SleepStage(enum.IntFlag):
    WAKE = 1 << 0
    SLEEP = 1 << 1
    REM = 1 << 2
    NON_REM = 1 << 3
    LIGHT_SLEEP = 1 << 4
    DEEP_SLEEP = 1 << 5
    N1 = 1 << 6
    N2 = 1 << 7
    N3 = 1 << 8
    N4 = 1 << 9
    ACTIVE_SLEEP = 1 << 10
    QUIET_SLEEP = 1 << 11
    INTERMEDIATE_SLEEP = 1 << 12
    AROUSAL = 1 << 13
    UNKNOWN = 1 << 23


class ActivityOperation(enum.IntEnum):
    ENQUIRE_SESSIONS = 0x01
    ENQUIRE_SUB_SESSIONS = 0x02
    GET_ENDED_SESSION_DATA = 0x03
    START_SESSION_OR_SUB_SESSION = 0x04
    STOP_SESSION = 0x05
    DELETE_ENDED_SESSION = 0x06
    SET_AVERAGE_ACTIVITY_TYPE = 0x07
    GET_ENDED_SESSION_DATA_SUCCESS = 0xFA
    ENQUIRE_SUB_SESSIONS_SUCCESS = 0xFB
    ENQUIRE_SESSIONS_SUCCESS = 0xFC
    GET_ENDED_SESSION_DATA_ERROR = 0xFD
    ENQUIRE_SUB_SESSIONS_ERROR = 0xFE
    ENQUIRE_SESSIONS_ERROR = 0xFF


@dataclass(frozen=True, slots=True)
class ActivityData:
    session: int
    sub_session: int
    relative_time_s: int  # since the session began
    sequence: int
    worn: bool | None  # None where the characteristic does not say
    values: Mapping[str, int]  # the fields that are present, under the names of the tables above


@dataclass(frozen=True, slots=True)
class ActivityFeatures:
    bits: int  # 64 of them; bit 0 several users, 1 says when worn, from 2 on one per field


@dataclass(frozen=True, slots=True)
class SessionTime:
    seconds: int  # base time
    offset: int  # of local time


@dataclass(frozen=True, slots=True)
class CurrentSession:
    sub_session_running: bool
    session: int
    session_start: SessionTime
    sub_session: int
    sub_session_start: SessionTime
    activity_type: int


@dataclass(frozen=True, slots=True)
class SessionDescriptor:
    describes_session: bool  # False: a sub-session
    running: bool
    deleted: bool
    session: int
    session_start: SessionTime
    session_end: SessionTime
    sub_session: int
    sub_session_start: SessionTime
    sub_session_end: SessionTime


@dataclass(frozen=True, slots=True)
class ActivityControl:
    operation: ActivityOperation | int
    parameter: bytes


def _data(at: Cursor) -> ActivityData:
    size, fields, says_worn = _LAYOUTS[at.uuid]
    flags = at.uint(size, "flags")
    session, sub_session = at.uint(2, "session"), at.uint(2, "sub-session")
    time, sequence = at.uint(4, "relative time stamp"), at.uint(4, "sequence number")
    values = {
        name: at.uint(width, name) if width > 0 else at.sint(-width, name)
        for bit, (name, width) in enumerate(fields)
        if flags >> bit & 1
    }
    at.end()
    worn = bool(flags >> (8 * size - 1) & 1) if says_worn else None
    return ActivityData(session, sub_session, time, sequence, worn, values)


def decode_activity_body(uuid: str, body: bytes) -> ActivityData:
    """A value whose segments were joined (without their headers). Raises DecodeError for a wrong length."""
    return _data(Cursor(uuid, body))


def decode_activity(uuid: str, payload: bytes) -> ActivityData | Segment:
    """One of the seven data characteristics: a value in one piece, or a segment for `SegmentAssembler`."""
    at = Cursor(uuid, payload)
    segment = read_segment(at)
    if not (segment.first and segment.last):
        return segment
    at.offset = 1
    return _data(at)


def decode_activity_features(payload: bytes) -> ActivityFeatures:
    """Physical Activity Monitor Features (0x2B3B)."""
    at = Cursor(uuids.PHYSICAL_ACTIVITY_MONITOR_FEATURES, payload)
    value = ActivityFeatures(at.uint(8, "features"))
    at.end()
    return value


def _time(at: Cursor, what: str) -> SessionTime:
    return SessionTime(at.uint(4, f"{what} base time"), at.sint(2, f"{what} time offset"))


def decode_current_session(payload: bytes) -> CurrentSession:
    """Physical Activity Current Session (0x2B44)."""
    at = Cursor(uuids.PHYSICAL_ACTIVITY_CURRENT_SESSION, payload)
    running, session, start = bool(at.uint(1, "flags") & 1), at.uint(2, "session"), _time(at, "session start")
    sub_session, sub_start = at.uint(2, "sub-session"), _time(at, "sub-session start")
    activity = at.uint(2, "activity type")
    at.end()
    return CurrentSession(running, session, start, sub_session, sub_start, activity)


def decode_session_descriptor(payload: bytes) -> SessionDescriptor:
    """Physical Activity Session Descriptor (0x2B45)."""
    at = Cursor(uuids.PHYSICAL_ACTIVITY_SESSION_DESCRIPTOR, payload)
    flags, session = at.uint(1, "flags"), at.uint(2, "session")
    start, end = _time(at, "session start"), _time(at, "session end")
    sub_session = at.uint(2, "sub-session")
    sub_start, sub_end = _time(at, "sub-session start"), _time(at, "sub-session end")
    at.end()
    return SessionDescriptor(
        bool(flags & 1), bool(flags & 2), bool(flags & 4), session, start, end, sub_session, sub_start, sub_end
    )


def decode_activity_control(payload: bytes) -> ActivityControl:
    """Physical Activity Monitor Control Point (0x2B43), in both directions; the parameter stays bytes."""
    at = Cursor(uuids.PHYSICAL_ACTIVITY_MONITOR_CONTROL_POINT, payload)
    operation = named(ActivityOperation, at.uint(1, "op code"))
    return ActivityControl(operation, at.take(at.left, "parameter"))


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.PHYSICAL_ACTIVITY_MONITOR_FEATURES: decode_activity_features,
    uuids.PHYSICAL_ACTIVITY_MONITOR_CONTROL_POINT: decode_activity_control,
    uuids.PHYSICAL_ACTIVITY_CURRENT_SESSION: decode_current_session,
    uuids.PHYSICAL_ACTIVITY_SESSION_DESCRIPTOR: decode_session_descriptor,
    **{uuid: partial(decode_activity, uuid) for uuid in _LAYOUTS},
}
