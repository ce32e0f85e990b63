"""Is everything there that was written, and nothing else?

Laws of this file:
1. It runs on a connection of its own: one bad page makes later checks on the same connection fail (sqlcipher issue
   617).
2. The write-ahead log is emptied first: on a hot one cipher_integrity_check reports pages that are sound.
3. A problem names tables, rows and log entries, never values.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from vitals.errors import StoreDamaged
from vitals.store import chain, chunks, query, rows
from vitals.store.chunks import Chunk, Shape
from vitals.store.connection import Connection, reworded, snapshot
from vitals.store.rows import KINDS

_MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Report:
    """What `Store.verify` found."""

    problems: tuple[str, ...]  # at most 100
    rows: dict[str, int]  # by kind
    log_entries: int
    samples: int
    pages: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def chunks(self) -> int:
        """How many chunks of samples were decoded."""
        return self.rows.get("chunk", 0)


def verify(connection: Connection) -> Report:
    """Check pages (HMAC), tables and indexes, every chunk, and every chain against every row. Raises StoreError."""
    began = time.perf_counter()
    problems: list[str] = []
    samples = entries = pages = 0
    counts: dict[str, int] = {}
    try:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if not busy:
            problems += [f"pages: {row[0]}" for row in connection.execute("PRAGMA cipher_integrity_check").fetchall()]
        with snapshot(connection):
            pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
            checked = [str(row[0]) for row in connection.execute("PRAGMA quick_check").fetchall()]
            problems += [f"tables: {line}" for line in checked if line != "ok"]
            counts = {name: int(query.fetch(connection, f"SELECT count(*) FROM {name}")[0][0]) for name in KINDS}
            samples = _check_chunks(connection, problems)
            entries = _check_chains(connection, problems)
    except (StoreDamaged, sqlite3.DatabaseError) as error:
        problems.append(str(error if isinstance(error, StoreDamaged) else reworded(error)))
    seconds = time.perf_counter() - began
    return Report(tuple(problems[:_MOST_PROBLEMS]), counts, entries, samples, pages, seconds)


def _check_chunks(connection: Connection, problems: list[str]) -> int:
    shapes: dict[int, Shape] = {}
    samples = 0
    cursor = connection.execute("SELECT id, stream_id, t0_us, t1_us, n, codec, crc32, payload FROM chunk ORDER BY id")
    for row in cursor:
        try:
            if row[1] not in shapes:
                shapes[row[1]] = query.shape_of(connection, row[1])
            chunks.unpack(Chunk(*row[2:]), shapes[row[1]])
        except (StoreDamaged, ValueError) as error:
            problems.append(f"chunk {row[0]} of stream {row[1]}: {error}")
        samples += row[4]
    return samples


def _check_chains(connection: Connection, problems: list[str]) -> int:
    entries = 0
    logged: dict[str, set[int]] = {name: set() for name in KINDS}
    for origin_id, head in chain.heads(connection).items():
        followed = chain.start(head.origin)
        name = f"log of {head.origin.hex()[:8]}"
        broken = False
        cursor = connection.execute(
            "SELECT seq, kind, row_id, row_sha256, h FROM log WHERE origin_id = ? ORDER BY seq", (origin_id,)
        )
        for seq, kind, row_id, row_sha256, h in cursor:
            entries += 1
            if seq != followed.seq + 1:
                problems.append(f"{name}: entries {followed.seq + 1} to {seq - 1} are missing")
                broken = True
            followed = chain.follow(chain.Head(head.origin, seq - 1, followed.h), kind, bytes(row_sha256))
            if followed.h != bytes(h):
                if not broken:
                    problems.append(f"{name}: entry {seq} does not follow from the ones before it")
                followed = chain.Head(head.origin, seq, bytes(h))  # go on from here, so that each break is named once
            broken = False
            if kind not in KINDS:
                problems.append(f"{name}: entry {seq} is of the unknown kind {kind!r}")
                continue
            logged[kind].add(row_id)
            data = rows.stored(connection, KINDS[kind], row_id)
            if data is None:
                problems.append(f"{kind} {row_id} was deleted ({name}, entry {seq})")
            elif rows.digest(data) != bytes(row_sha256):
                problems.append(f"{kind} {row_id} was altered ({name}, entry {seq})")
        if (followed.seq, followed.h) != (head.seq, head.h):
            problems.append(f"{name}: it ends at entry {followed.seq}, its head says {head.seq}")
    for kind, known in logged.items():
        present = {row[0] for row in connection.execute(f"SELECT id FROM {kind}").fetchall()}
        problems += [f"{kind} {row_id} was added outside of the log" for row_id in sorted(present - known)]
    return entries
