"""The PMD control point: feature read, requests, responses, and what the device says unasked.

read      0x0F, then one bit per measurement kind
request   operation u8, parameters
response  0xF0, operation u8, kind u8, status u8, more u8, parameters; `more` != 0: another response follows
unasked   0x01, kinds of the streams that the device stopped
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from vitals.decode.cursor import Cursor
from vitals.decode.polar.gatt import KIND_MASK, OFFLINE_BIT, PMD_CONTROL_POINT, Measurement
from vitals.decode.polar.security import Secret, Strategy
from vitals.decode.polar.settings import SECURITY, Settings, encode_settings, read_settings
from vitals.errors import DecodeError, InputError

FEATURES = 0x0F
RESPONSE = 0xF0
STREAMS_STOPPED = 0x01


class Operation(enum.IntEnum):
    """First byte of a request."""

    GET_SETTINGS = 1
    START = 2
    STOP = 3
    GET_SDK_MODE_SETTINGS = 4
    GET_MEASUREMENT_STATUS = 5
    GET_SDK_MODE_STATUS = 6
    GET_TRIGGER_STATUS = 7
    SET_TRIGGER_MODE = 8
    SET_TRIGGER_SETTINGS = 9


class Status(enum.IntEnum):
    """Fourth byte of a response."""

    SUCCESS = 0
    INVALID_OPERATION = 1
    INVALID_MEASUREMENT = 2
    NOT_SUPPORTED = 3
    INVALID_LENGTH = 4
    INVALID_PARAMETER = 5
    ALREADY_IN_STATE = 6
    INVALID_RESOLUTION = 7
    INVALID_SAMPLE_RATE = 8
    INVALID_RANGE = 9
    INVALID_MTU = 10
    INVALID_CHANNELS = 11
    INVALID_STATE = 12
    IN_CHARGER = 13
    DISK_FULL = 14


class Activity(enum.IntEnum):
    """Bits 6 and 7 of a measurement status byte."""

    NONE = 0
    ONLINE = 1
    OFFLINE = 2
    ONLINE_AND_OFFLINE = 3


class TriggerMode(enum.IntEnum):
    """When a device begins an offline recording by itself."""

    DISABLED = 0
    SYSTEM_START = 1
    EXERCISE_START = 2


E = TypeVar("E", bound=enum.IntEnum)
NO_SETTINGS = Settings()
_BY_KIND = (Operation.GET_SETTINGS, Operation.START, Operation.STOP, Operation.GET_SDK_MODE_SETTINGS)
_HAS_SETTINGS = (Operation.START, Operation.SET_TRIGGER_SETTINGS)


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """What a host writes. Fields that an operation does not carry stay at their defaults.

    SDK mode is entered and left by START and STOP of `Measurement.SDK_MODE`.
    """

    operation: Operation
    kind: Measurement | None = None  # GET_SETTINGS, START, STOP, GET_SDK_MODE_SETTINGS, SET_TRIGGER_SETTINGS
    offline: bool = False
    settings: Settings = NO_SETTINGS  # START, and SET_TRIGGER_SETTINGS that enables; one value each
    secret: Secret | None = None  # encrypts the recording to come
    mode: TriggerMode | None = None  # SET_TRIGGER_MODE
    enabled: bool | None = None  # SET_TRIGGER_SETTINGS


@dataclass(frozen=True, slots=True)
class ControlResponse:
    """One indication that answers a request."""

    operation: Operation | int
    kind: int  # the measurement byte as sent
    status: Status | int
    more: bool  # another part follows
    parameters: bytes


@dataclass(frozen=True, slots=True)
class StreamsStopped:
    """The device ended these streams by itself."""

    kinds: tuple[Measurement | int, ...]


@dataclass(frozen=True, slots=True)
class Trigger:
    """Whether a measurement records by trigger, and with what."""

    enabled: bool
    kind: Measurement | int
    settings: Settings = NO_SETTINGS


@dataclass(frozen=True, slots=True)
class TriggerStatus:
    """Answer to GET_TRIGGER_STATUS."""

    mode: TriggerMode
    triggers: tuple[Trigger, ...]


def _known(kind: type[E], value: int) -> E | int:
    try:
        return kind(value)
    except ValueError:
        return value


def _measurement(byte: int) -> Measurement | int:
    return _known(Measurement, byte & KIND_MASK)


def decode_features(payload: bytes) -> frozenset[Measurement | int]:
    """What a read of the control point says: the kinds that the device offers. Raises DecodeError.

    Bits of kinds that vitals does not know stay plain integers.
    """
    at = Cursor(PMD_CONTROL_POINT, payload)
    if at.uint(1, "feature response code") != FEATURES:
        at.offset = 0
        raise at.error(f"features begin with 0x{FEATURES:02x}, not 0x{payload[0]:02x}")
    if not at.left:
        raise at.error("features need 1 byte, 0 left")
    bits = at.uint(at.left, "features")
    return frozenset(_measurement(bit) for bit in range(KIND_MASK + 1) if bits >> bit & 1)


def encode_features(kinds: frozenset[Measurement]) -> bytes:
    """17 bytes, as an H10 answers."""
    return bytes((FEATURES,)) + sum(1 << kind for kind in kinds).to_bytes(16, "little")


def decode_control_point(payload: bytes) -> ControlResponse | StreamsStopped | frozenset[Measurement | int]:
    """What the control point says: an indication, or what a read returned (see `decode_features`). Raises DecodeError.

    After an error status there is nothing to read: `more` is False and `parameters` is empty.
    """
    at = Cursor(PMD_CONTROL_POINT, payload)
    code = at.uint(1, "message code")
    if code == FEATURES:
        return decode_features(payload)
    if code == STREAMS_STOPPED:
        return StreamsStopped(tuple(_measurement(byte) for byte in payload[1:]))
    if code != RESPONSE:
        at.offset = 0
        raise at.error(f"message code 0x{code:02x} is neither a response (0xf0), a stop (0x01) nor features (0x0f)")
    operation, kind, status = at.uint(1, "operation"), at.uint(1, "measurement kind"), at.uint(1, "status")
    ok = status == Status.SUCCESS
    more = bool(at.uint(1, "more")) if ok and at.left else False
    parameters = bytes(payload[at.offset :]) if ok else b""
    return ControlResponse(_known(Operation, operation), kind, _known(Status, status), more, parameters)


def encode_response(response: ControlResponse) -> bytes:
    """A response as a device sends it."""
    head = bytes((RESPONSE, response.operation, response.kind, response.status, response.more))
    return head + response.parameters


def encode_streams_stopped(kinds: Sequence[Measurement]) -> bytes:
    """The unasked message that streams ended."""
    return bytes((STREAMS_STOPPED, *kinds))


def join_responses(parts: Sequence[ControlResponse]) -> ControlResponse:
    """One response from the parts that `more` announced. Raises InputError unless they belong together."""
    if not parts or parts[-1].more or any(not part.more for part in parts[:-1]):
        raise InputError("parts do not end with the one part that announces no other; keep collecting")
    if len({(part.operation, part.kind) for part in parts}) > 1:
        raise InputError("parts answer different requests")
    return replace(parts[-1], parameters=b"".join(part.parameters for part in parts))


def decode_measurement_status(parameters: bytes) -> dict[Measurement | int, Activity]:
    """Parameters of GET_MEASUREMENT_STATUS: one byte per kind. No bytes are malformed."""
    return {_measurement(byte): Activity(byte >> 6) for byte in parameters}


def decode_sdk_mode(parameters: bytes) -> bool:
    """Parameters of GET_SDK_MODE_STATUS: True where SDK mode is on. Raises DecodeError."""
    return bool(Cursor(PMD_CONTROL_POINT, parameters).uint(1, "SDK mode"))


def decode_trigger_status(parameters: bytes) -> TriggerStatus:
    """Parameters of GET_TRIGGER_STATUS. Raises DecodeError."""
    at = Cursor(PMD_CONTROL_POINT, parameters)
    mode = _one_of(at, TriggerMode, "trigger mode")
    triggers: list[Trigger] = []
    while at.left:
        enabled = _flag(at, "trigger status")
        kind = _measurement(at.uint(1, "measurement kind"))
        triggers.append(Trigger(enabled, kind, _sized_settings(at)[0] if enabled else NO_SETTINGS))
    return TriggerStatus(mode, tuple(triggers))


def encode_request(request: ControlRequest) -> bytes:
    """What to write to the control point. Raises InputError where a field that the operation needs is missing."""
    operation = request.operation
    out = bytearray((operation,))
    if operation is Operation.SET_TRIGGER_MODE:
        if request.mode is None:
            raise InputError("mode is missing; SET_TRIGGER_MODE needs one")
        out.append(request.mode)
    elif operation in _BY_KIND or operation is Operation.SET_TRIGGER_SETTINGS:
        if request.kind is None:
            raise InputError(f"kind is missing; {operation.name} needs one")
        if operation is Operation.SET_TRIGGER_SETTINGS:
            out.append(bool(request.enabled))
        out.append(request.kind | (OFFLINE_BIT if request.offline else 0))
    if operation in _HAS_SETTINGS and request.enabled is not False:
        # The factor is the device's to tell, never the host's.
        chosen = encode_settings(replace(request.settings, factor=(), security=()))
        if request.secret is not None:
            chosen += bytes((SECURITY, 1, request.secret.strategy)) + request.secret.key
        out += bytes((len(chosen),)) + chosen if operation is Operation.SET_TRIGGER_SETTINGS else chosen
    return bytes(out)


def decode_request(payload: bytes) -> ControlRequest:
    """What a host wrote, for a virtual device. Raises DecodeError."""
    at = Cursor(PMD_CONTROL_POINT, payload)
    operation = _one_of(at, Operation, "operation")
    request = ControlRequest(operation)
    if operation is Operation.SET_TRIGGER_MODE:
        request = replace(request, mode=_one_of(at, TriggerMode, "trigger mode"))
    elif operation is Operation.SET_TRIGGER_SETTINGS:
        enabled = _flag(at, "trigger status")
        kind, offline = _kind(at)
        settings, secret = _sized_settings(at) if enabled else (NO_SETTINGS, None)
        request = ControlRequest(operation, kind, offline, settings, secret, enabled=enabled)
    elif operation in _BY_KIND:
        kind, offline = _kind(at)
        settings, secret = _chosen(at, at.left) if operation is Operation.START else (NO_SETTINGS, None)
        request = ControlRequest(operation, kind, offline, settings, secret)
    at.end()
    return request


def _kind(at: Cursor) -> tuple[Measurement, bool]:
    byte = at.uint(1, "measurement kind")
    kind = _measurement(byte)
    if not isinstance(kind, Measurement):
        at.offset -= 1
        raise at.error(f"measurement kind {kind} is not known")
    return kind, byte >= OFFLINE_BIT


def _flag(at: Cursor, what: str) -> bool:
    value = at.uint(1, what)
    if value > 1:
        at.offset -= 1
        raise at.error(f"{what} is {value}; 0 or 1 is possible")
    return bool(value)


def _one_of(at: Cursor, kind: type[E], what: str) -> E:
    value = at.uint(1, what)
    try:
        return kind(value)
    except ValueError:
        at.offset -= 1
        raise at.error(f"{what} {value} is not known") from None


def _sized_settings(at: Cursor) -> tuple[Settings, Secret | None]:
    size = at.uint(1, "size of the settings")
    if at.left < size:
        raise at.error(f"settings need {size} bytes, {at.left} left")
    return _chosen(at, size)


def _chosen(at: Cursor, size: int) -> tuple[Settings, Secret | None]:
    """Settings of `size` bytes, the key last where one is sent: type, count, strategy and key fill the rest."""
    end = at.offset + size
    settings = read_settings(at, end, until=SECURITY)
    if at.offset == end:
        return settings, None
    start = at.offset
    if end - start < 3 or at.payload[start + 1] != 1:
        raise at.error("security needs a type, the count 1 and a strategy")
    at.offset += 2
    strategy = _one_of(at, Strategy, "security strategy")
    key = at.payload[at.offset : end]
    try:
        secret = Secret(strategy, key)
    except InputError as err:
        # The payload ends before the key: no message holds one.
        raise DecodeError(str(err), uuid=at.uuid, payload=at.payload[: start + 3], offset=start) from None
    at.offset = end
    return settings, secret
