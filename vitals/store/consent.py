"""Who may be sent what, in the words of the person whose data it is.

Laws of this file:
1. A consent names a party, a purpose, streams and a span; it ends when it expires or is withdrawn, and is never
   changed otherwise.
2. The words stay in the table `consent` and go with the subject; the audit chain knows a consent by its uid only.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

from vitals.errors import InputError
from vitals.store import audit, query
from vitals.store.connection import Connection

_COLUMNS = (
    "c.uid, u.label, c.party, c.purpose, c.streams, c.start_us, c.end_us, c.granted_us, c.expires_us, c.withdrawn_us"
)


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent; times in UTC microseconds, None where it has no limit."""

    id: str
    subject: str
    party: str  # who may have it
    purpose: str
    streams: tuple[str, ...]  # kinds; empty: all
    start_us: int | None
    end_us: int | None
    granted_us: int
    expires_us: int | None
    withdrawn_us: int | None

    def holds(self, at_us: int) -> bool:
        """Whether it is in force at a time."""
        over = [limit for limit in (self.expires_us, self.withdrawn_us) if limit is not None]
        return self.granted_us <= at_us and all(at_us < limit for limit in over)


def grant(
    connection: Connection,
    store_id: bytes,
    *,
    subject: str,
    party: str,
    purpose: str,
    streams: Iterable[str],
    span_us: tuple[int | None, int | None],
    expires_us: int | None,
) -> Consent:
    """Write down a consent, inside a write transaction. Raises InputError."""
    row = query.fetch(connection, "SELECT id FROM subject WHERE label = ?", (subject,))
    if not row:
        raise InputError(f"the store has no subject {subject!r}: list them with store.subjects()")
    for name, text in (("party", party), ("purpose", purpose)):
        if not text.strip():
            raise InputError(f"{name} is empty: say it in the person's words")
    now = time.time_ns() // 1000
    if expires_us is not None and expires_us <= now:
        raise InputError("the consent would expire before it begins: give a later time")
    given = Consent(
        secrets.token_bytes(16).hex(), subject, party, purpose, tuple(streams), *span_us, now, expires_us, None
    )
    connection.execute(
        "INSERT INTO consent(uid, subject_id, party, purpose, streams, start_us, end_us, granted_us, expires_us) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (bytes.fromhex(given.id), row[0][0], party, purpose, json.dumps(given.streams), *span_us, now, expires_us),
    )
    audit.add(connection, store_id, "consent given", consent=given.id)
    return given


def withdraw(connection: Connection, store_id: bytes, consent_id: str) -> Consent:
    """End a consent now, inside a write transaction. Raises InputError."""
    found = next((one for one in consents(connection) if one.id == consent_id), None)
    if found is None:
        raise InputError(f"the store has no consent {consent_id}: list them with store.consents()")
    if found.withdrawn_us is None:
        now = time.time_ns() // 1000
        connection.execute("UPDATE consent SET withdrawn_us = ? WHERE uid = ?", (now, bytes.fromhex(consent_id)))
        audit.add(connection, store_id, "consent withdrawn", consent=consent_id)
    return next(one for one in consents(connection) if one.id == consent_id)


def consents(connection: Connection) -> list[Consent]:
    """All consents, also those that are over, in order."""
    rows = query.fetch(
        connection, f"SELECT {_COLUMNS} FROM consent c JOIN subject u ON u.id = c.subject_id ORDER BY c.id"
    )
    return [
        Consent(bytes(uid).hex(), label, party, purpose, tuple(json.loads(streams)), start, end, granted, expires, over)
        for uid, label, party, purpose, streams, start, end, granted, expires, over in rows
    ]
