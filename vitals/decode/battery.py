"""Battery Service (BAS 1.1, 0x180F): Battery Level, Battery Level Status.

Layout of 0x2BED (GATT Specification Supplement, Battery Level Status):
    flags u8: bit 0 identifier, 1 battery level, 2 additional status
    power state u16: bit 0 battery present, 1-2 wired and 3-4 wireless supply, 5-6 charge state, 7-8 charge level,
                     9-11 charging type, 12 battery fault, 13 supply fault, 14 other fault
    identifier u16, battery level u8 [%], additional status u8: bit 0-1 service required, 2 battery fault
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named


@dataclass(frozen=True, slots=True)
class BatteryLevel:
    percent: int  # 0..100


class Answer(enum.IntEnum):
    NO = 0
    YES = 1
    UNKNOWN = 2
    RESERVED = 3


class ChargeState(enum.IntEnum):
    UNKNOWN = 0
    CHARGING = 1
    DISCHARGING_ACTIVE = 2
    DISCHARGING_INACTIVE = 3


class ChargeLevel(enum.IntEnum):
    UNKNOWN = 0
    GOOD = 1
    LOW = 2
    CRITICAL = 3


class ChargingType(enum.IntEnum):
    UNKNOWN_OR_NOT_CHARGING = 0
    CONSTANT_CURRENT = 1
    CONSTANT_VOLTAGE = 2
    TRICKLE = 3
    FLOAT = 4


class ChargingFault(enum.IntFlag):
    BATTERY = 1
    EXTERNAL_SUPPLY = 2
    OTHER = 4


@dataclass(frozen=True, slots=True)
class BatteryLevelStatus:
    battery_present: bool
    wired_supply: Answer
    wireless_supply: Answer
    charge_state: ChargeState
    charge_level: ChargeLevel
    charging_type: ChargingType | int
    charging_fault: ChargingFault
    identifier: int | None
    percent: int | None
    service_required: Answer | None
    battery_fault: bool | None  # False: no fault, or not known


def decode_battery_level(payload: bytes) -> BatteryLevel:
    """Battery Level (0x2A19), percent. Raises DecodeError above 100 (reserved by the GATT Specification Supplement)."""
    at = Cursor(uuids.BATTERY_LEVEL, payload)
    percent = _percent(at)
    at.end()
    return BatteryLevel(percent)


def _percent(at: Cursor) -> int:
    percent = at.uint(1, "battery level")
    if percent > 100:
        raise at.error(f"battery level {percent} is above 100 %", back=1)
    return percent


def decode_battery_level_status(payload: bytes) -> BatteryLevelStatus:
    """Battery Level Status (0x2BED). Raises DecodeError where bytes are missing or left over, and above 100 %."""
    at = Cursor(uuids.BATTERY_LEVEL_STATUS, payload)
    flags, power = at.uint(1, "flags"), at.uint(2, "power state")
    identifier = at.uint(2, "identifier") if flags & 0x01 else None
    percent = _percent(at) if flags & 0x02 else None
    extra = at.uint(1, "additional status") if flags & 0x04 else None
    at.end()
    return BatteryLevelStatus(
        battery_present=bool(power & 1),
        wired_supply=Answer(power >> 1 & 3),
        wireless_supply=Answer(power >> 3 & 3),
        charge_state=ChargeState(power >> 5 & 3),
        charge_level=ChargeLevel(power >> 7 & 3),
        charging_type=named(ChargingType, power >> 9 & 7),
        charging_fault=ChargingFault(power >> 12 & 7),
        identifier=identifier,
        percent=percent,
        service_required=None if extra is None else Answer(extra & 3),
        battery_fault=None if extra is None else bool(extra & 4),
    )


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.BATTERY_LEVEL: decode_battery_level,
    uuids.BATTERY_LEVEL_STATUS: decode_battery_level_status,
}
