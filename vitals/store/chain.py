"""The log: one append-only hash chain per origin store, over every row that syncs.

    h(0)   = SHA-256("vitals-log/1" | origin uid)
    h(seq) = SHA-256(h(seq - 1) | origin uid | seq u64 | length of kind u8 | kind | row hash)        (big-endian)

Laws of this file:
1. A row and its log entry are one transaction.
2. A row that the store holds already (same canonical bytes) is not added again, whoever brings it: writing, analysing
   and applying are idempotent.
3. Nothing is updated or deleted here. An entry whose row was erased keeps its hash, and an erasure row names it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vitals.errors import StoreDamaged, StoreError
from vitals.store import rows
from vitals.store.connection import Connection
from vitals.store.rows import KINDS, Kind, Value

ERASED = 0  # row id of an entry whose row was erased (see erasing.py)
OURS = 1  # id of this store in the table `origin`
_MOST_ENTRIES = 1 << 40  # of one chain


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain goes, and its hash there."""

    origin: bytes
    seq: int
    h: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a chain, as it is stored."""

    seq: int
    kind: str
    row_id: int
    row_sha256: bytes
    h: bytes


def start(origin: bytes) -> Head:
    """The empty chain of a store."""
    return Head(origin, 0, hashlib.sha256(b"vitals-log/1" + origin).digest())


def follow(head: Head, kind: str, row_sha256: bytes) -> Head:
    """The chain after one more entry."""
    seq = head.seq + 1
    name = kind.encode()
    body = head.h + head.origin + seq.to_bytes(8, "big") + bytes([len(name)]) + name + row_sha256
    return Head(head.origin, seq, hashlib.sha256(body).digest())


def place(origin_id: int, seq: int) -> int:
    """The key of an entry in the table `entry`. Raises StoreError past 2**40 entries."""
    if not 0 <= seq < _MOST_ENTRIES:
        raise StoreError(f"a log cannot have {seq} entries")
    return origin_id * _MOST_ENTRIES + seq


def hash_at(connection: Connection, origin_id: int, origin: bytes, seq: int) -> bytes | None:
    """The hash of a chain after its entry `seq`; None where it has none."""
    if seq == 0:
        return start(origin).h
    row = connection.execute("SELECT h FROM entry WHERE place = ?", (place(origin_id, seq),)).fetchone()
    return None if row is None else bytes(row[0])


def entries(connection: Connection, origin_id: int, after: int = 0, last: int | None = None) -> Iterator[Entry]:
    """The entries of a chain after one and up to another (None: to its end), in order."""
    stop = place(origin_id + 1, 0) - 1 if last is None else place(origin_id, last)
    cursor = connection.execute(
        "SELECT place, kind, row_id, row_sha256, h FROM entry WHERE place > ? AND place <= ? ORDER BY place",
        (place(origin_id, after), stop),
    )
    for key, kind, row_id, row_sha256, h in cursor:
        if not isinstance(row_sha256, bytes) or not isinstance(h, bytes):  # a page of another table, put back
            raise StoreDamaged("the log holds a row of another table: restore the store from a backup")
        yield Entry(key - place(origin_id, 0), kind, row_id, bytes(row_sha256), bytes(h))


def add_origin(connection: Connection, origin: bytes) -> int:
    """Begin the chain of a store; the first one is ours. Returns its id."""
    head = start(origin)
    values = (head.origin, head.seq, head.h)
    return int(connection.execute("INSERT INTO origin(uid, seq, h) VALUES(?, ?, ?)", values).lastrowid)


def heads(connection: Connection) -> dict[int, Head]:
    """The chains that this store holds, by id."""
    return {
        row[0]: Head(*row[1:])
        for row in connection.execute("SELECT id, uid, seq, h FROM origin ORDER BY id").fetchall()
    }


class Ledger:
    """Appends rows and their log entries to one chain; lives inside one write transaction."""

    def __init__(self, connection: Connection, origin_id: int = OURS) -> None:
        self._connection = connection
        self._origin_id = origin_id
        row = connection.execute("SELECT uid, seq, h FROM origin WHERE id = ?", (origin_id,)).fetchone()
        self.head = Head(*row)
        self.added = 0
        self._entries: list[tuple[Any, ...]] = []
        self._uids: dict[tuple[str, int], bytes] = {}

    def add(self, kind_name: str, *values: Value) -> int:
        """Append a row, references as row ids; a row that is there already is left as it is. Returns its id."""
        kind = KINDS[kind_name]
        canonical = tuple(
            value if field.refers is None or value is None else self._uid(field.refers, value)
            for field, value in zip(kind.fields, values, strict=True)
        )
        data = rows.canonical(kind, canonical)
        found = self.same(kind, values, data)
        if found is not None:
            return found
        row_id = self.insert(kind, values)
        self.enter(kind, row_id, rows.digest(data))
        return row_id

    def insert(self, kind: Kind, columns: tuple[Any, ...]) -> int:
        """Insert a row without a log entry of its own; the caller enters it."""
        names = ", ".join(field.column for field in kind.fields)
        marks = ", ".join("?" * len(kind.fields))
        cursor = self._connection.execute(f"INSERT INTO {kind.table}({names}) VALUES({marks})", columns)
        self.added += 1
        return int(cursor.lastrowid)

    def enter(self, kind: Kind, row_id: int, row_sha256: bytes) -> None:
        """Append the log entry of a row."""
        self.head = follow(self.head, kind.name, row_sha256)
        self._entries.append((place(self._origin_id, self.head.seq), kind.name, row_id, row_sha256, self.head.h))

    def enter_erased(self, kind: Kind, row_sha256: bytes) -> None:
        """Append the log entry of a row that was erased before it came here."""
        self.enter(kind, ERASED, row_sha256)

    def _uid(self, refers: str, row_id: Value) -> bytes:
        assert isinstance(row_id, int)
        uid = self._uids.get((refers, row_id))
        if uid is None:
            row = self._connection.execute(f"SELECT uid FROM {refers} WHERE id = ?", (row_id,)).fetchone()
            if row is None:
                raise StoreError(f"the store has no {refers} with the id {row_id}: list them with store.streams()")
            uid = self._uids[refers, row_id] = bytes(row[0])
        return uid

    def same(self, kind: Kind, columns: tuple[Any, ...], data: bytes) -> int | None:
        """The id of a row with these canonical bytes, if the store holds one."""
        given = {field.column: value for field, value in zip(kind.fields, columns, strict=True)}
        where = " AND ".join(f"t.{column} = ?" for column in kind.key)
        for row in self._connection.execute(rows.select(kind, where), tuple(given[column] for column in kind.key)):
            if rows.canonical(kind, tuple(row[1:])) == data:
                return int(row[0])
        return None

    def close(self) -> None:
        """Write the log entries and the new head; the transaction commits after this."""
        self._connection.executemany("INSERT INTO entry VALUES(?, ?, ?, ?, ?)", self._entries)
        self._connection.execute(
            "UPDATE origin SET seq = ?, h = ? WHERE id = ?", (self.head.seq, self.head.h, self._origin_id)
        )
        self._entries = []
