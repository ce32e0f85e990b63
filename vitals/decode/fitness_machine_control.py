"""Fitness Machine Service (FTMS 1.0, 0x1826): features, ranges, control point, status, training status.

Layouts (FTMS 1.0, sections 4.3, 4.10 to 4.17; ranges: GATT Specification Supplement). Not in the supplement,
therefore from memory and compared with Auuki's unit tests: features, control point, status, training status.
    feature 0x2ACC         machine features u32, target features u32
    ranges 0x2AD4..2AD8    minimum, maximum, increment
    control point 0x2AD9   op code u8, parameter; response 80, request op code u8, result u8, parameter
    status 0x2ADA          op code u8, parameter, laid out like that of the control point
    training 0x2AD3        flags u8 (bit 0 text), status u8, text UTF-8
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named


class MachineFeature(enum.IntFlag):
    AVERAGE_SPEED = 1 << 0
    CADENCE = 1 << 1
    TOTAL_DISTANCE = 1 << 2
    INCLINATION = 1 << 3
    ELEVATION_GAIN = 1 << 4
    PACE = 1 << 5
    STEP_COUNT = 1 << 6
    RESISTANCE_LEVEL = 1 << 7
    STRIDE_COUNT = 1 << 8
    EXPENDED_ENERGY = 1 << 9
    HEART_RATE = 1 << 10
    METABOLIC_EQUIVALENT = 1 << 11
    ELAPSED_TIME = 1 << 12
    REMAINING_TIME = 1 << 13
    POWER = 1 << 14
    BELT_FORCE_AND_POWER = 1 << 15
    USER_DATA_RETENTION = 1 << 16


class TargetFeature(enum.IntFlag):
    SPEED = 1 << 0
    INCLINATION = 1 << 1
    RESISTANCE = 1 << 2
    POWER = 1 << 3
    HEART_RATE = 1 << 4
    ENERGY = 1 << 5
    STEPS = 1 << 6
    STRIDES = 1 << 7
    DISTANCE = 1 << 8
    TRAINING_TIME = 1 << 9
    TIME_IN_TWO_HEART_RATE_ZONES = 1 << 10
    TIME_IN_THREE_HEART_RATE_ZONES = 1 << 11
    TIME_IN_FIVE_HEART_RATE_ZONES = 1 << 12
    BIKE_SIMULATION = 1 << 13
    WHEEL_CIRCUMFERENCE = 1 << 14
    SPIN_DOWN_CONTROL = 1 << 15
    CADENCE = 1 << 16


class MachineOperation(enum.IntEnum):
    REQUEST_CONTROL = 0x00
    RESET = 0x01
    SET_SPEED = 0x02
    SET_INCLINATION = 0x03
    SET_RESISTANCE = 0x04
    SET_POWER = 0x05
    SET_HEART_RATE = 0x06
    START_OR_RESUME = 0x07
    STOP_OR_PAUSE = 0x08
    SET_ENERGY = 0x09
    SET_STEPS = 0x0A
    SET_STRIDES = 0x0B
    SET_DISTANCE = 0x0C
    SET_TRAINING_TIME = 0x0D
    SET_TIME_IN_TWO_HEART_RATE_ZONES = 0x0E
    SET_TIME_IN_THREE_HEART_RATE_ZONES = 0x0F
    SET_TIME_IN_FIVE_HEART_RATE_ZONES = 0x10
    SET_BIKE_SIMULATION = 0x11
    SET_WHEEL_CIRCUMFERENCE = 0x12
    SPIN_DOWN_CONTROL = 0x13
    SET_CADENCE = 0x14
    RESPONSE_CODE = 0x80


class MachineResult(enum.IntEnum):
    SUCCESS = 1
    OP_CODE_NOT_SUPPORTED = 2
    INVALID_PARAMETER = 3
    OPERATION_FAILED = 4
    CONTROL_NOT_PERMITTED = 5


class MachineEvent(enum.IntEnum):
    RESET = 0x01
    STOPPED_OR_PAUSED_BY_USER = 0x02
    STOPPED_BY_SAFETY_KEY = 0x03
    STARTED_OR_RESUMED_BY_USER = 0x04
    SPEED_CHANGED = 0x05
    INCLINATION_CHANGED = 0x06
    RESISTANCE_CHANGED = 0x07
    POWER_CHANGED = 0x08
    HEART_RATE_CHANGED = 0x09
    ENERGY_CHANGED = 0x0A
    STEPS_CHANGED = 0x0B
    STRIDES_CHANGED = 0x0C
    DISTANCE_CHANGED = 0x0D
    TRAINING_TIME_CHANGED = 0x0E
    TIME_IN_TWO_HEART_RATE_ZONES_CHANGED = 0x0F
    TIME_IN_THREE_HEART_RATE_ZONES_CHANGED = 0x10
    TIME_IN_FIVE_HEART_RATE_ZONES_CHANGED = 0x11
    BIKE_SIMULATION_CHANGED = 0x12
    WHEEL_CIRCUMFERENCE_CHANGED = 0x13
    SPIN_DOWN_STATUS = 0x14
    CADENCE_CHANGED = 0x15
    CONTROL_PERMISSION_LOST = 0xFF


class TrainingState(enum.IntEnum):
    OTHER = 0
    IDLE = 1
    WARMING_UP = 2
    LOW_INTENSITY_INTERVAL = 3
    HIGH_INTENSITY_INTERVAL = 4
    RECOVERY_INTERVAL = 5
    ISOMETRIC = 6
    HEART_RATE_CONTROL = 7
    FITNESS_TEST = 8
    SPEED_BELOW_CONTROL_REGION = 9
    SPEED_ABOVE_CONTROL_REGION = 10
    COOL_DOWN = 11
    WATT_CONTROL = 12
    MANUAL_MODE = 13
    PRE_WORKOUT = 14
    POST_WORKOUT = 15


class StopKind(enum.IntEnum):
    STOP = 1
    PAUSE = 2


@dataclass(frozen=True, slots=True)
class BikeSimulation:
    wind_speed_m_s: float
    grade_percent: float
    rolling_resistance: float  # coefficient
    wind_resistance_kg_m: float  # coefficient


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineTarget:
    """The parameter of one operation or event: the field that belongs to it; the others are None."""

    speed_kmh: float | None = None
    inclination_percent: float | None = None
    resistance_level: float | None = None
    power_w: int | None = None
    heart_rate_bpm: int | None = None
    stop: StopKind | int | None = None
    energy_kcal: int | None = None
    steps: int | None = None
    strides: int | None = None
    distance_m: int | None = None
    training_time_s: int | None = None
    zone_times_s: tuple[int, ...] | None = None  # from the lightest zone to the hardest
    simulation: BikeSimulation | None = None
    wheel_circumference_mm: float | None = None
    spin_down: int | None = None  # control 1 start, 2 ignore; status 1 requested, 2 success, 3 error, 4 stop pedalling
    cadence_rpm: float | None = None


@dataclass(frozen=True, slots=True)
class MachineFeatures:
    features: MachineFeature
    targets: TargetFeature


@dataclass(frozen=True, slots=True)
class SupportedRange:
    minimum: float
    maximum: float
    increment: float
    unit: str


@dataclass(frozen=True, slots=True)
class MachineRequest:
    operation: MachineOperation | int
    target: MachineTarget


@dataclass(frozen=True, slots=True)
class MachineResponse:
    request: MachineOperation | int
    result: MachineResult | int
    spin_down_speeds_kmh: tuple[float, float] | None  # low and high target of a spin down that was accepted


@dataclass(frozen=True, slots=True)
class MachineStatus:
    event: MachineEvent | int
    target: MachineTarget


@dataclass(frozen=True, slots=True)
class TrainingStatus:
    state: TrainingState | int
    text: str | None


def _resistance(at: Cursor) -> float:
    # u8 in FTMS 1.0, s16 in later machines; the length tells.
    return (at.sint(2, "resistance level") if at.left == 2 else at.uint(1, "resistance level")) / 10


def _simulation(at: Cursor) -> BikeSimulation:
    return BikeSimulation(
        at.sint(2, "wind speed") / 1000,
        at.sint(2, "grade") / 100,
        at.uint(1, "rolling resistance") / 10_000,
        at.uint(1, "wind resistance") / 100,
    )


def _zones(count: int, at: Cursor) -> tuple[int, ...]:
    return tuple(at.uint(2, f"time in zone {zone}") for zone in range(1, count + 1))


_SETTINGS: Mapping[int, tuple[str, Callable[[Cursor], object]]] = {
    MachineOperation.SET_SPEED: ("speed_kmh", lambda at: at.uint(2, "speed") / 100),
    MachineOperation.SET_INCLINATION: ("inclination_percent", lambda at: at.sint(2, "inclination") / 10),
    MachineOperation.SET_RESISTANCE: ("resistance_level", _resistance),
    MachineOperation.SET_POWER: ("power_w", lambda at: at.sint(2, "power")),
    MachineOperation.SET_HEART_RATE: ("heart_rate_bpm", lambda at: at.uint(1, "heart rate")),
    MachineOperation.SET_ENERGY: ("energy_kcal", lambda at: at.uint(2, "energy")),
    MachineOperation.SET_STEPS: ("steps", lambda at: at.uint(2, "steps")),
    MachineOperation.SET_STRIDES: ("strides", lambda at: at.uint(2, "strides")),
    MachineOperation.SET_DISTANCE: ("distance_m", lambda at: at.uint(3, "distance")),
    MachineOperation.SET_TRAINING_TIME: ("training_time_s", lambda at: at.uint(2, "training time")),
    MachineOperation.SET_TIME_IN_TWO_HEART_RATE_ZONES: ("zone_times_s", partial(_zones, 2)),
    MachineOperation.SET_TIME_IN_THREE_HEART_RATE_ZONES: ("zone_times_s", partial(_zones, 3)),
    MachineOperation.SET_TIME_IN_FIVE_HEART_RATE_ZONES: ("zone_times_s", partial(_zones, 5)),
    MachineOperation.SET_BIKE_SIMULATION: ("simulation", _simulation),
    MachineOperation.SET_WHEEL_CIRCUMFERENCE: ("wheel_circumference_mm", lambda at: at.uint(2, "circumference") / 10),
}
_STOP: tuple[str, Callable[[Cursor], object]] = ("stop", lambda at: named(StopKind, at.uint(1, "stop or pause")))
_SPIN_DOWN: tuple[str, Callable[[Cursor], object]] = ("spin_down", lambda at: at.uint(1, "spin down"))
_CADENCE: tuple[str, Callable[[Cursor], object]] = ("cadence_rpm", lambda at: at.uint(2, "cadence") / 2)
_OPERATIONS: Mapping[int, tuple[str, Callable[[Cursor], object]]] = {
    **_SETTINGS,
    MachineOperation.STOP_OR_PAUSE: _STOP,
    MachineOperation.SPIN_DOWN_CONTROL: _SPIN_DOWN,
    MachineOperation.SET_CADENCE: _CADENCE,
}
_EVENTS: Mapping[int, tuple[str, Callable[[Cursor], object]]] = {
    # Start and stop lie between the settings in the one list and before them in the other.
    **{op + (3 if op < MachineOperation.START_OR_RESUME else 1): reader for op, reader in _SETTINGS.items()},
    MachineEvent.STOPPED_OR_PAUSED_BY_USER: _STOP,
    MachineEvent.SPIN_DOWN_STATUS: _SPIN_DOWN,
    MachineEvent.CADENCE_CHANGED: _CADENCE,
}


def _target(at: Cursor, readers: Mapping[int, tuple[str, Callable[[Cursor], object]]], code: int) -> MachineTarget:
    values: dict[str, Any] = {}
    if code in readers:
        name, read = readers[code]
        values[name] = read(at)
    at.end()
    return MachineTarget(**values)


def decode_machine_request(payload: bytes) -> MachineRequest:
    """What an application writes to the control point (0x2AD9). Raises DecodeError for a response and a wrong length.

    An op code that is not known is handed on with the parameter unread: the machine answers it.
    """
    at = Cursor(uuids.FITNESS_MACHINE_CONTROL_POINT, payload)
    operation = named(MachineOperation, at.uint(1, "op code"))
    if not isinstance(operation, MachineOperation):
        return MachineRequest(operation, MachineTarget())
    if operation is MachineOperation.RESPONSE_CODE:
        raise at.error("op code 128 is a response, not a request", back=1)
    return MachineRequest(operation, _target(at, _OPERATIONS, operation))


def decode_machine_response(payload: bytes) -> MachineResponse:
    """What a machine indicates (0x2AD9). Raises DecodeError for a request and a wrong length."""
    at = Cursor(uuids.FITNESS_MACHINE_CONTROL_POINT, payload)
    operation = at.uint(1, "op code")
    if operation != MachineOperation.RESPONSE_CODE:
        raise at.error(f"op code {operation} is not a response", back=1)
    request = named(MachineOperation, at.uint(1, "request op code"))
    result = named(MachineResult, at.uint(1, "result"))
    speeds: tuple[float, float] | None = None
    if request == MachineOperation.SPIN_DOWN_CONTROL and result == MachineResult.SUCCESS and at.left:
        speeds = at.uint(2, "low target speed") / 100, at.uint(2, "high target speed") / 100
    at.end()
    return MachineResponse(request, result, speeds)


def decode_machine_status(payload: bytes) -> MachineStatus:
    """Fitness Machine Status (0x2ADA); the parameter of an event that is not known is not read."""
    at = Cursor(uuids.FITNESS_MACHINE_STATUS, payload)
    event = named(MachineEvent, at.uint(1, "op code"))
    return MachineStatus(event, _target(at, _EVENTS, event) if isinstance(event, MachineEvent) else MachineTarget())


def decode_machine_features(payload: bytes) -> MachineFeatures:
    """Fitness Machine Feature (0x2ACC)."""
    at = Cursor(uuids.FITNESS_MACHINE_FEATURE, payload)
    value = MachineFeatures(MachineFeature(at.uint(4, "features")), TargetFeature(at.uint(4, "target features")))
    at.end()
    return value


def decode_training_status(payload: bytes) -> TrainingStatus:
    """Training Status (0x2AD3). Raises DecodeError for a text that is not UTF-8."""
    at = Cursor(uuids.TRAINING_STATUS, payload)
    flags, state = at.uint(1, "flags"), named(TrainingState, at.uint(1, "training status"))
    text: str | None = None
    if flags & 0x01:
        try:
            text = at.take(at.left, "text").decode("utf-8")
        except UnicodeDecodeError as err:
            at.offset = 2 + err.start
            raise at.error("text is not UTF-8") from None
    at.end()
    return TrainingStatus(state, text)


def _range(uuid: str, size: int, signed: bool, divisor: int, unit: str, payload: bytes) -> SupportedRange:
    at = Cursor(uuid, payload)
    if uuid == uuids.SUPPORTED_RESISTANCE_LEVEL_RANGE and at.left == 3:
        size, signed = 1, False  # the supplement; FTMS 1.0 has 16 bits
    read = at.sint if signed else at.uint
    value = SupportedRange(
        read(size, "minimum") / divisor, read(size, "maximum") / divisor, at.uint(size, "increment") / divisor, unit
    )
    at.end()
    return value


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.FITNESS_MACHINE_FEATURE: decode_machine_features,
    uuids.FITNESS_MACHINE_CONTROL_POINT: decode_machine_response,
    uuids.FITNESS_MACHINE_STATUS: decode_machine_status,
    uuids.TRAINING_STATUS: decode_training_status,
    **{
        uuid: partial(_range, uuid, *shape)
        for uuid, shape in {
            uuids.SUPPORTED_SPEED_RANGE: (2, False, 100, "km/h"),
            uuids.SUPPORTED_INCLINATION_RANGE: (2, True, 10, "%"),
            uuids.SUPPORTED_RESISTANCE_LEVEL_RANGE: (2, True, 10, "level"),
            uuids.SUPPORTED_HEART_RATE_RANGE: (1, False, 1, "bpm"),
            uuids.SUPPORTED_POWER_RANGE: (2, True, 1, "W"),
        }.items()
    },
}
REQUESTS: Mapping[str, Callable[[bytes], object]] = {uuids.FITNESS_MACHINE_CONTROL_POINT: decode_machine_request}
