"""Cycling Speed and Cadence Service (CSCS 1.0.1, 0x1816): measurement, feature, sensor location.

Layout of 0x2A5B (GATT Specification Supplement, CSC Measurement):
    flags u8: bit 0 wheel, 1 crank
    wheel revolutions u32 and last event time u16 [1/1024 s], crank revolutions u16 and last event time u16 [1/1024 s]
`RevolutionRate` turns two of them into speed and cadence.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.decode.revolutions import Revolutions


class CscFeature(enum.IntFlag):
    WHEEL_REVOLUTIONS = 1 << 0
    CRANK_REVOLUTIONS = 1 << 1
    MULTIPLE_SENSOR_LOCATIONS = 1 << 2


class SensorLocation(enum.IntEnum):
    """Where a running, cycling or power sensor is mounted (0x2A5D)."""

    OTHER = 0
    TOP_OF_SHOE = 1
    IN_SHOE = 2
    HIP = 3
    FRONT_WHEEL = 4
    LEFT_CRANK = 5
    RIGHT_CRANK = 6
    LEFT_PEDAL = 7
    RIGHT_PEDAL = 8
    FRONT_HUB = 9
    REAR_DROPOUT = 10
    CHAINSTAY = 11
    REAR_WHEEL = 12
    REAR_HUB = 13
    CHEST = 14
    SPIDER = 15
    CHAIN_RING = 16


@dataclass(frozen=True, slots=True)
class CscMeasurement:
    wheel: Revolutions | None
    crank: Revolutions | None


def wheel_revolutions(at: Cursor, ticks_per_s: int) -> Revolutions:
    """Read u32 revolutions and a u16 event time."""
    return Revolutions(at.uint(4, "wheel revolutions"), at.uint(2, "wheel event time"), ticks_per_s, 1 << 32)


def crank_revolutions(at: Cursor) -> Revolutions:
    """Read u16 revolutions and a u16 event time in 1/1024 s."""
    return Revolutions(at.uint(2, "crank revolutions"), at.uint(2, "crank event time"), 1024, 1 << 16)


def decode_csc_measurement(payload: bytes) -> CscMeasurement:
    """CSC Measurement (0x2A5B). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.CSC_MEASUREMENT, payload)
    flags = at.uint(1, "flags")
    wheel = wheel_revolutions(at, 1024) if flags & 0x01 else None
    crank = crank_revolutions(at) if flags & 0x02 else None
    at.end()
    return CscMeasurement(wheel, crank)


def decode_csc_feature(payload: bytes) -> CscFeature:
    """CSC Feature (0x2A5C)."""
    at = Cursor(uuids.CSC_FEATURE, payload)
    value = CscFeature(at.uint(2, "features"))
    at.end()
    return value


def decode_sensor_location(payload: bytes) -> SensorLocation | int:
    """Sensor Location (0x2A5D); a value reserved today stays a plain integer."""
    at = Cursor(uuids.SENSOR_LOCATION, payload)
    value = named(SensorLocation, at.uint(1, "location"))
    at.end()
    return value


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.CSC_MEASUREMENT: decode_csc_measurement,
    uuids.CSC_FEATURE: decode_csc_feature,
    uuids.SENSOR_LOCATION: decode_sensor_location,
}
