"""Blocks of one stream to chunks and back.

A chunk is an immutable run of one or more segments; a segment is a block as it came in, or several that continue each
other on the same anchor.

    payload  = segments u16 | segment * m | values blob | offsets blob, if the timing is STAMPED
    segment  = rows u32 | anchor i64 | first i64     the block's t0_us minus the chunk's (0 if STAMPED), and its `first`
    blob     = codec u8 | length u32 | bytes         (see codec.py; little-endian)

The chunk's own t0_us and t1_us are the start_us of its first block and the end_us of its last.
The check value beside it is CRC-32 (ISO-HDLC, as in zlib) over t0 i64 | codec u8 | n u32 | payload.

Laws of this file:
1. What comes out has the values, dtype, shape and times that went in, exactly. Blocks are joined only where one goes on
   where the last one ended, on the same anchor. An empty block keeps its neighbours apart: a gap lies there.
2. A chunk spans at most MOST_SPAN_US and MOST_SAMPLES: reading ten seconds never decodes a day. It is full, and grows
   no more, when it spans FULL_SPAN_US and holds RIPE_SAMPLES; with half of that span it is ripe, and left as it is.
3. `content` names samples, not their packing: whatever codec, however merged, the same samples have the same content.

    content  = SHA-256 of: dtype u8 | columns u8 | segments u16 | segment * m | values | stamps i64 * n, if STAMPED
               with dtype and columns as in codec.py, anchor and first of a segment in UTC microseconds and steps (where
               the timing is STAMPED its first stamp, and 0), values in C order, stamps in UTC microseconds
"""

from __future__ import annotations

import hashlib
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
MOST_SAMPLES = 131_072
FULL_SPAN_US = 180 * 1_000_000
RIPE_SAMPLES = 4096
_MOST_SEGMENTS = 4096
_COUNT = struct.Struct("<H")
_SEGMENT = struct.Struct("<Iqq")
_BLOB = struct.Struct("<BI")
_CHECKED = struct.Struct("<qBI")
_CONTENT = struct.Struct("<BBH")


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
    return map(encode, runs(join(blocks)))


