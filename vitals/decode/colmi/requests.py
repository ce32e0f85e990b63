"""What a host writes to a Colmi ring."""

from __future__ import annotations

from datetime import datetime

from vitals.decode.colmi.gatt import SIZE, WRITE, Command, RealTimeKind, encode_packet
from vitals.decode.colmi.packet import HeartRateSettings
from vitals.decode.cursor import Cursor
from vitals.errors import InputError


def encode_set_time(when: datetime) -> bytes:
    """Sets the clock of the ring, and its language to English. Raises InputError for a year outside 2000 to 2099."""
    if not 2000 <= when.year <= 2099:
        raise InputError(f"year {when.year} does not fit; 2000 to 2099 do")
    fields = (when.year - 2000, when.month, when.day, when.hour, when.minute, when.second)
    return encode_packet(Command.SET_TIME, bytes(value // 10 << 4 | value % 10 for value in fields) + b"\x01")


def decode_set_time(payload: bytes) -> datetime:
    """What `encode_set_time` wrote. Raises DecodeError."""
    at = Cursor(WRITE, payload)
    if at.uint(1, "command") != Command.SET_TIME or len(payload) != SIZE or payload[-1] != sum(payload[:-1]) & 0xFF:
        at.offset = 0
        raise at.error("it does not set the time")
    year, month, day, hour, minute, second = (10 * (byte >> 4) + (byte & 15) for byte in payload[1:7])
    try:
        return datetime(2000 + year, month, day, hour, minute, second)
    except ValueError:
        raise at.error("it is no time of any day") from None


def encode_battery_request() -> bytes:
    """Asks for the battery."""
    return encode_packet(Command.BATTERY)


def encode_heart_rate_log_request(midnight_s: int) -> bytes:
    """Asks for the heart rates of the day that begins at `midnight_s` (Unix seconds)."""
    return encode_packet(Command.HEART_RATE_LOG, midnight_s.to_bytes(4, "little"))


def encode_heart_rate_settings(settings: HeartRateSettings | None = None) -> bytes:
    """Writes the settings, or asks for them. Raises InputError unless the interval is 1 to 255 minutes."""
    if settings is None:
        return encode_packet(Command.HEART_RATE_SETTINGS, b"\x01")
    if not 1 <= settings.interval_min <= 255:
        raise InputError(f"interval_min is {settings.interval_min}; 1 to 255 are possible")
    return encode_packet(Command.HEART_RATE_SETTINGS, bytes((2, 1 if settings.enabled else 2, settings.interval_min)))


def encode_steps_request(days_ago: int = 0) -> bytes:
    """Asks for the steps of a day; the four constants are what every client sends."""
    return encode_packet(Command.STEPS, bytes((days_ago, 0x0F, 0x00, 0x5F, 0x01)))


def encode_history_request(command: Command, days_ago: int = 0) -> bytes:
    """Asks for STRESS_LOG (today only) or HRV_LOG."""
    return encode_packet(command, days_ago.to_bytes(4, "little"))


def encode_real_time_request(kind: RealTimeKind, *, start: bool) -> bytes:
    """Starts or stops a real-time measurement."""
    if start:
        return encode_packet(Command.REAL_TIME_START, bytes((kind, 1)))
    return encode_packet(Command.REAL_TIME_STOP, bytes((kind, 0, 0)))


def encode_real_time_continue(kind: RealTimeKind) -> bytes:
    """Lets a real-time measurement go on that would end by itself."""
    return encode_packet(Command.REAL_TIME_START, bytes((kind, 3)))
