"""Cycling Power Service (CPS 1.1, 0x1818): measurement, vector, feature.

Layouts (GATT Specification Supplement, Cycling Power Measurement and Cycling Power Vector):
    measurement 0x2A63  flags u16: bit 0 pedal power balance, 1 the balance is that of the left pedal, 2 accumulated
                        torque, 3 the torque is that of the crank, 4 wheel, 5 crank, 6 extreme forces, 7 extreme
                        torques, 8 extreme angles, 9 top and 10 bottom dead spot, 11 accumulated energy, 12 offset
                        compensation
                        power s16 [W], balance u8 [1/2 %], torque u16 [1/32 Nm], wheel u32 and u16 [1/2048 s], crank
                        u16 and u16 [1/1024 s], forces 2 s16 [N], torques 2 s16 [1/32 Nm], angles 2 u12 [deg], dead
                        spots u16 [deg], energy u16 [kJ]
    vector 0x2A64       flags u8: bit 0 crank, 1 first angle, 2 forces, 3 torques, 4-5 direction
                        crank u16 and u16 [1/1024 s], first angle u16 [deg], forces s16 [N] or torques s16 [1/32 Nm]
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor
from vitals.decode.cycling_speed import crank_revolutions, wheel_revolutions
from vitals.decode.revolutions import Revolutions


class CyclingPowerFeature(enum.IntFlag):
    PEDAL_POWER_BALANCE = 1 << 0
    ACCUMULATED_TORQUE = 1 << 1
    WHEEL_REVOLUTIONS = 1 << 2
    CRANK_REVOLUTIONS = 1 << 3
    EXTREME_MAGNITUDES = 1 << 4
    EXTREME_ANGLES = 1 << 5
    DEAD_SPOT_ANGLES = 1 << 6
    ACCUMULATED_ENERGY = 1 << 7
    OFFSET_COMPENSATION_INDICATOR = 1 << 8
    OFFSET_COMPENSATION = 1 << 9
    CONTENT_MASKING = 1 << 10
    MULTIPLE_SENSOR_LOCATIONS = 1 << 11
    CRANK_LENGTH_ADJUSTMENT = 1 << 12
    CHAIN_LENGTH_ADJUSTMENT = 1 << 13
    CHAIN_WEIGHT_ADJUSTMENT = 1 << 14
    SPAN_LENGTH_ADJUSTMENT = 1 << 15
    TORQUE_BASED = 1 << 16  # clear: force based
    MEASUREMENT_DIRECTION = 1 << 17
    FACTORY_CALIBRATION_DATE = 1 << 18
    ENHANCED_OFFSET_COMPENSATION = 1 << 19


class DistributedSystem(enum.IntEnum):
    """Whether the sensor may measure one pedal only (bits 20 and 21 of the feature)."""

    UNSPECIFIED = 0
    NO = 1
    YES = 2
    RESERVED = 3


class MeasurementDirection(enum.IntEnum):
    UNKNOWN = 0
    TANGENTIAL = 1
    RADIAL = 2
    LATERAL = 3


@dataclass(frozen=True, slots=True)
class Extremes:
    """The largest and the smallest value of one revolution."""

    maximum: float
    minimum: float


@dataclass(frozen=True, slots=True)
class CyclingPowerMeasurement:
    power_w: int
    pedal_balance_percent: float | None
    balance_is_left: bool  # False: of which pedal is not known
    accumulated_torque_nm: float | None  # rolls over at 2048
    torque_is_of_crank: bool  # False: of the wheel
    wheel: Revolutions | None
    crank: Revolutions | None
    force_n: Extremes | None
    torque_nm: Extremes | None
    angle_deg: Extremes | None  # of the extreme forces or torques
    top_dead_spot_deg: int | None
    bottom_dead_spot_deg: int | None
    accumulated_energy_kj: int | None
    offset_compensation: bool


@dataclass(frozen=True, slots=True)
class CyclingPowerVector:
    crank: Revolutions | None
    first_angle_deg: int | None
    force_n: tuple[int, ...]
    torque_nm: tuple[float, ...]
    direction: MeasurementDirection


@dataclass(frozen=True, slots=True)
class CyclingPowerFeatures:
    features: CyclingPowerFeature
    distributed_system: DistributedSystem


def _extremes(at: Cursor, what: str, scale: int) -> Extremes:
    return Extremes(at.sint(2, f"maximum {what}") / scale, at.sint(2, f"minimum {what}") / scale)


def _angles(at: Cursor) -> Extremes:
    both = at.uint(3, "extreme angles")
    return Extremes(both & 0xFFF, both >> 12)


def decode_cycling_power_measurement(payload: bytes) -> CyclingPowerMeasurement:
    """Cycling Power Measurement (0x2A63). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.CYCLING_POWER_MEASUREMENT, payload)
    flags = at.uint(2, "flags")
    value = CyclingPowerMeasurement(
        power_w=at.sint(2, "power"),
        pedal_balance_percent=at.uint(1, "pedal power balance") / 2 if flags & 0x0001 else None,
        balance_is_left=bool(flags & 0x0002),
        accumulated_torque_nm=at.uint(2, "accumulated torque") / 32 if flags & 0x0004 else None,
        torque_is_of_crank=bool(flags & 0x0008),
        wheel=wheel_revolutions(at, 2048) if flags & 0x0010 else None,
        crank=crank_revolutions(at) if flags & 0x0020 else None,
        force_n=_extremes(at, "force", 1) if flags & 0x0040 else None,
        torque_nm=_extremes(at, "torque", 32) if flags & 0x0080 else None,
        angle_deg=_angles(at) if flags & 0x0100 else None,
        top_dead_spot_deg=at.uint(2, "top dead spot") if flags & 0x0200 else None,
        bottom_dead_spot_deg=at.uint(2, "bottom dead spot") if flags & 0x0400 else None,
        accumulated_energy_kj=at.uint(2, "accumulated energy") if flags & 0x0800 else None,
        offset_compensation=bool(flags & 0x1000),
    )
    at.end()
    return value


