"""Blocks of one stream to chunks and back.

A chunk is an immutable run of one or more segments; a segment is a block as it came in, or several that continue each
other.

    payload  = segments u16 | segment * m | values blob | offsets blob, if the timing is STAMPED
    segment  = rows u32 | start u64            microseconds after the chunk's t0
    blob     = codec u8 | length u32 | bytes   (see codec.py; little-endian)

The check value beside it is CRC-32 (ISO-HDLC, as in zlib) over t0 i64 | codec u8 | n u32 | payload.

Laws of this file:
1. What comes out has the values, dtype, shape and times that went in, to the microsecond. Blocks are joined only
   where the next one begins where the last one ends (within the 1 us to which both are rounded, measured from the
   start of the segment, so that the error does not add up).
2. A chunk spans at most MOST_SPAN_US and MOST_SAMPLES: reading ten seconds never decodes a day.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals.errors import InputError, StoreDamaged
from vitals.store import codec
from vitals.values import Block, Timing

MOST_SPAN_US = 3600 * 1_000_000
MOST_SAMPLES = 32_768
_MOST_SEGMENTS = 4096
_COUNT = struct.Struct("<H")
_SEGMENT = struct.Struct("<IQ")
_BLOB = struct.Struct("<BI")
_CHECKED = struct.Struct("<qBI")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One row of the table `chunk`, without its stream."""

    t0_us: int
    t1_us: int
    n: int
    codec: int  # of the values
    crc32: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """What all blocks of a stream share."""

    kind: str
    timing: Timing
    rate_hz: float
    scale: float
    unit: str
    channels: int  # 0: the values are one-dimensional

    @classmethod
    def of(cls, block: Block) -> Shape:
        """The shape of a block."""
        channels = 0 if block.values.ndim == 1 else int(block.values.shape[1])
        return cls(block.kind, block.timing, block.rate_hz, block.scale, block.unit, channels)


def check(block: Block) -> None:
    """Raise InputError where a block contradicts itself (so that nothing unreadable is ever acknowledged)."""
    kind = block.values.dtype.kind
    if kind not in "iu" or block.values.dtype == np.uint64:
        raise InputError(
            f"the {block.kind} block has dtype {block.values.dtype}; give integers (up to int64) and a scale"
        )
    if block.values.ndim not in (1, 2) or (
        block.values.ndim == 2 and not 1 <= block.values.shape[1] <= codec.MOST_COLUMNS
    ):
        raise InputError(f"the {block.kind} block has shape {block.values.shape}; it must be (n,) or (n, channels)")
    if not np.isfinite(block.scale):
        raise InputError(f"the {block.kind} block has scale {block.scale}; it must be a finite number")
    if block.timing is Timing.STAMPED:
        offsets = block.offsets_us
        if (
            offsets is None
            or offsets.shape != (len(block),)
            or (len(block) and (offsets[0] or (np.diff(offsets) < 0).any()))
        ):
            raise InputError(
                f"the offsets_us of the {block.kind} block must begin at 0 and not decrease, one per sample"
            )
    elif not (np.isfinite(block.rate_hz) and block.rate_hz > 0):
        raise InputError(
            f"the {block.kind} block has rate_hz {block.rate_hz}; a {block.timing} block needs one above 0"
        )
    if block.timing is Timing.INTERVAL and (block.values.ndim != 1 or (len(block) and int(block.values.min()) < 0)):
        raise InputError(f"the intervals of the {block.kind} block must be a row of numbers that are not negative")
    if block.timing is Timing.INTERVAL and len(block) and int(block.values.max()) * 1e6 > MOST_SPAN_US * block.rate_hz:
        raise InputError(f"the {block.kind} block has an interval of more than an hour; give a Gap instead")


def pack(blocks: Iterable[Block]) -> Iterator[Chunk]:
    """Chunks of checked blocks of one stream, in order of their arrival."""
    held: list[Block] = []
    samples = 0
    for block in join(blocks):
        for piece in _pieces(block):
            if held and (samples + piece.values.size > MOST_SAMPLES or not _fits(held, piece)):
                yield _encode(held)
                held, samples = [], 0
            held.append(piece)
            samples += piece.values.size
    if held:
        yield _encode(held)


def _fits(held: list[Block], piece: Block) -> bool:
    in_order = piece.t0_us >= held[-1].t0_us and piece.end_us >= held[-1].end_us
    near = piece.end_us - held[0].t0_us <= MOST_SPAN_US and len(held) < _MOST_SEGMENTS
    return in_order and near and piece.values.dtype == held[0].values.dtype


def join(blocks: Iterable[Block]) -> Iterator[Block]:
    """Blocks of one stream, where one that continues the last is joined to it; empty blocks vanish."""
    run: list[Block] = []
    steps = 0
    for block in blocks:
        if not len(block):
            continue
        if run and not _continues(run[0], steps, block):
            yield _joined(run)
            run, steps = [], 0
        run.append(block)
        steps += int(block.values.sum(dtype=np.int64)) if block.timing is Timing.INTERVAL else len(block)
    if run:
        yield _joined(run)


