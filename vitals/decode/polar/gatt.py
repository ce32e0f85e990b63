"""Polar's GATT names: the measurement data service (PMD), the file transfer service (PSFTP), the measurement kinds.

Facts from Polar's public SDK (documentation and behaviour); no code of it is used here.
"""

from __future__ import annotations

import enum

COMPANY = 0x006B  # Polar Electro Oy in the Bluetooth SIG list of companies


def _polar(number: int) -> str:
    return f"fb00{number:04x}-02e7-f387-1cad-8acd2d8df0c8"


PMD_SERVICE = _polar(0x5C80)
PMD_CONTROL_POINT = _polar(0x5C81)  # read: features; write: requests; indicate: responses
PMD_DATA = _polar(0x5C82)  # notify: frames
FILE_TRANSFER = _polar(0x5C51)  # PSFTP, where offline recordings come from
HR_ADVERT = "polar-hr-advert"  # stands for a characteristic where an advertisement is malformed


class Measurement(enum.IntEnum):
    """What a frame holds: bits 0 to 5 of its first byte."""

    ECG = 0
    PPG = 1
    ACC = 2
    PPI = 3
    GYRO = 5
    MAGNETOMETER = 6
    SKIN_TEMPERATURE = 7
    SDK_MODE = 9
    GNSS = 10
    PRESSURE = 11
    TEMPERATURE = 12
    OFFLINE_RECORDING = 13
    OFFLINE_HR = 14


KIND_MASK = 0x3F
OFFLINE_BIT = 0x80
