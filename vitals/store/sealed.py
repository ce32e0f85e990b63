"""Recording without a key: sealed files that only the opened store can read.

    inbox    public key (X25519) 32 bytes, beside the database; its private key lies in the database
    sealed/NAME = "VITALSS1" | one-time public key 32 | frame *
    frame    length u32 (big-endian) | ChaCha20-Poly1305 of a piece; nonce: number of the frame u96; AAD: 1 if the last

    key of a file = HKDF-SHA256(X25519(one-time private, inbox public), salt = both public keys, "vitals/sealed/1")

Laws of this file:
1. Whoever collects holds no key that opens anything, and cannot read what was collected a moment ago.
2. A piece is on the disk (fsync) before `flush` returns. A file without its last frame was cut off; what came before
   is read. A frame that was changed, moved or left out ends the reading there, and is told.
3. The private key is on the disk in the encrypted database only. A collector cannot check the public key: who can
   write to the folder could put another in its place. The store notices when it is opened.
4. A rekey brings a new pair; the one before is kept until the next, for files that were begun under it.

The first piece describes the recording (JSON); the others are a raw journal. Compare age (age-encryption.org/v1).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import struct
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vitals.errors import StoreDamaged, StoreError, StoreMissing
from vitals.store import query
from vitals.store.building import hold
from vitals.store.connection import Connection
from vitals.store.header import replace_file, sync_folder
from vitals.values import DeviceInfo

INBOX: Final = "vitals.inbox"
FOLDER: Final = "sealed"
_NOW, _BEFORE = "inbox_secret", "inbox_secret_before"  # in the table meta
_MAGIC: Final = b"VITALSS1"
_LENGTH: Final = struct.Struct(">I")
_MOST: Final = 1 << 20
_WAIT_S: Final = 9.0  # as a session of an open store


def open_inbox(folder: Path, connection: Connection) -> None:
    """Write the public key of a store, or see that it is still the store's. Raises StoreDamaged, OSError.

    `connection`: inside a write transaction, after the one that made the pair: a public key that lies on the disk must
    have its private key there.
    """
    pairs = _pairs(connection)
    path = folder / INBOX
    kept = path.read_bytes() if path.exists() else b""
    publics = [private.public_key().public_bytes_raw() for private in pairs]
    if kept == publics[0]:
        return
    if kept and kept not in publics:
        raise StoreDamaged(
            f"{INBOX} was changed outside of vitals: what was collected while the store was locked may be sealed for "
            "somebody else; remove the file, and see who can write to the folder"
        )
    replace_file(path, publics[0])


def inbox_stands(folder: Path, connection: Connection) -> bool:
    """Whether the public key beside the database is the store's of now."""
    pairs = _pairs(connection)
    path = folder / INBOX
    return bool(pairs) and path.exists() and path.read_bytes() == pairs[0].public_key().public_bytes_raw()


def begin_inbox(connection: Connection) -> None:
    """A first pair, inside a write transaction."""
    if not _pairs(connection):
        renew_inbox(connection)


def renew_inbox(connection: Connection) -> None:
    """A new pair, inside a write transaction; `open_inbox` then writes its public key."""
    for name, secret in ((_BEFORE, None), (_NOW, secrets.token_bytes(32))):
        if secret is None:
            connection.execute(
                "INSERT OR REPLACE INTO meta(name, value) SELECT ?, value FROM meta WHERE name = ?", (name, _NOW)
            )
        else:
            connection.execute("INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)", (name, secret))


def _pairs(connection: Connection) -> list[X25519PrivateKey]:
    """The private key of now, and the one before."""
    rows = dict(query.fetch(connection, "SELECT name, value FROM meta WHERE name IN (?, ?)", (_NOW, _BEFORE)))
    return [X25519PrivateKey.from_private_bytes(bytes(rows[name])) for name in (_NOW, _BEFORE) if name in rows]


