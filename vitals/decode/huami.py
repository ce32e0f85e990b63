"""Huami and Xiaomi bands: the heart-rate control point (0x2A39) and its replies.

The rate itself comes as the standard 0x2A37. Bands since 2019 answer only after an authentication that needs a key
of the vendor's cloud; that is not part of this file. Facts from Gadgetbridge and Amazfish.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor
from vitals.errors import InputError

_SWITCH, _INTERVAL, _PING, _REPLY = 0x15, 0x14, 0x16, 0x10
_SUCCESS = 0x01


class Mode(enum.IntEnum):
    """Which measurement a request switches."""

    SLEEP = 0
    CONTINUOUS = 1
    MANUAL = 2


@dataclass(frozen=True, slots=True)
class Switch:
    """Switches a measurement on or off."""

    mode: Mode
    on: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """Measures every so many minutes; 0 never."""

    minutes: int


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Keeps a continuous measurement going; bands stop without one about every 12 seconds."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the band says to a request."""

    command: int  # first byte of the request
    status: int
    ok: bool


Request = Switch | Interval | KeepAlive


def encode_request(request: Request) -> bytes:
    """What a host writes. Raises InputError for an interval above 255 minutes."""
    if isinstance(request, Switch):
        return bytes((_SWITCH, request.mode, request.on))
    if isinstance(request, Interval):
        if not 0 <= request.minutes <= 255:
            raise InputError(f"minutes is {request.minutes}; 0 to 255 are possible")
        return bytes((_INTERVAL, request.minutes))
    return bytes((_PING,))


def decode_request(payload: bytes) -> Request:
    """What a host wrote, for a virtual band. Raises DecodeError."""
    at = Cursor(uuids.HEART_RATE_CONTROL_POINT, payload)
    command = at.uint(1, "command")
    request: Request
    if command == _SWITCH:
        mode, on = at.uint(1, "mode"), at.uint(1, "switch")
        if mode > Mode.MANUAL or on > 1:
            at.offset = 1
            raise at.error(f"mode {mode} or switch {on} is not known")
        request = Switch(Mode(mode), bool(on))
    elif command == _INTERVAL:
        request = Interval(at.uint(1, "minutes"))
    elif command == _PING:
        request = KeepAlive()
    else:
        at.offset = 0
        raise at.error(f"command 0x{command:02x} is not known")
    at.end()
    return request


def decode_reply(payload: bytes) -> Reply:
    """A notification of the control point: 0x10, command, status (1 success). Raises DecodeError.

    Bytes after the status are the command's own business and not looked at.
    """
    at = Cursor(uuids.HEART_RATE_CONTROL_POINT, payload)
    if at.uint(1, "reply code") != _REPLY:
        at.offset = 0
        raise at.error(f"a reply begins with 0x10, not 0x{payload[0]:02x}")
    command, status = at.uint(1, "command"), at.uint(1, "status")
    return Reply(command, status, status == _SUCCESS)


def encode_reply(command: int, *, ok: bool) -> bytes:
    """What a band says to the request that begins with `command`."""
    return bytes((_REPLY, command, _SUCCESS if ok else 0x04))
