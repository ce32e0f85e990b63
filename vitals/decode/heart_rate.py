"""Heart Rate Service (HRS 1.0, 0x180D): Heart Rate Measurement, Body Sensor Location.

Layout of 0x2A37 (GATT Specification Supplement, Heart Rate Measurement):
    flags u8: bit 0 heart rate is u16, bit 1 contact detected, bit 2 contact supported, bit 3 energy, bit 4 RR
    heart rate u8 | u16 [bpm], energy u16 [kJ] if present, RR u16 [1/1024 s] one or more if present, oldest first
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor

RR_TICK_HZ = 1024


class _Flag(enum.IntFlag):
    RATE_16_BIT = 0x01
    CONTACT_DETECTED = 0x02
    CONTACT_SUPPORTED = 0x04
    ENERGY = 0x08
    RR = 0x10


@dataclass(frozen=True, slots=True)
class HeartRateMeasurement:
    """One notification of a heart-rate sensor."""

    rate_bpm: int
    contact: bool | None  # skin contact; None where the sensor cannot tell
    energy_kj: int | None  # expended since the last reset; None where absent; 65535 means "at least"
    rr_ticks: tuple[int, ...]  # RR intervals in 1/1024 s, oldest first


class BodySensorLocation(enum.IntEnum):
    OTHER = 0
    CHEST = 1
    WRIST = 2
    FINGER = 3
    HAND = 4
    EAR_LOBE = 5
    FOOT = 6


def decode_heart_rate(payload: bytes) -> HeartRateMeasurement:
    """Heart Rate Measurement (0x2A37). Raises DecodeError where bytes are missing or left over.

    Flag bits 5 to 7 are reserved and ignored. An RR flag without an interval is refused: the supplement asks for one
    or more.
    """
    at = Cursor(uuids.HEART_RATE_MEASUREMENT, payload)
    flags = _Flag(at.uint(1, "flags") & 0x1F)
    rate = at.uint(2 if flags & _Flag.RATE_16_BIT else 1, "heart rate")
    contact = bool(flags & _Flag.CONTACT_DETECTED) if flags & _Flag.CONTACT_SUPPORTED else None
    energy = at.uint(2, "energy expended") if flags & _Flag.ENERGY else None
    rr: list[int] = []
    if flags & _Flag.RR:
        rr.append(at.uint(2, "RR interval"))
        while at.left:
            rr.append(at.uint(2, "RR interval"))
    at.end()
    return HeartRateMeasurement(rate, contact, energy, tuple(rr))


def decode_body_sensor_location(payload: bytes) -> BodySensorLocation | int:
    """Body Sensor Location (0x2A38); a value reserved today stays a plain integer. Raises DecodeError."""
    at = Cursor(uuids.BODY_SENSOR_LOCATION, payload)
    value = at.uint(1, "location")
    at.end()
    try:
        return BodySensorLocation(value)
    except ValueError:
        return value
