"""Many small chunks to few long ones.

A live stream is flushed every ten seconds, so that little is lost; a chunk of ten seconds packs worse, and leaves pages
half empty. So chunks are merged, once they are enough for a ripe one (see chunks.py), when a session closes, or on
demand.

Laws of this file:
1. A merge lies in one transaction: before it the small chunks are there, after it the long one. What they hold, and
   what the log says, is the same (see samples.py).
2. Nothing is dropped before the merged chunk, unpacked again, gives the row hash of every part.
3. Only neighbours in the order of reading are merged, so that no sample changes its place. Blocks are joined over a
   seam only where one goes on where the other ended and no gap is recorded between.
4. A ripe chunk is never merged again: a session writes a sample twice, not more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

from vitals.errors import StoreDamaged
from vitals.store import chunks, query
from vitals.store.chunks import MOST_SAMPLES, MOST_SPAN_US, Chunk
from vitals.store.connection import Access, Connection
from vitals.store.samples import pack_parts, row_hash, unpack_parts
from vitals.values import Block

_BATCH = 8  # merges in one transaction


@dataclass(frozen=True, slots=True)
class _Small:
    """A chunk in the table."""

    id: int
    t0_us: int
    t1_us: int
    values: int
    mergeable: bool  # chunks of schema 1 are not


@dataclass(frozen=True, slots=True)
class Merged:
    """What one call did."""

    chunks: int  # that are gone
    settled_us: dict[int, int | None]  # by stream: before this no chunk will change any more; None: none will


def merge(transaction: Access, reading: Access, streams: Mapping[int, int | None], *, tail: bool) -> Merged:
    """Merge what is ripe of some streams, from the given times on (None: all); with `tail` also what is left at their
    ends.

    Raises StoreError, StoreDamaged; what was merged before that stays merged.
    """
    work: list[tuple[int, int, list[int]]] = []
    settled: dict[int, int | None] = {}
    with reading() as connection:
        for stream_id, since_us in streams.items():
            groups, rest = _plan(connection, stream_id, since_us)
            settled[stream_id] = None if tail or not rest else rest[0].t0_us
            worth = [group for group in ([*groups, rest] if tail else groups) if len(group) > 1]
            work += [(group[0].t0_us, stream_id, [one.id for one in group]) for group in worth]
    # Small chunks of one time lie on the same pages, whatever their streams: taken together, those pages become free
    # without being written.
    work.sort()
    gone = 0
    for at in range(0, len(work), _BATCH):
        with transaction() as connection:
            for _, stream_id, ids in work[at : at + _BATCH]:
                gone += _merge(connection, stream_id, ids)
    return Merged(gone, settled)


def _plan(connection: Connection, stream_id: int, since_us: int | None) -> tuple[list[list[_Small]], list[_Small]]:
    """Groups of neighbours that make a chunk each, and what comes after the last full one."""
    rows = query.fetch(
        connection,
        "SELECT c.id, c.t0_us, c.t1_us, c.n * max(s.channels, 1), c.parts IS NOT NULL FROM chunk c "
        "JOIN stream s ON s.id = c.stream_id WHERE c.stream_id = ? AND c.t0_us >= ? ORDER BY c.t0_us, c.id",
        (stream_id, -(1 << 62) if since_us is None else since_us),
    )
    groups: list[list[_Small]] = []
    held: list[_Small] = []
    total = 0
    for one in (_Small(*row) for row in rows):
        if held and not (
            one.mergeable
            and held[-1].mergeable
            and one.t1_us >= held[-1].t1_us
            and one.t1_us - held[0].t0_us <= MOST_SPAN_US
            and total + one.values <= MOST_SAMPLES
            and not chunks.ripe(total, held[-1].t1_us - held[0].t0_us)
        ):
            groups.append(held)
            held, total = [], 0
        held.append(one)
        total += one.values
    if held and chunks.ripe(total, held[-1].t1_us - held[0].t0_us):
        groups.append(held)
        held = []
    return groups, held


def _merge(connection: Connection, stream_id: int, ids: list[int]) -> int:
    """Merge these chunks, as far as they are there and alike; returns how many are gone."""
    shape = query.shape_of(connection, stream_id)
    uid = bytes(query.fetch(connection, "SELECT uid FROM stream WHERE id = ?", (stream_id,))[0][0])
    marks = ",".join("?" * len(ids))
    rows = query.fetch(
        connection,
        f"SELECT id, parts, t0_us, t1_us, n, codec, crc32, payload FROM chunk WHERE id IN ({marks}) ORDER BY t0_us, id",
        tuple(ids),
    )
    if [row[0] for row in rows] != ids:
        return 0  # another process was faster
    unpacked = [(row[0], unpack_parts(row[1]), chunks.unpack(Chunk(*row[2:]), shape)) for row in rows]
    gone = 0
    for _, alike in groupby(unpacked, key=lambda one: one[2][0].values.dtype):
        group = list(alike)
        if len(group) > 1:
            _replace(connection, stream_id, uid, group)
            gone += len(group) - 1
    return gone


def _replace(
    connection: Connection, stream_id: int, uid: bytes, group: list[tuple[int, tuple[int, ...], list[Block]]]
) -> None:
    before = [row_hash(uid, run) for _, counts, blocks in group for run in chunks.split(blocks, counts)]
    merged = chunks.encode(list(chunks.join(_with_seams(connection, stream_id, [blocks for *_, blocks in group]))))
    counts = [count for _, parts, _ in group for count in parts]
    again = chunks.unpack(merged, query.shape_of(connection, stream_id))
    if [row_hash(uid, run) for run in chunks.split(again, counts)] != before:
        raise StoreDamaged("chunks do not come back from their merged form, and were left as they are: report this")
    first = group[0][0]
    m = merged
    connection.execute(
        "UPDATE chunk SET t1_us = ?, n = ?, codec = ?, crc32 = ?, payload = ?, parts = ? WHERE id = ?",
        (m.t1_us, m.n, m.codec, m.crc32, m.payload, pack_parts(counts), first),
    )
    start = 0
    for (_, _, blocks), (chunk_id, _, _) in pairwise(group):
        start += sum(len(block) for block in blocks)
        connection.execute("INSERT INTO moved VALUES(?, ?, ?)", (chunk_id, first, start))
        connection.execute("DELETE FROM chunk WHERE id = ?", (chunk_id,))


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
