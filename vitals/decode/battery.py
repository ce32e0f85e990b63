"""Battery Service (BAS 1.1, 0x180F): Battery Level."""

from __future__ import annotations

from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor


@dataclass(frozen=True, slots=True)
class BatteryLevel:
    percent: int  # 0..100


def decode_battery_level(payload: bytes) -> BatteryLevel:
    """Battery Level (0x2A19), percent. Raises DecodeError above 100 (reserved by the GATT Specification Supplement)."""
    at = Cursor(uuids.BATTERY_LEVEL, payload)
    percent = at.uint(1, "battery level")
    if percent > 100:
        at.offset = 0
        raise at.error(f"battery level {percent} is above 100 %")
    at.end()
    return BatteryLevel(percent)
