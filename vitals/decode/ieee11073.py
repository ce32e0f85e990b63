"""IEEE 11073-20601 numbers: SFLOAT (medfloat16) and FLOAT (medfloat32), with their special values.

Layout (IEEE 11073-20601, annex F.7 and F.8; GATT Specification Supplement, 2.3): exponent in the top 4 or 8 bits,
mantissa in the low 12 or 24 bits, both two's complement; the number is mantissa * 10 ** exponent.

Laws of this file:
1. An ordinary number is a plain float, rounded once: 364 * 10**-1 is the float that Python writes as 36.4.
2. A special value is a member of `Special`: a float (NaN or infinite) that still says which one it was.
"""

from __future__ import annotations

import enum
from decimal import Decimal

from vitals.errors import InputError


class Special(float, enum.Enum):
    """A value that is no measurement. Arithmetic sees NaN or an infinity; `is` and `==` tell the members apart."""

    NAN = "NaN", float("nan")  # not a number: "no value", as for a mean arterial pressure that was not measured
    NOT_AT_THIS_RESOLUTION = "NRes", float("nan")
    PLUS_INFINITY = "+INFINITY", float("inf")
    MINUS_INFINITY = "-INFINITY", float("-inf")
    RESERVED = "RFU", float("nan")

    def __new__(cls, word: str, number: float) -> Special:
        member = float.__new__(cls, number)
        member._value_ = word
        return member

    # A frozen value that holds a NaN must equal itself, or no two readings could be compared.
    def __eq__(self, other: object) -> bool:
        return self is other or float.__eq__(self, other) is True

    def __hash__(self) -> int:
        return float.__hash__(self)

    def __repr__(self) -> str:
        return f"Special.{self._name_}"

    def __str__(self) -> str:
        return str(self._value_)

    def __format__(self, spec: str) -> str:
        return float.__format__(self, spec) if spec else str(self)


_SFLOAT_SPECIALS = {
    0x07FF: Special.NAN,
    0x0800: Special.NOT_AT_THIS_RESOLUTION,
    0x07FE: Special.PLUS_INFINITY,
    0x0802: Special.MINUS_INFINITY,
    0x0801: Special.RESERVED,
}
_FLOAT_SPECIALS = {
    0x007FFFFF: Special.NAN,
    0x00800000: Special.NOT_AT_THIS_RESOLUTION,
    0x007FFFFE: Special.PLUS_INFINITY,
    0x00800002: Special.MINUS_INFINITY,
    0x00800001: Special.RESERVED,
}


def decode_sfloat(word: int, shift: int = 0) -> float:
    """The number in a 16-bit word, times 10 ** `shift` (a change of unit without a second rounding)."""
    special = _SFLOAT_SPECIALS.get(word)
    return special if special is not None else _number(word, 12, 4, shift)


def decode_float(word: int, shift: int = 0) -> float:
    """The number in a 32-bit word, times 10 ** `shift` (a change of unit without a second rounding)."""
    special = _FLOAT_SPECIALS.get(word)
    return special if special is not None else _number(word, 24, 8, shift)


def _number(word: int, mantissa_bits: int, exponent_bits: int, shift: int) -> float:
    mantissa = _signed(word & ((1 << mantissa_bits) - 1), mantissa_bits)
    exponent = _signed(word >> mantissa_bits, exponent_bits) + shift
    # Integers on both sides: `/` between them is rounded correctly, `* 10**-1` would not be.
    return float(mantissa * 10**exponent) if exponent >= 0 else mantissa / 10**-exponent


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def encode_sfloat(value: float) -> bytes:
    """Two bytes, little endian; digits beyond the 12-bit mantissa are rounded. Raises InputError above 2045e7."""
    return _encode(value, _SFLOAT_SPECIALS, 12, 4)


def encode_float(value: float) -> bytes:
    """Four bytes, little endian; digits beyond the 24-bit mantissa are rounded. Raises InputError out of range."""
    return _encode(value, _FLOAT_SPECIALS, 24, 8)


def _encode(value: float, specials: dict[int, Special], mantissa_bits: int, exponent_bits: int) -> bytes:
    size = (mantissa_bits + exponent_bits) // 8
    for word, special in specials.items():
        if value is special:
            return word.to_bytes(size, "little")
    if value != value:
        return _encode(Special.NAN, specials, mantissa_bits, exponent_bits)
    if value in (float("inf"), float("-inf")):
        infinity = Special.PLUS_INFINITY if value > 0 else Special.MINUS_INFINITY
        return _encode(infinity, specials, mantissa_bits, exponent_bits)
    limit = (1 << (mantissa_bits - 1)) - 3  # the largest mantissas, of either sign, are the special values
    least, most = -(1 << (exponent_bits - 1)), (1 << (exponent_bits - 1)) - 1
    # Exponent 0 for a whole number that fits, as devices send it; else the shortest exact form; else the nearest.
    exact = Decimal(repr(float(value))).normalize().as_tuple().exponent
    assert isinstance(exact, int)  # specials are gone
    exponent = 0 if exact > 0 else exact
    exponent = max(exponent, least)
    while abs(mantissa := round(Decimal(repr(float(value))).scaleb(-exponent))) > limit:
        exponent += 1
        if exponent > most:
            raise InputError(
                f"value {value!r} does not fit a {size * 8}-bit IEEE 11073 number; give at most {limit}e{most}"
            )
    word = (mantissa & ((1 << mantissa_bits) - 1)) | ((exponent & ((1 << exponent_bits) - 1)) << mantissa_bits)
    return word.to_bytes(size, "little")
