"""Keys that come and go, and a new data key for the whole store.

Laws of this file:
1. Whoever changes keys shows one that opens the store, at that moment.
2. The header is replaced inside a write transaction of the database, which remembers the header's epoch: two
   processes cannot undo each other, and an old header that is put back is refused.
3. Rekeying encrypts every page in one transaction, while nobody else has the database open. The header of the new data
   key lies beside the old one before it begins and takes its place after it commits; whichever key opens the database
   says which header holds. The old wraps are written over.
4. A key that is taken away opens no later state of the store. A copy of header and database made before still opens
   with it: only a rekey closes what is written from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from vitals.errors import InputError, StoreDamaged, StoreError, StoreFull, VitalsError
from vitals.store import before, header, query, sealed
from vitals.store.connection import Connection, connect, give_new_key
from vitals.store.keys import DEFAULT_KDF, KdfParams, Key

if TYPE_CHECKING:
    from vitals.store.folder import Store

T = TypeVar("T")
KINDS: Final = {1: "passphrase", 2: "recovery code", 3: "keyring"}
_EPOCH: Final = "header_epoch"
SCRUB: Final = "scrub_pending"
NEXT: Final = ".next"


@dataclass(frozen=True, slots=True)
class KeySlot:
    """One key of a store, without anything secret."""

    number: int
    kind: str


class KeySlots:
    """The keys that open a store: `store.keys`. Every change asks for a key that opens it now (`proof`)."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._path = path

    def list(self) -> list[KeySlot]:
        """The keys of the store, by number; no key is needed to see their kinds. Raises StoreDamaged, StoreMissing."""
        return [
            KeySlot(number, KINDS.get(slot.kind, "unknown"))
            for number, slot in enumerate(header.slots(self._path))
            if slot.kind != header.EMPTY
        ]

    def opens(self, key: Key) -> KeySlot:
        """Prove that a key opens the store, and say which it is: a drill. Raises WrongKey, StoreError."""
        opened = header.read(self._path, key)
        opened.forget()
        return KeySlot(opened.opened_by, KINDS[opened.slots[opened.opened_by].kind])

    def add(self, key: Key, *, proof: Key, kdf: KdfParams = DEFAULT_KDF) -> KeySlot:
        """Let one more key open the store. Raises WrongKey, InputError, StoreError."""
        return self._put(key, proof, kdf, header.free_place)

    def replace(self, old: Key, new: Key, *, kdf: KdfParams = DEFAULT_KDF) -> KeySlot:
        """Put a key in the place of another, e.g. a new passphrase. Raises WrongKey, InputError, StoreError."""
        return self._put(new, old, kdf, lambda opened: opened.opened_by)

    def remove(self, number: int, *, proof: Key) -> None:
        """Take a key away; the last one stays. Raises WrongKey, InputError, StoreError."""
        self._change(proof, lambda opened: header.without_key(opened, number))

    def rekey(self, keys: Sequence[Key], *, proof: Key, kdf: KdfParams = DEFAULT_KDF) -> int:
        """Encrypt the whole store anew, under a new data key that only `keys` open.

        For a data key that may be known to others, and after erasing. Keys that are not given here are gone: make a
        new recovery code. It needs free space for the whole store, and nobody else may have the store open. If it is
        interrupted at any point, the old keys or the new ones open everything. Returns the epoch of the new key file.
        Raises WrongKey, InputError, StoreError.
        """
        self.opens(proof)  # a slow key is tried before others are kept waiting
        with self._store.alone() as connection:
            refuse_sealed(self._path.parent)
            old = header.read(self._path, proof)
            fresh = header.new(list(keys), kdf, old.store_id, old.epoch + 1)
            header.write(_next(self._path), fresh)
            with suppress(StoreError):
                give_new_key(connection, fresh.database_key())
            # The engine says nothing where it fails, and goes on with the new key all the same: a new connection tells.
            if self._store.reconnect(fresh, old) is old:
                drop_next(self._path)
                raise StoreFull(
                    "the store could not be encrypted anew, most likely for want of space: it is as it was; free as "
                    "much space as it takes, and try again"
                )
            _settle(self._path)
            with self._store.transaction() as after:
                remember(after, fresh.epoch)
                sealed.renew_inbox(after)
            with self._store.transaction() as after:
                sealed.open_inbox(self._path.parent, after)
                checkpointed = after
            checkpointed.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            before.drop(self._path.parent)
            old.forget()
            fresh.forget()
        return fresh.epoch

    def _put(self, key: Key, proof: Key, kdf: KdfParams, where: Callable[[header.Opened], int]) -> KeySlot:
        places: list[int] = []

        def put(opened: header.Opened) -> header.Opened:
            places.append(where(opened))
            return header.with_key(opened, key, kdf, places[-1])

        self._change(proof, put)
        return KeySlot(places[-1], KINDS[key.slot_kind])

    def _change(self, proof: Key, change: Callable[[header.Opened], header.Opened]) -> None:
        self.opens(proof)  # a slow key is tried before other writers are kept waiting
        with self._store.transaction() as connection:
            changed = change(header.read(self._path, proof))
            header.write(self._path, changed)
            remember(connection, changed.epoch)
        changed.forget()


