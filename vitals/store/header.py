"""`vitals.key`: the wrapped data key, in one slot per key that opens the store.

    magic 8 | store id 16 | epoch u32 | slots u8 | slot * n | HMAC-SHA256 32           (big-endian)
    slot:  kind u8 | memory KiB u32 | passes u8 | lanes u8 | salt 16 | nonce 12 | wrapped data key 32 + tag 16

Laws of this file:
1. A slot is bound to its store and its place: AAD of the wrap = magic | store id | slot number | kind | costs | salt.
2. Everything before the MAC is covered by it, under a subkey of the data key; a header that fails it opens nothing.
3. Costs are range-checked before they are used.
4. The file is replaced, never rewritten: temporary file, fsync, rename, fsync of the folder.

Slot kinds: 0 empty (its key was taken away; random bytes), 1 passphrase, 2 recovery code, 3 keyring (passes = which
keyring). Others are carried along unread, so that a key kind of a later version does not lock out the keys of this one.
"""

from __future__ import annotations

import hmac
import os
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vitals.errors import InputError, StoreDamaged, StoreMissing, WrongKey
from vitals.store.keys import KEY_BYTES, NO_KDF, KdfParams, Key, subkey
from vitals.store.wiping import wipe

MAGIC = b"VITALSK1"
_HEAD = struct.Struct(">8s16sIB")
_SLOT = struct.Struct(">BIBB16s12s48s")
_MAC_BYTES = 32
_MOST_SLOTS = 16
EMPTY = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """One wrap of the data key."""

    kind: int
    kdf: KdfParams
    salt: bytes
    nonce: bytes
    wrapped: bytes

    def aad(self, store_id: bytes, number: int) -> bytes:
        """What the wrap is bound to."""
        costs = struct.pack(">IBB", self.kdf.memory_kib, self.kdf.time_cost, self.kdf.lanes)
        return MAGIC + store_id + bytes([number, self.kind]) + costs + self.salt


@dataclass(frozen=True, slots=True)
class Opened:
    """What a right key gives."""

    store_id: bytes
    epoch: int  # grows with every change of the header
    data_key: bytes = field(repr=False)
    slots: tuple[Slot, ...] = field(repr=False)
    opened_by: int  # number of the slot that the key opened

    def database_key(self) -> bytearray:
        """The raw key of the database; to be emptied by whoever asked."""
        key = subkey(self.data_key, b"vitals/database/1", self.store_id)
        try:
            return bytearray(key)
        finally:
            wipe(key)

    def forget(self) -> None:
        """Overwrite the data key; this, and whatever was derived from it, is of no use afterwards."""
        wipe(self.data_key)


def new(keys: Sequence[Key], kdf: KdfParams, store_id: bytes | None = None, epoch: int = 1) -> Opened:
    """A new data key, wrapped for each of `keys`; nothing is written. Raises InputError."""
    if not 1 <= len(keys) <= _MOST_SLOTS:
        raise InputError(f"a store is opened by 1 to {_MOST_SLOTS} keys; {len(keys)} were given")
    fresh = Opened(store_id or secrets.token_bytes(16), epoch, secrets.token_bytes(KEY_BYTES), (), 0)
    return replace(fresh, slots=tuple(_wrap(fresh, key, kdf, number) for number, key in enumerate(keys)))


def write_new(path: Path, keys: Sequence[Key], kdf: KdfParams) -> Opened:
    """Make a store id and a data key, wrap it for each of `keys`, write the header to `path`. Raises InputError,
    OSError."""
    opened = new(keys, kdf)
    write(path, opened)
    return opened


def write(path: Path, opened: Opened) -> None:
    """Write the header, in place of the one that is there. Raises OSError."""
    replace_file(path, _encode(opened, opened.slots))


def free_place(opened: Opened) -> int:
    """Where another key can go. Raises InputError where there is no room."""
    for number, slot in enumerate(opened.slots):
        if slot.kind == EMPTY:
            return number
    if len(opened.slots) == _MOST_SLOTS:
        raise InputError(f"the store has {_MOST_SLOTS} keys already: remove one first")
    return len(opened.slots)


def with_key(opened: Opened, key: Key, kdf: KdfParams, place: int) -> Opened:
    """The header with a key in a free place, or instead of the one there; one epoch later. Raises InputError."""
    slots = list(opened.slots)
    slots[place : place + 1] = [_wrap(opened, key, kdf, place)]
    return replace(opened, epoch=opened.epoch + 1, slots=tuple(slots))


def without_key(opened: Opened, number: int) -> Opened:
    """The header without a key; the others keep their places, to which they are bound. Raises InputError."""
    held = [k for k, slot in enumerate(opened.slots) if slot.kind != EMPTY]
    if number not in held:
        raise InputError(f"the store has no key {number}: it has {', '.join(map(str, held))}")
    if len(held) == 1:
        raise InputError("it is the last key of the store: add another before this one goes")
    slots = list(opened.slots)
    slots[number] = Slot(EMPTY, NO_KDF, secrets.token_bytes(16), secrets.token_bytes(12), secrets.token_bytes(48))
    return replace(opened, epoch=opened.epoch + 1, slots=tuple(slots))


