"""What was done with a store, by whom it was asked and when: a chain of its own that never leaves the store.

    h(0) = SHA-256("vitals-audit/1" | store id)
    h(seq) = SHA-256(h(seq - 1) | seq u64 | at_us i64 | length of action u8 | action | detail)        (big-endian)

Laws of this file:
1. An entry holds no personal data and no measured value: kinds of streams, counts, uids, hashes. So erasing a subject
   leaves it whole.
2. Entries are only added, in the transaction of what they tell, or after it where that is a file.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vitals.store import query
from vitals.store.connection import Connection


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done."""

    seq: int
    at_us: int  # UTC
    action: str  # e.g. "erased", "exported"
    detail: Mapping[str, Any]
    h: bytes


def start(store_id: bytes) -> bytes:
    """The hash of the empty chain."""
    return hashlib.sha256(b"vitals-audit/1" + store_id).digest()


def _follow(h: bytes, seq: int, at_us: int, action: str, detail: str) -> bytes:
    name = action.encode()
    body = h + seq.to_bytes(8, "big") + at_us.to_bytes(8, "big", signed=True) + bytes([len(name)]) + name
    return hashlib.sha256(body + detail.encode()).digest()


def head(connection: Connection, store_id: bytes) -> tuple[int, bytes]:
    """How far the chain goes, and its hash there."""
    row = query.fetch(connection, "SELECT seq, h FROM audit ORDER BY seq DESC LIMIT 1")
    return (int(row[0][0]), bytes(row[0][1])) if row else (0, start(store_id))


def add(connection: Connection, store_id: bytes, action: str, **detail: Any) -> AuditEntry:
    """Append an entry; inside a write transaction."""
    seq, h = head(connection, store_id)
    at_us, text = time.time_ns() // 1000, json.dumps(detail, sort_keys=True, separators=(",", ":"))
    entry = AuditEntry(seq + 1, at_us, action, detail, _follow(h, seq + 1, at_us, action, text))
    connection.execute("INSERT INTO audit VALUES(?, ?, ?, ?, ?)", (entry.seq, at_us, action, text, entry.h))
    return entry


def entries(connection: Connection) -> list[AuditEntry]:
    """The whole chain, in order."""
    rows = query.fetch(connection, "SELECT seq, at_us, action, detail, h FROM audit ORDER BY seq")
    return [AuditEntry(row[0], row[1], row[2], json.loads(row[3]), bytes(row[4])) for row in rows]


def problems(connection: Connection, store_id: bytes) -> list[str]:
    """What is wrong with the chain. Rows are named by number."""
    found = []
    h, expected = start(store_id), 1
    for seq, at_us, action, detail, kept in query.fetch(
        connection, "SELECT seq, at_us, action, detail, h FROM audit ORDER BY seq"
    ):
        if seq != expected:
            found.append(f"audit: entries {expected} to {seq - 1} are missing")
        elif _follow(h, seq, at_us, action, detail) != bytes(kept):
            found.append(f"audit: entry {seq} does not follow from the ones before it")
        h, expected = bytes(kept), seq + 1
    return found
