"""Taking a bundle.

Laws of this file:
1. Everything is verified before the commit: the seal, the form, every row, the chain from the hash that we hold to
   the one that the manifest promises, and the sender's signature. One transaction: all of it or none.
2. Plaintext exists in memory only, a piece at a time.
3. A chain only grows. Same entry, other hash is a fork: nothing is taken, a person has to look. Nobody extends our
   own chain.
4. What belongs to a row that was erased here stays out, and the chain is followed all the same: an erasure of ours
   names those entries.
5. The signing key of a sender is remembered at the first bundle, and no other is accepted later.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vitals.errors import InputError, StoreError, SyncError
from vitals.store import chain, migrations, rows
from vitals.store.chain import Head, Ledger
from vitals.store.chunks import Shape
from vitals.store.connection import Connection
from vitals.store.erasing import keep_out, refers_to_erased
from vitals.store.folder import Store
from vitals.store.places import Erased
from vitals.store.rows import Kind, Value
from vitals.store.samples import Shelf, row_hash, row_hash_of
from vitals.store.settle import settle
from vitals.sync import sound, wire
from vitals.sync.party import Party, party, pyrage
from vitals.sync.seal import hash_at, signed
from vitals.sync.wire import Entry, Manifest, Range


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What a bundle brought."""

    sender: str  # uid of the store that made it
    recipient: str  # to seal answers for
    first_contact: bool  # its signing key was not known before: compare `fingerprint` with the other side
    fingerprint: str  # of that key
    rows: int  # in the bundle
    new: int  # of these, rows that this store did not hold


def apply(store: Store, path: str | os.PathLike[str]) -> ApplyReport:
    """Take the bundle at `path` into the store; a second time changes nothing.

    Raises SyncError (not for us, damaged, a gap, a fork, a rollback, another signer), InputError (no such file),
    StoreError.
    """
    age = pyrage()
    me = party(store)
    try:
        with Path(path).open("rb") as file, store.transaction() as connection:
            receiver = Receiver(connection, me)
            try:
                age.decrypt_io(file, receiver, [me.sealed_to])
            except Exception as error:
                if receiver.error is not None:
                    raise receiver.error from None
                raise _unsealed(error) from None
            report = receiver.finish()
    except FileNotFoundError:
        raise InputError(f"there is no bundle at {path}: check the path") from None
    with suppress(StoreError):  # what came is safe; `Store.compact` does it later
        settle(store.transaction, store.reading, dict.fromkeys(receiver.streams), tail=False)
    return report


def _unsealed(error: Exception) -> SyncError:
    if "No matching keys" in str(error):
        return SyncError("the bundle is sealed for another store: have it made for the recipient of this one")
    return SyncError("the bundle is damaged, cut off or not one (its seal does not open): ask for a new one")