class Held:
    """An open file that is locked: as long as it is, nobody else takes the recording in."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    __del__ = close


@dataclass(frozen=True, slots=True)
class Sealed:
    """A recording that was made while the store was locked."""

    path: Path
    device: DeviceInfo
    source: str
    zero_utc_us: int
    subject: str
    journal: bytes
    whole: bool  # False: it was cut off, or changed, after what is here
    sha256: str  # of the file
    held: Held = field(repr=False, compare=False)

    def remove(self) -> None:
        """It is in the store now."""
        self.held.close()
        self.path.unlink(missing_ok=True)


class SealedJournal:
    """Collects a raw journal for a store that is locked. Use as a context manager."""

    def __init__(
        self, store: str | os.PathLike[str], *, device: DeviceInfo, source: str, zero_utc_us: int, subject: str = "self"
    ) -> None:
        """`store`: the folder of the store. Raises StoreMissing, StoreDamaged, StoreError."""
        folder = Path(store)
        try:
            inbox = (folder / INBOX).read_bytes()
        except FileNotFoundError:
            raise StoreMissing(
                f"{folder} is no store that takes sealed recordings: open it once with its key, or check the path"
            ) from None
        if len(inbox) != 32:
            raise _not_ours()
        once = X25519PrivateKey.generate()
        public = once.public_key().public_bytes_raw()
        try:
            self._cipher = ChaCha20Poly1305(_file_key(once.exchange(_peer(inbox)), public, inbox))
        except ValueError:  # a point that gives no secret
            raise _not_ours() from None
        self._number = 0
        self._held = bytearray()
        self._flushed = time.monotonic()
        self.path = folder / FOLDER / f"{time.time_ns() // 1000}-{secrets.token_hex(4)}.sealed"
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            self._file = os.fdopen(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
            hold(self._file.fileno())
            self._file.write(_MAGIC + public)
            said = {"device": asdict(device), "source": source, "zero_utc_us": zero_utc_us, "subject": subject}
            self._write(json.dumps(said).encode(), last=False)
            sync_folder(self.path.parent)
        except OSError as error:
            raise _refused(error) from None

    def append(self, data: bytes) -> None:
        """Take bytes of the journal; they are on the disk within ten seconds. Raises StoreError."""
        self._held += data
        if time.monotonic() - self._flushed >= _WAIT_S or len(self._held) >= _MOST // 2:
            self.flush()

    def flush(self) -> None:
        """Put what waits on the disk. Raises StoreError; then it still waits."""
        try:
            while self._held:
                self._write(bytes(self._held[: _MOST // 2]), last=False)
                del self._held[: _MOST // 2]
        except OSError as error:
            raise _refused(error) from None
        self._flushed = time.monotonic()

    def __enter__(self) -> SealedJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
            self._write(b"", last=True)
        except OSError as refused:
            raise _refused(refused) from None
        finally:
            self._file.close()

    def _write(self, piece: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(self._number.to_bytes(12, "big"), piece, bytes([last]))
        start = self._file.tell()
        try:
            self._file.write(_LENGTH.pack(len(sealed)) + sealed)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(start)
            self._file.seek(start)
            raise
        self._number += 1


def waiting(folder: Path) -> bool:
    """Whether a recording waits to be taken in, or is still made."""
    return any((folder / FOLDER).glob("*.sealed"))


def sealed(folder: Path, connection: Connection) -> list[Sealed]:
    """What was collected while the store was locked, by time, and is not held by who still collects or takes it in.
    What has no beginning, because a crash came first, is removed. Raises StoreDamaged for a file that is none of
    ours."""
    pairs = _pairs(connection)
    found = (_read(path, pairs) for path in sorted((folder / FOLDER).glob("*.sealed")))
    return [one for one in found if one is not None]


def _read(path: Path, pairs: list[X25519PrivateKey]) -> Sealed | None:
    try:
        held = path.open("rb")
    except FileNotFoundError:  # taken in meanwhile
        return None
    if not hold(held.fileno()) or not path.exists():
        held.close()
        return None
    data = held.read()
    start = len(_MAGIC) + 32
    if not any(data) or (_MAGIC.startswith(data[: len(_MAGIC)]) and _cut_off(data, start)):
        held.close()
        path.unlink(missing_ok=True)
        return None
    public = data[len(_MAGIC) : start]
    if not data.startswith(_MAGIC):
        held.close()
        raise StoreDamaged(f"{FOLDER}/{path.name} is no sealed recording: remove it")
    for private in pairs:
        ours = private.public_key().public_bytes_raw()
        try:
            cipher = ChaCha20Poly1305(_file_key(private.exchange(_peer(public)), public, ours))
        except ValueError:  # a point that gives no secret
            break
        pieces, whole = _pieces(cipher, data, start)
        if pieces:
            said = json.loads(pieces[0])
            who = (DeviceInfo(**said["device"]), said["source"], said["zero_utc_us"], said["subject"])
            return Sealed(path, *who, b"".join(pieces[1:]), whole, hashlib.sha256(data).hexdigest(), Held(held))
    held.close()
    raise StoreDamaged(f"{FOLDER}/{path.name} was sealed for another store, or changed: remove it")


def _cut_off(data: bytes, start: int) -> bool:
    """Whether a file ends, or is empty from somewhere on, before its first frame ends: nothing of it was ever
    acknowledged."""
    if len(data) < start + _LENGTH.size or not any(data[start:]):
        return True
    (length,) = _LENGTH.unpack_from(data, start)
    return bool(length <= _MOST and len(data) < start + _LENGTH.size + length)


def _pieces(cipher: ChaCha20Poly1305, data: bytes, at: int) -> tuple[list[bytes], bool]:
    """What opens of a file, and whether that is all of it to its proper end."""
    pieces: list[bytes] = []
    last = False
    while not last and at + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        piece, last = _open(cipher, len(pieces), data[at + _LENGTH.size : at + _LENGTH.size + length])
        if piece is None:
            return pieces, False
        pieces.append(piece)
        at += _LENGTH.size + length
    return pieces, last and at == len(data)


def _open(cipher: ChaCha20Poly1305, number: int, body: bytes) -> tuple[bytes | None, bool]:
    """A piece and whether it is the last; None where it does not open."""
    for last in (False, True):
        try:
            return cipher.decrypt(number.to_bytes(12, "big"), body, bytes([last])), last
        except InvalidTag:
            continue
    return None, False


def _file_key(shared: bytes, once: bytes, inbox: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=once + inbox, info=b"vitals/sealed/1").derive(shared)


def _peer(public: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(public)


def _refused(error: OSError) -> StoreError:
    return StoreError(f"the sealed recording cannot be written ({error.strerror}): check space and permissions")


def _not_ours() -> StoreDamaged:
    return StoreDamaged(f"{INBOX} was changed outside of vitals: remove it and open the store once")
