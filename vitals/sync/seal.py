"""Making a bundle.

Laws of this file:
1. No plaintext is written: rows go from the store through the age seal into the file, a piece at a time.
2. The file is there complete or not at all: temporary file (ciphertext), fsync, rename.
3. The cursor of a recipient says how far each chain has been *sent*. It moves after the file is in place. A bundle
   that is lost on the way is not noticed here; the receiver refuses the next one and names the entry from which it
   needs a new one, and `since` goes back to that. A row sent twice is harmless.
4. A row that no longer is what the log says is never sent.
5. Samples are sent as the log names them, run by run, however they are packed here: a merge is no news.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vitals.errors import InputError, StoreDamaged, SyncError
from vitals.store import audit, chain, header, migrations, rows
from vitals.store.connection import Connection, snapshot
from vitals.store.folder import Store
from vitals.store.rows import KINDS
from vitals.store.samples import Shelf
from vitals.sync import wire
from vitals.sync.party import Party, parse_recipient, party, pyrage
from vitals.sync.wire import Manifest, Range


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What went into a bundle."""

    path: Path
    rows: int
    chains: int
    size: int  # bytes of the file


def bundle(store: Store, recipient: str, out_path: str | os.PathLike[str], *, since: int | None = None) -> BundleReport:
    """Seal for `recipient` (age1...) what it has not been sent yet, or all entries after `since` (0: everything).

    Raises InputError (no such recipient, negative `since`), StoreDamaged, SyncError, MissingExtra.
    """
    target = parse_recipient(recipient)
    if since is not None and since < 0:
        raise InputError(
            f"since is {since}; give the number of the last entry that the receiver holds, or 0 for everything"
        )
    out = Path(out_path)
    me = party(store)
    connection = store.fresh()
    try:
        with snapshot(connection):
            manifest = _manifest(connection, me, str(target), since)
            stream = _Stream(_frames(connection, manifest, me, str(target)))
            _write(stream, out, target)
    finally:
        connection.close()
    with store.transaction() as writer:
        writer.execute("INSERT INTO peer(recipient) VALUES(?) ON CONFLICT DO NOTHING", (str(target),))
        for part in manifest.ranges:
            writer.execute(
                "INSERT INTO cursor SELECT p.id, o.id, ? FROM peer p, origin o WHERE p.recipient = ? AND o.uid = ? "
                "ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)",
                (part.last, str(target), part.origin),
            )
        count = sum(part.last - part.after for part in manifest.ranges)
        peer = hashlib.sha256(str(target).encode()).hexdigest()[:16]
        audit.add(writer, bytes.fromhex(store.uid), "sent", rows=count, recipient_sha256=peer)
    return BundleReport(out, count, len(manifest.ranges), out.stat().st_size)


def _manifest(connection: Connection, me: Party, recipient: str, since: int | None) -> Manifest:
    heads = chain.heads(connection)
    sent = dict(
        connection.execute(
            "SELECT c.origin_id, c.seq FROM cursor c JOIN peer p ON p.id = c.peer_id WHERE p.recipient = ?",
            (recipient,),
        ).fetchall()
    )
    row = connection.execute("SELECT origin_uid FROM peer WHERE recipient = ?", (recipient,)).fetchone()
    theirs = None if row is None else row[0]
    ranges = []
    for origin_id, head in heads.items():
        if head.origin == theirs:
            continue
        after = sent.get(origin_id, 0)
        # Never past the cursor: `since` may name an entry of one chain, and must not tear a hole into another.
        after = min(after, head.seq) if since is None else min(since, after, head.seq)
        if after < head.seq:
            ranges.append(
                Range(head.origin, after, hash_at(connection, origin_id, head.origin, after), head.seq, head.h)
            )
    return Manifest(
        migrations.version(connection),
        heads[chain.OURS].origin,
        me.recipient,
        me.signer,
        tuple(ranges),
        {head.origin: (head.seq, head.h) for head in heads.values()},
    )


def hash_at(connection: Connection, origin_id: int, origin: bytes, seq: int) -> bytes:
    """The hash of a chain after its entry `seq`."""
    h = chain.hash_at(connection, origin_id, origin, seq)
    if h is None:
        raise StoreDamaged(f"entry {seq} of the log of {origin.hex()[:8]} is missing: run `vitals verify`")
    return h


def _frames(connection: Connection, manifest: Manifest, me: Party, recipient: str) -> Iterator[bytes]:
    state = hashlib.sha256()
    encoded = manifest.encode()
    if len(encoded) > wire.MOST_MANIFEST:
        raise SyncError("the store holds the rows of too many other stores for one bundle")
    piece = wire.MAGIC + len(encoded).to_bytes(4, "big") + encoded
    state.update(piece)
    yield piece
    shelf = Shelf(connection)
    for part in manifest.ranges:
        found = connection.execute("SELECT id FROM origin WHERE uid = ?", (part.origin,)).fetchone()
        expected = part.after
        for entry in chain.entries(connection, int(found[0]), part.after, part.last):
            expected += 1
            kind = KINDS[entry.kind]
            if entry.row_id == chain.ERASED and entry.seq == expected:
                piece = wire.encode_erased(kind, entry.row_sha256)
                state.update(piece)
                yield piece
                continue
            if entry.kind == "samples":
                row = shelf.travelling(entry.row_id, entry.row_sha256)
            else:
                row = rows.stored(connection, kind, entry.row_id)
                row = row if row is not None and rows.digest(row) == entry.row_sha256 else None
            if entry.seq != expected or row is None:
                raise StoreDamaged(f"{entry.kind} {entry.row_id} is not what the log says: run `vitals verify`")
            piece = wire.encode_entry(kind, row)
            state.update(piece)
            yield piece
        if expected != part.last:
            raise StoreDamaged("the end of the log is missing: run `vitals verify`")
    yield bytes(4) + me.signs.sign(signed(recipient, state.digest()))


def signed(recipient: str, body_sha256: bytes) -> bytes:
    """What a sender signs: so a bundle cannot be taken out of its seal and sealed for somebody else."""
    return wire.MAGIC + recipient.encode() + b"\n" + body_sha256


class _Stream:
    """A generator as something to read from; keeps the first error, which would not survive the way through age."""

    def __init__(self, frames: Iterator[bytes]) -> None:
        self._frames = frames
        self._held = b""
        self.error: Exception | None = None

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        try:
            while not self._held:
                self._held = next(self._frames)
        except StopIteration:
            return b""
        except Exception as error:
            self.error = error
            raise
        piece, self._held = self._held[:size], self._held[size:]
        return piece


def _write(stream: _Stream, out: Path, target: object) -> None:
    partial = out.with_name(f".{out.name}.partial")
    try:
        handle = os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            try:
                pyrage().encrypt_io(stream, file, [target])
            except Exception:
                if stream.error is not None:
                    raise stream.error from None
                raise
            file.flush()
            os.fsync(file.fileno())
        partial.replace(out)
        header.sync_folder(out.parent)
    except OSError as error:
        raise SyncError(f"the bundle cannot be written to {out} ({error.strerror}): choose another place") from None
    finally:
        partial.unlink(missing_ok=True)
