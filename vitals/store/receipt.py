"""What an erasure leaves in the hand of who asked for it: a text that can be checked against the store later.

It names no person and holds no measured value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vitals.errors import InputError
from vitals.store import audit
from vitals.store.audit import AuditEntry
from vitals.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of an erasure, as far as there can be one: the audit chain says that it happened, and the pages that held
    the rows were written over and encrypted anew under a key that did not exist before."""

    store: str  # uid
    at_us: int  # UTC
    rows: Mapping[str, int]  # by kind
    audit_seq: int
    audit_sha256: str  # the audit chain after this
    epoch: int  # of the key file from which the old data key is gone

    def to_json(self) -> str:
        """As text, one line."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Receipt:
        """From text. Raises InputError."""
        try:
            said: dict[str, Any] = json.loads(text)
            return cls(**said)
        except (ValueError, TypeError):
            raise InputError("this is no receipt of an erasure: give the file that `vitals erase` wrote") from None


def of(entry: AuditEntry, store: str, epoch: int) -> Receipt:
    """The receipt of an audit entry."""
    return Receipt(store, entry.at_us, dict(entry.detail["rows"]), entry.seq, entry.h.hex(), epoch)


def problems(connection: Connection, store_id: bytes, epoch: int, receipt: Receipt) -> list[str]:
    """What speaks against a receipt; nothing, if the store is the one that gave it and still stands by it."""
    if receipt.store != store_id.hex():
        return ["the receipt is of another store"]
    found = audit.problems(connection, store_id)
    entry = next((one for one in audit.entries(connection) if one.seq == receipt.audit_seq), None)
    if entry is None or entry.h.hex() != receipt.audit_sha256 or dict(entry.detail.get("rows", {})) != receipt.rows:
        found.append("the store's audit chain does not hold this erasure: the store was put back to an older copy")
    if epoch < receipt.epoch:
        found.append("the key file is older than the erasure: the key of that time may be about")
    return found
