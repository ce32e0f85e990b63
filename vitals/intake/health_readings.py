"""What the measurements of health devices hold, as named numbers: pressure, weight, oxygen, temperature, glucose.

A number that was not measured (NaN, out of range, "did not succeed") is left out, never a zero. So is what a device
marks as no measurement of a body: demonstrations, tests, control solution.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vitals.decode import uuids as u
from vitals.intake.feed import single
from vitals.values import Block

if TYPE_CHECKING:
    from vitals.decode.blood_pressure import BloodPressureMeasurement, IntermediateCuffPressure
    from vitals.decode.cgm import CgmRecord
    from vitals.decode.date_time import DateTime
    from vitals.decode.glucose import GlucoseMeasurement
    from vitals.decode.health_thermometer import TemperatureMeasurement
    from vitals.decode.pulse_oximeter import MeasurementStatus, PlxContinuous, PlxSpotCheck
    from vitals.decode.weight import BodyComposition, WeightMeasurement

STEPS: Mapping[str, tuple[str, float]] = {  # unit of a kind of stream, and what one step of its integers is worth
    "systolic_pressure": ("mmHg", 0.1),
    "diastolic_pressure": ("mmHg", 0.1),
    "mean_arterial_pressure": ("mmHg", 0.1),
    "cuff_pressure": ("mmHg", 0.1),
    "blood_pressure_status": ("bits", 1),  # of `vitals.decode.blood_pressure.BloodPressureStatus`
    "pulse_rate": ("bpm", 0.1),
    "spo2": ("%", 0.1),
    "pulse_amplitude_index": ("%", 0.01),
    "temperature": ("°C", 0.01),
    "intermediate_temperature": ("°C", 0.01),
    "weight": ("kg", 0.001),
    "bmi": ("kg/m²", 0.1),
    "height": ("m", 0.001),
    "body_fat": ("%", 0.1),
    "muscle": ("%", 0.1),
    "muscle_mass": ("kg", 0.001),
    "fat_free_mass": ("kg", 0.001),
    "soft_lean_mass": ("kg", 0.001),
    "body_water_mass": ("kg", 0.001),
    "impedance": ("ohm", 0.1),
    "basal_metabolism": ("kJ", 1),
    "glucose": ("mg/dL", 0.1),
    "glucose_status": ("bits", 1),  # of GlucoseStatus, or of CgmStatusFlag for a continuous monitor
    "glucose_trend": ("mg/dL/min", 0.01),
    "user": ("number", 1),  # whom the device took it for, where it knows several: a stream must not mix them unseen
    "record_time_error": ("s", 1),  # how far the time of the records at that time may be off (`record_clock`)
}
# What a device that works can say of a living body, in the units of STEPS; a number beyond is a fault of the device.
_PRESSURE, _SHARE = (0.0, 400.0), (0.0, 100.0)  # cuffs inflate to 300 mmHg
PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "systolic_pressure": _PRESSURE,
    "diastolic_pressure": _PRESSURE,
    "mean_arterial_pressure": _PRESSURE,
    "cuff_pressure": (-10.0, 400.0),  # it is let off to nothing, and the sensor's zero drifts
    "pulse_rate": (0.0, 400.0),
    "spo2": _SHARE,
    "pulse_amplitude_index": _SHARE,
    "temperature": (-40.0, 100.0),  # thermometers also take that of rooms and drinks
    "intermediate_temperature": (-40.0, 100.0),
    "weight": (0.0, 1000.0),
    "height": (0.0, 3.0),
    "body_fat": _SHARE,
    "muscle": _SHARE,
    "glucose": (0.0, 2000.0),
    "glucose_trend": (-100.0, 100.0),
}
_MOST_STEPS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement: when, by the device's own clock, and its numbers by kind of stream, in the units of STEPS."""

    when: dt.datetime | None
    numbers: Mapping[str, float]
    live: bool = False  # sent while it was measured, never later


def numbers(**values: float | None) -> dict[str, float]:
    """Those that are there, finite, plausible, and within what a stream holds."""
    found = {kind: float(value) for kind, value in values.items() if value is not None}
    return {kind: value for kind, value in found.items() if math.isfinite(value) and _is_plausible(kind, value)}


def _is_plausible(kind: str, value: float) -> bool:
    most = _MOST_STEPS * STEPS[kind][1]
    low, high = PLAUSIBLE.get(kind, (-most, most))
    return low <= value <= high


def blocks(at_us: int, found: Mapping[str, float]) -> list[Block]:
    """One block of one value per kind, taken at `at_us`."""
    return [single(kind, at_us, round(value / STEPS[kind][1]), *STEPS[kind]) for kind, value in found.items()]


def _naive(time: DateTime | dt.datetime | None) -> dt.datetime | None:
    return time if time is None or isinstance(time, dt.datetime) else time.datetime


def _user(number: int | None) -> int | None:
    return None if number == 0xFF else number  # 255: the device does not know


def _pressure(said: BloodPressureMeasurement) -> Reading:
    found = numbers(
        systolic_pressure=said.systolic_mmhg,
        diastolic_pressure=said.diastolic_mmhg,
        mean_arterial_pressure=said.mean_arterial_mmhg,
        pulse_rate=said.pulse_rate_bpm,
        blood_pressure_status=said.status,
        user=_user(said.user),
    )
    return Reading(_naive(said.user_facing_time or said.time), found)


