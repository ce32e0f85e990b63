"""Running Speed and Cadence Service (RSCS 1.0, 0x1814): measurement, feature.

Layout of 0x2A53 (GATT Specification Supplement, RSC Measurement):
    flags u8: bit 0 stride length, 1 total distance, 2 running (else walking)
    speed u16 [1/256 m/s], cadence u8 [1/min], stride length u16 [cm], total distance u32 [0.1 m]
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor


class RscFeature(enum.IntFlag):
    STRIDE_LENGTH = 1 << 0
    TOTAL_DISTANCE = 1 << 1
    WALKING_OR_RUNNING = 1 << 2
    CALIBRATION_PROCEDURE = 1 << 3
    MULTIPLE_SENSOR_LOCATIONS = 1 << 4


@dataclass(frozen=True, slots=True)
class RscMeasurement:
    speed_m_s: float
    cadence_per_min: int  # steps per minute of one foot or of both: the device's choice
    stride_length_m: float | None
    total_distance_m: float | None
    running: bool  # False: walking, or a sensor that cannot tell


def decode_rsc_measurement(payload: bytes) -> RscMeasurement:
    """RSC Measurement (0x2A53). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.RSC_MEASUREMENT, payload)
    flags = at.uint(1, "flags")
    speed, cadence = at.uint(2, "speed") / 256, at.uint(1, "cadence")
    stride = at.uint(2, "stride length") / 100 if flags & 0x01 else None
    distance = at.uint(4, "total distance") / 10 if flags & 0x02 else None
    at.end()
    return RscMeasurement(speed, cadence, stride, distance, bool(flags & 0x04))


def decode_rsc_feature(payload: bytes) -> RscFeature:
    """RSC Feature (0x2A54)."""
    at = Cursor(uuids.RSC_FEATURE, payload)
    value = RscFeature(at.uint(2, "features"))
    at.end()
    return value


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.RSC_MEASUREMENT: decode_rsc_measurement,
    uuids.RSC_FEATURE: decode_rsc_feature,
}
