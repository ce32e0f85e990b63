"""SC Control Point (0x2A55) of the running and cycling speed services: counter, calibration, sensor location.

Layout (GATT Specification Supplement, SC Control Point): op code u8, parameter.
    requests   01 cumulative value u32 (cycling: wheel revolutions, running: 0.1 m), 02 calibrate, 03 location u8,
               04 ask for the locations
    responses  10, request op code u8, response code u8; the locations, one byte each, after a successful 04
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.decode.cycling_speed import SensorLocation
from vitals.errors import InputError


class SpeedOperation(enum.IntEnum):
    SET_CUMULATIVE_VALUE = 1
    START_SENSOR_CALIBRATION = 2
    UPDATE_SENSOR_LOCATION = 3
    REQUEST_SENSOR_LOCATIONS = 4
    RESPONSE_CODE = 16


class SpeedResult(enum.IntEnum):
    SUCCESS = 1
    OP_CODE_NOT_SUPPORTED = 2
    INVALID_PARAMETER = 3
    OPERATION_FAILED = 4


@dataclass(frozen=True, slots=True)
class SpeedRequest:
    operation: SpeedOperation | int
    cumulative: int | None = None
    location: SensorLocation | int | None = None


@dataclass(frozen=True, slots=True)
class SpeedResponse:
    request: SpeedOperation | int
    result: SpeedResult | int
    locations: tuple[SensorLocation | int, ...] = ()


def decode_speed_response(payload: bytes) -> SpeedResponse:
    """What a device indicates (0x2A55). Raises DecodeError for a request and for bytes that do not belong to it."""
    at = Cursor(uuids.SC_CONTROL_POINT, payload)
    operation = at.uint(1, "op code")
    if operation != SpeedOperation.RESPONSE_CODE:
        raise at.error(f"op code {operation} is not a response", back=1)
    request = named(SpeedOperation, at.uint(1, "request op code"))
    result = named(SpeedResult, at.uint(1, "response code"))
    locations: list[SensorLocation | int] = []
    if request == SpeedOperation.REQUEST_SENSOR_LOCATIONS and result == SpeedResult.SUCCESS:
        while at.left:
            locations.append(named(SensorLocation, at.uint(1, "location")))
    at.end()
    return SpeedResponse(request, result, tuple(locations))


def decode_speed_request(payload: bytes) -> SpeedRequest:
    """What an application writes (0x2A55). Raises DecodeError for a response and for a wrong length.

    An op code that is not known is handed on with the parameter unread: the device answers it.
    """
    at = Cursor(uuids.SC_CONTROL_POINT, payload)
    operation = named(SpeedOperation, at.uint(1, "op code"))
    if not isinstance(operation, SpeedOperation):
        return SpeedRequest(operation)
    if operation is SpeedOperation.RESPONSE_CODE:
        raise at.error("op code 16 is a response, not a request", back=1)
    cumulative = at.uint(4, "cumulative value") if operation is SpeedOperation.SET_CUMULATIVE_VALUE else None
    location: SensorLocation | int | None = None
    if operation is SpeedOperation.UPDATE_SENSOR_LOCATION:
        location = named(SensorLocation, at.uint(1, "location"))
    at.end()
    return SpeedRequest(operation, cumulative, location)


def encode_speed_request(request: SpeedRequest) -> bytes:
    """The bytes to write for a request. Raises InputError for a cumulative value beyond 32 bits."""
    out = bytes([request.operation])
    if request.cumulative is not None:
        if not 0 <= request.cumulative < 1 << 32:
            raise InputError(f"cumulative = {request.cumulative} does not fit 32 bits; give 0 to {(1 << 32) - 1}")
        out += request.cumulative.to_bytes(4, "little")
    return out if request.location is None else out + bytes([request.location])


def encode_speed_response(response: SpeedResponse) -> bytes:
    """The bytes that a device indicates."""
    return bytes([SpeedOperation.RESPONSE_CODE, response.request, response.result, *response.locations])


DECODERS: Mapping[str, Callable[[bytes], object]] = {uuids.SC_CONTROL_POINT: decode_speed_response}
REQUESTS: Mapping[str, Callable[[bytes], object]] = {uuids.SC_CONTROL_POINT: decode_speed_request}
