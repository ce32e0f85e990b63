"""`vitals.key`: the wrapped data key, in one slot per key that opens the store.

    magic 8 | store id 16 | epoch u32 | slots u8 | slot * n | HMAC-SHA256 32           (big-endian)
    slot:  kind u8 | memory KiB u32 | passes u8 | lanes u8 | salt 16 | nonce 12 | wrapped data key 32 + tag 16

Laws of this file:
1. A slot is bound to its store and its place: AAD of the wrap = magic | store id | slot number | kind | costs | salt.
2. Everything before the MAC is covered by it, under a subkey of the data key; a header that fails it opens nothing.
3. Costs are range-checked before they are used.
4. The file is replaced, never rewritten: temporary file, fsync, rename, fsync of the folder.

Slot kinds: 1 passphrase, 2 recovery code. Others are carried along unread, so that a key kind of a later version does
not lock out the keys of this one.
"""

from __future__ import annotations

import hmac
import os
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vitals.errors import InputError, StoreDamaged, StoreMissing, WrongKey
from vitals.store.keys import KEY_BYTES, KdfParams, Key, subkey

MAGIC = b"VITALSK1"
_HEAD = struct.Struct(">8s16sIB")
_SLOT = struct.Struct(">BIBB16s12s48s")
_MAC_BYTES = 32
_MOST_SLOTS = 16


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
    epoch: int
    data_key: bytes

    def database_key(self) -> bytes:
        """The raw key of the database."""
        return subkey(self.data_key, b"vitals/database/1", self.store_id)


def write_new(path: Path, keys: Sequence[Key], kdf: KdfParams) -> Opened:
    """Make a store id and a data key, wrap it for each of `keys`, write the header to `path`. Raises InputError,
    OSError."""
    if not 1 <= len(keys) <= _MOST_SLOTS:
        raise InputError(f"a store is opened by 1 to {_MOST_SLOTS} keys; {len(keys)} were given")
    opened = Opened(secrets.token_bytes(16), 1, secrets.token_bytes(KEY_BYTES))
    slots = []
    for number, key in enumerate(keys):
        bare = Slot(key.slot_kind, key.costs(kdf), secrets.token_bytes(16), secrets.token_bytes(12), b"")
        wrap = AESGCM(key.wrapping_key(bare.salt, bare.kdf))
        sealed = wrap.encrypt(bare.nonce, opened.data_key, bare.aad(opened.store_id, number))
        slots.append(Slot(bare.kind, bare.kdf, bare.salt, bare.nonce, sealed))
    _replace(path, _encode(opened, slots))
    return opened


def _encode(opened: Opened, slots: Sequence[Slot]) -> bytes:
    body = _HEAD.pack(MAGIC, opened.store_id, opened.epoch, len(slots))
    for slot in slots:
        costs = (slot.kdf.memory_kib, slot.kdf.time_cost, slot.kdf.lanes)
        body += _SLOT.pack(slot.kind, *costs, slot.salt, slot.nonce, slot.wrapped)
    return body + _mac(opened.data_key, body)


def _mac(data_key: bytes, body: bytes) -> bytes:
    return hmac.digest(subkey(data_key, b"vitals/header-mac/1"), body, "sha256")


def read(path: Path, key: Key) -> Opened:
    """Open the header with `key`.

    Raises StoreMissing, StoreDamaged (not a header of ours, or changed) and WrongKey (no slot opens with this key).
    """
    try:
        with path.open("rb") as file:
            data = file.read(_HEAD.size + _MOST_SLOTS * _SLOT.size + _MAC_BYTES + 1)
    except FileNotFoundError:
        raise StoreMissing(f"the store has no file {path.name}: restore the whole folder from a backup") from None
    store_id, epoch, slots = _decode(data)
    fitting = [(number, slot) for number, slot in enumerate(slots) if slot.kind == key.slot_kind]
    for number, slot in fitting:
        wrap = AESGCM(key.wrapping_key(slot.salt, slot.kdf))
        try:
            data_key = wrap.decrypt(slot.nonce, slot.wrapped, slot.aad(store_id, number))
        except InvalidTag:
            continue
        if not hmac.compare_digest(_mac(data_key, data[:-_MAC_BYTES]), data[-_MAC_BYTES:]):
            raise _damaged("its authentication code does not match")
        return Opened(store_id, epoch, data_key)
    if not fitting:
        raise WrongKey("this store has no slot for a key of this kind: open it with the key that it was made with")
    raise WrongKey("the passphrase or recovery code does not open this store: check it and try again")


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


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    handle = os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the system knows how (not on Windows)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
