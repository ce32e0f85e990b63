"""Fitness Machine Service (FTMS 1.0, 0x1826): what treadmill, cross trainer, climbers, rower and indoor bike measure.

Layouts (GATT Specification Supplement, Treadmill Data, Cross Trainer Data, Step Climber Data, Stair Climber Data, Rower
Data, Indoor Bike Data): flags u16 (cross trainer u24), then the fields of each set bit in order. The tables below are
the layouts.

Laws of this file:
1. Bit 0 is "more data" and inverted: its fields are there when it is clear, and then the record is complete.
2. A record may span notifications: `RecordAssembler` merges those with bit 0 set with the one that ends them.
3. "Data Not Available" is None: energies (0xFFFF, 0xFF; all machines), inclination and ramp angle (0x7FFF), belt force
   and power of a treadmill (0x7FFF), step rates of a cross trainer (0xFFFF). FTMS 1.0 (4.4.1.5, 6, 10 to 12, 17, 18;
   4.5.1.5, 6, 9, 10) gives no such value to any other field.
4. The resistance level is s16 in FTMS 1.0 and u8 in the supplement; the length of the payload tells which one was sent.
   It is in the machine's own steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from vitals.decode import uuids
from vitals.decode.cursor import Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineData:
    """What all machines share; a field that a notification does not carry is None."""

    more_data: bool  # the rest of this record follows
    total_distance_m: int | None = None
    energy_kcal: int | None = None
    energy_kcal_per_h: int | None = None
    energy_kcal_per_min: int | None = None
    heart_rate_bpm: int | None = None
    metabolic_equivalent: float | None = None
    elapsed_s: int | None = None
    remaining_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreadmillData(MachineData):
    speed_kmh: float | None = None
    average_speed_kmh: float | None = None
    inclination_percent: float | None = None
    ramp_angle_deg: float | None = None
    positive_elevation_m: float | None = None
    negative_elevation_m: float | None = None
    pace_s_per_500m: int | None = None
    average_pace_s_per_500m: int | None = None
    belt_force_n: int | None = None
    power_w: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossTrainerData(MachineData):
    speed_kmh: float | None = None
    average_speed_kmh: float | None = None
    steps_per_min: int | None = None
    average_steps_per_min: int | None = None
    strides: float | None = None  # pairs of steps
    positive_elevation_m: int | None = None
    negative_elevation_m: int | None = None
    inclination_percent: float | None = None
    ramp_angle_deg: float | None = None
    resistance_level: int | None = None
    power_w: int | None = None
    average_power_w: int | None = None
    backward: bool | None = None  # direction of movement


@dataclass(frozen=True, slots=True, kw_only=True)
class StepClimberData(MachineData):
    floors: int | None = None
    steps: int | None = None
    steps_per_min: int | None = None
    average_steps_per_min: int | None = None
    positive_elevation_m: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StairClimberData(MachineData):
    floors: int | None = None
    steps_per_min: int | None = None
    average_steps_per_min: int | None = None
    positive_elevation_m: int | None = None
    strides: int | None = None  # pairs of steps


@dataclass(frozen=True, slots=True, kw_only=True)
class RowerData(MachineData):
    strokes_per_min: float | None = None
    strokes: int | None = None
    average_strokes_per_min: float | None = None
    pace_s_per_500m: int | None = None
    average_pace_s_per_500m: int | None = None
    power_w: int | None = None
    average_power_w: int | None = None
    resistance_level: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndoorBikeData(MachineData):
    speed_kmh: float | None = None
    average_speed_kmh: float | None = None
    cadence_rpm: float | None = None
    average_cadence_rpm: float | None = None
    resistance_level: int | None = None
    power_w: int | None = None
    average_power_w: int | None = None


class _Field(NamedTuple):
    name: str
    size: int
    signed: bool = False
    divisor: int = 1
    unavailable: int | None = None  # the value that says "no value"


_ENERGY = (
    _Field("energy_kcal", 2, unavailable=0xFFFF),
    _Field("energy_kcal_per_h", 2, unavailable=0xFFFF),
    _Field("energy_kcal_per_min", 1, unavailable=0xFF),
)
_HEART_RATE = (_Field("heart_rate_bpm", 1),)
_MET = (_Field("metabolic_equivalent", 1, divisor=10),)
_ELAPSED = (_Field("elapsed_s", 2),)
_REMAINING = (_Field("remaining_s", 2),)
_DISTANCE = (_Field("total_distance_m", 3),)
_SPEED = (_Field("speed_kmh", 2, divisor=100),)
_AVERAGE_SPEED = (_Field("average_speed_kmh", 2, divisor=100),)
_SLOPE = (
    _Field("inclination_percent", 2, True, 10, unavailable=0x7FFF),
    _Field("ramp_angle_deg", 2, True, 10, unavailable=0x7FFF),
)
_PACE = (_Field("pace_s_per_500m", 2),)
_AVERAGE_PACE = (_Field("average_pace_s_per_500m", 2),)
_POWER = (_Field("power_w", 2, True),)
_AVERAGE_POWER = (_Field("average_power_w", 2, True),)
_RESISTANCE = (_Field("resistance_level", 2, True),)

# One group of fields per flag bit, from bit 0.
_Layout = Sequence[Sequence[_Field]]
_TREADMILL: _Layout = (
    _SPEED,
    _AVERAGE_SPEED,
    _DISTANCE,
    _SLOPE,
    (_Field("positive_elevation_m", 2, divisor=10), _Field("negative_elevation_m", 2, divisor=10)),
    _PACE,
    _AVERAGE_PACE,
    _ENERGY,
    _HEART_RATE,
    _MET,
    _ELAPSED,
    _REMAINING,
    (_Field("belt_force_n", 2, True, unavailable=0x7FFF), _Field("power_w", 2, True, unavailable=0x7FFF)),
)
_CROSS_TRAINER: _Layout = (
    _SPEED,
    _AVERAGE_SPEED,
    _DISTANCE,
    (_Field("steps_per_min", 2, unavailable=0xFFFF), _Field("average_steps_per_min", 2, unavailable=0xFFFF)),
    (_Field("strides", 2, divisor=10),),
    (_Field("positive_elevation_m", 2), _Field("negative_elevation_m", 2)),
    _SLOPE,
    _RESISTANCE,
    _POWER,
    _AVERAGE_POWER,
    _ENERGY,
    _HEART_RATE,
    _MET,
    _ELAPSED,
    _REMAINING,
)
_CLIMB = (
    (_Field("steps_per_min", 2),),
    (_Field("average_steps_per_min", 2),),
    (_Field("positive_elevation_m", 2),),
)
_STEP_CLIMBER: _Layout = (
    (_Field("floors", 2), _Field("steps", 2)),
    *_CLIMB,
    _ENERGY,
    _HEART_RATE,
    _MET,
    _ELAPSED,
    _REMAINING,
)
_STAIR_CLIMBER: _Layout = (
    (_Field("floors", 2),),
    *_CLIMB,
    (_Field("strides", 2),),
    _ENERGY,
    _HEART_RATE,
    _MET,
    _ELAPSED,
    _REMAINING,
)
_ROWER: _Layout = (
    (_Field("strokes_per_min", 1, divisor=2), _Field("strokes", 2)),
    (_Field("average_strokes_per_min", 1, divisor=2),),
    _DISTANCE,
    _PACE,
    _AVERAGE_PACE,
    _POWER,
    _AVERAGE_POWER,
    _RESISTANCE,
    _ENERGY,
    _HEART_RATE,
    _MET,
    _ELAPSED,
    _REMAINING,
)
_INDOOR_BIKE: _Layout = (
    _SPEED,
    _AVERAGE_SPEED,
    (_Field("cadence_rpm", 2, divisor=2),),
    (_Field("average_cadence_rpm", 2, divisor=2),),
    _DISTANCE,
    _RESISTANCE,
    _POWER,
    _AVERAGE_POWER,
    _ENERGY,
    _HEART_RATE,
    _MET,
    _ELAPSED,
    _REMAINING,
)


def _read(at: Cursor, flags: int, layout: _Layout) -> dict[str, Any]:
    present = [field for bit, group in enumerate(layout) if (flags >> bit & 1) != (bit == 0) for field in group]
    short_resistance = at.left == sum(field.size for field in present) - 1
    values: dict[str, Any] = {"more_data": bool(flags & 1)}
    for field in present:
        size = 1 if field.name == "resistance_level" and short_resistance else field.size
        signed = field.signed and size == field.size
        raw = at.sint(size, field.name) if signed else at.uint(size, field.name)
        if raw != field.unavailable:
            values[field.name] = raw / field.divisor if field.divisor > 1 else raw
    at.end()
    return values


def decode_treadmill_data(payload: bytes) -> TreadmillData:
    """Treadmill Data (0x2ACD). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.TREADMILL_DATA, payload)
    return TreadmillData(**_read(at, at.uint(2, "flags"), _TREADMILL))


