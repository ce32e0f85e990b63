"""Bangle.js: JSON lines over the Nordic UART service (Gadgetbridge's Bangle.js protocol).

The watch writes one JSON object a line; prompts and console text lie between them. Lines come in pieces of the MTU.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from vitals.errors import DecodeError

SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
WRITE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
NOTIFY = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"

MAX_LINE = 8192
_LARGEST = 1e300


@dataclass(frozen=True, slots=True)
class BangleActivity:
    """`{"t":"act", ...}`: what the watch measured since the last one."""

    heart_rate_bpm: int | None
    steps: int | None
    movement: int | None
    real_time: bool
    time_ms: int | None  # Unix milliseconds, where the watch says when


@dataclass(frozen=True, slots=True)
class BangleStatus:
    """`{"t":"status", ...}`."""

    battery_percent: int | None
    voltage_v: float | None
    charging: bool | None


@dataclass(frozen=True, slots=True)
class BangleMessage:
    """Any other message: its `t`, and the JSON object as text."""

    kind: str
    text: str


class LineAssembler:
    """Joins notifications to lines of at most `max_line` bytes; `dropped` counts the bytes of longer ones."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max = max_line
        self._buffer = bytearray()
        self._skipping = False
        self.dropped = 0

    def feed(self, notification: bytes) -> list[bytes]:
        """The lines that this notification completes, without their ends; empty ones are left out."""
        *done, rest = notification.split(b"\n")
        lines: list[bytes] = []
        for piece in done:
            self._take(piece)
            if not self._skipping and (line := bytes(self._buffer).strip(b"\r")):
                lines.append(line)
            self._buffer.clear()
            self._skipping = False
        self._take(rest)
        return lines

    def _take(self, piece: bytes) -> None:
        if self._skipping or len(self._buffer) + len(piece) > self._max:
            self.dropped += len(self._buffer) + len(piece)
            self._buffer.clear()
            self._skipping = True
        else:
            self._buffer += piece


def decode_line(line: bytes) -> BangleActivity | BangleStatus | BangleMessage | None:
    """One line; None for console text (no JSON object).

    Raises DecodeError where a line begins like an object but is none, or a field has the wrong type.
    """
    text = line.lstrip(b"\x10\x15> \r\t")  # echo off, line clear, prompt
    if not text.startswith(b"{"):
        return None
    try:
        message = json.loads(text.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _error("line is not a JSON object", line) from None
    kind = message.get("t", "")
    if not isinstance(kind, str):
        raise _error("field t is not text", line)
    if kind == "act":
        return BangleActivity(
            _whole(message, "hrm", line),
            _whole(message, "stp", line),
            _whole(message, "mov", line),
            bool(_whole(message, "rt", line)),
            _whole(message, "ts", line),
        )
    if kind == "status":
        charging = _whole(message, "chg", line)
        voltage = _number(message, "volt", line)
        return BangleStatus(_whole(message, "bat", line), voltage, None if charging is None else bool(charging))
    return BangleMessage(kind, text.decode("utf-8").strip())


def encode_activity(activity: BangleActivity) -> bytes:
    """The line that a watch writes, with its end."""
    fields: dict[str, int | str | None] = {
        "t": "act",
        "ts": activity.time_ms,
        "hrm": activity.heart_rate_bpm,
        "stp": activity.steps,
        "mov": activity.movement,
        "rt": 1 if activity.real_time else None,
    }
    return _line({name: value for name, value in fields.items() if value is not None})


def encode_status(status: BangleStatus) -> bytes:
    """The line that a watch writes, with its end."""
    charging = None if status.charging is None else int(status.charging)
    fields = {"t": "status", "bat": status.battery_percent, "volt": status.voltage_v, "chg": charging}
    return _line({name: value for name, value in fields.items() if value is not None})


def encode_call(message: dict[str, Any]) -> bytes:
    """What a host writes: the watch evaluates `GB({...})`. Raises TypeError for what JSON cannot say."""
    return b"\x10GB(" + json.dumps(message, separators=(",", ":")).encode() + b")\n"


def encode_battery_question() -> bytes:
    """What a host writes for the watch to say its status: a console command, which any firmware understands."""
    return b'\x10Bluetooth.println(JSON.stringify({t:"status",bat:E.getBattery(),chg:Bangle.isCharging()?1:0}))\n'


def decode_call(written: bytes) -> dict[str, Any] | None:
    """The message that `encode_call` wrote, for a virtual watch; None for another command. Raises DecodeError."""
    text = written.strip(b"\x10\r\n ")
    if not (text.startswith(b"GB(") and text.endswith(b")")):
        return None
    try:
        message = json.loads(text[3:-1].decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise DecodeError("call is not JSON", uuid=WRITE, payload=written, offset=0) from None
    return message if isinstance(message, dict) else None


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\r\n"


def _refuse(_: str) -> float:
    raise ValueError


def _whole(message: dict[str, Any], name: str, line: bytes) -> int | None:
    """An integer field; JavaScript has no integers, so 60.0 is one too. Booleans count as 0 and 1."""
    value = message.get(name)
    if value is None or isinstance(value, int):
        return None if value is None else int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _error(f"field {name} is not a whole number", line)


def _number(message: dict[str, Any], name: str, line: bytes) -> float | None:
    value = message.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        return float(value)
    raise _error(f"field {name} is not a finite number", line)


def _error(message: str, line: bytes) -> DecodeError:
    return DecodeError(message, uuid=NOTIFY, payload=line, offset=0)