def runs(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """What goes into one chunk each, of joined blocks."""
    held: list[Block] = []
    samples = 0
    for block in blocks:
        for piece in _pieces(block):
            if held and (not fits(samples, held[0].start_us, held[-1], piece) or len(held) == _MOST_SEGMENTS):
                yield held
                held, samples = [], 0
            held.append(piece)
            samples += piece.values.size
    if held:
        yield held


def full(samples: int, span_us: int) -> bool:
    """Whether a chunk of so many values takes no more."""
    return span_us >= FULL_SPAN_US and samples >= RIPE_SAMPLES


def ripe(samples: int, span_us: int) -> bool:
    """Whether a chunk of so many values is long enough to be left alone."""
    return 2 * span_us >= FULL_SPAN_US and samples >= RIPE_SAMPLES


def fits(samples: int, start_us: int, last: Block, piece: Block) -> bool:
    """Whether a chunk that began at `start_us` and holds `samples` up to `last` may go on with `piece`."""
    in_order = piece.start_us >= last.start_us and piece.end_us >= last.end_us
    near = piece.end_us - start_us <= MOST_SPAN_US and samples + piece.values.size <= MOST_SAMPLES
    open_ = not full(samples, last.end_us - start_us)
    return in_order and near and open_ and piece.values.dtype == last.values.dtype


def join(blocks: Iterable[Block]) -> Iterator[Block]:
    """Blocks of one stream, those that continue the last joined to it; empty ones keep their neighbours apart."""
    run: list[Block] = []
    step = 0  # where the run goes on: the step of its next sample, or the time of its last
    for block in blocks:
        if run and not (len(block) and _continues(run[0], step, block)):
            yield _joined(run)
            run = []
        if not len(block):
            continue
        run.append(block)
        if block.timing is Timing.STAMPED:
            step = block.end_us
        elif block.timing is Timing.INTERVAL:
            step = block.first + int(block.values.sum(dtype=np.int64))
        else:
            step = block.first + len(block)
    if run:
        yield _joined(run)


def _continues(run: Block, step: int, block: Block) -> bool:
    if block.values.dtype != run.values.dtype:
        return False
    if block.timing is Timing.STAMPED:
        return block.start_us >= step
    return (block.t0_us, block.first) == (run.t0_us, step)


def _joined(run: list[Block]) -> Block:
    if len(run) == 1:
        return run[0]
    offsets = [block.offsets_us + (block.t0_us - run[0].t0_us) for block in run if block.offsets_us is not None]
    return replace(
        run[0],
        values=np.concatenate([block.values for block in run]),
        offsets_us=np.concatenate(offsets) if offsets else None,
    )


def _pieces(block: Block) -> Iterator[Block]:
    width = max(1, block.values.size // len(block))
    rows, enough = max(1, MOST_SAMPLES // width), -(-RIPE_SAMPLES // width)
    times = block.times_us()
    start = 0
    while start < len(block):
        begins = block.start_us if start == 0 else int(times[start - (block.timing is Timing.INTERVAL)])
        stop = max(start + enough, int(np.searchsorted(times, begins + FULL_SPAN_US)) + 1)
        stop = min(stop, start + rows, int(np.searchsorted(times, begins + MOST_SPAN_US, side="right")))
        stop = min(max(stop, start + 1), len(block))
        yield cut(block, start, stop)
        start = stop


def cut(block: Block, start: int, stop: int) -> Block:
    """Samples [start, stop) of a block; no time moves."""
    if (start, stop) == (0, len(block)):
        return block
    first, offsets = block.first, block.offsets_us
    if offsets is not None:
        offsets = offsets[start:stop]
    elif block.timing is Timing.INTERVAL:
        first += int(block.values[:start].sum(dtype=np.int64))
    else:
        first += start
    b = block  # dataclasses.replace takes ten times as long
    return Block(b.kind, b.t0_us, b.timing, b.rate_hz, b.values[start:stop], b.scale, b.unit, offsets, first)


def encode(run: list[Block], *, portable: bool = False) -> Chunk:
    """The chunk of a run; `portable`: without codec 2."""
    t0 = run[0].start_us
    values = _values(run)
    number, blob = codec.encode(values, portable=portable)
    payload = _COUNT.pack(len(run))
    anchored = [0 if block.timing is Timing.STAMPED else block.t0_us - t0 for block in run]
    payload += b"".join(_SEGMENT.pack(len(block), at, block.first) for block, at in zip(run, anchored, strict=True))
    payload += _BLOB.pack(number, len(blob)) + blob
    if run[0].timing is Timing.STAMPED:
        kept, blob = codec.encode(_stamps(run, t0), portable=portable)
        payload += _BLOB.pack(kept, len(blob)) + blob
    return Chunk(t0, run[-1].end_us, len(values), number, check_value(t0, number, len(values), payload), payload)


def content(run: list[Block]) -> bytes:
    """The content of a run (see the top of this file), 32 bytes."""
    values = _values(run)
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    columns = 0 if values.ndim == 1 else values.shape[1]
    stamped = run[0].timing is Timing.STAMPED
    state = hashlib.sha256(_CONTENT.pack(codec.dtype_code(values.dtype), columns, len(run)))
    for block in run:
        state.update(_SEGMENT.pack(len(block), *((block.start_us, 0) if stamped else (block.t0_us, block.first))))
    state.update(values.data)
    if stamped:
        state.update(_stamps(run, 0).data)
    return state.digest()


def _values(run: list[Block]) -> NDArray[Any]:
    return run[0].values if len(run) == 1 else np.concatenate([block.values for block in run])


def _stamps(run: list[Block], since_us: int) -> NDArray[np.int64]:
    return np.concatenate([block.times_us() for block in run]) - since_us


def split(run: list[Block], counts: Iterable[int]) -> Iterator[list[Block]]:
    """The runs of so many samples each that lie in a run one after another. Raises StoreDamaged where they do not fill
    it."""
    rest = list(run)
    for count in counts:
        part: list[Block] = []
        while count > 0 and rest:
            taken = min(count, len(rest[0]))
            part.append(cut(rest[0], 0, taken))
            rest[0:1] = [cut(rest[0], taken, len(rest[0]))] if taken < len(rest[0]) else []
            count -= taken
        if count or not part:
            raise _misfit()
        yield part
    if rest:
        raise _misfit()


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
    segments, values, offsets = _payload(chunk, stamped=shape.timing is Timing.STAMPED)
    channels = 0 if values.ndim == 1 else values.shape[1]
    rows = sum(rows for rows, _, _ in segments)
    if rows != chunk.n or channels != shape.channels or not all(s[0] for s in segments):
        raise _misfit()
    blocks, start = [], 0
    for rows, anchor, first in segments:
        stamps = None if offsets is None else offsets[start : start + rows]
        piece = values[start : start + rows]
        t0 = chunk.t0_us + anchor
        if stamps is not None:
            t0, stamps = t0 + int(stamps[0]), stamps - stamps[0]
        blocks.append(Block(shape.kind, t0, shape.timing, shape.rate_hz, piece, shape.scale, shape.unit, stamps, first))
        start += rows
    try:
        starts, ends = [block.start_us for block in blocks], [block.end_us for block in blocks]
    except (ValueError, ArithmeticError):  # a rate or a step that leads nowhere
        raise _misfit() from None
    if starts != sorted(starts) or ends != sorted(ends) or (starts[0], ends[-1]) != (chunk.t0_us, chunk.t1_us):
        raise _misfit()
    return blocks


def content_of(chunk: Chunk) -> bytes:
    """The content of a chunk whose stream is not here, because it was erased. Raises StoreDamaged."""
    segments, values, offsets = _payload(chunk, stamped=None)
    if sum(rows for rows, _, _ in segments) != chunk.n:
        raise _misfit()
    timing = Timing.REGULAR if offsets is None else Timing.STAMPED
    blocks, start = [], 0
    for rows, anchor, first in segments:
        stamps = None if offsets is None or not rows else offsets[start : start + rows]
        t0 = chunk.t0_us + (anchor if stamps is None else int(stamps[0]))
        stamps = None if stamps is None else stamps - stamps[0]
        blocks.append(Block("", t0, timing, 1.0, values[start : start + rows], 1.0, "", stamps, first))
        start += rows
    return content(blocks)


def _payload(
    chunk: Chunk, *, stamped: bool | None
) -> tuple[list[tuple[int, int, int]], NDArray[Any], NDArray[Any] | None]:
    """Segments, values and stamps (None: as the payload has them). Raises StoreDamaged."""
    try:
        (count,) = _COUNT.unpack_from(chunk.payload)
        at = _COUNT.size
        segments = [_SEGMENT.unpack_from(chunk.payload, at + k * _SEGMENT.size) for k in range(count)]
        values, at = _blob(chunk, at + count * _SEGMENT.size, expected=chunk.codec)
        offsets: NDArray[Any] | None = None
        if stamped or (stamped is None and at < len(chunk.payload)):
            offsets, at = _blob(chunk, at, expected=None)
    except struct.error:
        raise _misfit() from None
    if at != len(chunk.payload) or (offsets is not None and (offsets.shape != (chunk.n,) or offsets.dtype != np.int64)):
        raise _misfit()
    return segments, values, offsets


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