def decode_cycling_power_vector(payload: bytes) -> CyclingPowerVector:
    """Cycling Power Vector (0x2A64). Raises DecodeError where bytes are missing, and for forces and torques at once."""
    at = Cursor(uuids.CYCLING_POWER_VECTOR, payload)
    flags = at.uint(1, "flags")
    if flags & 0x0C == 0x0C:
        raise at.error("forces and torques in one vector cannot be told apart", back=1)
    crank = crank_revolutions(at) if flags & 0x01 else None
    angle = at.uint(2, "first crank angle") if flags & 0x02 else None
    magnitudes: list[int] = []
    while flags & 0x0C and at.left:
        magnitudes.append(at.sint(2, "magnitude"))
    at.end()
    force = tuple(magnitudes) if flags & 0x04 else ()
    torque = tuple(value / 32 for value in magnitudes) if flags & 0x08 else ()
    return CyclingPowerVector(crank, angle, force, torque, MeasurementDirection(flags >> 4 & 0x03))


def decode_cycling_power_feature(payload: bytes) -> CyclingPowerFeatures:
    """Cycling Power Feature (0x2A65)."""
    at = Cursor(uuids.CYCLING_POWER_FEATURE, payload)
    bits = at.uint(4, "features")
    at.end()
    return CyclingPowerFeatures(CyclingPowerFeature(bits & 0xFFFFF), DistributedSystem(bits >> 20 & 0x03))


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.CYCLING_POWER_MEASUREMENT: decode_cycling_power_measurement,
    uuids.CYCLING_POWER_VECTOR: decode_cycling_power_vector,
    uuids.CYCLING_POWER_FEATURE: decode_cycling_power_feature,
}
