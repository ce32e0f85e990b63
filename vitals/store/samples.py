"""Samples as the log knows them, however they are packed.

    row hash of `samples` = SHA-256("vitals-samples/1" | uid of the stream | content)        (content: see chunks.py)

Laws of this file:
1. The log names what samples are, not how they are packed. A run that was logged is a *part* of a chunk; merging chunks
   repacks their parts and keeps them apart in `chunk.parts`. So a merge writes no log entry, changes no hash, and is
   never sent: stores that hold the same log hold the same samples, whoever has merged what.
2. A live session's chunks of one flush go to the table `fresh`, until they are merged into `chunk`.
3. A log entry keeps the row id under which its samples were written. Where that chunk was merged into another, `moved`
   says into which, and after how many samples. Ids of chunks are never given twice.
4. Samples that the store holds already are not added again, whoever brings them and however they are packed.
5. Samples travel in codecs that every installation reads.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from vitals.errors import StoreDamaged
from vitals.store import chunks, query
from vitals.store.chain import Ledger
from vitals.store.chunks import MOST_SPAN_US, Chunk, Shape
from vitals.store.connection import Connection
from vitals.store.rows import KINDS, Value, canonical
from vitals.values import Block

_HELD = 32  # chunks that a shelf keeps unpacked
_MOST_MOVES = 64


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A chunk and its parts by their row hash."""

    stream_id: int
    n: int
    parts: dict[bytes, list[Block]]


def row_hash(stream_uid: bytes, run: list[Block]) -> bytes:
    """The row hash of a run in the chain."""
    return _row_hash(stream_uid, chunks.content(run))


def row_hash_of(stream_uid: bytes, chunk: Chunk) -> bytes:
    """The row hash of a chunk that came from elsewhere, and whose stream was erased here. Raises StoreDamaged."""
    return _row_hash(stream_uid, chunks.content_of(chunk))


def _row_hash(stream_uid: bytes, content: bytes) -> bytes:
    return hashlib.sha256(b"vitals-samples/1" + stream_uid + content).digest()


def pack_parts(counts: Sequence[int]) -> bytes:
    """The column `parts`."""
    return struct.pack(f"<{len(counts)}I", *counts)


def unpack_parts(parts: bytes) -> tuple[int, ...]:
    """How many samples each part has."""
    return struct.unpack(f"<{len(parts) // 4}I", parts)


def insert(connection: Connection, stream_id: int, chunk: Chunk, *, fresh: bool) -> int:
    """Insert a chunk of one part, under an id that no chunk ever had."""
    row = connection.execute(
        "SELECT 1 + max((SELECT ifnull(max(id), 0) FROM chunk), (SELECT ifnull(max(id), 0) FROM fresh), "
        "(SELECT ifnull(max(id), 0) FROM moved))"
    ).fetchone()
    c = chunk
    values = (row[0], stream_id, c.t0_us, c.t1_us, c.n, c.codec, c.crc32, c.payload, pack_parts([c.n]))
    connection.execute(
        f"INSERT INTO {'fresh' if fresh else 'chunk'}(id, stream_id, t0_us, t1_us, n, codec, crc32, payload, parts) "
        "VALUES(?,?,?,?,?,?,?,?,?)",
        values,
    )
    return int(row[0])


def place(connection: Connection, row_id: int) -> tuple[int, int]:
    """Where the samples of a chunk row are now: the chunk, and how many of its samples go before them."""
    start = 0
    for _ in range(_MOST_MOVES):
        row = connection.execute("SELECT chunk_id, start FROM moved WHERE id = ?", (row_id,)).fetchone()
        if row is None:
            break
        row_id, start = int(row[0]), start + int(row[1])
    return row_id, start


class Shelf:
    """The chunks that were needed last, unpacked; for one transaction or snapshot."""

    def __init__(self, connection: Connection, *, fresh: bool = False) -> None:
        self._connection = connection
        self._fresh = fresh  # what is added will soon be merged
        self._held: dict[int, Unpacked | None] = {}
        self._streams: dict[int, tuple[bytes, Shape]] = {}

    def chunk(self, chunk_id: int) -> Unpacked | None:
        """A chunk by its row id; None where there is none. Raises StoreDamaged."""
        if chunk_id in self._held:
            self._held[chunk_id] = self._held.pop(chunk_id)
            return self._held[chunk_id]
        row = self._connection.execute(
            "SELECT stream_id, parts, t0_us, t1_us, n, codec, crc32, payload FROM any_chunk WHERE id = ?",
            (chunk_id,),
        ).fetchone()
        found = None
        if row is not None:
            uid, shape = self._stream(row[0])
            blocks = chunks.unpack(Chunk(*row[2:]), shape)
            counts = () if row[1] is None else unpack_parts(bytes(row[1]))
            runs = chunks.split(blocks, counts) if counts else iter(())
            found = Unpacked(row[0], row[4], {row_hash(uid, run): run for run in runs})
            if len(found.parts) != len(counts):
                raise StoreDamaged("a chunk holds the same samples twice: it was changed outside of vitals")
        self._held[chunk_id] = found
        if len(self._held) > _HELD:
            del self._held[next(iter(self._held))]
        return found

    def _stream(self, stream_id: int) -> tuple[bytes, Shape]:
        if stream_id not in self._streams:
            shape = query.shape_of(self._connection, stream_id)
            uid = query.fetch(self._connection, "SELECT uid FROM stream WHERE id = ?", (stream_id,))[0][0]
            self._streams[stream_id] = (bytes(uid), shape)
        return self._streams[stream_id]

    def find(self, stream_id: int, run: list[Block], row_sha256: bytes) -> int | None:
        """The chunk that holds a run already. Raises StoreDamaged."""
        t0, t1 = run[0].start_us, run[-1].end_us
        rows = self._connection.execute(
            "SELECT id FROM any_span WHERE stream_id = ? AND t0_us BETWEEN ? AND ? AND t1_us >= ?",
            (stream_id, t0 - MOST_SPAN_US, t0, t1),
        ).fetchall()
        for (chunk_id,) in rows:
            held = self.chunk(chunk_id)
            if held is not None and row_sha256 in held.parts:
                return int(chunk_id)
        return None

    def add(self, ledger: Ledger, stream_id: int, run: list[Block], packed: Chunk | None = None) -> int:
        """Append a run to the log and the store (as `packed`, if it came so), unless it is there already. Returns its
        chunk."""
        row_sha256 = row_hash(self._stream(stream_id)[0], run)
        found = self.find(stream_id, run, row_sha256)
        if found is not None:
            return found
        chunk_id = insert(self._connection, stream_id, packed or chunks.encode(run), fresh=self._fresh)
        ledger.enter(KINDS["samples"], chunk_id, row_sha256)
        ledger.added += 1
        return chunk_id

    def travelling(self, row_id: int, row_sha256: bytes) -> bytes | None:
        """The canonical row of a log entry's samples, for another store; None where they are gone or altered."""
        held = self.chunk(place(self._connection, row_id)[0])
        run = None if held is None else held.parts.get(row_sha256)
        if held is None or run is None:
            return None
        c = chunks.encode(run, portable=True)
        uid = self._stream(held.stream_id)[0]
        values: tuple[Value, ...] = (uid, c.t0_us, c.t1_us, c.n, c.codec, c.crc32, c.payload)
        return canonical(KINDS["samples"], values)