class Receiver:
    """Takes the plaintext of a bundle piece by piece, inside one write transaction."""

    def __init__(self, connection: Connection, me: Party) -> None:
        self._connection = connection
        self._me = me
        self._held = bytearray()
        self._state = hashlib.sha256()
        self._manifest: Manifest | None = None
        self._ranges: list[Range] = []
        self._chain: _Chain | None = None
        self._signature: bytes | None = None
        self._shapes: dict[int, Shape] = {}
        self._rows = self._new = 0
        self._erased: list[tuple[bytes, int]] = []  # origin and number of entries that came without their rows
        self._kept_out: dict[bytes, list[int]] = {}
        self.error: Exception | None = None

    @property
    def streams(self) -> list[int]:
        """The row ids of the streams that samples came for."""
        return list(self._shapes)

    def write(self, data: bytes) -> int:
        """Take a piece. Raises SyncError, StoreError."""
        if self.error is not None:  # age empties its buffer into a writer that has failed
            raise self.error
        try:
            self._held += data
            while self._step():
                pass
        except Exception as error:
            self.error = _refused(error)
            raise self.error from None
        return len(data)

    def flush(self) -> None:
        """Nothing waits to be flushed."""

    def _step(self) -> bool:
        if self._manifest is None:
            return self._read_manifest()
        if self._signature is not None:
            if self._held:
                raise wire.malformed("its end")
            return False
        length = self._frame(0, wire.MOST_ENTRY)
        if length is None:
            return False
        if length == 0:
            if len(self._held) < 4 + wire.SIGNATURE_BYTES:
                return False
            self._signature = bytes(self._held[4 : 4 + wire.SIGNATURE_BYTES])
            del self._held[: 4 + wire.SIGNATURE_BYTES]
            return True
        self._take(wire.decode_entry(self._pop(0, length)))
        return True

    def _frame(self, at: int, most: int) -> int | None:
        """The length of the frame at `at`, once all of it is here."""
        if len(self._held) < at + 4:
            return None
        length = int.from_bytes(self._held[at : at + 4], "big")
        if length > most:
            raise wire.malformed("a length")
        return length if len(self._held) >= at + 4 + length or length == 0 else None

    def _pop(self, at: int, length: int) -> bytes:
        end = at + 4 + length
        self._state.update(memoryview(self._held)[:end].tobytes())
        body = bytes(self._held[at + 4 : end])
        del self._held[:end]
        return body

    def _read_manifest(self) -> bool:
        start = len(wire.MAGIC)
        if not wire.MAGIC.startswith(self._held[:start]):
            raise wire.malformed("its first line")
        length = self._frame(start, wire.MOST_MANIFEST)
        if length is None:
            return False
        manifest = self._manifest = Manifest.decode(self._pop(start, length))
        known = migrations.version(self._connection)
        if manifest.schema > known:
            raise SyncError(f"the bundle has schema {manifest.schema}, this vitals knows {known}: update vitals first")
        ids = {head.origin: (origin_id, head) for origin_id, head in chain.heads(self._connection).items()}
        for origin, (seq, h) in manifest.heads.items():
            if origin in ids:
                self._compare(*ids[origin], seq, h)
        self._ranges = list(manifest.ranges)
        return True

    def _compare(self, origin_id: int, head: Head, seq: int, h: bytes) -> None:
        if seq > head.seq:
            if origin_id == chain.OURS:
                raise SyncError(
                    f"the sender holds entry {seq} of this store's own log, which ends at {head.seq}: this store was "
                    "put back to an older copy; restore the newest backup"
                )
        elif hash_at(self._connection, origin_id, head.origin, seq) != h:
            raise _fork(head.origin, seq)

    def _take(self, entry: Entry) -> None:
        while self._chain is None or self._chain.done:
            self._close_chain()
            if not self._ranges:
                raise wire.malformed("more entries than promised")
            self._chain = _Chain(self._connection, self._ranges.pop(0), self._shapes)
        if entry.erased:
            self._chain.take_erased(entry.kind, entry.row)
        else:
            self._chain.take(entry.kind, entry.row)

    def _close_chain(self) -> None:
        if self._chain is not None:
            self._chain.close()
            self._rows += self._chain.rows
            self._erased += self._chain.erased
            if self._chain.kept_out:
                self._kept_out.setdefault(self._chain.origin, []).extend(self._chain.kept_out)
            self._new += self._chain.new
            self._chain = None

    def finish(self) -> ApplyReport:
        """After the last piece: is it all there, and from whom? Raises SyncError."""
        manifest = self._manifest
        if manifest is None or self._signature is None or self._held:
            raise wire.malformed("its end is missing")
        self._close_chain()
        if any(part.last > part.after for part in self._ranges):
            raise wire.malformed("fewer entries than promised")
        erased = Erased(self._connection)
        if not all(place in erased for place in self._erased):
            raise SyncError("the bundle leaves out rows that were never erased: ask for a whole one")
        try:
            key = Ed25519PublicKey.from_public_bytes(manifest.signer)
            key.verify(self._signature, signed(self._me.recipient, self._state.digest()))
        except InvalidSignature:
            raise SyncError("the bundle's signature is wrong: it was not made by the store that it names") from None
        first_contact = self._remember(manifest)
        if self._kept_out:
            keep_out(self._connection, self._kept_out)
        for origin, (seq, _) in manifest.heads.items():
            # What the sender says that it holds is the best cursor: it heals bundles that were lost on the way.
            self._connection.execute(
                "INSERT INTO cursor SELECT p.id, o.id, ? FROM peer p, origin o WHERE p.recipient = ? AND o.uid = ? "
                "ON CONFLICT DO UPDATE SET seq = excluded.seq",
                (seq, manifest.recipient, origin),
            )
        return ApplyReport(
            sender=manifest.sender.hex(),
            recipient=manifest.recipient,
            first_contact=first_contact,
            fingerprint=hashlib.sha256(manifest.signer).hexdigest()[:16],
            rows=self._rows,
            new=self._new,
        )

    def _remember(self, manifest: Manifest) -> bool:
        """Whether this is the first bundle of this sender. Raises SyncError where its keys are not those of before."""
        ours = chain.heads(self._connection)[chain.OURS].origin
        row = self._connection.execute("SELECT signer FROM peer WHERE origin_uid = ?", (manifest.sender,)).fetchone()
        expected = self._me.signer if manifest.sender == ours else None if row is None else bytes(row[0])
        if expected not in (None, manifest.signer):
            raise SyncError(
                "the bundle is signed by another key than the earlier ones of its sender: nothing was taken"
            )
        if expected is not None:
            return False
        cursor = self._connection.execute(
            "INSERT INTO peer(recipient, origin_uid, signer) VALUES(?, ?, ?) ON CONFLICT(recipient) "
            "DO UPDATE SET origin_uid = excluded.origin_uid, signer = excluded.signer WHERE peer.origin_uid IS NULL",
            (manifest.recipient, manifest.sender, manifest.signer),
        )
        if cursor.rowcount != 1:
            raise SyncError("the bundle's sender claims the recipient of another store: nothing was taken")
        return True


class _ReferenceErased(Exception):
    """A row belongs to one that was erased in this store."""


