"""The form of a bundle, inside its age seal (X25519, see age-encryption.org/v1).

    "vitals-bundle/1" LF | manifest: length u32, JSON | entry * rows | 0 u32 | Ed25519 signature 64
    entry: length u32 | length of kind u8 | kind | canonical row (see vitals/store/rows.py)          (big-endian)
           of an erased row: "-" and its kind, and instead of the row its hash in the chain, 32 bytes

The manifest names the sender and, for each chain, which stretch of it follows: `after` and `h_after` where it
continues, `last` and `h_last` where it ends; h_last commits to every row. The signature is over "vitals-bundle/1" |
recipient | SHA-256 of everything before the zero. Entries come in the order of the manifest's ranges.

Law: whoever reads bounds every length before reading on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from vitals.errors import SyncError
from vitals.store.rows import KINDS, MOST_BYTES, Kind

MAGIC = b"vitals-bundle/1\n"
SIGNATURE_BYTES = 64
MOST_MANIFEST = 1 << 20
_MOST_RANGES = 1024
_HASH_HEX, _UID_HEX = 64, 32


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of one chain: entries after+1 .. last."""

    origin: bytes
    after: int
    h_after: bytes
    last: int
    h_last: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """Who sends what."""

    schema: int
    sender: bytes  # uid of the store
    recipient: str  # to seal answers for
    signer: bytes  # Ed25519 public key
    ranges: tuple[Range, ...]
    heads: dict[bytes, tuple[int, bytes]]  # every chain that the sender holds, ours among them

    def encode(self) -> bytes:
        """As JSON."""
        said = {
            "schema": self.schema,
            "sender": self.sender.hex(),
            "recipient": self.recipient,
            "signer": self.signer.hex(),
            "ranges": [[r.origin.hex(), r.after, r.h_after.hex(), r.last, r.h_last.hex()] for r in self.ranges],
            "heads": {origin.hex(): [seq, h.hex()] for origin, (seq, h) in self.heads.items()},
        }
        return json.dumps(said, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """From JSON. Raises SyncError for anything but a manifest."""
        try:
            said = json.loads(data)
            ranges = tuple(
                Range(_hex(o, _UID_HEX), _seq(a), _hex(ha, _HASH_HEX), _seq(la), _hex(hl, _HASH_HEX))
                for o, a, ha, la, hl in said["ranges"]
            )
            heads = {_hex(o, _UID_HEX): (_seq(seq), _hex(h, _HASH_HEX)) for o, (seq, h) in said["heads"].items()}
            recipient = said["recipient"]
            if (
                not isinstance(recipient, str)
                or len(ranges) > _MOST_RANGES
                or len({r.origin for r in ranges}) < len(ranges)
            ):
                raise ValueError("ranges")
            if any(r.last < r.after for r in ranges):
                raise ValueError("order")
            sender, signer = _hex(said["sender"], _UID_HEX), _hex(said["signer"], _HASH_HEX)
            return cls(_seq(said["schema"]), sender, recipient, signer, ranges, heads)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise malformed("its manifest") from None


def _hex(text: Any, digits: int) -> bytes:
    if not isinstance(text, str) or len(text) != digits:
        raise ValueError("not a hash")
    return bytes.fromhex(text)


def _seq(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << 62:
        raise ValueError("not a sequence number")
    return number


def encode_entry(kind: Kind, row: bytes) -> bytes:
    """One row as it travels."""
    name = kind.name.encode()
    body = bytes([len(name)]) + name + row
    return len(body).to_bytes(4, "big") + body


def encode_erased(kind: Kind, row_sha256: bytes) -> bytes:
    """The place of a row that was erased, as it travels."""
    name = b"-" + kind.name.encode()
    body = bytes([len(name)]) + name + row_sha256
    return len(body).to_bytes(4, "big") + body


MOST_ENTRY = MOST_BYTES + 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a chain: its row, or, where that was erased, the row's hash."""

    kind: Kind
    row: bytes
    erased: bool


def decode_entry(body: bytes) -> Entry:
    """An entry from its bytes. Raises SyncError."""
    length = body[0] if body else 0
    name, row = body[1 : 1 + length], body[1 + length :]
    erased = name.startswith(b"-")
    kind = KINDS.get(name[erased:].decode("ascii", "replace"))
    if kind is None or (erased and len(row) != _HASH_HEX // 2):
        raise malformed("an entry's kind")
    return Entry(kind, row, erased)


def malformed(part: str) -> SyncError:
    """The error for what does not have the form above."""
    return SyncError(f"the bundle is damaged or not made by vitals ({part}): ask for a new one")
