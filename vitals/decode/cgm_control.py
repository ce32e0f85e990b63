"""CGM Specific Ops Control Point (CGMS 1.0.2, 0x2AAC): interval, calibration, alert levels, start and stop.

Layout (GATT Specification Supplement, CGM Specific Ops Control Point): op code u8, operand, CRC u16 where the device
has it.
    operands  interval u8 [min] (the service; the supplement says u16 in one row), calibration record number u16,
              alert levels SFLOAT [mg/dL, rates mg/dL/min],
              calibration: concentration SFLOAT, time u16 [min], type and location u8, next time u16 [min],
              record number u16, status u8
              response code 1C: request op code u8, response code u8
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.decode.e2e_crc import closing_crc, crc16_mcrf4xx
from vitals.decode.glucose import SampleLocation, SampleType, sample
from vitals.decode.ieee11073 import encode_sfloat
from vitals.errors import InputError


class CgmOperation(enum.IntEnum):
    SET_COMMUNICATION_INTERVAL = 1
    GET_COMMUNICATION_INTERVAL = 2
    COMMUNICATION_INTERVAL_RESPONSE = 3
    SET_CALIBRATION = 4
    GET_CALIBRATION = 5
    CALIBRATION_RESPONSE = 6
    SET_PATIENT_HIGH_ALERT = 7
    GET_PATIENT_HIGH_ALERT = 8
    PATIENT_HIGH_ALERT_RESPONSE = 9
    SET_PATIENT_LOW_ALERT = 10
    GET_PATIENT_LOW_ALERT = 11
    PATIENT_LOW_ALERT_RESPONSE = 12
    SET_HYPO_ALERT = 13
    GET_HYPO_ALERT = 14
    HYPO_ALERT_RESPONSE = 15
    SET_HYPER_ALERT = 16
    GET_HYPER_ALERT = 17
    HYPER_ALERT_RESPONSE = 18
    SET_RATE_OF_DECREASE_ALERT = 19
    GET_RATE_OF_DECREASE_ALERT = 20
    RATE_OF_DECREASE_ALERT_RESPONSE = 21
    SET_RATE_OF_INCREASE_ALERT = 22
    GET_RATE_OF_INCREASE_ALERT = 23
    RATE_OF_INCREASE_ALERT_RESPONSE = 24
    RESET_DEVICE_SPECIFIC_ALERT = 25
    START_SESSION = 26
    STOP_SESSION = 27
    RESPONSE_CODE = 28


class CgmResult(enum.IntEnum):
    SUCCESS = 1
    OP_CODE_NOT_SUPPORTED = 2
    INVALID_OPERAND = 3
    PROCEDURE_NOT_COMPLETED = 4
    PARAMETER_OUT_OF_RANGE = 5


class CalibrationStatus(enum.IntFlag):
    REJECTED = 1 << 0
    OUT_OF_RANGE = 1 << 1
    PROCESS_PENDING = 1 << 2


_LEVEL_SETTERS = frozenset(CgmOperation(op) for op in (7, 10, 13, 16, 19, 22))
_LEVEL_RESPONSES = frozenset(CgmOperation(op) for op in (9, 12, 15, 18, 21, 24))
_RESPONSES = _LEVEL_RESPONSES | {
    CgmOperation.COMMUNICATION_INTERVAL_RESPONSE,
    CgmOperation.CALIBRATION_RESPONSE,
    CgmOperation.RESPONSE_CODE,
}


@dataclass(frozen=True, slots=True)
class CgmInterval:
    interval_min: int  # 0: no periodic notification; 255: as fast as the device can
    e2e_crc: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    concentration_mg_dl: float
    time_min: int  # since the start of the session
    sample_type: SampleType | int
    sample_location: SampleLocation | int
    next_time_min: int
    record_number: int
    status: CalibrationStatus


@dataclass(frozen=True, slots=True)
class CgmCalibration:
    calibration: Calibration
    e2e_crc: bool


@dataclass(frozen=True, slots=True)
class CgmAlertLevel:
    response: CgmOperation  # which alert: one of the *_ALERT_RESPONSE codes
    level: float  # mg/dL; for the two rates mg/dL/min
    e2e_crc: bool


@dataclass(frozen=True, slots=True)
class CgmResponse:
    request: CgmOperation | int
    result: CgmResult | int
    e2e_crc: bool


@dataclass(frozen=True, slots=True)
class CgmRequest:
    """What an application writes; the operand is None where the operation has none."""

    operation: CgmOperation | int
    operand: int | float | Calibration | None = None
    e2e_crc: bool = False


def _calibration(at: Cursor) -> Calibration:
    concentration, time = at.sfloat("calibration concentration"), at.uint(2, "calibration time")
    kind, location = sample(at, "calibration type and sample location")
    following, number = at.uint(2, "next calibration time"), at.uint(2, "calibration record number")
    status = CalibrationStatus(at.uint(1, "calibration status"))
    return Calibration(concentration, time, kind, location, following, number, status)


def decode_cgm_control_response(payload: bytes) -> CgmInterval | CgmCalibration | CgmAlertLevel | CgmResponse:
    """What a device indicates (0x2AAC). Raises DecodeError for a request, a wrong length and a wrong CRC."""
    at = Cursor(uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, payload)
    operation = named(CgmOperation, at.uint(1, "op code"))
    if not isinstance(operation, CgmOperation) or operation not in _RESPONSES:
        raise at.error(f"op code {operation:d} is not a response", back=1)
    if operation is CgmOperation.COMMUNICATION_INTERVAL_RESPONSE:
        return CgmInterval(at.uint(1, "communication interval"), closing_crc(at))
    if operation is CgmOperation.CALIBRATION_RESPONSE:
        return CgmCalibration(_calibration(at), closing_crc(at))
    if operation is CgmOperation.RESPONSE_CODE:
        request, result = at.uint(1, "request op code"), at.uint(1, "response code")
        return CgmResponse(named(CgmOperation, request), named(CgmResult, result), closing_crc(at))
    return CgmAlertLevel(operation, at.sfloat("alert level"), closing_crc(at))


def decode_cgm_control_request(payload: bytes) -> CgmRequest:
    """What an application writes (0x2AAC). Raises DecodeError for a response, a wrong length and a wrong CRC.

    An op code that is not known is handed on with the operand unread: the device answers it.
    """
    at = Cursor(uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, payload)
    operation = named(CgmOperation, at.uint(1, "op code"))
    if not isinstance(operation, CgmOperation):
        return CgmRequest(operation)
    if operation in _RESPONSES:
        raise at.error(f"op code {operation:d} is a response, not a request", back=1)
    operand: int | float | Calibration | None = None
    if operation is CgmOperation.SET_COMMUNICATION_INTERVAL:
        operand = at.uint(1, "communication interval")
    elif operation is CgmOperation.SET_CALIBRATION:
        operand = _calibration(at)
    elif operation is CgmOperation.GET_CALIBRATION:
        operand = at.uint(2, "calibration record number")
    elif operation in _LEVEL_SETTERS:
        operand = at.sfloat("alert level")
    return CgmRequest(operation, operand, closing_crc(at))


def _calibration_bytes(value: Calibration) -> bytes:
    return (
        encode_sfloat(value.concentration_mg_dl)
        + value.time_min.to_bytes(2, "little")
        + bytes([value.sample_type | value.sample_location << 4])
        + value.next_time_min.to_bytes(2, "little")
        + value.record_number.to_bytes(2, "little")
        + bytes([value.status])
    )


def encode_cgm_control_request(request: CgmRequest) -> bytes:
    """The bytes to write for a request, with its CRC where `e2e_crc` is set. Raises InputError for a wrong operand."""
    operation, operand = request.operation, request.operand
    out = bytes([operation])
    if operation == CgmOperation.SET_COMMUNICATION_INTERVAL and isinstance(operand, int):
        out += operand.to_bytes(1, "little")
    elif operation == CgmOperation.GET_CALIBRATION and isinstance(operand, int):
        out += operand.to_bytes(2, "little")
    elif operation == CgmOperation.SET_CALIBRATION and isinstance(operand, Calibration):
        out += _calibration_bytes(operand)
    elif operation in _LEVEL_SETTERS and isinstance(operand, int | float):
        out += encode_sfloat(operand)
    elif operand is not None or operation in _LEVEL_SETTERS or operation in (1, 4, 5):
        raise InputError(f"operand {operand!r} does not suit operation {operation!r}; see cgm_control for its type")
    return out + crc16_mcrf4xx(out).to_bytes(2, "little") if request.e2e_crc else out


def encode_cgm_control_response(response: CgmInterval | CgmCalibration | CgmAlertLevel | CgmResponse) -> bytes:
    """The bytes that a device indicates, with their CRC where `e2e_crc` is set."""
    match response:
        case CgmInterval():
            out = bytes([CgmOperation.COMMUNICATION_INTERVAL_RESPONSE, response.interval_min])
        case CgmCalibration():
            out = bytes([CgmOperation.CALIBRATION_RESPONSE]) + _calibration_bytes(response.calibration)
        case CgmAlertLevel():
            out = bytes([response.response]) + encode_sfloat(response.level)
        case CgmResponse():
            out = bytes([CgmOperation.RESPONSE_CODE, response.request, response.result])
    return out + crc16_mcrf4xx(out).to_bytes(2, "little") if response.e2e_crc else out


DECODERS: Mapping[str, Callable[[bytes], object]] = {uuids.CGM_SPECIFIC_OPS_CONTROL_POINT: decode_cgm_control_response}
REQUESTS: Mapping[str, Callable[[bytes], object]] = {uuids.CGM_SPECIFIC_OPS_CONTROL_POINT: decode_cgm_control_request}
