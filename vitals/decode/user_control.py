"""User Control Point (0x2A9F) of the User Data Service: whose values a scale or a cuff shows, behind a consent code.

Layout (UDS 1.1, 3.4, as cross-checked with SpeziBluetooth and bluetooth-sig 0.6.0): op code u8, parameter.
    requests   01 register a user: consent code u16; 02 consent: user u8, consent code u16; 03 delete the data of the
               user; 04 list all users; 05 delete a user: user u8
    responses  20, request op code u8, response code u8; then, after a success: the user u8 of 01 and 05, the number of
               users u8 of 04
A consent code is a secret of its user: it shows in no repr.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named
from vitals.errors import InputError

MOST_CONSENT = 9999


class UserOperation(enum.IntEnum):
    REGISTER_NEW_USER = 1
    CONSENT = 2
    DELETE_USER_DATA = 3
    LIST_ALL_USERS = 4
    DELETE_USER = 5
    RESPONSE_CODE = 32


class UserResult(enum.IntEnum):
    SUCCESS = 1
    OP_CODE_NOT_SUPPORTED = 2
    INVALID_PARAMETER = 3
    OPERATION_FAILED = 4
    USER_NOT_AUTHORIZED = 5


@dataclass(frozen=True, slots=True)
class UserRequest:
    operation: UserOperation | int
    user: int | None = None  # 255: unknown user
    consent_code: int | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class UserResponse:
    request: UserOperation | int
    result: UserResult | int
    user: int | None = None
    users: int | None = None  # how many there are


_USER = (UserOperation.CONSENT, UserOperation.DELETE_USER)
_CONSENT = (UserOperation.REGISTER_NEW_USER, UserOperation.CONSENT)


def decode_user_response(payload: bytes) -> UserResponse:
    """What a device indicates (0x2A9F). Raises DecodeError for a request and for bytes that do not belong to it."""
    at = Cursor(uuids.USER_CONTROL_POINT, payload)
    operation = at.uint(1, "op code")
    if operation != UserOperation.RESPONSE_CODE:
        raise at.error(f"op code {operation} is not a response", back=1)
    request = named(UserOperation, at.uint(1, "request op code"))
    result = named(UserResult, at.uint(1, "response code"))
    user = users = None
    if result == UserResult.SUCCESS:
        if request == UserOperation.REGISTER_NEW_USER or (request == UserOperation.DELETE_USER and at.left):
            user = at.uint(1, "user")
        elif request == UserOperation.LIST_ALL_USERS:
            users = at.uint(1, "number of users")
    at.end()
    return UserResponse(request, result, user, users)


def decode_user_request(payload: bytes) -> UserRequest:
    """What an application writes (0x2A9F). Raises DecodeError for a response and for a wrong length.

    An op code that is not known is handed on with the parameter unread: the device answers it. So is a consent code
    beyond 9999, which no user can have.
    """
    at = Cursor(uuids.USER_CONTROL_POINT, payload)
    operation = named(UserOperation, at.uint(1, "op code"))
    if not isinstance(operation, UserOperation):
        return UserRequest(operation)
    if operation is UserOperation.RESPONSE_CODE:
        raise at.error("op code 32 is a response, not a request", back=1)
    user = at.uint(1, "user") if operation in _USER else None
    consent = at.uint(2, "consent code") if operation in _CONSENT else None
    at.end()
    return UserRequest(operation, user, consent)


def encode_user_request(request: UserRequest) -> bytes:
    """The bytes to write for a request. Raises InputError where the operation needs what it does not have."""
    out = bytes([request.operation])
    if request.operation in _USER:
        if request.user is None or not 0 <= request.user <= 255:
            raise InputError(f"user is {request.user}; give the number that registering gave, 0 to 255")
        out += bytes([request.user])
    if request.operation in _CONSENT:
        if request.consent_code is None or not 0 <= request.consent_code <= MOST_CONSENT:
            raise InputError(f"the consent code is missing or out of range; give 0 to {MOST_CONSENT}")
        out += request.consent_code.to_bytes(2, "little")
    return out


def encode_user_response(response: UserResponse) -> bytes:
    """The bytes that a device indicates."""
    told = [value for value in (response.user, response.users) if value is not None]
    return bytes([UserOperation.RESPONSE_CODE, response.request, response.result, *told])


DECODERS: Mapping[str, Callable[[bytes], object]] = {uuids.USER_CONTROL_POINT: decode_user_response}
REQUESTS: Mapping[str, Callable[[bytes], object]] = {uuids.USER_CONTROL_POINT: decode_user_request}
