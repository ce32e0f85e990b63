"""Samples to bytes and back: every integer array, exactly; every other byte string, an error or the truth."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vitals.errors import InputError, StoreDamaged
from vitals.store.codec import PLANES, RAW, decode, encode

DTYPES = ["<i1", "<u1", "<i2", "<u2", "<i4", "<u4", "<i8"]
SHAPES = st.one_of(st.tuples(st.integers(1, 200)), st.tuples(st.integers(1, 60), st.integers(1, 4)))
ARRAYS = st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(np.dtype(dtype), SHAPES))

# Written by hand from the description in codec.py: deltas, zigzag, planes.
GOLDEN: list[tuple[NDArray[Any], int, bytes]] = [
    # 1000, 1001, 999, 1003: raw is 8 bytes, one column of two planes 9: raw wins.
    (np.array([1000, 1001, 999, 1003], "<i2"), RAW, bytes.fromhex("020000" "e803e903e703eb03")),
    # order 1: 1000, 1, -2, 4 -> zigzag 2000, 2, 3, 8 -> low bytes d0 02 03 08, high bytes 07 00 00 00
    (np.array([1000, 1001, 999, 1003], "<i8"), PLANES, bytes.fromhex("060000" "12" "d0020308" "07000000")),
    # order 0: 1, -1, 1 -> zigzag 2, 1, 2
    (np.array([1, -1, 1], "<i4"), PLANES, bytes.fromhex("040000" "01" "020102")),
    # two columns; the second is all zero
    (np.array([[1, 0], [-1, 0], [1, 0]], "<i4"), PLANES, bytes.fromhex("040200" "01" "020102" "01" "000000")),
    # a ramp, order 2: 0, 300, 0, 0, 0 -> zigzag 0, 600, 0, 0, 0
    (np.array([0, 300, 600, 900, 1200], "<i8"), PLANES, bytes.fromhex("060000" "22" "0058000000" "0002000000")),
]  # fmt: skip


@pytest.mark.parametrize(("values", "codec", "blob"), GOLDEN)
def test_golden_vectors(values: NDArray[Any], codec: int, blob: bytes) -> None:
    back = decode(codec, blob, len(values))
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)
    assert encode(values) == (codec, blob)


def test_a_zstd_frame_made_elsewhere() -> None:
    # By hand from RFC 8878: 28b52ffd magic, 60 = single segment with a two-byte size, 0100 = 1 + 256, then a last RLE
    # block of 257 x 00.
    frame = bytes.fromhex("28b52ffd6001000b080000")
    np.testing.assert_array_equal(decode(RAW, b"\x00\x00\x01" + frame, 257), np.zeros(257, np.int8))


@given(ARRAYS)
def test_every_integer_array_comes_back(values: NDArray[Any]) -> None:
    codec, blob = encode(values)
    back = decode(codec, blob, len(values))
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize("dtype", DTYPES)
def test_extremes(dtype: str) -> None:
    info = np.iinfo(np.dtype(dtype))
    values = np.array([info.min, info.max, info.min, 0, info.max] * 50, dtype)
    codec, blob = encode(values)
    np.testing.assert_array_equal(decode(codec, blob, len(values)), values)


def test_a_day_of_rr_takes_about_a_byte_each() -> None:
    rng = np.random.default_rng(7)
    slow = np.cumsum(rng.normal(0, 3, 3600))
    values = (870 + slow - slow.mean() + rng.normal(0, 25, 3600)).astype(np.int64)
    _, blob = encode(values)
    assert len(blob) < 1.2 * len(values)


@given(st.integers(0, 9), st.binary(max_size=80), st.integers(0, 300))
def test_any_bytes_decode_or_say_why(codec: int, blob: bytes, n: int) -> None:
    with contextlib.suppress(StoreDamaged):
        assert len(decode(codec, blob, n)) == n


@given(ARRAYS, st.data())
def test_cut_or_lengthened_blobs_are_refused(values: NDArray[Any], data: st.DataObject) -> None:
    codec, blob = encode(values)
    cut = data.draw(st.integers(0, len(blob) - 1))
    for wrong in (blob[:cut], blob + b"\x00"):
        with pytest.raises(StoreDamaged):
            decode(codec, wrong, len(values))
    with pytest.raises(StoreDamaged):
        decode(codec, blob, len(values) + 1)


def test_a_small_frame_cannot_claim_gigabytes() -> None:
    # Single segment, content size in 8 bytes: 1 TiB, then one RLE block.
    bomb = bytes.fromhex("28b52ffde000000000000100000b080000")
    with pytest.raises(StoreDamaged, match="stated size"):
        decode(RAW, b"\x00\x00\x01" + bomb, 257)


def test_what_is_not_integers_is_refused() -> None:
    for values in (np.zeros(3), np.zeros(3, np.uint64), np.zeros((2, 2, 2), np.int16), np.zeros(0, np.int16)):
        with pytest.raises(InputError):
            encode(values)
