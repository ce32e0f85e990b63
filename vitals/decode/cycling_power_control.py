"""Cycling Power Control Point (CPS 1.1, 0x2A66): counter, location, lengths, offset compensation, sampling rate.

Layout (GATT Specification Supplement, Cycling Power Control Point): op code u8, parameter.
    requests   01 wheel revolutions u32, 02 location u8, 04 crank length u16 [1/2 mm], 06 chain length u16 [mm],
               08 chain weight u16 [g], 0A span length u16 [mm], 0D content mask u16; the others have no parameter
    responses  20, request op code u8, response code u8; after success 03 locations u8 each, 05 crank length, 07
               chain length, 09 chain weight, 0B span length, 0C offset s16 (torque 1/32 Nm or force N), 0E rate u8
               [Hz], 0F calibration date (7 bytes), 10 offset s16, manufacturer u16, its data
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.decode.cycling_speed import SensorLocation
from vitals.decode.date_time import DateTime, date_time


class PowerOperation(enum.IntEnum):
    SET_CUMULATIVE_VALUE = 1
    UPDATE_SENSOR_LOCATION = 2
    REQUEST_SENSOR_LOCATIONS = 3
    SET_CRANK_LENGTH = 4
    REQUEST_CRANK_LENGTH = 5
    SET_CHAIN_LENGTH = 6
    REQUEST_CHAIN_LENGTH = 7
    SET_CHAIN_WEIGHT = 8
    REQUEST_CHAIN_WEIGHT = 9
    SET_SPAN_LENGTH = 10
    REQUEST_SPAN_LENGTH = 11
    START_OFFSET_COMPENSATION = 12
    MASK_CONTENT = 13
    REQUEST_SAMPLING_RATE = 14
    REQUEST_FACTORY_CALIBRATION_DATE = 15
    START_ENHANCED_OFFSET_COMPENSATION = 16
    RESPONSE_CODE = 32


class PowerResult(enum.IntEnum):
    SUCCESS = 1
    OP_CODE_NOT_SUPPORTED = 2
    INVALID_PARAMETER = 3
    OPERATION_FAILED = 4


@dataclass(frozen=True, slots=True)
class PowerRequest:
    """`value` is the parameter in the unit of the layout above; None where the operation has none."""

    operation: PowerOperation | int
    value: int | None = None


@dataclass(frozen=True, slots=True)
class PowerResponse:
    """The fields that do not belong to the request are None or empty."""

    request: PowerOperation | int
    result: PowerResult | int
    locations: tuple[SensorLocation | int, ...] = ()
    crank_length_mm: float | None = None
    chain_length_mm: int | None = None
    chain_weight_g: int | None = None
    span_length_mm: int | None = None
    raw_offset: int | None = None  # 1/32 Nm or N, as the feature says
    sampling_rate_hz: int | None = None
    calibration_date: DateTime | None = None
    rest: bytes = b""  # manufacturer data of the enhanced compensation, or the reason of a failure


_SIZES = {  # of the parameter of a request
    PowerOperation.SET_CUMULATIVE_VALUE: 4,
    PowerOperation.UPDATE_SENSOR_LOCATION: 1,
    PowerOperation.SET_CRANK_LENGTH: 2,
    PowerOperation.SET_CHAIN_LENGTH: 2,
    PowerOperation.SET_CHAIN_WEIGHT: 2,
    PowerOperation.SET_SPAN_LENGTH: 2,
    PowerOperation.MASK_CONTENT: 2,
}


def decode_power_response(payload: bytes) -> PowerResponse:
    """What a device indicates (0x2A66). Raises DecodeError for a request and for a wrong length."""
    at = Cursor(uuids.CYCLING_POWER_CONTROL_POINT, payload)
    operation = at.uint(1, "op code")
    if operation != PowerOperation.RESPONSE_CODE:
        raise at.error(f"op code {operation} is not a response", back=1)
    request = named(PowerOperation, at.uint(1, "request op code"))
    result = named(PowerResult, at.uint(1, "response code"))
    if result != PowerResult.SUCCESS:
        return PowerResponse(request, result, rest=at.take(at.left, "reason"))
    value = _success(at, request)
    at.end()
    return value


def _success(at: Cursor, request: PowerOperation | int) -> PowerResponse:
    done = PowerResult.SUCCESS
    match request:
        case PowerOperation.REQUEST_SENSOR_LOCATIONS:
            places = tuple(named(SensorLocation, place) for place in at.take(at.left, "locations"))
            return PowerResponse(request, done, locations=places)
        case PowerOperation.REQUEST_CRANK_LENGTH:
            return PowerResponse(request, done, crank_length_mm=at.uint(2, "crank length") / 2)
        case PowerOperation.REQUEST_CHAIN_LENGTH:
            return PowerResponse(request, done, chain_length_mm=at.uint(2, "chain length"))
        case PowerOperation.REQUEST_CHAIN_WEIGHT:
            return PowerResponse(request, done, chain_weight_g=at.uint(2, "chain weight"))
        case PowerOperation.REQUEST_SPAN_LENGTH:
            return PowerResponse(request, done, span_length_mm=at.uint(2, "span length"))
        case PowerOperation.START_OFFSET_COMPENSATION:
            return PowerResponse(request, done, raw_offset=at.sint(2, "offset"))
        case PowerOperation.REQUEST_SAMPLING_RATE:
            return PowerResponse(request, done, sampling_rate_hz=at.uint(1, "sampling rate"))
        case PowerOperation.REQUEST_FACTORY_CALIBRATION_DATE:
            return PowerResponse(request, done, calibration_date=date_time(at, "calibration date"))
        case PowerOperation.START_ENHANCED_OFFSET_COMPENSATION:
            offset = at.sint(2, "offset")
            return PowerResponse(request, done, raw_offset=offset, rest=at.take(at.left, "manufacturer data"))
        case _:
            return PowerResponse(request, done)


def decode_power_request(payload: bytes) -> PowerRequest:
    """What an application writes (0x2A66). Raises DecodeError for a response and for a wrong length.

    An op code that is not known is handed on with the parameter unread: the device answers it.
    """
    at = Cursor(uuids.CYCLING_POWER_CONTROL_POINT, payload)
    operation = named(PowerOperation, at.uint(1, "op code"))
    if not isinstance(operation, PowerOperation):
        return PowerRequest(operation)
    if operation is PowerOperation.RESPONSE_CODE:
        raise at.error("op code 32 is a response, not a request", back=1)
    size = _SIZES.get(operation)
    value = at.uint(size, "parameter") if size else None
    at.end()
    return PowerRequest(operation, value)


DECODERS: Mapping[str, Callable[[bytes], object]] = {uuids.CYCLING_POWER_CONTROL_POINT: decode_power_response}
REQUESTS: Mapping[str, Callable[[bytes], object]] = {uuids.CYCLING_POWER_CONTROL_POINT: decode_power_request}
