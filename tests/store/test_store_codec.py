"""Samples to bytes and back: every integer array, exactly; every other byte string, an error or the truth."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vitals.errors import InputError, StoreDamaged, StoreError
from vitals.store import pco
from vitals.store.codec import PCO, PLANES, RAW, decode, encode

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


K = np.arange(64)
# Made once by pcodec 1.1.0 through `encode`; later versions must read them, and may write others.
PCO_GOLDEN: list[tuple[NDArray[Any], str]] = [
    (
        (K * K % 97 - 40).astype("<i2"),
        "020000" "00" "2f000000" "70636f21030006100401083f00001062030027f40f8c028080190304d87f010044a97460c1739a46"
        "916fd093a60700",
    ),
    (
        np.stack([100_000 + K * 3 + K % 5, -(K * 7) % 11], axis=1).astype("<i4"),
        "040200" "02" "2a000000" "70636f21030006100401033f000010410200f9ffffff03980000001000a0860180451383970d8eee0100"
        "02" "2d000000" "70636f21030006100401033f00001051020095ffffff0750020000400000000080e9140a31e56f889fe3020000",
    ),
    (
        (10**12 + K * K).astype("<i8"),
        "060000" "04" "2c000000" "70636f21030006100401043f0000100201000100000000000040000010a5d4e80000800100000000"
        "00000000",
    ),
]  # fmt: skip
needs_pcodec = pytest.mark.skipif(not pco.available(), reason="pcodec has no wheel here")


@needs_pcodec
@pytest.mark.parametrize(("values", "blob"), PCO_GOLDEN)
def test_golden_vectors_of_codec_2(values: NDArray[Any], blob: str) -> None:
    back = decode(PCO, bytes.fromhex(blob), len(values))
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


@needs_pcodec
@pytest.mark.parametrize("dtype", pco.DTYPES)
def test_no_length_makes_pcodec_panic(dtype: str, capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.integers(-3, 4, 5200)).astype(dtype)
    for n in [*range(1, 90), *range(500, 560), *range(1020, 1070), *range(2040, 2090), *range(5110, 5160)]:
        packed = pco.compress(walk[:n, None])
        assert (packed is None) == (n < pco.LEAST_ROWS)
        if packed is not None:
            np.testing.assert_array_equal(pco.decompress(packed, np.dtype(dtype), n, 1)[:, 0], walk[:n])
    assert "panick" not in capfd.readouterr().err


@needs_pcodec
def test_smooth_and_noisy_columns_take_the_smaller_codec() -> None:
    t = np.arange(15_600)
    noise = np.random.default_rng(3).normal(0, 4, (15_600, 3))
    values = np.rint(2000 * np.sin(t[:, None] / [7, 11, 13]) + noise).astype(np.int16)
    codec, blob = encode(values)
    portable, longer = encode(values, portable=True)
    assert (codec, portable) == (PCO, PLANES)
    assert len(blob) < 0.75 * len(longer)
    np.testing.assert_array_equal(decode(PCO, blob, len(values)), decode(PLANES, longer, len(values)))


@needs_pcodec
def test_any_changed_pco_blob_decodes_to_as_many_values_or_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(4)
    _, good = encode((K * K % 97 - 40).astype("<i2"))
    for _ in range(4000):
        blob = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            blob[rng.randrange(len(blob))] = rng.randrange(256)
        with contextlib.suppress(StoreDamaged):
            assert len(decode(PCO, bytes(blob), 64)) == 64


@needs_pcodec
def test_a_faulty_pcodec_is_noticed_before_the_samples_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(1000, dtype=np.int32)
    monkeypatch.setattr(pco, "_column", lambda _packed, dtype, rows: np.zeros(rows, dtype))
    codec, blob = encode(values)
    assert codec == PLANES
    np.testing.assert_array_equal(decode(codec, blob, 1000), values)


def test_without_pcodec_codec_1_writes_and_codec_2_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pco, "available", lambda: False)
    values = np.arange(5000, dtype=np.int32) ** 2 % 1013
    codec, blob = encode(values)
    assert codec == PLANES
    np.testing.assert_array_equal(decode(codec, blob, 5000), values)
    with pytest.raises(StoreError, match=r"vitals\[pcodec\]"):
        decode(PCO, bytes.fromhex(PCO_GOLDEN[0][1]), 64)
