"""Record Access Control Point (0x2A52): asking a device for the records that it stored, and its answers.

Layout (GATT Specification Supplement, Record Access Control Point): op code u8, operator u8, operand.
    requests   filter type u8 and one value (<=, >=) or two (range); no operand for all, first, last and abort
    responses  05 number of records, 08 number of reported records: u8, u16 or u32, as the service defines
               06 request op code u8, response code u8
The width of a filter value is the service's business as well (2 bytes for glucose and CGM, 4 for the health sensor,
7 for a user facing time), so it follows from the length. Both directions are here: a device decodes what an
application encodes.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.decode.date_time import DateTime, date_time
from vitals.errors import InputError


class RecordOperation(enum.IntEnum):
    REPORT_RECORDS = 1
    DELETE_RECORDS = 2
    ABORT = 3
    REPORT_NUMBER_OF_RECORDS = 4
    NUMBER_OF_RECORDS_RESPONSE = 5
    RESPONSE_CODE = 6
    COMBINED_REPORT = 7
    COMBINED_REPORT_RESPONSE = 8


class RecordOperator(enum.IntEnum):
    NULL = 0
    ALL = 1
    LESS_OR_EQUAL = 2
    GREATER_OR_EQUAL = 3
    WITHIN_RANGE = 4
    FIRST = 5
    LAST = 6


class RecordFilter(enum.IntEnum):
    SEQUENCE_NUMBER = 1  # glucose; for CGM the time offset in minutes
    USER_FACING_TIME = 2


class RecordResult(enum.IntEnum):
    SUCCESS = 1
    OP_CODE_NOT_SUPPORTED = 2
    INVALID_OPERATOR = 3
    OPERATOR_NOT_SUPPORTED = 4
    INVALID_OPERAND = 5
    NO_RECORDS_FOUND = 6
    ABORT_UNSUCCESSFUL = 7
    PROCEDURE_NOT_COMPLETED = 8
    OPERAND_NOT_SUPPORTED = 9
    SERVER_BUSY = 10


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """What an application asks; `minimum` and `maximum` are inclusive."""

    operation: RecordOperation | int
    operator: RecordOperator | int = RecordOperator.ALL
    filter: RecordFilter | int | None = None
    minimum: int | DateTime | None = None
    maximum: int | DateTime | None = None


@dataclass(frozen=True, slots=True)
class NumberOfRecords:
    count: int
    combined: bool  # True: the end of a combined report, False: the answer to a count


@dataclass(frozen=True, slots=True)
class RecordResponse:
    request: RecordOperation | int
    result: RecordResult | int


def decode_record_response(payload: bytes) -> NumberOfRecords | RecordResponse:
    """What a device indicates (0x2A52). Raises DecodeError for a request, a bad operator or a wrong length."""
    at = Cursor(uuids.RECORD_ACCESS_CONTROL_POINT, payload)
    operation = at.uint(1, "op code")
    if operation not in (
        RecordOperation.NUMBER_OF_RECORDS_RESPONSE,
        RecordOperation.RESPONSE_CODE,
        RecordOperation.COMBINED_REPORT_RESPONSE,
    ):
        raise at.error(f"op code {operation} is not a response", back=1)
    operator = at.uint(1, "operator")
    if operator != RecordOperator.NULL:
        raise at.error(f"operator {operator} of a response is not 0", back=1)
    if operation == RecordOperation.RESPONSE_CODE:
        request, result = at.uint(1, "request op code"), at.uint(1, "response code")
        at.end()
        return RecordResponse(named(RecordOperation, request), named(RecordResult, result))
    if at.left not in (1, 2, 4):
        raise at.error(f"number of records has {at.left} bytes, not 1, 2 or 4")
    return NumberOfRecords(at.uint(at.left, "number of records"), operation == RecordOperation.COMBINED_REPORT_RESPONSE)


def decode_record_request(payload: bytes) -> RecordRequest:
    """What an application writes (0x2A52). Raises DecodeError where the operand does not suit the operator.

    An op code or operator that is not known is handed on with the operand unread: the device answers it.
    """
    at = Cursor(uuids.RECORD_ACCESS_CONTROL_POINT, payload)
    operation, operator = named(RecordOperation, at.uint(1, "op code")), named(RecordOperator, at.uint(1, "operator"))
    if isinstance(operation, RecordOperation) and operation in (5, 6, 8):
        raise at.error(f"op code {operation:d} is a response, not a request", back=2)
    if not (isinstance(operation, RecordOperation) and isinstance(operator, RecordOperator)):
        return RecordRequest(operation, operator)
    bounds = {RecordOperator.LESS_OR_EQUAL: 1, RecordOperator.GREATER_OR_EQUAL: 1, RecordOperator.WITHIN_RANGE: 2}
    count = bounds.get(operator, 0)
    if not count:
        at.end()
        return RecordRequest(operation, operator)
    kind = named(RecordFilter, at.uint(1, "filter type"))
    if not at.left or at.left % count:
        raise at.error(f"operand of {at.left} bytes does not hold {count} value{'s' if count > 1 else ''}")
    width = at.left // count
    values = [_value(at, kind, width) for _ in range(count)]
    minimum = None if operator is RecordOperator.LESS_OR_EQUAL else values[0]
    maximum = None if operator is RecordOperator.GREATER_OR_EQUAL else values[-1]
    return RecordRequest(operation, operator, kind, minimum, maximum)


def _value(at: Cursor, kind: RecordFilter | int, width: int) -> int | DateTime:
    if kind == RecordFilter.USER_FACING_TIME and width == 7:
        return date_time(at, "filter value")
    if width > 4:
        raise at.error(f"filter value has {width} bytes, not 1 to 4 (7 for a user facing time)")
    return at.uint(width, "filter value")


def encode_record_request(request: RecordRequest, *, width: int = 2) -> bytes:
    """The bytes to write for a request; integers take `width` bytes. Raises InputError where one does not fit."""
    out = bytes([request.operation, request.operator])
    bounds = [bound for bound in (request.minimum, request.maximum) if bound is not None]
    if bounds:
        out += bytes([RecordFilter.SEQUENCE_NUMBER if request.filter is None else request.filter])
    for bound in bounds:
        if isinstance(bound, DateTime):
            out += (bound.year or 0).to_bytes(2, "little")
            out += bytes([bound.month or 0, bound.day or 0, bound.hour, bound.minute, bound.second])
        elif 0 <= bound < 1 << (8 * width):
            out += bound.to_bytes(width, "little")
        else:
            raise InputError(f"filter value {bound} does not fit {width} bytes; give 0 to {(1 << (8 * width)) - 1}")
    return out


def encode_record_response(response: RecordResponse | NumberOfRecords, *, width: int = 2) -> bytes:
    """The bytes that a device indicates; a count takes `width` bytes. Raises InputError where it does not fit."""
    if isinstance(response, RecordResponse):
        return bytes([RecordOperation.RESPONSE_CODE, RecordOperator.NULL, response.request, response.result])
    if not 0 <= response.count < 1 << (8 * width):
        raise InputError(f"count {response.count} does not fit {width} bytes; give 0 to {(1 << (8 * width)) - 1}")
    operation = (
        RecordOperation.COMBINED_REPORT_RESPONSE if response.combined else RecordOperation.NUMBER_OF_RECORDS_RESPONSE
    )
    return bytes([operation, RecordOperator.NULL]) + response.count.to_bytes(width, "little")


DECODERS: Mapping[str, Callable[[bytes], object]] = {uuids.RECORD_ACCESS_CONTROL_POINT: decode_record_response}
REQUESTS: Mapping[str, Callable[[bytes], object]] = {uuids.RECORD_ACCESS_CONTROL_POINT: decode_record_request}