def _uid(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a uid is no bytes")
    return value


class _Chain:
    """Follows one range, and appends what is new of it."""

    def __init__(self, connection: Connection, part: Range, shapes: dict[int, Shape]) -> None:
        self._connection = connection
        self._part = part
        self.origin = part.origin
        self._shapes = shapes
        found = connection.execute("SELECT id FROM origin WHERE uid = ?", (part.origin,)).fetchone()
        self._origin_id = int(found[0]) if found else chain.add_origin(connection, part.origin)
        self._ledger = Ledger(connection, self._origin_id)
        self._shelf = Shelf(connection)
        held = self._ledger.head
        if part.after > held.seq:
            raise SyncError(
                f"the bundle continues the log of {part.origin.hex()[:8]} after entry {part.after}, this store holds "
                f"it up to {held.seq}: an earlier bundle is missing; ask for one made with since={held.seq}"
            )
        if hash_at(connection, self._origin_id, part.origin, part.after) != part.h_after:
            raise _fork(part.origin, part.after)
        self._head = Head(part.origin, part.after, part.h_after)
        self._held_seq = held.seq
        self.rows = self.new = 0
        self.erased: list[tuple[bytes, int]] = []
        self.kept_out: list[int] = []  # entries that refer to what was erased here

    @property
    def done(self) -> bool:
        """Whether the promised end is reached."""
        return self._head.seq == self._part.last

    def take(self, kind: Kind, data: bytes) -> None:
        """The next entry. Raises SyncError, ValueError, sqlite3.Error."""
        values = rows.parse(kind, data)
        try:
            if kind.name == "samples":
                self._samples(kind, values)
            else:
                self._row(kind, values, data)
        except _ReferenceErased:
            name = rows.digest(data) if kind.name != "samples" else row_hash_of(_uid(values[0]), sound.packed(values))
            if self._is_new(kind, name):
                self._ledger.enter_erased(kind, name)
                self.kept_out.append(self._head.seq)

    def _row(self, kind: Kind, values: tuple[Value, ...], data: bytes) -> None:
        columns = tuple(self._local(kind, values))
        if self._is_new(kind, rows.digest(data)):
            found = self._ledger.same(kind, columns, data)
            if found is None:
                sound.check(self._connection, kind, columns, self._shapes)
                found = self._ledger.insert(kind, columns)
            self._ledger.enter(kind, found, rows.digest(data))

    def _samples(self, kind: Kind, values: tuple[Value, ...]) -> None:
        row = sound.named(kind, tuple(self._local(kind, values)))
        packed, run = sound.samples(self._connection, row, self._shapes)
        stream_id = row["stream_id"]
        assert isinstance(stream_id, int)
        row_sha256 = row_hash(_uid(values[0]), run)
        if self._is_new(kind, row_sha256):
            held = self._shelf.find(stream_id, run, row_sha256)
            if held is None:
                self._shelf.add(self._ledger, stream_id, run, packed)
            else:  # it came in another chain before
                self._ledger.enter(kind, held, row_sha256)

    def take_erased(self, kind: Kind, row_sha256: bytes) -> None:
        """The next entry, whose row was erased. Raises SyncError."""
        if self._is_new(kind, row_sha256):
            self._ledger.enter_erased(kind, row_sha256)
            self.erased.append((self._part.origin, self._head.seq))

    def _is_new(self, kind: Kind, row_sha256: bytes) -> bool:
        """Follow the chain by one entry; whether this store does not hold it yet. Raises SyncError."""
        self._head = chain.follow(self._head, kind.name, row_sha256)
        self.rows += 1
        if self._head.seq <= self._held_seq:
            if hash_at(self._connection, self._origin_id, self._part.origin, self._head.seq) != self._head.h:
                raise _fork(self._part.origin, self._head.seq)
            return False
        if self._origin_id == chain.OURS:
            raise _fork(self._part.origin, self._head.seq)
        return True

    def _local(self, kind: Kind, values: tuple[Value, ...]) -> list[Value]:
        columns = []
        for field, value in zip(kind.fields, values, strict=True):
            if field.refers is not None and value is not None:
                row = self._connection.execute(f"SELECT id FROM {field.refers} WHERE uid = ?", (value,)).fetchone()
                if row is None and refers_to_erased(self._connection, field.refers):
                    raise _ReferenceErased
                if row is None:
                    raise ValueError(f"{kind.name}.{field.name} refers to nothing")
                value = int(row[0])
            columns.append(value)
        return columns

    def close(self) -> None:
        """At the end of the range: the chain must be where the manifest said. Raises SyncError."""
        if not self.done or self._head.h != self._part.h_last:
            raise wire.malformed("its chain does not end as promised")
        self.new = self._ledger.added
        self._ledger.close()


def _fork(origin: bytes, seq: int) -> SyncError:
    return SyncError(
        f"the log of {origin.hex()[:8]} forks at entry {seq}: the sender's differs from what this store holds. One of "
        "the two was put back to an older copy, or altered; run `vitals verify` on both"
    )


def _refused(error: Exception) -> Exception:
    if isinstance(error, sqlite3.IntegrityError):
        return wire.malformed("a row breaks the schema, or has the name of another row")
    if isinstance(error, (ValueError, UnicodeError, RecursionError)) and not isinstance(error, InputError):
        return wire.malformed(str(error))
    return error
