"""Blocks to chunks: what comes out is what went in, however it was cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.errors import InputError, StoreDamaged
from vitals.store import chunks
from vitals.store.chunks import MOST_SAMPLES, MOST_SPAN_US, Shape
from vitals.values import Block, Timing, rr_block


def series(blocks: list[Block]) -> tuple[list[int], list[Any]]:
    """All times and values."""
    times = [int(t) for block in blocks for t in block.times_us()]
    return times, [v for block in blocks for v in block.values.tolist()]


def through(blocks: list[Block]) -> list[Block]:
    """Packed and unpacked."""
    shape = Shape.of(blocks[0])
    return [block for chunk in chunks.pack(blocks) for block in chunks.unpack(chunk, shape)]


PARTS = st.lists(
    st.tuples(st.integers(0, 3) | st.integers(0, 3_000_000), st.lists(st.integers(300, 2000), min_size=1, max_size=5)),
    min_size=1,
    max_size=8,
)


@given(PARTS, st.sampled_from([1024.0, 128.0, 360.0]))
def test_intervals_with_any_pauses_keep_every_microsecond(parts: list[tuple[int, list[int]]], rate: float) -> None:
    blocks, anchor, first = [], -5, 3
    for pause, ticks in parts:
        if pause > 3:  # a new anchor; below it is a continuation, or a few ticks lost
            anchor, first = anchor + round(first * (1e6 / rate)) + pause, 0
        blocks.append(rr_block(anchor, np.array(ticks, np.uint16), rate, first + (pause if pause <= 3 else 0)))
        first = blocks[-1].first + sum(ticks)
    assert series(through(blocks)) == series(blocks)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12), st.sampled_from([130.0, 52.0, 128.0, 1000.0 / 3]))
def test_a_regular_stream_in_any_pieces_is_one_block_again(sizes: list[int], rate: float) -> None:
    total = sum(sizes)
    values = np.arange(total * 3, dtype=np.int16).reshape(total, 3)
    whole = Block("acc", 17, Timing.REGULAR, rate, values, 1 / 4096, "g", first=5)
    cuts = np.cumsum([0, *sizes])
    (back,) = through([chunks.cut(whole, int(a), int(b)) for a, b in pairwise(cuts)])
    assert (back.t0_us, back.first, back.rate_hz, back.scale, back.unit) == (17, 5, rate, 1 / 4096, "g")
    np.testing.assert_array_equal(back.values, values)
    np.testing.assert_array_equal(back.times_us(), whole.times_us())


@given(st.lists(st.lists(st.integers(0, 10**7), min_size=1, max_size=6).map(sorted), min_size=1, max_size=6))
def test_stamped_samples(parts: list[list[int]]) -> None:
    blocks = []
    for k, stamps in enumerate(parts):
        offsets = np.array(stamps, np.int64) - stamps[0]
        values = np.full(len(stamps), k, np.uint8)
        blocks.append(Block("battery", k * 10**8 + stamps[0], Timing.STAMPED, 0.0, values, 1.0, "%", offsets))
    assert series(through(blocks)) == series(blocks)


def test_a_gap_stays_a_gap() -> None:
    first = rr_block(0, np.array([1024, 1024]), 1024)
    later = rr_block(0, np.array([1024]), 1024, first=5 * 1024)
    back = through([first, later])
    assert [(block.start_us, len(block)) for block in back] == [(0, 2), (5_000_000, 1)]


def test_stamped_blocks_are_joined_unless_an_empty_one_keeps_them_apart() -> None:
    def hr(at: int) -> Block:
        return Block("hr", at, Timing.STAMPED, 0.0, np.array([60]), 1.0, "bpm", np.array([0]))

    assert [len(block) for block in through([hr(1), hr(2), hr(2), hr(5)])] == [4]
    assert [len(block) for block in through([hr(1), hr(2), chunks.cut(hr(2), 0, 0), hr(5)])] == [2, 1]


def test_a_day_at_once_is_cut_into_chunks_of_bounded_span_and_size() -> None:
    rr = rr_block(0, np.full(100_000, 890), 1024)
    acc = Block("acc", 0, Timing.REGULAR, 100.0, np.zeros((50_000, 3), np.int16), 1.0, "g")
    for block in (rr, acc):
        packed = list(chunks.pack([block]))
        assert max(chunk.t1_us - chunk.t0_us for chunk in packed) <= MOST_SPAN_US
        assert max(chunk.n * max(1, block.values.ndim * 3 - 3) for chunk in packed) <= MOST_SAMPLES
        assert series(through([block])) == series([block])


def test_blocks_out_of_order_and_of_other_width_keep_their_own_chunk() -> None:
    late = rr_block(50_000_000, np.array([800], np.int16), 1024)
    early = rr_block(0, np.array([900], np.int64), 1024)
    back = through([late, early])
    assert series(back) == series([late, early])
    assert [block.values.dtype for block in back] == [np.int16, np.int64]


def test_a_changed_chunk_is_never_decoded() -> None:
    block = rr_block(0, np.arange(800, 900), 1024)
    (chunk,) = chunks.pack([block])
    shape = Shape.of(block)
    for bit in range(8 * len(chunk.payload)):
        payload = bytearray(chunk.payload)
        payload[bit // 8] ^= 1 << bit % 8
        with pytest.raises(StoreDamaged):
            chunks.unpack(replace(chunk, payload=bytes(payload)), shape)
    for wrong in (
        replace(chunk, t0_us=chunk.t0_us + 1), replace(chunk, t1_us=chunk.t1_us + 1), replace(chunk, n=chunk.n - 1),
        replace(chunk, codec=0), replace(chunk, crc32=chunk.crc32 ^ 1), replace(chunk, payload=b""),
    ):  # fmt: skip
        with pytest.raises(StoreDamaged):
            chunks.unpack(wrong, shape)


def test_a_forged_check_value_does_not_help() -> None:
    block = rr_block(0, np.arange(800, 900), 1024)
    (chunk,) = chunks.pack([block])
    for payload in (chunk.payload[:-1], chunk.payload + b"\x00", b"\xff\xff" + chunk.payload[2:], b"\x00\x00"):
        crc = chunks.check_value(chunk.t0_us, chunk.codec, chunk.n, payload)
        with pytest.raises(StoreDamaged):
            chunks.unpack(replace(chunk, payload=payload, crc32=crc), Shape.of(block))


@pytest.mark.parametrize(
    "block",
    [
        Block("rr", 0, Timing.INTERVAL, 0.0, np.array([1]), 1.0, "ms"),
        Block("rr", 0, Timing.INTERVAL, 1024.0, np.array([-1]), 1.0, "ms"),
        Block("rr", 0, Timing.INTERVAL, 1.0, np.array([3601]), 1.0, "ms"),
        Block("ecg", 0, Timing.REGULAR, 130.0, np.array([0.5]), 1.0, "mV"),
        Block("ecg", 0, Timing.REGULAR, 130.0, np.array([1]), float("nan"), "mV"),
        Block("hr", 0, Timing.STAMPED, 0.0, np.array([1, 2]), 1.0, "bpm", np.array([0, -1])),
        Block("hr", 0, Timing.STAMPED, 0.0, np.array([1, 2]), 1.0, "bpm"),
    ],
)
def test_a_block_that_contradicts_itself_is_refused_before_it_is_acknowledged(block: Block) -> None:
    with pytest.raises(InputError):
        chunks.check(block)