def _cuff(said: IntermediateCuffPressure) -> Reading:
    return Reading(_naive(said.user_facing_time or said.time), numbers(cuff_pressure=said.cuff_mmhg), live=True)


def _is_of_a_body(status: MeasurementStatus | None) -> bool:
    """Whether an oximeter says that it measured, and somebody's blood."""
    from vitals.decode.pulse_oximeter import MeasurementStatus as Is

    never = Is.DATA_FOR_DEMONSTRATION | Is.DATA_FOR_TESTING | Is.CALIBRATION_ONGOING
    return not (status and status & (never | Is.MEASUREMENT_UNAVAILABLE | Is.INVALID_MEASUREMENT_DETECTED))


def oxygen(said: PlxSpotCheck | PlxContinuous) -> dict[str, float]:
    """The numbers of an oximeter, in the units of STEPS; none where it did not measure."""
    if not _is_of_a_body(said.measurement_status):
        return {}
    return numbers(
        spo2=said.spo2_percent,
        pulse_rate=said.pulse_rate_bpm,
        pulse_amplitude_index=said.pulse_amplitude_index_percent,
    )


def _spot_check(said: PlxSpotCheck) -> Reading:
    return Reading(_naive(said.time), oxygen(said))


def _temperature(said: TemperatureMeasurement) -> Reading:
    return Reading(_naive(said.time), numbers(temperature=said.temperature_c))


def _warming(said: TemperatureMeasurement) -> Reading:
    return Reading(_naive(said.time), numbers(intermediate_temperature=said.temperature_c), live=True)


def _weight(said: WeightMeasurement) -> Reading:
    if said.weight_kg is None:
        return Reading(None, {})
    found = numbers(weight=said.weight_kg, bmi=said.bmi_kg_m2, height=said.height_m, user=_user(said.user))
    return Reading(_naive(said.time), found)


def _composition(said: BodyComposition) -> Reading:
    if said.body_fat_percent is None:
        return Reading(None, {})
    found = numbers(
        body_fat=said.body_fat_percent,
        muscle=said.muscle_percent,
        muscle_mass=said.muscle_mass_kg,
        fat_free_mass=said.fat_free_mass_kg,
        soft_lean_mass=said.soft_lean_mass_kg,
        body_water_mass=said.body_water_mass_kg,
        impedance=said.impedance_ohm,
        basal_metabolism=said.basal_metabolism_kj,
        weight=said.weight_kg,
        height=said.height_m,
        user=_user(said.user),
    )
    return Reading(_naive(said.time), found)


def _glucose(said: GlucoseMeasurement) -> Reading:
    from vitals.decode.glucose import SampleLocation, SampleType

    if said.sample_type == SampleType.CONTROL_SOLUTION or said.sample_location == SampleLocation.CONTROL_SOLUTION:
        return Reading(None, {})
    return Reading(said.time, numbers(glucose=said.concentration_mg_dl, glucose_status=said.status))


def of_cgm(said: CgmRecord) -> Reading:
    """One record of a continuous glucose monitor; its time is told apart, in minutes."""
    return Reading(
        None,
        numbers(glucose=said.concentration_mg_dl, glucose_trend=said.trend_mg_dl_per_min, glucose_status=said.status),
    )


_PRESSURES = ("systolic_pressure", "diastolic_pressure", "mean_arterial_pressure", "pulse_rate")
OXYGEN = ("spo2", "pulse_rate", "pulse_amplitude_index")
_LEAN = ("muscle", "muscle_mass", "fat_free_mass", "soft_lean_mass", "body_water_mass", "impedance")
_STAMPED = ("record_time_error",)
_PRESSURE_KINDS = (*_PRESSURES, "blood_pressure_status", "user", *_STAMPED)

# What one notification of a characteristic holds, and the kinds of stream that it feeds.
READINGS: Mapping[str, tuple[tuple[str, ...], Callable[..., Reading]]] = {
    u.PLX_SPOT_CHECK_MEASUREMENT: ((*OXYGEN, *_STAMPED), _spot_check),
    u.TEMPERATURE_MEASUREMENT: (("temperature", *_STAMPED), _temperature),
    u.INTERMEDIATE_TEMPERATURE: (("intermediate_temperature",), _warming),
    u.BLOOD_PRESSURE_MEASUREMENT: (_PRESSURE_KINDS, _pressure),
    u.ENHANCED_BLOOD_PRESSURE_MEASUREMENT: (_PRESSURE_KINDS, _pressure),
    u.INTERMEDIATE_CUFF_PRESSURE: (("cuff_pressure",), _cuff),
    u.ENHANCED_INTERMEDIATE_CUFF_PRESSURE: (("cuff_pressure",), _cuff),
    u.WEIGHT_MEASUREMENT: (("weight", "bmi", "height", "user", *_STAMPED), _weight),
    u.BODY_COMPOSITION_MEASUREMENT: (
        ("body_fat", *_LEAN, "basal_metabolism", "weight", "height", "user", *_STAMPED),
        _composition,
    ),
    u.GLUCOSE_MEASUREMENT: (("glucose", "glucose_status", *_STAMPED), _glucose),
}
CGM_KINDS = ("glucose", "glucose_trend", "glucose_status", *_STAMPED)