def _continues(first: Block, steps: int, block: Block) -> bool:
    if block.timing is Timing.STAMPED or block.values.dtype != first.values.dtype:
        return False
    return abs(block.t0_us - (first.t0_us + round(steps * 1e6 / first.rate_hz))) <= 1


def _joined(run: list[Block]) -> Block:
    return run[0] if len(run) == 1 else replace(run[0], values=np.concatenate([block.values for block in run]))


def _pieces(block: Block) -> Iterator[Block]:
    rows = max(1, MOST_SAMPLES // max(1, block.values.size // len(block)))
    times = block.times_us()
    start = 0
    while start < len(block):
        before = block.t0_us if start == 0 else int(times[start - 1 if block.timing is Timing.INTERVAL else start])
        stop = min(start + rows, int(np.searchsorted(times, before + MOST_SPAN_US, side="right")))
        stop = max(stop, start + 1)
        yield cut(block, start, stop, times)
        start = stop


def cut(block: Block, start: int, stop: int, times: NDArray[np.int64]) -> Block:
    """Samples [start, stop) of a block whose `times_us()` are `times`."""
    if (start, stop) == (0, len(block)):
        return block
    if block.timing is Timing.INTERVAL:
        t0 = block.t0_us if start == 0 else int(times[start - 1])
    else:
        t0 = int(times[start]) if start < stop else block.t0_us
    offsets = None
    if block.timing is Timing.STAMPED:
        assert block.offsets_us is not None
        offsets = block.offsets_us[start:stop] - (t0 - block.t0_us)
    return replace(block, t0_us=t0, values=block.values[start:stop], offsets_us=offsets)


def _encode(blocks: list[Block]) -> Chunk:
    t0 = blocks[0].t0_us
    values = np.concatenate([block.values for block in blocks])
    number, blob = codec.encode(values)
    payload = _COUNT.pack(len(blocks))
    payload += b"".join(_SEGMENT.pack(len(block), block.t0_us - t0) for block in blocks)
    payload += _BLOB.pack(number, len(blob)) + blob
    if blocks[0].timing is Timing.STAMPED:
        offsets = np.concatenate([block.offsets_us for block in blocks if block.offsets_us is not None])
        kept, blob = codec.encode(offsets)
        payload += _BLOB.pack(kept, len(blob)) + blob
    return Chunk(t0, blocks[-1].end_us, len(values), number, check_value(t0, number, len(values), payload), payload)


def check_value(t0_us: int, number: int, n: int, payload: bytes) -> int:
    """The CRC-32 that is stored beside a payload."""
    return zlib.crc32(payload, zlib.crc32(_CHECKED.pack(t0_us, number, n)))


def unpack(chunk: Chunk, shape: Shape) -> list[Block]:
    """The blocks of a chunk, one per segment. Raises StoreDamaged where the check value, a length or a time does not
    fit."""
    if check_value(chunk.t0_us, chunk.codec, chunk.n, chunk.payload) != chunk.crc32:
        raise StoreDamaged(
            "a chunk of samples fails its check value: it was changed outside of vitals; restore from a backup"
        )
    try:
        (count,) = _COUNT.unpack_from(chunk.payload)
        at = _COUNT.size
        segments = [_SEGMENT.unpack_from(chunk.payload, at + k * _SEGMENT.size) for k in range(count)]
        values, at = _blob(chunk, at + count * _SEGMENT.size, expected=chunk.codec)
        offsets: NDArray[Any] | None = None
        if shape.timing is Timing.STAMPED:
            offsets, at = _blob(chunk, at, expected=None)
    except struct.error:
        raise _misfit() from None
    channels = 0 if values.ndim == 1 else values.shape[1]
    rows = sum(rows for rows, _ in segments)
    if (
        at != len(chunk.payload)
        or rows != chunk.n
        or channels != shape.channels
        or not all(rows for rows, _ in segments)
    ):
        raise _misfit()
    blocks, start = [], 0
    for rows, begin in segments:
        stamps = None if offsets is None else offsets[start : start + rows]
        if begin > MOST_SPAN_US or (stamps is not None and (stamps.shape != (rows,) or stamps.dtype != np.int64)):
            raise _misfit()
        piece = values[start : start + rows]
        t0 = chunk.t0_us + begin
        blocks.append(Block(shape.kind, t0, shape.timing, shape.rate_hz, piece, shape.scale, shape.unit, stamps))
        start += rows
    if blocks[-1].end_us != chunk.t1_us:
        raise _misfit()
    return blocks


def _blob(chunk: Chunk, at: int, *, expected: int | None) -> tuple[NDArray[Any], int]:
    number, length = _BLOB.unpack_from(chunk.payload, at)
    at += _BLOB.size
    if expected is not None and number != expected:
        raise _misfit()
    if at + length > len(chunk.payload):
        raise _misfit()
    return codec.decode(number, chunk.payload[at : at + length], chunk.n), at + length


def _misfit() -> StoreDamaged:
    return StoreDamaged(
        "a chunk of samples contradicts itself: it was changed outside of vitals; restore from a backup"
    )
