"""Taking rows out of a store for good: of a subject, of kinds of streams, of a span of time.

Laws of this file:
1. What is taken out is gone in one transaction, with all that was computed from it and with the raw journals of the
   sessions that it touches (a journal tells of every stream of its session; it expires as a whole, too);
   `vitals analyze` makes again what can be made of the rest. Where samples only expire, what was computed stays.
2. The log stays whole: its entries keep their hashes, those that lost their rows have the row id 0, and an erasure row
   names them. No row is gone whose entry is not marked.
3. What lay in the same chunk and is kept is appended to the log anew. Where part of a stream went, a gap stays.
4. The audit chain says how much went, not what or whose.
5. Rows that peers were sent are theirs; bundles from now on carry the erasure. What comes later and refers to what was
   erased here stays out: its entries are followed, and marked as erased.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vitals.store import audit, chain, chunks, places, query, spans
from vitals.store.audit import AuditEntry
from vitals.store.chain import Ledger
from vitals.store.chunks import Chunk
from vitals.store.connection import Connection
from vitals.store.samples import Shelf
from vitals.values import Block

FIRST_US: Final = -(1 << 62)
LAST_US: Final = 1 << 62
_JOURNALS: Final = ("journal", "link")
_OF_CHUNKS: Final = ("samples", "chunk")  # kinds of log entries whose row is a chunk


@dataclass(frozen=True, slots=True)
class Scope:
    """What shall go; None: all."""

    subject: str | None = None
    kinds: frozenset[str] | None = None
    start_us: int = FIRST_US
    end_us: int = LAST_US

    @property
    def unbounded(self) -> bool:
        """Whether no time limits it."""
        return (self.start_us, self.end_us) == (FIRST_US, LAST_US)


@dataclass(frozen=True, slots=True)
class _Stream:
    id: int
    session_id: int
    kind: str
    over: bool  # its session writes no more


def erase(connection: Connection, store_id: bytes, scope: Scope, recording: Collection[int]) -> AuditEntry:
    """Take out what the scope names, inside a write transaction; the audit entry says how many rows of which kind.

    `recording`: the sessions that are still written, by row id; all others are over, ended or killed.
    """
    removal = _Removal(connection)
    streams = _chosen(connection, scope, recording)
    for stream in streams:
        removal.take(stream, scope)
    sessions = {stream.session_id for stream in streams}
    if scope.kinds is None and scope.unbounded:  # also those that never had a stream
        whose = "SELECT s.id FROM session s JOIN subject u ON u.id = s.subject_id WHERE ?1 IS NULL OR u.label = ?1"
        sessions |= {row[0] for row in query.fetch(connection, whose, (scope.subject,))}
    removal.owners(sessions - set(recording))
    return removal.close(store_id, "erased")


def expire(connection: Connection, store_id: bytes, days: dict[str, float], now_us: int) -> AuditEntry | None:
    """Take out the chunks whose samples are all older than their kind is kept; None if there are none."""
    removal = _Removal(connection)
    for kind, kept in days.items():
        before = now_us - round(kept * 86_400_000_000)
        for (stream_id,) in query.fetch(connection, "SELECT id FROM stream WHERE kind = ?", (kind,)):
            newest = "SELECT max(t1_us) FROM any_span WHERE stream_id = ?"
            if kind not in _JOURNALS or (query.fetch(connection, newest, (stream_id,))[0][0] or before) < before:
                removal.old_chunks(stream_id, before)
    return removal.close(store_id, "expired") if removal.any else None


def drop(connection: Connection, store_id: bytes, session_id: int) -> None:
    """Take out a session that was cut short and will be written anew, inside a write transaction."""
    removal = _Removal(connection)
    rows = query.fetch(connection, "SELECT id, kind FROM stream WHERE session_id = ?", (session_id,))
    streams = [_Stream(row[0], session_id, row[1], True) for row in rows]
    for stream in streams:
        removal.take(stream, Scope())
    removal.owners({session_id})
    removal.close(store_id, "begun again")


def _chosen(connection: Connection, scope: Scope, recording: Collection[int]) -> list[_Stream]:
    """The streams of the scope, and what was computed in the same sessions, and their journals."""
    rows = query.fetch(
        connection,
        "SELECT t.id, t.session_id, t.kind, t.provenance_id IS NOT NULL "
        "FROM stream t JOIN session s ON s.id = t.session_id JOIN subject u ON u.id = s.subject_id "
        "WHERE ?1 IS NULL OR u.label = ?1",
        (scope.subject,),
    )
    if scope.kinds is not None:
        sessions = {session for _, session, kind, _ in rows if kind in scope.kinds}
        rows = [r for r in rows if r[2] in scope.kinds or (r[1] in sessions and (r[3] or r[2] == "journal"))]
    found = [_Stream(row[0], row[1], row[2], row[1] not in recording) for row in rows]
    if scope.unbounded:
        return found
    # Of a journal no part goes: its records tell of every stream of the session, and of samples measured before.
    touched = {one.session_id for one in found if _touches(connection, one, scope)}
    return [one for one in found if one.kind not in _JOURNALS or one.session_id in touched]


def _touches(connection: Connection, stream: _Stream, scope: Scope) -> bool:
    touching = (stream.id, scope.end_us, scope.start_us)
    where = "stream_id = ? AND {} < ? AND {} >= ? LIMIT 1"
    return stream.kind not in _JOURNALS and any(
        query.fetch(connection, f"SELECT 1 FROM {table} WHERE " + where.format(*names), touching)
        for table, names in (
            ("any_span", ("t0_us", "t1_us")),
            ("gap", ("start_us", "end_us")),
            ("feature", ("start_us", "end_us")),
            ("event", ("start_us", "end_us")),
        )
    )


class _Removal:
    """What goes in one transaction, and its place in the logs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ledger = Ledger(connection)
        self._shelf = Shelf(connection)
        self._gone: dict[str, set[int]] = {}  # row ids, by table; of chunks also the ids that the log knows

    @property
    def any(self) -> bool:
        """Whether something went."""
        return any(self._gone.values())

    def take(self, stream: _Stream, scope: Scope) -> None:
        """Everything of a stream that the scope names."""
        if stream.kind in _JOURNALS:
            scope = Scope()
        low, high = query.fetch(
            self._connection, "SELECT min(t0_us), max(t1_us) FROM any_span WHERE stream_id = ?", (stream.id,)
        )[0]
        whole = scope.unbounded or (low is not None and scope.start_us <= low and high < scope.end_us)
        touching = (stream.id, scope.end_us, scope.start_us)
        for table in ("gap", "feature"):
            self._rows(table, "stream_id = ? AND start_us < ? AND end_us >= ?", touching)
        uids = "SELECT uid FROM event WHERE stream_id = ? AND start_us < ? AND end_us >= ?"
        self._rows("event", f"uid IN ({uids})", touching)  # with its other revisions
        ids = [
            row[0]
            for row in query.fetch(
                self._connection, "SELECT id FROM any_span WHERE stream_id = ? AND t0_us < ? AND t1_us >= ?", touching
            )
        ]
        kept = [] if whole else list(self._outside(stream.id, ids, scope))
        self._chunks(stream.id, ids)
        for run in kept:
            self._shelf.add(self._ledger, stream.id, run)
        if not whole and ids:
            self._ledger.add("gap", stream.id, max(scope.start_us, low), min(scope.end_us, high), "erased")
        elif whole and stream.over:
            for table in ("gap", "feature", "event"):  # beyond its last sample
                self._rows(table, "stream_id = ?", (stream.id,))
            self._rows("run", "stream_id = ?", (stream.id,))
            self._rows("stream", "id = ?", (stream.id,))

    def _outside(self, stream_id: int, ids: list[int], scope: Scope) -> Iterable[list[Block]]:
        """What of these chunks lies outside of the span, in runs that make a chunk each."""
        shape = query.shape_of(self._connection, stream_id)
        for chunk_id in ids:
            row = query.fetch(
                self._connection,
                "SELECT t0_us, t1_us, n, codec, crc32, payload FROM any_chunk WHERE id = ?",
                (chunk_id,),
            )[0]
            blocks = chunks.unpack(Chunk(*row), shape)
            for low, high in ((FIRST_US, scope.start_us), (scope.end_us, LAST_US)):
                pieces = [piece for block in blocks if (piece := spans.within(block, low, high)) is not None]
                yield from (run for run in chunks.runs(pieces) if run)

    def old_chunks(self, stream_id: int, before_us: int) -> None:
        """The chunks of a stream that end before a time; a gap says so."""
        rows = query.fetch(
            self._connection,
            "SELECT id, t0_us, t1_us FROM any_span WHERE stream_id = ? AND t1_us < ?",
            (stream_id, before_us),
        )
        if rows:
            self._chunks(stream_id, [row[0] for row in rows])
            self._ledger.add("gap", stream_id, min(row[1] for row in rows), max(row[2] for row in rows), "expired")

    def _chunks(self, stream_id: int, ids: list[int]) -> None:
        if not ids:
            return
        self._delete("chunk", ids)
        self._delete("fresh", ids)
        self._connection.execute("DELETE FROM pyramid WHERE stream_id = ?", (stream_id,))
        gone = self._gone.setdefault("chunk", set())
        todo = set(ids)
        while todo:  # the log knows samples by the chunk that they were written in
            gone |= todo
            marks = ",".join(map(str, todo))
            moved = query.fetch(self._connection, f"SELECT id FROM moved WHERE chunk_id IN ({marks})")
            todo = {int(row[0]) for row in moved} - gone

    def owners(self, sessions: Iterable[int]) -> None:
        """Sessions that have no stream left, then subjects and devices that have no session left."""
        for session_id in sessions:
            if query.fetch(self._connection, "SELECT 1 FROM stream WHERE session_id = ? LIMIT 1", (session_id,)):
                continue
            for table in ("session_end", "clock_fit"):
                self._rows(table, "session_id = ?", (session_id,))
            self._rows("session", "id = ?", (session_id,))
        self._connection.execute("DELETE FROM consent WHERE subject_id NOT IN (SELECT subject_id FROM session)")
        self._rows("subject", "id NOT IN (SELECT subject_id FROM session)", ())
        # A device that another store described may come back with that store's next session, which only refers to it.
        theirs = f"SELECT row_id FROM entry WHERE kind = 'device' AND place >= {chain.place(chain.OURS + 1, 0)}"
        self._rows("device", f"id NOT IN (SELECT device_id FROM session) AND id NOT IN ({theirs})", ())

    def _rows(self, table: str, where: str, parameters: tuple[Any, ...]) -> None:
        ids = [
            int(row[0]) for row in query.fetch(self._connection, f"SELECT id FROM {table} WHERE {where}", parameters)
        ]
        if ids:
            self._delete(table, ids)
            self._gone.setdefault(table, set()).update(ids)

    def _delete(self, table: str, ids: Iterable[int]) -> None:
        self._connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(row_id,) for row_id in ids])

    def close(self, store_id: bytes, action: str) -> AuditEntry:
        """Mark the log entries of all that went, and say so in the audit chain."""
        marked: dict[int, list[int]] = {}
        counts: dict[str, int] = {}
        found: list[int] = []
        for place, kind, row_id in self._connection.execute("SELECT place, kind, row_id FROM entry ORDER BY place"):
            if row_id in self._gone.get("chunk" if kind in _OF_CHUNKS else kind, ()):
                origin_id, seq = divmod(place, chain.place(1, 0))
                marked.setdefault(origin_id, []).append(seq)
                counts[kind] = counts.get(kind, 0) + 1
                found.append(place)
        self._connection.executemany(
            f"UPDATE entry SET row_id = {chain.ERASED} WHERE place = ?", [(place,) for place in found]
        )
        heads = chain.heads(self._connection)
        _say(self._ledger, {heads[origin_id].origin: seqs for origin_id, seqs in marked.items()})
        self._ledger.close()
        entry = audit.add(self._connection, store_id, action, rows=counts)
        gone = self._gone.get("chunk", set())
        self._connection.executemany("DELETE FROM moved WHERE id = ?", [(row_id,) for row_id in gone])
        return entry


def keep_out(connection: Connection, kept_out: Mapping[bytes, list[int]]) -> None:
    """Say of entries of other chains (by origin, ascending) that their rows were not let in, because what they refer to
    was erased here; inside a write transaction."""
    ledger = Ledger(connection)
    _say(ledger, kept_out)
    ledger.close()


def refers_to_erased(connection: Connection, kind: str) -> bool:
    """Whether a reference to a row of this kind may lead nowhere: one was erased here."""
    sql = f"SELECT 1 FROM entry WHERE row_id = {chain.ERASED} AND kind = ? LIMIT 1"
    return bool(query.fetch(connection, sql, (kind,)))


def _say(ledger: Ledger, erased: Mapping[bytes, list[int]]) -> None:
    now_us = time.time_ns() // 1000
    for origin, seqs in erased.items():
        for packed in places.pack(seqs):
            ledger.add("erasure", secrets.token_bytes(16), origin, packed, now_us)