def decode_cross_trainer_data(payload: bytes) -> CrossTrainerData:
    """Cross Trainer Data (0x2ACE). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.CROSS_TRAINER_DATA, payload)
    flags = at.uint(3, "flags")
    return CrossTrainerData(**_read(at, flags, _CROSS_TRAINER), backward=bool(flags & 0x8000))


def decode_step_climber_data(payload: bytes) -> StepClimberData:
    """Step Climber Data (0x2ACF). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.STEP_CLIMBER_DATA, payload)
    return StepClimberData(**_read(at, at.uint(2, "flags"), _STEP_CLIMBER))


def decode_stair_climber_data(payload: bytes) -> StairClimberData:
    """Stair Climber Data (0x2AD0). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.STAIR_CLIMBER_DATA, payload)
    return StairClimberData(**_read(at, at.uint(2, "flags"), _STAIR_CLIMBER))


def decode_rower_data(payload: bytes) -> RowerData:
    """Rower Data (0x2AD1). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.ROWER_DATA, payload)
    return RowerData(**_read(at, at.uint(2, "flags"), _ROWER))


def decode_indoor_bike_data(payload: bytes) -> IndoorBikeData:
    """Indoor Bike Data (0x2AD2). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.INDOOR_BIKE_DATA, payload)
    return IndoorBikeData(**_read(at, at.uint(2, "flags"), _INDOOR_BIKE))


Data = TypeVar("Data", bound=MachineData)


class RecordAssembler(Generic[Data]):
    """Joins the notifications of one characteristic into whole records."""

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}
        self.incomplete = 0  # records whose end did not come

    def feed(self, part: Data) -> Data | None:
        """The whole record once its last notification has come; None before."""
        values = {
            field.name: value for field in dataclasses.fields(part) if (value := getattr(part, field.name)) is not None
        }
        del values["more_data"]
        # Only the direction of a cross trainer comes with every part; any other field twice means that an end was lost.
        if (self._parts.keys() & values.keys()) - {"backward"}:
            self.incomplete += 1
            self._parts = {}
        self._parts |= values
        if part.more_data:
            return None
        whole = type(part)(more_data=False, **self._parts)
        self._parts = {}
        return whole


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.TREADMILL_DATA: decode_treadmill_data,
    uuids.CROSS_TRAINER_DATA: decode_cross_trainer_data,
    uuids.STEP_CLIMBER_DATA: decode_step_climber_data,
    uuids.STAIR_CLIMBER_DATA: decode_stair_climber_data,
    uuids.ROWER_DATA: decode_rower_data,
    uuids.INDOOR_BIKE_DATA: decode_indoor_bike_data,
}
