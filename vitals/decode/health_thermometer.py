"""Health Thermometer Service (HTS 1.0, 0x1809): temperature, its type, the interval of measurements.

Layout of 0x2A1C and 0x2A1E (GATT Specification Supplement, Temperature Measurement):
    flags u8: bit 0 the number is in degrees Fahrenheit, 1 time stamp, 2 temperature type
    temperature FLOAT, time stamp (7 bytes) if present, temperature type u8 if present
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.decode.date_time import DateTime, time_stamp
from vitals.decode.ieee11073 import Special


class TemperatureType(enum.IntEnum):
    """Where on the body the temperature was taken."""

    ARMPIT = 1
    BODY = 2
    EAR = 3
    FINGER = 4
    GASTROINTESTINAL_TRACT = 5
    MOUTH = 6
    RECTUM = 7
    TOE = 8
    TYMPANUM = 9


@dataclass(frozen=True, slots=True)
class TemperatureMeasurement:
    temperature_c: float  # may be an ieee11073.Special
    sent_in_fahrenheit: bool
    time: DateTime | None
    site: TemperatureType | int | None


@dataclass(frozen=True, slots=True)
class MeasurementInterval:
    interval_s: int  # 0: no periodic measurement


def _celsius(fahrenheit: float) -> float:
    """The decimal number that was sent, converted exactly and rounded once."""
    return fahrenheit if isinstance(fahrenheit, Special) else float((Fraction(repr(fahrenheit)) - 32) * 5 / 9)


def _temperature(uuid: str, payload: bytes) -> TemperatureMeasurement:
    at = Cursor(uuid, payload)
    flags = at.uint(1, "flags")
    temperature = at.float32("temperature")
    time = time_stamp(at, "time stamp") if flags & 0x02 else None
    site = named(TemperatureType, at.uint(1, "temperature type")) if flags & 0x04 else None
    at.end()
    fahrenheit = bool(flags & 0x01)
    return TemperatureMeasurement(_celsius(temperature) if fahrenheit else temperature, fahrenheit, time, site)


def decode_temperature_measurement(payload: bytes) -> TemperatureMeasurement:
    """Temperature Measurement (0x2A1C). Raises DecodeError where bytes are missing or left over."""
    return _temperature(uuids.TEMPERATURE_MEASUREMENT, payload)


def decode_intermediate_temperature(payload: bytes) -> TemperatureMeasurement:
    """Intermediate Temperature (0x2A1E), while the measurement still runs; laid out like the final one."""
    return _temperature(uuids.INTERMEDIATE_TEMPERATURE, payload)


def decode_temperature_type(payload: bytes) -> TemperatureType | int:
    """Temperature Type (0x2A1D); a value reserved today stays a plain integer."""
    at = Cursor(uuids.TEMPERATURE_TYPE, payload)
    value = named(TemperatureType, at.uint(1, "temperature type"))
    at.end()
    return value


def decode_measurement_interval(payload: bytes) -> MeasurementInterval:
    """Measurement Interval (0x2A21)."""
    at = Cursor(uuids.MEASUREMENT_INTERVAL, payload)
    value = MeasurementInterval(at.uint(2, "interval"))
    at.end()
    return value


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.TEMPERATURE_MEASUREMENT: decode_temperature_measurement,
    uuids.INTERMEDIATE_TEMPERATURE: decode_intermediate_temperature,
    uuids.TEMPERATURE_TYPE: decode_temperature_type,
    uuids.MEASUREMENT_INTERVAL: decode_measurement_interval,
}
