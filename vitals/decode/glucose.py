"""Glucose Service (GLS 1.0.1, 0x1808): measurement, its context, features. Records are fetched through `record_access`.

Layouts (GATT Specification Supplement, Glucose Measurement and Glucose Measurement Context):
    measurement 0x2A18  flags u8: bit 0 time offset, 1 concentration with type and location, 2 mol/L instead of kg/L,
                        3 sensor status, 4 a context follows
                        sequence u16, base time (7 bytes), time offset s16 [min], concentration SFLOAT, type (low
                        nibble) and location (high nibble) u8, status u16
    context 0x2A34      flags u8: bit 0 carbohydrate, 1 meal, 2 tester and health, 3 exercise, 4 medication, 5
                        medication is in litres instead of kilograms, 6 HbA1c, 7 extended flags
                        sequence u16, extended flags u8, carbohydrate id u8 and SFLOAT [kg], meal u8, tester (low
                        nibble) and health (high nibble) u8, exercise duration u16 [s] and intensity u8 [%],
                        medication id u8 and SFLOAT [kg | l], HbA1c SFLOAT [%]
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.decode.date_time import DateTime, time_stamp
from vitals.decode.ieee11073 import Special

MG_DL_PER_MMOL_L = 18.0156  # molar mass of glucose 180.156 g/mol


class SampleType(enum.IntEnum):
    CAPILLARY_WHOLE_BLOOD = 1
    CAPILLARY_PLASMA = 2
    VENOUS_WHOLE_BLOOD = 3
    VENOUS_PLASMA = 4
    ARTERIAL_WHOLE_BLOOD = 5
    ARTERIAL_PLASMA = 6
    UNDETERMINED_WHOLE_BLOOD = 7
    UNDETERMINED_PLASMA = 8
    INTERSTITIAL_FLUID = 9
    CONTROL_SOLUTION = 10


class SampleLocation(enum.IntEnum):
    FINGER = 1
    ALTERNATE_SITE = 2
    EARLOBE = 3
    CONTROL_SOLUTION = 4
    SUBCUTANEOUS_TISSUE = 5  # continuous monitoring only
    NOT_AVAILABLE = 15


class GlucoseStatus(enum.IntFlag):
    DEVICE_BATTERY_LOW = 1 << 0
    SENSOR_MALFUNCTION = 1 << 1
    SAMPLE_SIZE_INSUFFICIENT = 1 << 2
    STRIP_INSERTION_ERROR = 1 << 3
    STRIP_TYPE_INCORRECT = 1 << 4
    RESULT_TOO_HIGH = 1 << 5
    RESULT_TOO_LOW = 1 << 6
    TEMPERATURE_TOO_HIGH = 1 << 7
    TEMPERATURE_TOO_LOW = 1 << 8
    READ_INTERRUPTED = 1 << 9
    GENERAL_DEVICE_FAULT = 1 << 10
    TIME_FAULT = 1 << 11


class GlucoseFeature(enum.IntFlag):
    LOW_BATTERY_DETECTION = 1 << 0
    SENSOR_MALFUNCTION_DETECTION = 1 << 1
    SAMPLE_SIZE = 1 << 2
    STRIP_INSERTION_ERROR_DETECTION = 1 << 3
    STRIP_TYPE_ERROR_DETECTION = 1 << 4
    RESULT_HIGH_LOW_DETECTION = 1 << 5
    TEMPERATURE_HIGH_LOW_DETECTION = 1 << 6
    READ_INTERRUPT_DETECTION = 1 << 7
    GENERAL_DEVICE_FAULT = 1 << 8
    TIME_FAULT = 1 << 9
    MULTIPLE_BONDS = 1 << 10


class Carbohydrate(enum.IntEnum):
    BREAKFAST = 1
    LUNCH = 2
    DINNER = 3
    SNACK = 4
    DRINK = 5
    SUPPER = 6
    BRUNCH = 7


class Meal(enum.IntEnum):
    PREPRANDIAL = 1
    POSTPRANDIAL = 2
    FASTING = 3
    CASUAL = 4
    BEDTIME = 5


class Tester(enum.IntEnum):
    SELF = 1
    HEALTH_CARE_PROFESSIONAL = 2
    LAB_TEST = 3
    NOT_AVAILABLE = 15


class Health(enum.IntEnum):
    MINOR_ISSUES = 1
    MAJOR_ISSUES = 2
    DURING_MENSES = 3
    UNDER_STRESS = 4
    NO_ISSUES = 5
    NOT_AVAILABLE = 15


class Medication(enum.IntEnum):
    RAPID_ACTING_INSULIN = 1
    SHORT_ACTING_INSULIN = 2
    INTERMEDIATE_ACTING_INSULIN = 3
    LONG_ACTING_INSULIN = 4
    PRE_MIXED_INSULIN = 5


@dataclass(frozen=True, slots=True)
class GlucoseMeasurement:
    sequence: int
    base_time: DateTime
    time_offset_min: int | None  # what the user has changed the clock by since
    concentration_mg_dl: float | None  # may be an ieee11073.Special
    sent_in_mmol_l: bool
    sample_type: SampleType | int | None
    sample_location: SampleLocation | int | None
    status: GlucoseStatus | None
    context_follows: bool

    @property
    def time(self) -> dt.datetime | None:
        """The time that the user saw: base time plus offset; None unless the whole date is known."""
        base = self.base_time.datetime
        try:
            return base and base + dt.timedelta(minutes=self.time_offset_min or 0)
        except OverflowError:  # 31 December 9999
            return None


@dataclass(frozen=True, slots=True)
class GlucoseContext:
    sequence: int  # of the measurement that it belongs to
    extended_flags: int | None
    carbohydrate: Carbohydrate | int | None
    carbohydrate_g: float | None
    meal: Meal | int | None
    tester: Tester | int | None
    health: Health | int | None
    exercise_duration_s: int | None  # 65535: longer
    exercise_intensity_percent: int | None
    medication: Medication | int | None
    medication_mg: float | None
    medication_ml: float | None
    hba1c_percent: float | None


def sample(at: Cursor, what: str) -> tuple[SampleType | int, SampleLocation | int]:
    """Read the byte that holds type (low nibble) and location (high nibble)."""
    byte = at.uint(1, what)
    return named(SampleType, byte & 0x0F), named(SampleLocation, byte >> 4)


def _mg_dl(at: Cursor, molar: int) -> float:
    if not molar:
        return at.sfloat("concentration", shift=5)  # kg/l is 1e5 mg/dl
    value = at.sfloat("concentration", shift=3)  # mol/l is 1e3 mmol/l
    return value if isinstance(value, Special) else value * MG_DL_PER_MMOL_L


def decode_glucose_measurement(payload: bytes) -> GlucoseMeasurement:
    """Glucose Measurement (0x2A18). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.GLUCOSE_MEASUREMENT, payload)
    flags = at.uint(1, "flags")
    sequence, base = at.uint(2, "sequence number"), time_stamp(at, "base time")
    offset = at.sint(2, "time offset") if flags & 0x01 else None
    concentration, kind, location = None, None, None
    if flags & 0x02:
        concentration = _mg_dl(at, flags & 0x04)
        kind, location = sample(at, "type and sample location")
    status = GlucoseStatus(at.uint(2, "sensor status")) if flags & 0x08 else None
    at.end()
    return GlucoseMeasurement(
        sequence, base, offset, concentration, bool(flags & 0x04), kind, location, status, bool(flags & 0x10)
    )


