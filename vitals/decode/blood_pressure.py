"""Blood Pressure Service (BLS 1.1.1, 0x1810): measurement, intermediate cuff pressure, their enhanced forms, features.

Layout of 0x2A35 and 0x2A36 (GATT Specification Supplement, Blood Pressure Measurement):
    flags u8: bit 0 the numbers are in kPa, 1 time stamp, 2 pulse rate, 3 user, 4 measurement status
    three SFLOATs (systolic, diastolic, mean arterial; of an intermediate value only the first is used),
    time stamp (7 bytes), pulse rate SFLOAT [bpm], user u8, status u16
The enhanced forms (0x2B34, 0x2B35) add bit 5 user facing time and bit 6 epoch 2000, and carry times as u32 seconds
since 1900 or 2000; 0x2B35 has one SFLOAT instead of three.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor
from vitals.decode.date_time import DateTime, time_stamp
from vitals.decode.ieee11073 import Special

MMHG_PER_KPA = 1000 / 133.322387415  # the conventional millimetre of mercury (BIPM)
UNKNOWN_USER = 0xFF


class BloodPressureStatus(enum.IntFlag):
    """What went wrong; bits 3 and 4 are one number: 0 pulse rate in range, 1 above, 2 below."""

    BODY_MOVEMENT = 1 << 0
    CUFF_TOO_LOOSE = 1 << 1
    IRREGULAR_PULSE = 1 << 2
    PULSE_RATE_ABOVE_LIMIT = 1 << 3
    PULSE_RATE_BELOW_LIMIT = 1 << 4
    IMPROPER_POSITION = 1 << 5


class BloodPressureFeature(enum.IntFlag):
    BODY_MOVEMENT_DETECTION = 1 << 0
    CUFF_FIT_DETECTION = 1 << 1
    IRREGULAR_PULSE_DETECTION = 1 << 2
    PULSE_RATE_RANGE_DETECTION = 1 << 3
    MEASUREMENT_POSITION_DETECTION = 1 << 4
    MULTIPLE_BONDS = 1 << 5
    E2E_CRC = 1 << 6
    USER_DATA_SERVICE = 1 << 7
    USER_FACING_TIME = 1 << 8


@dataclass(frozen=True, slots=True)
class BloodPressureMeasurement:
    """One finished measurement; a pressure that was not measured is an `ieee11073.Special`."""

    systolic_mmhg: float
    diastolic_mmhg: float
    mean_arterial_mmhg: float
    sent_in_kpa: bool
    time: DateTime | dt.datetime | None  # naive datetime from the enhanced form
    pulse_rate_bpm: float | None
    user: int | None  # 255: unknown user
    status: BloodPressureStatus | None
    user_facing_time: dt.datetime | None  # enhanced form only


@dataclass(frozen=True, slots=True)
class IntermediateCuffPressure:
    """The pressure in the cuff while the measurement runs."""

    cuff_mmhg: float
    sent_in_kpa: bool
    time: DateTime | dt.datetime | None
    pulse_rate_bpm: float | None
    user: int | None
    status: BloodPressureStatus | None
    user_facing_time: dt.datetime | None


def _mmhg(pressure: float, kpa: int) -> float:
    return pressure * MMHG_PER_KPA if kpa and not isinstance(pressure, Special) else pressure


_Extras = tuple[DateTime | dt.datetime | None, float | None, int | None, BloodPressureStatus | None, dt.datetime | None]


def _extras(at: Cursor, flags: int, *, enhanced: bool) -> _Extras:
    """What follows the pressures."""

    def seconds(what: str) -> dt.datetime:
        epoch = dt.datetime(2000 if flags & 0x40 else 1900, 1, 1)
        return epoch + dt.timedelta(seconds=at.uint(4, what))

    time: DateTime | dt.datetime | None = None
    if flags & 0x02:
        time = seconds("time stamp") if enhanced else time_stamp(at, "time stamp")
    pulse_rate = at.sfloat("pulse rate") if flags & 0x04 else None
    user = at.uint(1, "user") if flags & 0x08 else None
    status = BloodPressureStatus(at.uint(2, "measurement status")) if flags & 0x10 else None
    facing = seconds("user facing time") if enhanced and flags & 0x20 else None
    at.end()
    return time, pulse_rate, user, status, facing


def _measurement(uuid: str, payload: bytes, *, enhanced: bool) -> BloodPressureMeasurement:
    at = Cursor(uuid, payload)
    flags = at.uint(1, "flags")
    systolic, diastolic, mean = (
        _mmhg(at.sfloat(what), flags & 0x01) for what in ("systolic", "diastolic", "mean arterial pressure")
    )
    return BloodPressureMeasurement(
        systolic, diastolic, mean, bool(flags & 0x01), *_extras(at, flags, enhanced=enhanced)
    )


def decode_blood_pressure(payload: bytes) -> BloodPressureMeasurement:
    """Blood Pressure Measurement (0x2A35). Raises DecodeError where bytes are missing or left over."""
    return _measurement(uuids.BLOOD_PRESSURE_MEASUREMENT, payload, enhanced=False)


def decode_enhanced_blood_pressure(payload: bytes) -> BloodPressureMeasurement:
    """Enhanced Blood Pressure Measurement (0x2B34). Raises DecodeError where bytes are missing or left over."""
    return _measurement(uuids.ENHANCED_BLOOD_PRESSURE_MEASUREMENT, payload, enhanced=True)


def decode_intermediate_cuff_pressure(payload: bytes) -> IntermediateCuffPressure:
    """Intermediate Cuff Pressure (0x2A36). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.INTERMEDIATE_CUFF_PRESSURE, payload)
    flags = at.uint(1, "flags")
    cuff = _mmhg(at.sfloat("cuff pressure"), flags & 0x01)
    at.take(4, "unused diastolic and mean arterial pressure")
    return IntermediateCuffPressure(cuff, bool(flags & 0x01), *_extras(at, flags, enhanced=False))


def decode_enhanced_intermediate_cuff_pressure(payload: bytes) -> IntermediateCuffPressure:
    """Enhanced Intermediate Cuff Pressure (0x2B35). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.ENHANCED_INTERMEDIATE_CUFF_PRESSURE, payload)
    flags = at.uint(1, "flags")
    cuff = _mmhg(at.sfloat("cuff pressure"), flags & 0x01)
    return IntermediateCuffPressure(cuff, bool(flags & 0x01), *_extras(at, flags, enhanced=True))


def decode_blood_pressure_feature(payload: bytes) -> BloodPressureFeature:
    """Blood Pressure Feature (0x2A49)."""
    at = Cursor(uuids.BLOOD_PRESSURE_FEATURE, payload)
    value = BloodPressureFeature(at.uint(2, "features"))
    at.end()
    return value


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.BLOOD_PRESSURE_MEASUREMENT: decode_blood_pressure,
    uuids.INTERMEDIATE_CUFF_PRESSURE: decode_intermediate_cuff_pressure,
    uuids.ENHANCED_BLOOD_PRESSURE_MEASUREMENT: decode_enhanced_blood_pressure,
    uuids.ENHANCED_INTERMEDIATE_CUFF_PRESSURE: decode_enhanced_intermediate_cuff_pressure,
    uuids.BLOOD_PRESSURE_FEATURE: decode_blood_pressure_feature,
}
