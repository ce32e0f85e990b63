"""Who a store is to others: an X25519 key to seal bundles for it (age), and an Ed25519 key that signs what it sends.

Both secrets are made on first use and stay inside the encrypted database; they never sync.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vitals.errors import InputError, MissingExtra
from vitals.store.connection import Connection
from vitals.store.folder import Store


def pyrage() -> Any:
    """The age implementation. Raises MissingExtra."""
    try:
        import pyrage
    except ImportError:
        raise MissingExtra("pyrage", extra="sync") from None
    return pyrage


@dataclass(frozen=True, slots=True)
class Party:
    """The secrets of one store."""

    sealed_to: Any  # pyrage.x25519.Identity
    signs: Ed25519PrivateKey

    @property
    def recipient(self) -> str:
        """What others seal for: "age1..."."""
        return str(self.sealed_to.to_public())

    @property
    def signer(self) -> bytes:
        """The public half of the signing key, 32 bytes."""
        return self.signs.public_key().public_bytes_raw()


def identity(store: Store) -> str:
    """The recipient string of this store, to be given to whoever makes bundles for it. Raises MissingExtra,
    StoreError."""
    return party(store).recipient


def party(store: Store) -> Party:
    """The store's own secrets, made if this is the first time."""
    x25519 = pyrage().x25519
    with store.reading() as connection:
        found = _load(connection)
    if found is None:
        with store.transaction() as connection:
            found = _load(connection)
            if found is None:
                found = (str(x25519.Identity.generate()), Ed25519PrivateKey.generate().private_bytes_raw())
                for name, value in zip(("sync.age", "sync.ed25519"), found, strict=True):
                    connection.execute("INSERT INTO meta VALUES(?, ?)", (name, value))
    return Party(x25519.Identity.from_str(found[0]), Ed25519PrivateKey.from_private_bytes(found[1]))


def _load(connection: Connection) -> tuple[str, bytes] | None:
    rows = dict(connection.execute("SELECT name, value FROM meta WHERE name LIKE 'sync.%'").fetchall())
    return (rows["sync.age"], bytes(rows["sync.ed25519"])) if rows else None


def parse_recipient(text: str) -> Any:
    """An age X25519 recipient. Raises InputError, MissingExtra."""
    age = pyrage()
    try:
        return age.x25519.Recipient.from_str(text.strip())
    except age.RecipientError:
        raise InputError(
            "the recipient is not an age key (age1...): on the other device, `vitals sync identity` shows it"
        ) from None