def _wrap(opened: Opened, key: Key, kdf: KdfParams, number: int) -> Slot:
    bare = Slot(key.slot_kind, key.costs(kdf), secrets.token_bytes(16), secrets.token_bytes(12), b"")
    wrapping = key.wrapping_key(bare.salt, bare.kdf)
    try:
        wrapped = AESGCM(wrapping).encrypt(bare.nonce, opened.data_key, bare.aad(opened.store_id, number))
    finally:
        wipe(wrapping)
    return replace(bare, wrapped=wrapped)


def _encode(opened: Opened, slots: Sequence[Slot]) -> bytes:
    body = _HEAD.pack(MAGIC, opened.store_id, opened.epoch, len(slots))
    for slot in slots:
        costs = (slot.kdf.memory_kib, slot.kdf.time_cost, slot.kdf.lanes)
        body += _SLOT.pack(slot.kind, *costs, slot.salt, slot.nonce, slot.wrapped)
    return body + _mac(opened.data_key, body)


def _mac(data_key: bytes, body: bytes) -> bytes:
    key = subkey(data_key, b"vitals/header-mac/1")
    try:
        return hmac.digest(key, body, "sha256")
    finally:
        wipe(key)


def slots(path: Path) -> list[Slot]:
    """The slots of a header that is not opened, so not yet authentic. Raises StoreMissing, StoreDamaged."""
    return _decode(_bytes(path))[2]


def read(path: Path, key: Key) -> Opened:
    """Open the header with `key`.

    Raises StoreMissing, StoreDamaged (not a header of ours, or changed) and WrongKey (no slot opens with this key).
    """
    data = _bytes(path)
    store_id, epoch, slots = _decode(data)
    fitting = [(number, slot) for number, slot in enumerate(slots) if slot.kind == key.slot_kind]
    for number, slot in fitting:
        data_key = _unwrap(key, slot, store_id, number)
        if data_key is None:
            continue
        if not hmac.compare_digest(_mac(data_key, data[:-_MAC_BYTES]), data[-_MAC_BYTES:]):
            raise _damaged("its authentication code does not match")
        return Opened(store_id, epoch, data_key, tuple(slots), number)
    if not fitting:
        raise WrongKey("this store has no slot for a key of this kind: open it with the key that it was made with")
    raise WrongKey("the passphrase, recovery code or keyring entry does not open this store: check it and try again")


def _unwrap(key: Key, slot: Slot, store_id: bytes, number: int) -> bytes | None:
    wrapping = key.wrapping_key(slot.salt, slot.kdf)
    try:
        return AESGCM(wrapping).decrypt(slot.nonce, slot.wrapped, slot.aad(store_id, number))
    except InvalidTag:
        return None
    finally:
        wipe(wrapping)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD.size + _MOST_SLOTS * _SLOT.size + _MAC_BYTES + 1)
    except FileNotFoundError:
        raise StoreMissing(f"the store has no file {path.name}: restore the whole folder from a backup") from None


def _decode(data: bytes) -> tuple[bytes, int, list[Slot]]:
    if len(data) < _HEAD.size:
        raise _damaged("it is too short")
    magic, store_id, epoch, count = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise _damaged("it does not begin as one")
    if not 1 <= count <= _MOST_SLOTS or len(data) != _HEAD.size + count * _SLOT.size + _MAC_BYTES:
        raise _damaged("its length is wrong")
    slots = []
    for number in range(count):
        kind, memory, passes, lanes, salt, nonce, wrapped = _SLOT.unpack_from(data, _HEAD.size + number * _SLOT.size)
        slots.append(Slot(kind, KdfParams(memory, passes, lanes), salt, nonce, wrapped))
    return store_id, epoch, slots


def _damaged(why: str) -> StoreDamaged:
    return StoreDamaged(f"vitals.key is not a header of a store, or was changed ({why}): restore it from a backup")


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file, durably; whoever reads meanwhile sees the old or the new. Raises OSError."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)  # left by a crash, or a link that somebody laid there
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def supersede(path: Path, new: Path) -> None:
    """Put the header `new` in the place of the one at `path`, for good, and write chance over the old wraps: who finds
    them on the disk and knows a passphrase of then would have the old data key. Raises OSError."""
    if os.name != "posix":  # an open file cannot be replaced there
        overwrite(path)
        os.replace(new, path)
        return
    try:
        old: int | None = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        old = None
    try:
        os.replace(new, path)
        sync_folder(path.parent)
        if old is not None:
            os.pwrite(old, secrets.token_bytes(os.fstat(old).st_size), 0)
            os.fsync(old)
    finally:
        if old is not None:
            os.close(old)


def overwrite(path: Path) -> None:
    """Write chance over a header, as far as the disk lets one (flash keeps old cells). Raises OSError."""
    with path.open("r+b") as file:
        file.write(secrets.token_bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the system knows how (not on Windows)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
