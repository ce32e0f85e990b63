"""Many small chunks to few long ones.

A live stream is flushed every ten seconds, so that little is lost; a chunk of ten seconds packs worse, and leaves pages
half empty. So what was flushed is merged once one of the streams is enough for a full chunk (see chunks.py), when a
session closes, or on demand.

Laws of this file:
1. A merge lies in one transaction: before it the small chunks are there, after it the long one. What they hold, and
   what the log says, is the same (see samples.py).
2. Nothing is dropped before the merged chunk, unpacked again, gives the row hash of every part.
3. Only neighbours in the order of reading are merged, so that no sample changes its place. Blocks are joined over a
   seam only where one goes on where the other ended and no gap is recorded between.
4. A ripe chunk is never merged again: a session writes a sample twice, one of a slow stream three times.
5. `fresh` is swept as a whole, whoever filled it: SQLite empties a whole table without writing its pages, which is most
   of what merging would cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

from vitals.errors import StoreDamaged
from vitals.store import chunks, query
from vitals.store.chunks import MOST_SAMPLES, MOST_SPAN_US, Chunk
from vitals.store.connection import Access, Connection
from vitals.store.samples import pack_parts, row_hash, unpack_parts
from vitals.values import Block

_COLUMNS = "id, stream_id, t0_us, t1_us, n, codec, crc32, payload, parts"
_SMALL = "c.id, c.t0_us, c.t1_us, c.n * max(s.channels, 1), c.parts IS NOT NULL"


@dataclass(frozen=True, slots=True)
class _Small:
    """A chunk in a table."""

    id: int
    t0_us: int
    t1_us: int
    values: int
    mergeable: bool  # chunks of schema 1 are not


@dataclass(frozen=True, slots=True)
class _Unpacked:
    """A chunk to be merged."""

    id: int
    counts: tuple[int, ...]  # of its parts
    blocks: list[Block]


@dataclass(frozen=True, slots=True)
class Merged:
    """What one call did."""

    chunks: int  # that are gone
    settled_us: dict[int, int | None]  # by stream: before this no chunk will change any more; None: none will


def sweep(transaction: Access) -> int:
    """Move all that is fresh into chunks; returns how many chunks are gone. Raises StoreError."""
    gone = 0
    with transaction() as connection:
        sql = f"SELECT c.stream_id, {_SMALL} FROM fresh c JOIN stream s ON s.id = c.stream_id ORDER BY 1, c.t0_us, c.id"
        rows = query.fetch(connection, sql)
        for stream_id, its in groupby(rows, key=lambda row: int(row[0])):
            groups, rest = _grouped(_Small(*row[1:]) for row in its)
            for group in [*groups, rest] if rest else groups:
                gone += _move(connection, stream_id, [one.id for one in group])
        connection.execute("DELETE FROM fresh")
    return gone


def _move(connection: Connection, stream_id: int, ids: list[int]) -> int:
    """Put fresh chunks into `chunk`, merged where they are sound and alike; returns how many fewer they are there."""
    try:
        runs = _alike(connection, "fresh", stream_id, ids)
    except StoreDamaged:  # left for `verify` to name
        runs = []
        _copy(connection, ids)
    for group in runs:
        if len(group) == 1:
            _copy(connection, [group[0].id])
            continue
        c, parts = _packed(connection, stream_id, group)
        values = (group[0].id, stream_id, c.t0_us, c.t1_us, c.n, c.codec, c.crc32, c.payload, parts)
        connection.execute(f"INSERT INTO chunk({_COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?)", values)
        _say_moved(connection, group)
    return sum(len(group) - 1 for group in runs)


def _copy(connection: Connection, ids: list[int]) -> None:
    marks = ",".join("?" * len(ids))
    connection.execute(f"INSERT INTO chunk({_COLUMNS}) SELECT {_COLUMNS} FROM fresh WHERE id IN ({marks})", ids)


def merge(transaction: Access, reading: Access, streams: Mapping[int, int | None], *, tail: bool) -> Merged:
    """Merge the chunks of some streams that make ripe ones, from the given times on (None: all); with `tail` also what
    is left at their ends.

    Raises StoreError, StoreDamaged; what was merged before that stays merged.
    """
    settled: dict[int, int | None] = {}
    gone = 0
    for stream_id, since_us in streams.items():
        sql = (
            f"SELECT {_SMALL} FROM chunk c JOIN stream s ON s.id = c.stream_id "
            "WHERE c.stream_id = ? AND c.t0_us >= ? ORDER BY c.t0_us, c.id"
        )
        with reading() as connection:
            rows = query.fetch(connection, sql, (stream_id, -(1 << 62) if since_us is None else since_us))
        groups, rest = _grouped(_Small(*row) for row in rows)
        newest = max((one.t1_us for group in groups for one in group), default=-(1 << 62))
        settled[stream_id] = None if tail else rest[0].t0_us if rest else newest
        for group in [*groups, rest] if tail else groups:
            if len(group) > 1:
                gone += _merge(transaction, stream_id, [one.id for one in group])
    return Merged(gone, settled)


def _grouped(found: Iterable[_Small]) -> tuple[list[list[_Small]], list[_Small]]:
    """Neighbours that make a chunk each, and what comes after the last full one."""
    groups: list[list[_Small]] = []
    held: list[_Small] = []
    total = 0
    for one in found:
        if held and not (
            one.mergeable
            and held[-1].mergeable
            and one.t1_us >= held[-1].t1_us
            and one.t1_us - held[0].t0_us <= MOST_SPAN_US
            and total + one.values <= MOST_SAMPLES
            and not _done(held, total)
        ):
            groups.append(held)
            held, total = [], 0
        held.append(one)
        total += one.values
    if held and _done(held, total):
        groups.append(held)
        held = []
    return groups, held


def _done(held: list[_Small], total: int) -> bool:
    span_us = held[-1].t1_us - held[0].t0_us
    return chunks.full(total, span_us) or (len(held) == 1 and chunks.ripe(total, span_us))


def _merge(transaction: Access, stream_id: int, ids: list[int]) -> int:
    """Merge these chunks, as far as they are there and alike; returns how many are gone."""
    with transaction() as connection:
        runs = _alike(connection, "chunk", stream_id, ids)
        for group in runs:
            if len(group) > 1:
                c, parts = _packed(connection, stream_id, group)
                connection.execute(
                    "UPDATE chunk SET t1_us = ?, n = ?, codec = ?, crc32 = ?, payload = ?, parts = ? WHERE id = ?",
                    (c.t1_us, c.n, c.codec, c.crc32, c.payload, parts, group[0].id),
                )
                _say_moved(connection, group)
                connection.executemany("DELETE FROM chunk WHERE id = ?", [(one.id,) for one in group[1:]])
    return sum(len(group) - 1 for group in runs)


def _alike(connection: Connection, table: str, stream_id: int, ids: list[int]) -> list[list[_Unpacked]]:
    """Chunks unpacked, neighbours together that are of one dtype and whose blocks do not overlap; nothing where another
    process was faster."""
    shape = query.shape_of(connection, stream_id)
    marks = ",".join("?" * len(ids))
    rows = query.fetch(
        connection,
        f"SELECT id, parts, t0_us, t1_us, n, codec, crc32, payload FROM {table} WHERE id IN ({marks}) "
        "ORDER BY t0_us, id",
        tuple(ids),
    )
    if [row[0] for row in rows] != ids:
        return []
    unpacked = [_Unpacked(row[0], unpack_parts(row[1]), chunks.unpack(Chunk(*row[2:]), shape)) for row in rows]
    groups: list[list[_Unpacked]] = []
    for one in unpacked:
        last, first = groups[-1][-1].blocks[-1] if groups else None, one.blocks[0]
        alike = last is not None and last.values.dtype == first.values.dtype
        if last is not None and alike and last.start_us <= first.start_us and last.end_us <= first.end_us:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _packed(connection: Connection, stream_id: int, group: list[_Unpacked]) -> tuple[Chunk, bytes]:
    """The chunk that holds the parts of all these, and its column `parts`. Raises StoreDamaged."""
    uid = bytes(query.fetch(connection, "SELECT uid FROM stream WHERE id = ?", (stream_id,))[0][0])
    before = [row_hash(uid, run) for one in group for run in chunks.split(one.blocks, one.counts)]
    merged = chunks.encode(list(chunks.join(_with_seams(connection, stream_id, [one.blocks for one in group]))))
    counts = [count for one in group for count in one.counts]
    again = chunks.unpack(merged, query.shape_of(connection, stream_id))
    if [row_hash(uid, run) for run in chunks.split(again, counts)] != before:
        raise StoreDamaged("chunks do not come back from their merged form, and were left as they are: report this")
    return merged, pack_parts(counts)


def _say_moved(connection: Connection, group: list[_Unpacked]) -> None:
    start = 0
    for one, after in pairwise(group):
        start += sum(len(block) for block in one.blocks)
        connection.execute("INSERT INTO moved VALUES(?, ?, ?)", (after.id, group[0].id, start))


def _with_seams(connection: Connection, stream_id: int, parts: list[list[Block]]) -> Iterator[Block]:
    """The blocks one after another, an empty one wherever two must stay apart."""
    low, high = parts[0][0].start_us, parts[-1][-1].end_us
    gaps = query.gaps(connection, [stream_id], low, high + 1)
    last: Block | None = None
    for blocks in parts:
        seam = (last.end_us, blocks[0].start_us) if last is not None else None
        for k, block in enumerate(blocks):
            if last is not None and (k or any(g.start_us <= seam[1] and g.end_us >= seam[0] for g in gaps if seam)):
                yield chunks.cut(last, 0, 0)
            yield block
            last = block
