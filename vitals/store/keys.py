"""Keys that open a store: a passphrase, or a printed recovery code.

Laws of this file:
1. A key never opens data itself. It wraps the data key (32 random bytes) in one slot of the header; so a key can be
   changed without touching the data.
2. There is no default key and no empty one.
3. Nothing here prints, logs or formats a secret.

References: Argon2id RFC 9106; HKDF RFC 5869; AES-GCM NIST SP 800-38D; base32 RFC 4648, section 6.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import unicodedata
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vitals.errors import InputError, StoreDamaged

KEY_BYTES = 32
_CHECK_BYTES = 3  # 32 + 3 bytes are exactly 56 base32 digits


@dataclass(frozen=True, slots=True)
class KdfParams:
    """Cost of Argon2id. The range is checked before any memory is taken, so that a forged header cannot exhaust the
    machine."""

    memory_kib: int = 64 * 1024
    time_cost: int = 3
    lanes: int = 4

    def check(self) -> None:
        """Raise InputError where a cost is below the floor (OWASP: 19 MiB, 2 passes) or above the ceiling (1 GiB, 10
        passes)."""
        for name, value, low, high in (
            ("memory_kib", self.memory_kib, 19 * 1024, 1 << 20),
            ("time_cost", self.time_cost, 2, 10),
            ("lanes", self.lanes, 1, 8),
        ):
            if not low <= value <= high:
                raise InputError(f"KdfParams.{name} is {value}; it must be from {low} to {high}")


DEFAULT_KDF = KdfParams()
NO_KDF = KdfParams(0, 0, 0)  # in slots whose secret is already 256 bits of chance


class Key(ABC):
    """A secret that opens one kind of slot."""

    slot_kind: int  # as written in the header

    @abstractmethod
    def costs(self, wanted: KdfParams) -> KdfParams:
        """The costs to write into a new slot of this kind."""

    @abstractmethod
    def wrapping_key(self, salt: bytes, kdf: KdfParams) -> bytes:
        """The 32-byte key that wraps the data key in a slot. Raises StoreDamaged where the slot's costs are out of
        range."""

    def notebook(self) -> Notebook | None:
        """Where this kind of key can keep a few words outside of the store; None where it cannot."""
        return None


class Notebook(Protocol):
    """A few words per name, kept beside a key."""

    def read(self, name: str) -> str | None: ...

    def write(self, name: str, words: str) -> None: ...


class PassphraseKey(Key):
    """A passphrase, stretched by Argon2id."""

    slot_kind = 1

    def __init__(self, text: str) -> None:
        self._secret = unicodedata.normalize("NFC", text).encode()

    def costs(self, wanted: KdfParams) -> KdfParams:
        """As wanted, once it is known to be in range."""
        wanted.check()
        return wanted

    def wrapping_key(self, salt: bytes, kdf: KdfParams) -> bytes:
        """Argon2id, version 1.3."""
        try:
            kdf.check()
        except InputError as error:
            raise StoreDamaged(
                f"vitals.key was changed outside of vitals ({error}): restore it from a backup"
            ) from None
        return bytes(
            hash_secret_raw(self._secret, salt, kdf.time_cost, kdf.memory_kib, kdf.lanes, KEY_BYTES, Type.ID, 19)
        )


class RecoveryKey(Key):
    """256 random bits from a printed code."""

    slot_kind = 2

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def costs(self, wanted: KdfParams) -> KdfParams:
        """None: chance needs no stretching."""
        return NO_KDF

    def wrapping_key(self, salt: bytes, kdf: KdfParams) -> bytes:
        """HKDF-SHA256."""
        if kdf != NO_KDF:
            raise StoreDamaged("vitals.key was changed outside of vitals: restore it from a backup")
        return subkey(self._secret, b"vitals/recovery/1", salt)


def passphrase(text: str) -> Key:
    """A key from a passphrase (Unicode NFC). Raises InputError where it is empty."""
    if not text.strip():
        raise InputError("the passphrase is empty: choose at least a few words")
    return PassphraseKey(text)


def recovery(code: str) -> Key:
    """A key from a printed recovery code; case, spaces and hyphens do not matter, 0 1 8 are read as O I B.

    Raises InputError where a digit is missing or mistyped (24 check bits).
    """
    digits = code.upper().translate(str.maketrans("018", "OIB", " -\t\n"))
    try:
        raw = base64.b32decode(digits)
    except ValueError:  # also binascii.Error, and what is not ASCII
        raw = b""
    secret, check = raw[:KEY_BYTES], raw[KEY_BYTES:]
    if len(raw) != KEY_BYTES + _CHECK_BYTES or not secrets.compare_digest(check, _check(secret)):
        raise InputError("the recovery code is incomplete or mistyped: it has 8 groups of 7 letters and digits")
    return RecoveryKey(secret)


def new_recovery_code() -> str:
    """A new random code to print and keep: 256 bits and 24 check bits as 8 groups of 7 base32 digits."""
    secret = secrets.token_bytes(KEY_BYTES)
    digits = base64.b32encode(secret + _check(secret)).decode()
    return "-".join(digits[i : i + 7] for i in range(0, len(digits), 7))


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(b"vitals/recovery-check/1" + secret).digest()[:_CHECK_BYTES]


def subkey(key: bytes | bytearray, purpose: bytes, salt: bytes | None = None) -> bytes:
    """A 32-byte key for one purpose (HKDF-SHA256)."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=salt, info=purpose).derive(bytes(key))
