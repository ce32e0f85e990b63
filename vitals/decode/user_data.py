"""User Data Service (UDS 1.1, 0x181C): the values that are one number each (GATT Specification Supplement)."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named


class Gender(enum.IntEnum):
    MALE = 0
    FEMALE = 1
    UNSPECIFIED = 2


@dataclass(frozen=True, slots=True)
class UserDatum:
    name: str  # with its unit: "age_years", "height_m", ...
    value: float


@dataclass(frozen=True, slots=True)
class DateOfBirth:
    year: int | None  # None: not known; so for month and day
    month: int | None
    day: int | None


_NUMBERS: Mapping[str, tuple[str, int, int]] = {  # name, bytes, divisor
    uuids.AGE: ("age_years", 1, 1),
    uuids.HEART_RATE_MAX: ("heart_rate_max_bpm", 1, 1),
    uuids.HEIGHT: ("height_m", 2, 100),
    uuids.HIP_CIRCUMFERENCE: ("hip_circumference_m", 2, 100),
    uuids.RESTING_HEART_RATE: ("resting_heart_rate_bpm", 1, 1),
    uuids.VO2_MAX: ("vo2_max_ml_kg_min", 1, 1),
    uuids.WAIST_CIRCUMFERENCE: ("waist_circumference_m", 2, 100),
    uuids.WEIGHT: ("weight_kg", 2, 200),
    uuids.USER_INDEX: ("user_index", 1, 1),  # 255: unknown user
    uuids.STRIDE_LENGTH: ("stride_length_m", 2, 1000),
    uuids.DATABASE_CHANGE_INCREMENT: ("database_change_increment", 4, 1),  # counts changes of the user's data
}


def decode_user_number(uuid: str, payload: bytes) -> UserDatum:
    """One of the characteristics that hold a number. Raises DecodeError where bytes are missing or left over."""
    name, size, divisor = _NUMBERS[uuid]
    at = Cursor(uuid, payload)
    raw = at.uint(size, name)
    at.end()
    return UserDatum(name, raw / divisor if divisor > 1 else raw)


def decode_gender(payload: bytes) -> Gender | int:
    """Gender (0x2A8C); a value reserved today stays a plain integer."""
    at = Cursor(uuids.GENDER, payload)
    value = named(Gender, at.uint(1, "gender"))
    at.end()
    return value


def decode_date_of_birth(payload: bytes) -> DateOfBirth:
    """Date of Birth (0x2A85). Raises DecodeError for a field out of range."""
    at = Cursor(uuids.DATE_OF_BIRTH, payload)
    parts: list[int | None] = []
    for name, size, least, most in (("year", 2, 1582, 9999), ("month", 1, 1, 12), ("day", 1, 1, 31)):
        value = at.uint(size, name)
        if value and not least <= value <= most:
            raise at.error(f"{name} {value} is not {least} to {most}, nor 0 for unknown", back=size)
        parts.append(value or None)
    at.end()
    return DateOfBirth(*parts)


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.GENDER: decode_gender,
    uuids.DATE_OF_BIRTH: decode_date_of_birth,
    **{uuid: partial(decode_user_number, uuid) for uuid in _NUMBERS},
}
