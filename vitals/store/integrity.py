"""Is everything there that was written, and nothing else?

Laws of this file:
1. It runs on a connection of its own: one bad page makes later checks on the same connection fail (sqlcipher issue
   617).
2. The write-ahead log is emptied first: on a hot one cipher_integrity_check reports pages that are sound.
3. A problem names tables, rows and log entries, never values.
"""

from __future__ import annotations

import sqlite3
import struct
import time
from dataclasses import dataclass

from vitals.errors import StoreDamaged
from vitals.store import audit, chain, pyramid, query, rows, spans
from vitals.store.connection import Connection, reworded, snapshot
from vitals.store.places import Erased
from vitals.store.rows import KINDS
from vitals.store.samples import Shelf, Unpacked, place

_MOST_PROBLEMS = 100
_COUNTS = {kind.name: f"SELECT count(*) FROM {kind.table}" for kind in KINDS.values()} | {
    "chunk": "SELECT count(*) FROM chunk WHERE parts IS NULL",
    "samples": "SELECT total(length(parts)) / 4 FROM any_chunk",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What `Store.verify` found."""

    problems: tuple[str, ...]  # at most 100
    rows: dict[str, int]  # by kind
    log_entries: int
    chunks: int  # of samples, all of them decoded
    samples: int
    pages: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(connection: Connection) -> Report:
    """Check pages (HMAC), tables and indexes, every chunk, every chain against every row, and the pyramids against the
    samples. Raises StoreError."""
    began = time.perf_counter()
    problems: list[str] = []
    samples = entries = pages = held = 0
    counts: dict[str, int] = {}
    try:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if not busy:
            problems += [f"pages: {row[0]}" for row in connection.execute("PRAGMA cipher_integrity_check").fetchall()]
        with snapshot(connection):
            pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
            checked = [str(row[0]) for row in connection.execute("PRAGMA integrity_check").fetchall()]
            problems += [f"tables: {line}" for line in checked if line != "ok"]
            counts = {name: int(query.fetch(connection, sql)[0][0]) for name, sql in _COUNTS.items()}
            parts = _Parts(connection, problems)
            entries, of_schema_1 = _check_chains(connection, problems, parts)
            held = parts.finish(of_schema_1)
            samples = parts.samples
            problems += pyramid.wrong(lambda: spans.same(connection)) if not problems else []
            if query.fetch(connection, "SELECT 1 FROM meta WHERE name = 'scrub_pending'"):
                problems.append(
                    "an erasure was interrupted before the pages were written over: run `vitals erase --finish`"
                )
            problems += audit.problems(connection, chain.heads(connection)[chain.OURS].origin)
    except (StoreDamaged, sqlite3.DatabaseError) as error:
        problems.append(str(error if isinstance(error, StoreDamaged) else reworded(error)))
    except (TypeError, ValueError, ArithmeticError, MemoryError, struct.error):
        # A page of one table in the place of another's gives rows of the wrong types.
        problems.append("tables: a row does not have the form of its table")
    seconds = time.perf_counter() - began
    return Report(tuple(problems[:_MOST_PROBLEMS]), counts, entries, held, samples, pages, seconds)


class _Parts:
    """Log entries of samples held against the chunks that hold them."""

    def __init__(self, connection: Connection, problems: list[str]) -> None:
        self._connection = connection
        self._problems = problems
        self._shelf = Shelf(connection)
        self._unlogged: dict[int, set[bytes]] = {}  # of the chunks seen, the parts that no entry has named yet
        self._seen: set[int] = set()
        self.samples = 0

    def entry(self, row_id: int, row_sha256: bytes) -> str | None:
        """What is wrong with an entry."""
        chunk_id, _ = place(self._connection, row_id)
        if chunk_id in self._seen and chunk_id not in self._unlogged:
            return None  # it is named as damaged
        held = self._unpacked(chunk_id)
        if held is None:
            return None if chunk_id in self._seen else f"chunk {chunk_id} was deleted"
        if row_sha256 not in held.parts:
            return f"chunk {chunk_id} was altered"
        self._unlogged[chunk_id].discard(row_sha256)
        return None

    def _unpacked(self, chunk_id: int) -> Unpacked | None:
        try:
            held = self._shelf.chunk(chunk_id)
        except (StoreDamaged, ValueError) as error:
            self._problems.append(f"chunk {chunk_id}: {error}")
            self._seen.add(chunk_id)
            return None
        if held is not None and chunk_id not in self._seen:
            self._seen.add(chunk_id)
            self._unlogged[chunk_id] = set(held.parts)
            self.samples += held.n
        return held

    def finish(self, of_schema_1: set[int]) -> int:
        """Every chunk must be in the log, with all its parts. Returns how many chunks there are."""
        present = [int(row[0]) for row in self._connection.execute("SELECT id FROM any_span ORDER BY id").fetchall()]
        for chunk_id in present:
            if chunk_id in of_schema_1:
                self._unpacked(chunk_id)
            elif chunk_id not in self._seen or self._unlogged.get(chunk_id):
                self._problems.append(f"chunk {chunk_id} was added outside of the log")
        return len(present)


def _check_chains(connection: Connection, problems: list[str], parts: _Parts) -> tuple[int, set[int]]:
    entries = 0
    erased = Erased(connection)
    logged: dict[str, set[int]] = {name: set() for name in KINDS}
    for origin_id, head in chain.heads(connection).items():
        followed = chain.start(head.origin)
        name = f"log of {head.origin.hex()[:8]}"
        broken = False
        for entry in chain.entries(connection, origin_id):
            seq, kind, row_id, row_sha256 = entry.seq, entry.kind, entry.row_id, entry.row_sha256
            entries += 1
            if seq != followed.seq + 1:
                problems.append(f"{name}: entries {followed.seq + 1} to {seq - 1} are missing")
                broken = True
            followed = chain.follow(chain.Head(head.origin, seq - 1, followed.h), kind, row_sha256)
            if followed.h != entry.h:
                if not broken:
                    problems.append(f"{name}: entry {seq} does not follow from the ones before it")
                followed = chain.Head(head.origin, seq, entry.h)  # go on from here, so that each break is named once
            broken = False
            if kind not in KINDS:
                problems.append(f"{name}: entry {seq} is of the unknown kind {kind!r}")
                continue
            if row_id == chain.ERASED:
                if (head.origin, seq) not in erased:
                    problems.append(f"{kind} was deleted ({name}, entry {seq})")
                continue
            if kind == "samples":
                wrong = parts.entry(row_id, row_sha256)
                problems += [f"{wrong} ({name}, entry {seq})"] if wrong else []
                continue
            logged[kind].add(row_id)
            data = rows.stored(connection, KINDS[kind], row_id)
            if data is None:
                problems.append(f"{kind} {row_id} was deleted ({name}, entry {seq})")
            elif rows.digest(data) != row_sha256:
                problems.append(f"{kind} {row_id} was altered ({name}, entry {seq})")
        if (followed.seq, followed.h) != (head.seq, head.h):
            problems.append(f"{name}: it ends at entry {followed.seq}, its head says {head.seq}")
    of_schema_1 = logged.pop("chunk")
    for kind, known in logged.items():
        if kind != "samples":
            present = {row[0] for row in connection.execute(f"SELECT id FROM {kind}").fetchall()}
            problems += [f"{kind} {row_id} was added outside of the log" for row_id in sorted(present - known)]
    return entries, of_schema_1
