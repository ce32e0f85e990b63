"""SFLOAT and FLOAT: every 16-bit word, the special values, the round trip of what fits."""

from __future__ import annotations

import copy
import json
import math
import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.decode import Special
from vitals.decode.ieee11073 import decode_float, decode_sfloat, encode_float, encode_sfloat
from vitals.errors import InputError


def test_every_sfloat_word_is_its_decimal_number_or_special() -> None:
    specials = {0x07FF: Special.NAN, 0x0800: Special.NOT_AT_THIS_RESOLUTION, 0x07FE: Special.PLUS_INFINITY,
                0x0802: Special.MINUS_INFINITY, 0x0801: Special.RESERVED}  # fmt: skip
    for word in range(1 << 16):
        value = decode_sfloat(word)
        if word in specials:
            assert value is specials[word]
            continue
        mantissa = (word & 0xFFF) - (0x1000 if word & 0x800 else 0)
        exponent = (word >> 12) - (16 if word & 0x8000 else 0)
        assert value == float(Decimal(mantissa).scaleb(exponent)), hex(word)


@given(st.integers(0, (1 << 32) - 1), st.integers(-6, 6))
def test_a_float_word_is_its_decimal_number_rounded_once_with_any_shift(word: int, shift: int) -> None:
    value = decode_float(word, shift)
    if isinstance(value, Special):
        assert word in (0x7FFFFF, 0x800000, 0x7FFFFE, 0x800002, 0x800001)
        return
    mantissa = (word & 0xFFFFFF) - (0x1000000 if word & 0x800000 else 0)
    exponent = (word >> 24) - (256 if word >> 31 else 0) + shift
    assert value == float(Decimal(mantissa).scaleb(exponent))


def test_the_word_that_a_peer_with_a_biased_exponent_reads_wrongly() -> None:
    # bluetooth-sig 0.6.0 makes 9.8e-07 of these two bytes of a real oximeter.
    assert decode_sfloat(0x0062) == 98.0


@pytest.mark.parametrize("special", list(Special))
def test_a_special_value_keeps_its_name_and_acts_as_a_float(special: Special) -> None:
    for back in (pickle.loads(pickle.dumps(special)), copy.deepcopy(special), Special[special.name]):
        assert back is special
    assert special == special
    assert len({special, special}) == 1
    assert special.name in repr(special)
    assert json.loads(json.dumps({"x": special})).keys() == {"x"}
    assert f"{special:.1f}" == f"{float(special):.1f}"
    if special in (Special.PLUS_INFINITY, Special.MINUS_INFINITY):
        assert special == float(special)
        assert math.isinf(special + 1)
    else:
        assert math.isnan(special + 1)
        assert all(special != other for other in Special if other is not special)
    assert decode_sfloat(int.from_bytes(encode_sfloat(special), "little")) is special
    assert decode_float(int.from_bytes(encode_float(special), "little")) is special


@given(st.integers(-2045, 2045), st.integers(-8, 7))
def test_an_sfloat_that_fits_comes_back_exactly(mantissa: int, exponent: int) -> None:
    value = float(Decimal(mantissa).scaleb(exponent))
    assert decode_sfloat(int.from_bytes(encode_sfloat(value), "little")) == value


@given(st.floats(-2045e7, 2045e7, allow_nan=False))
def test_any_number_in_range_is_encoded_to_three_digits_or_the_smallest_step(value: float) -> None:
    back = decode_sfloat(int.from_bytes(encode_sfloat(value), "little"))
    assert not isinstance(back, Special)
    assert abs(back - value) <= max(abs(value) * 0.0026, 0.5e-8 * (1 + 1e-9))


def test_the_bytes_of_the_supplements_examples_and_what_does_not_fit() -> None:
    assert encode_sfloat(98) == bytes.fromhex("6200")
    assert encode_sfloat(0.1) == bytes.fromhex("01f0")
    assert encode_float(36.4) == bytes.fromhex("6c0100ff")
    assert encode_sfloat(float("nan")) == bytes.fromhex("ff07")
    assert encode_sfloat(float("-inf")) == bytes.fromhex("0208")
    for value in (2.1e10, -1e300):
        with pytest.raises(InputError, match="does not fit a 16-bit"):
            encode_sfloat(value)