def steady(path: Path, job: Callable[[], T]) -> T:
    """Do something with the key file at `path`; again where it failed and the file is another one by now."""
    while True:
        before = _state(path)
        try:
            return job()
        except VitalsError:
            if _state(path) == before:
                raise


def _state(path: Path) -> list[bytes | None]:
    return [one.read_bytes() if one.exists() else None for one in (path, _next(path))]


def unlock(folder: Path, database: str, name: str, key: Key) -> header.Opened:
    """What `key` opens: the header that fits the database, where a rekey was interrupted between the two.

    Raises as `header.read`.
    """
    path = folder / name
    if not _next(path).exists():
        return header.read(path, key)
    refused: VitalsError | None = None
    for candidate in (path, _next(path)):
        try:
            opened = header.read(candidate, key)
            connect(folder / database, opened.database_key()).close()
        except VitalsError as error:
            refused = refused or error
            continue
        if candidate != path:
            _settle(path)
        return opened
    assert refused is not None
    raise refused


def has_next(path: Path) -> bool:
    """Whether the header of a rekey lies beside the one at `path`."""
    return _next(path).exists()


def drop_next(path: Path) -> None:
    """Remove the header of a rekey that never happened. Only for who has the database open by the header at `path`:
    nobody can be rekeying meanwhile."""
    with suppress(OSError):
        _next(path).unlink(missing_ok=True)


def refuse_sealed(folder: Path) -> None:
    """Raise InputError where recordings wait to be taken in: a new key would close them, and an erasure miss them."""
    if sealed.waiting(folder):
        raise InputError("take in first what was recorded while the store was locked: `vitals take-in`")


def epoch(connection: Connection) -> int:
    """The newest epoch of the header that the database knows of."""
    known = query.fetch(connection, "SELECT value FROM meta WHERE name = ?", (_EPOCH,))
    return int(known[0][0]) if known else 1


def check_epoch(connection: Connection, opened: header.Opened) -> None:
    """Refuse a header that is older than the database. Raises StoreDamaged."""
    if opened.epoch < epoch(connection):
        raise StoreDamaged(
            "vitals.key is older than vitals.db, so a key that was taken away may open it: "
            "put back the vitals.key that belongs to it, or restore the whole folder from a backup"
        )


def remember(connection: Connection, epoch: int) -> None:
    """Keep the header's epoch in the database; inside a write transaction."""
    connection.execute("INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)", (_EPOCH, epoch))


def remember_scrub(connection: Connection, *, pending: bool) -> None:
    """Keep whether an erasure still has to write the store anew; inside a write transaction."""
    connection.execute("DELETE FROM meta WHERE name = ?", (SCRUB,))
    if pending:
        connection.execute("INSERT INTO meta(name, value) VALUES(?, 1)", (SCRUB,))


def _next(path: Path) -> Path:
    return path.with_name(path.name + NEXT)


def _settle(path: Path) -> None:
    with suppress(FileNotFoundError):  # another process was faster
        header.supersede(path, _next(path))
