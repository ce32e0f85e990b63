"""Continuous Glucose Monitoring Service (CGMS 1.0.2, 0x181F): measurement, feature, status, session times.

Layouts (GATT Specification Supplement, CGM Measurement and the sections beside it):
    measurement 0x2AA7  one or more records, each: size u8, flags u8 (bit 0 trend, 1 quality, 5 warning octet, 6
                        cal/temp octet, 7 status octet), concentration SFLOAT [mg/dL], time offset u16 [min], status,
                        cal/temp and warning octet, trend SFLOAT [mg/dL/min], quality SFLOAT [%], CRC u16
    feature 0x2AA8      features u24, type and location u8, CRC u16 (FFFF where the device has no CRC)
    status 0x2AA9       time offset u16 [min], status u24, CRC u16
    start time 0x2AAA   Date Time, time zone s8, DST offset u8, CRC u16
    run time 0x2AAB     u16 [h], CRC u16
Only the feature says whether the device sends CRCs; the lengths say it as well, so that is what decides here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor
from vitals.decode.date_time import DateTime, DstOffset, TimeZone, date_time, dst_offset, time_zone
from vitals.decode.e2e_crc import check_crc, closing_crc
from vitals.decode.glucose import SampleLocation, SampleType, sample

NO_CRC = 0xFFFF


class CgmFeature(enum.IntFlag):
    CALIBRATION = 1 << 0
    PATIENT_HIGH_LOW_ALERTS = 1 << 1
    HYPO_ALERTS = 1 << 2
    HYPER_ALERTS = 1 << 3
    RATE_ALERTS = 1 << 4
    DEVICE_SPECIFIC_ALERT = 1 << 5
    SENSOR_MALFUNCTION_DETECTION = 1 << 6
    TEMPERATURE_HIGH_LOW_DETECTION = 1 << 7
    RESULT_HIGH_LOW_DETECTION = 1 << 8
    LOW_BATTERY_DETECTION = 1 << 9
    SENSOR_TYPE_ERROR_DETECTION = 1 << 10
    GENERAL_DEVICE_FAULT = 1 << 11
    E2E_CRC = 1 << 12
    MULTIPLE_BONDS = 1 << 13
    MULTIPLE_SESSIONS = 1 << 14
    TREND_INFORMATION = 1 << 15
    QUALITY = 1 << 16


class CgmStatusFlag(enum.IntFlag):
    """Status octet (bits 0-7), cal/temp octet (8-15) and warning octet (16-23) as one number."""

    SESSION_STOPPED = 1 << 0
    DEVICE_BATTERY_LOW = 1 << 1
    SENSOR_TYPE_INCORRECT = 1 << 2
    SENSOR_MALFUNCTION = 1 << 3
    DEVICE_SPECIFIC_ALERT = 1 << 4
    GENERAL_DEVICE_FAULT = 1 << 5
    TIME_SYNC_REQUIRED = 1 << 8
    CALIBRATION_NOT_ALLOWED = 1 << 9
    CALIBRATION_RECOMMENDED = 1 << 10
    CALIBRATION_REQUIRED = 1 << 11
    TEMPERATURE_TOO_HIGH = 1 << 12
    TEMPERATURE_TOO_LOW = 1 << 13
    CALIBRATION_PENDING = 1 << 14
    BELOW_PATIENT_LOW = 1 << 16
    ABOVE_PATIENT_HIGH = 1 << 17
    BELOW_HYPO = 1 << 18
    ABOVE_HYPER = 1 << 19
    RATE_OF_DECREASE_EXCEEDED = 1 << 20
    RATE_OF_INCREASE_EXCEEDED = 1 << 21
    BELOW_DEVICE_RANGE = 1 << 22
    ABOVE_DEVICE_RANGE = 1 << 23


@dataclass(frozen=True, slots=True)
class CgmRecord:
    concentration_mg_dl: float  # may be an ieee11073.Special
    time_offset_min: int  # since the start of the session
    status: CgmStatusFlag | None  # None where the record has no status octet at all
    trend_mg_dl_per_min: float | None
    quality_percent: float | None
    e2e_crc: bool  # a CRC was there, and right


@dataclass(frozen=True, slots=True)
class CgmMeasurement:
    records: tuple[CgmRecord, ...]


@dataclass(frozen=True, slots=True)
class CgmFeatures:
    features: CgmFeature
    sample_type: SampleType | int
    sample_location: SampleLocation | int
    e2e_crc: bool


@dataclass(frozen=True, slots=True)
class CgmStatus:
    time_offset_min: int
    status: CgmStatusFlag
    e2e_crc: bool


@dataclass(frozen=True, slots=True)
class CgmSessionStartTime:
    time: DateTime
    time_zone: TimeZone
    dst: DstOffset
    e2e_crc: bool


@dataclass(frozen=True, slots=True)
class CgmSessionRunTime:
    run_time_h: int
    e2e_crc: bool


def _record(at: Cursor) -> CgmRecord:
    start = at.offset
    size = at.uint(1, "record size")
    if size - 1 > at.left:
        raise at.error(f"record of {size} bytes, {at.left + 1} left", back=1)
    flags = at.uint(1, "record flags")
    octets = [flags & 0x80, flags & 0x40, flags & 0x20]
    need = 6 + sum(map(bool, octets)) + 2 * bool(flags & 0x01) + 2 * bool(flags & 0x02)
    if size not in (need, need + 2):
        raise at.error(f"record size {size} is neither {need} nor, with a CRC, {need + 2}", back=2)
    concentration, offset = at.sfloat("concentration"), at.uint(2, "time offset")
    status: CgmStatusFlag | None = None
    for position, (present, name) in enumerate(zip(octets, ("status", "cal/temp", "warning"), strict=True)):
        if present:
            status = (status or CgmStatusFlag(0)) | CgmStatusFlag(at.uint(1, f"{name} octet") << (8 * position))
    trend = at.sfloat("trend") if flags & 0x01 else None
    quality = at.sfloat("quality") if flags & 0x02 else None
    if size > need:
        check_crc(at, start)
    return CgmRecord(concentration, offset, status, trend, quality, size > need)


def decode_cgm_measurement(payload: bytes) -> CgmMeasurement:
    """CGM Measurement (0x2AA7). Raises DecodeError for a size that does not suit the flags, and for a wrong CRC."""
    at = Cursor(uuids.CGM_MEASUREMENT, payload)
    records = [_record(at)]
    while at.left:
        records.append(_record(at))
    return CgmMeasurement(tuple(records))


def decode_cgm_feature(payload: bytes) -> CgmFeatures:
    """CGM Feature (0x2AA8). Raises DecodeError for a wrong CRC, or one other than FFFF where there is none."""
    at = Cursor(uuids.CGM_FEATURE, payload)
    features = CgmFeature(at.uint(3, "features"))
    kind, location = sample(at, "type and sample location")
    if features & CgmFeature.E2E_CRC:
        check_crc(at, 0)
    elif at.uint(2, "E2E-CRC") != NO_CRC:
        raise at.error("E2E-CRC of a device without CRC is not ffff", back=2)
    at.end()
    return CgmFeatures(features, kind, location, bool(features & CgmFeature.E2E_CRC))


def decode_cgm_status(payload: bytes) -> CgmStatus:
    """CGM Status (0x2AA9). Raises DecodeError for a wrong CRC."""
    at = Cursor(uuids.CGM_STATUS, payload)
    offset, status = at.uint(2, "time offset"), CgmStatusFlag(at.uint(3, "status"))
    return CgmStatus(offset, status, closing_crc(at))


def decode_cgm_session_start_time(payload: bytes) -> CgmSessionStartTime:
    """CGM Session Start Time (0x2AAA). Raises DecodeError for a wrong CRC."""
    at = Cursor(uuids.CGM_SESSION_START_TIME, payload)
    time, zone, dst = date_time(at, "session start time"), time_zone(at), dst_offset(at)
    return CgmSessionStartTime(time, zone, dst, closing_crc(at))


def decode_cgm_session_run_time(payload: bytes) -> CgmSessionRunTime:
    """CGM Session Run Time (0x2AAB). Raises DecodeError for a wrong CRC."""
    at = Cursor(uuids.CGM_SESSION_RUN_TIME, payload)
    return CgmSessionRunTime(at.uint(2, "run time"), closing_crc(at))


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.CGM_MEASUREMENT: decode_cgm_measurement,
    uuids.CGM_FEATURE: decode_cgm_feature,
    uuids.CGM_STATUS: decode_cgm_status,
    uuids.CGM_SESSION_START_TIME: decode_cgm_session_start_time,
    uuids.CGM_SESSION_RUN_TIME: decode_cgm_session_run_time,
}
