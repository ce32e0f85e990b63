"""Reading the samples of a stream, whatever its chunks look like by now.

Laws of this file:
1. A span is half-open, in UTC microseconds; samples are those inside it (of intervals: those whose end is).
2. No more memory than the answer: chunks are unpacked PAGE at a time, each page in a short transaction, while others
   write and merge.
3. A reading sees each sample once, as of when it began.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from vitals.store import chunks, query
from vitals.store.chunks import MOST_SPAN_US, Chunk, Shape
from vitals.store.connection import Access, Connection
from vitals.store.samples import place
from vitals.values import Block, Timing

PAGE = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where samples lay when a reading began."""

    chunk_id: int
    n: int


def places(connection: Connection, stream_id: int, start_us: int, end_us: int) -> list[Place]:
    """The chunks of a stream that touch [start, end), in order."""
    rows = query.fetch(
        connection,
        "SELECT id, n FROM any_span WHERE stream_id = ? AND t0_us >= ? AND t0_us < ? AND t1_us >= ? ORDER BY t0_us, id",
        (stream_id, max(start_us - MOST_SPAN_US, -(1 << 62)), end_us, start_us),
    )
    return [Place(*row) for row in rows]


def load(connection: Connection, shape: Shape, wanted: list[Place]) -> Iterator[Block]:
    """The blocks of some places. What was merged since is found where it is now; what was erased is left out.

    Raises StoreDamaged rather than give a wrong value.
    """
    marks = ",".join("?" * len(wanted))
    sql = f"SELECT id, t0_us, t1_us, n, codec, crc32, payload FROM any_chunk WHERE id IN ({marks})"
    rows = {row[0]: row[1:] for row in query.fetch(connection, sql, tuple(one.chunk_id for one in wanted))}
    merged: tuple[int, list[Block]] = (0, [])
    for one in wanted:
        row = rows.get(one.chunk_id)
        if row is not None and row[2] == one.n:
            yield from chunks.unpack(Chunk(*row), shape)
            continue
        chunk_id, start = place(connection, one.chunk_id)
        if merged[0] != chunk_id:
            found = query.fetch(connection, sql.replace(marks, "?"), (chunk_id,))
            merged = (chunk_id, chunks.unpack(Chunk(*found[0][1:]), shape) if found else [])
        total = sum(len(block) for block in merged[1])
        if total >= start + one.n:
            counts = [count for count in (start, one.n, total - start - one.n) if count]
            yield from list(chunks.split(merged[1], counts))[1 if start else 0]


def within(block: Block, start_us: int, end_us: int) -> Block | None:
    """The samples of a block with start <= time < end; None where there are none."""
    if block.start_us >= start_us and block.end_us < end_us and block.timing is not Timing.INTERVAL:
        return block
    times = block.times_us()
    low, high = np.searchsorted(times, [start_us, end_us], side="left")
    return chunks.cut(block, int(low), int(high)) if low < high else None


def blocks(reading: Access, stream_id: int, start_us: int, end_us: int) -> Iterator[Block]:
    """The samples of a stream with start <= time < end, in order. Raises InputError, StoreDamaged."""
    with reading() as connection:
        shape = query.shape_of(connection, stream_id)
        found = places(connection, stream_id, start_us, end_us)
    yield from unpacked(reading, shape, found, start_us, end_us)


def unpacked(reading: Access, shape: Shape, found: list[Place], start_us: int, end_us: int) -> Iterator[Block]:
    """The samples at these places with start <= time < end. Raises StoreDamaged."""
    for at in range(0, len(found), PAGE):
        with reading() as connection:
            page = list(load(connection, shape, found[at : at + PAGE]))
        for block in page:
            piece = within(block, start_us, end_us)
            if piece is not None:
                yield piece


@contextmanager
def same(connection: Connection) -> Iterator[Connection]:
    """As `Access`: a connection that is at hand, inside its transaction."""
    yield connection
