"""Colmi R02 to R10 smart rings: services, commands, and the packet that carries them.

Packet: command u8, 14 bytes, checksum u8 = sum of the first 15 & 255. A ring that refuses a command sets its bit 7.

Layouts from the clients tahnok/colmi_r02_client (MIT) and Gadgetbridge. The notify characteristic has the UUID of the
Nordic UART service too: which of the two speaks is told by the service.
"""

from __future__ import annotations

import enum

from vitals.errors import InputError

SERVICE = "6e40fff0-b5a3-f393-e0a9-e50e24dcca9e"
WRITE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
NOTIFY = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
BIG_SERVICE = "de5bf728-d711-4e47-af26-65e3012a5dc7"
BIG_WRITE = "de5bf72a-d711-4e47-af26-65e3012a5dc7"
BIG_NOTIFY = "de5bf729-d711-4e47-af26-65e3012a5dc7"

SIZE = 16  # of a packet
HEART_RATES, HALF_HOURS = 288, 48  # readings in a day
# Readings in packet 1 of a heart-rate log, of a stress or HRV log, and in later packets
FIRST_HEART_RATES, FIRST_HALF_HOURS, PART = 9, 12, 13
STEPS_HEADER = 0xF0


class Command(enum.IntEnum):
    """First byte of a packet."""

    SET_TIME = 0x01
    BATTERY = 0x03
    HEART_RATE_LOG = 0x15
    HEART_RATE_SETTINGS = 0x16
    STRESS_LOG = 0x37
    HRV_LOG = 0x39
    STEPS = 0x43
    REAL_TIME_START = 0x69
    REAL_TIME_STOP = 0x6A
    BIG_DATA = 0xBC


class RealTimeKind(enum.IntEnum):
    """What a real-time measurement measures."""

    HEART_RATE = 1
    BLOOD_PRESSURE = 2
    SPO2 = 3
    FATIGUE = 4
    HEALTH_CHECK = 5
    ECG = 7
    STRESS = 8
    BLOOD_SUGAR = 9
    HRV = 10


class BigKind(enum.IntEnum):
    """Second byte of big data."""

    SLEEP = 0x27
    SPO2 = 0x2A


class SleepStage(enum.IntEnum):
    """Stage of a sleep period."""

    NO_DATA = 0
    ERROR = 1
    LIGHT = 2
    DEEP = 3
    REM = 4
    AWAKE = 5


def encode_packet(command: int, data: bytes = b"") -> bytes:
    """A packet with its checksum. Raises InputError for more than 14 bytes of data."""
    if len(data) > SIZE - 2:
        raise InputError(f"data has {len(data)} bytes; a packet holds {SIZE - 2}")
    body = bytes((command,)) + data.ljust(SIZE - 2, b"\0")
    return body + bytes((sum(body) & 0xFF,))
