"""Generic Health Sensor Service (GHSS 1.0, 0x1840): what a sensor can observe, and its control point.

The specification is not public; written from Philips' public demonstrator of it (BLE-GHS-Server-Simulator):
    features (0x2BF3): flags u8 (bit 0: device specialisations), count u8 and the MDC code u32 of each kind of
        observation; then count u8 and, for each specialisation, its MDC term u16 and version u8
    control point (0x2BF4): one byte; requests 01 start and 02 stop sending live observations, responses 80 success,
        81 busy, 82 nobody subscribed to them
    schedule changed (0x2BF1): MDC code u32, measurement period and update interval FLOAT [s] (as ST's public service
        for its STM32WBA sends it)
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named


class ObservationRequest(enum.IntEnum):
    START_LIVE = 0x01
    STOP_LIVE = 0x02


class ObservationResult(enum.IntEnum):
    SUCCESS = 0x80
    BUSY = 0x81
    NOT_SUBSCRIBED = 0x82


@dataclass(frozen=True, slots=True)
class Specialization:
    term: int  # MDC term of partition 8: 4100 is a pulse oximeter
    version: int


@dataclass(frozen=True, slots=True)
class HealthSensorFeatures:
    observations: tuple[int, ...]  # MDC codes: partition in the upper, term in the lower 16 bits
    specializations: tuple[Specialization, ...] | None  # None: it does not say


@dataclass(frozen=True, slots=True)
class ObservationSchedule:
    observation: int  # MDC code
    measurement_period_s: float  # over which one observation is taken; may be an ieee11073.Special
    update_interval_s: float  # between two


def decode_observation_schedule(payload: bytes) -> ObservationSchedule:
    """Observation Schedule Changed (0x2BF1). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.OBSERVATION_SCHEDULE_CHANGED, payload)
    value = ObservationSchedule(
        at.uint(4, "observation type"), at.float32("measurement period"), at.float32("update interval")
    )
    at.end()
    return value


def decode_health_sensor_features(payload: bytes) -> HealthSensorFeatures:
    """Health Sensor Features (0x2BF3). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.HEALTH_SENSOR_FEATURES, payload)
    flags = at.uint(1, "flags")
    observations = tuple(at.uint(4, "observation type") for _ in range(at.uint(1, "count of observation types")))
    special: tuple[Specialization, ...] | None = None
    if flags & 1:
        count = at.uint(1, "count of specialisations")
        special = tuple(Specialization(at.uint(2, "specialisation"), at.uint(1, "version")) for _ in range(count))
    at.end()
    return HealthSensorFeatures(observations, special)


def encode_health_sensor_features(features: HealthSensorFeatures) -> bytes:
    """The value as a sensor holds it."""
    special = features.specializations
    out = bytes([special is not None, len(features.observations)])
    out += b"".join(code.to_bytes(4, "little") for code in features.observations)
    if special is not None:
        out += bytes([len(special)]) + b"".join(s.term.to_bytes(2, "little") + bytes([s.version]) for s in special)
    return out


def _byte(payload: bytes, what: str) -> tuple[Cursor, int]:
    at = Cursor(uuids.GHS_CONTROL_POINT, payload)
    value = at.uint(1, what)
    at.end()
    return at, value


def decode_observation_response(payload: bytes) -> ObservationResult | int:
    """What a sensor indicates (0x2BF4). Raises DecodeError for a request and where bytes are left over."""
    at, value = _byte(payload, "response")
    if value < ObservationResult.SUCCESS:
        raise at.error(f"op code {value} is not a response", back=1)
    return named(ObservationResult, value)


def decode_observation_request(payload: bytes) -> ObservationRequest | int:
    """What an application writes (0x2BF4). Raises DecodeError for a response and where bytes are left over."""
    at, value = _byte(payload, "op code")
    if value >= ObservationResult.SUCCESS:
        raise at.error(f"op code {value} is a response, not a request", back=1)
    return named(ObservationRequest, value)


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.HEALTH_SENSOR_FEATURES: decode_health_sensor_features,
    uuids.GHS_CONTROL_POINT: decode_observation_response,
    uuids.OBSERVATION_SCHEDULE_CHANGED: decode_observation_schedule,
}
REQUESTS: Mapping[str, Callable[[bytes], object]] = {uuids.GHS_CONTROL_POINT: decode_observation_request}
