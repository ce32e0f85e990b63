"""Merging a backup into a store that went on without it.

Laws of this file:
1. Nothing that the store holds is changed or lost; what the backup holds and the store does not is added. One
   transaction: all of it or none; a second time changes nothing.
2. A chain that the backup holds further than the store is continued, the store's own too: it is the same store.
   Where the two went different ways, the backup's rows are added by their content, as new rows of this store.
3. What was erased in the store does not come back, whatever the backup holds.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass

from vitals.errors import InputError, StoreDamaged, StoreError
from vitals.store import audit, chain, rows
from vitals.store.chain import Entry, Head, Ledger
from vitals.store.connection import Connection, reworded
from vitals.store.erasing import keep_out
from vitals.store.folder import Store
from vitals.store.rows import KINDS, Kind, Value
from vitals.store.samples import Shelf, place
from vitals.store.settle import settle


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a backup brought."""

    new: int  # rows that the store did not hold
    erased: int  # rows of the backup that stay erased


def restore(store: Store, backup: Store) -> RestoreReport:
    """Add what `backup` holds and `store` does not. Both are open; the backup is only read.

    Raises InputError (the backup is of another store), StoreDamaged, StoreError.
    """
    if store.uid != backup.uid:
        raise InputError("the backup is of another store: take its rows with `vitals sync bundle` and `apply`")
    if store.path.resolve() == backup.path.resolve():
        raise InputError("the backup and the store are the same folder")
    source = backup.fresh()
    try:
        with store.transaction() as target:
            merge = _Merge(source, target)
            for origin_id, head in chain.heads(source).items():
                merge.chain(origin_id, head)
            if merge.kept_out:
                keep_out(target, merge.kept_out)
            audit.add(target, bytes.fromhex(store.uid), "restored", rows=merge.new)
    except sqlite3.Error as error:
        raise reworded(error) from error
    finally:
        source.close()
    with suppress(StoreError):  # what came is safe; `Store.compact` does it later
        settle(store.transaction, store.reading, dict.fromkeys(merge.streams), tail=False)
    return RestoreReport(merge.new, merge.erased)


class _Merge:
    """Adds the entries of the backup's chains, inside one write transaction."""

    def __init__(self, source: Connection, target: Connection) -> None:
        self._source, self._target = source, target
        self._theirs, self._ours = Shelf(source), Shelf(target)
        erased = f"SELECT row_sha256 FROM entry WHERE row_id = {chain.ERASED}"
        self._never = {bytes(row[0]) for row in target.execute(erased).fetchall()}
        self.streams: set[int] = set()
        self.new = self.erased = 0
        self.kept_out: dict[bytes, list[int]] = {}  # by origin, entries that refer to what was erased here

    def chain(self, origin_id: int, theirs: Head) -> None:
        """Take what is new of one chain of the backup."""
        known = {head.origin: (number, head) for number, head in chain.heads(self._target).items()}
        number, ours = known.get(theirs.origin, (0, chain.start(theirs.origin)))
        shared = min(ours.seq, theirs.seq)
        here = chain.hash_at(self._target, number, theirs.origin, shared)
        follows = here == chain.hash_at(self._source, origin_id, theirs.origin, shared)
        if follows and theirs.seq <= ours.seq:
            return
        if follows:
            ledger = Ledger(self._target, number or chain.add_origin(self._target, theirs.origin))
        else:
            ledger = Ledger(self._target)
        for entry in chain.entries(self._source, origin_id, ours.seq if follows else 0):
            if entry.kind not in KINDS:
                raise _damaged()
            kind = KINDS[entry.kind]
            if entry.row_id == chain.ERASED or (not follows and entry.row_sha256 in self._never):
                self.erased += 1
                if follows:
                    ledger.enter_erased(kind, entry.row_sha256)
            elif (follows or kind.name != "erasure") and not self._take(ledger, kind, entry, follows=follows):
                self.erased += 1
                if follows:
                    ledger.enter_erased(kind, entry.row_sha256)
                    self.kept_out.setdefault(theirs.origin, []).append(ledger.head.seq)
        if follows and ledger.head != theirs:
            raise _damaged()
        self.new += ledger.added
        ledger.close()

    def _take(self, ledger: Ledger, kind: Kind, entry: Entry, *, follows: bool) -> bool:
        """One entry with its row; where the chain is not continued, only a row that is new is entered. False where what
        it refers to stays erased."""
        if kind.name == "samples":
            held = self._theirs.chunk(place(self._source, entry.row_id)[0])
            run = None if held is None else held.parts.get(entry.row_sha256)
            if held is None or run is None:
                raise _damaged()
            stream = self._source.execute("SELECT uid FROM stream WHERE id = ?", (held.stream_id,)).fetchone()
            stream_id = self._id("stream", bytes(stream[0]))
            if stream_id is None:
                return False
            found = self._ours.find(stream_id, run, entry.row_sha256)
            if found is None:
                self._ours.add(ledger, stream_id, run)
                self.streams.add(stream_id)
            elif follows:
                ledger.enter(kind, found, entry.row_sha256)
            return True
        data = rows.stored(self._source, kind, entry.row_id)
        if data is None or rows.digest(data) != entry.row_sha256:
            raise _damaged()
        columns: list[Value] = []
        for field, value in zip(kind.fields, rows.parse(kind, data), strict=True):
            refers = field.refers if value is not None else None
            column = value if refers is None else self._id(refers, value)
            if column is None and value is not None:
                return False
            columns.append(column)
        found = ledger.same(kind, tuple(columns), data)
        if found is None:
            ledger.enter(kind, ledger.insert(kind, tuple(columns)), entry.row_sha256)
        elif follows:
            ledger.enter(kind, found, entry.row_sha256)
        return True

    def _id(self, table: str, uid: Value) -> int | None:
        row = self._target.execute(f"SELECT id FROM {table} WHERE uid = ?", (uid,)).fetchone()
        return None if row is None else int(row[0])


def _damaged() -> StoreDamaged:
    return StoreDamaged("the backup is not what its log says: run `vitals verify` on it")