def decode_glucose_context(payload: bytes) -> GlucoseContext:
    """Glucose Measurement Context (0x2A34). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.GLUCOSE_MEASUREMENT_CONTEXT, payload)
    flags = at.uint(1, "flags")
    sequence = at.uint(2, "sequence number")
    extended = at.uint(1, "extended flags") if flags & 0x80 else None
    carbohydrate, carbohydrate_g = None, None
    if flags & 0x01:
        carbohydrate = named(Carbohydrate, at.uint(1, "carbohydrate ID"))
        carbohydrate_g = at.sfloat("carbohydrate", shift=3)
    meal = named(Meal, at.uint(1, "meal")) if flags & 0x02 else None
    tester, health = None, None
    if flags & 0x04:
        byte = at.uint(1, "tester and health")
        tester, health = named(Tester, byte & 0x0F), named(Health, byte >> 4)
    duration = at.uint(2, "exercise duration") if flags & 0x08 else None
    intensity = at.uint(1, "exercise intensity") if flags & 0x08 else None
    medication, mg, ml = None, None, None
    if flags & 0x10:
        medication = named(Medication, at.uint(1, "medication ID"))
        if flags & 0x20:
            ml = at.sfloat("medication", shift=3)
        else:
            mg = at.sfloat("medication", shift=6)
    hba1c = at.sfloat("HbA1c") if flags & 0x40 else None
    at.end()
    return GlucoseContext(
        sequence, extended, carbohydrate, carbohydrate_g, meal, tester, health, duration, intensity, medication, mg, ml,
        hba1c,
    )  # fmt: skip


def decode_glucose_feature(payload: bytes) -> GlucoseFeature:
    """Glucose Feature (0x2A51)."""
    at = Cursor(uuids.GLUCOSE_FEATURE, payload)
    value = GlucoseFeature(at.uint(2, "features"))
    at.end()
    return value


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.GLUCOSE_MEASUREMENT: decode_glucose_measurement,
    uuids.GLUCOSE_MEASUREMENT_CONTEXT: decode_glucose_context,
    uuids.GLUCOSE_FEATURE: decode_glucose_feature,
}
