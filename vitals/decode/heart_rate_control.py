"""Heart Rate Control Point (HRS 1.0, 0x2A39): one byte that an application writes; 1 resets the energy expended.

Huami's bands speak another language there (`vitals.decode.huami`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named


class HeartRateControl(enum.IntEnum):
    RESET_ENERGY_EXPENDED = 1


def decode_heart_rate_control(payload: bytes) -> HeartRateControl | int:
    """What an application writes; a value reserved today stays a plain integer. Raises DecodeError."""
    at = Cursor(uuids.HEART_RATE_CONTROL_POINT, payload)
    value = named(HeartRateControl, at.uint(1, "command"))
    at.end()
    return value


def encode_heart_rate_control(command: HeartRateControl) -> bytes:
    """The byte to write."""
    return bytes([command])


REQUESTS: Mapping[str, Callable[[bytes], object]] = {uuids.HEART_RATE_CONTROL_POINT: decode_heart_rate_control}
