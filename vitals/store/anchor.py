"""How far a store had come, kept outside of it: so that an older copy put in its place is noticed.

    anchor = {"seq": n, "h": hash of the store's own log there, "audit": n, "audit_h": hash of the audit chain there,
              "epoch": of the key file}

Laws of this file:
1. An anchor is written when the store closes. A store that opens must hold what its anchor says; more is fine.
2. Hashes and counts only: an anchor tells nothing of what was measured.
3. Every copy has a name of its own, the store by its uid, a backup by a number of chance beside it: so neither is held
   against the other's anchor. (So a backup in the place of the store is not noticed; it has the backup's keys.)

It is kept with a keyring key. Paired devices hold the same by themselves: what they were sent (see sync). Who puts back
the store, the keyring and every peer is not noticed.
"""

from __future__ import annotations

import json
import secrets
from typing import Final

from vitals.errors import StoreDamaged
from vitals.store import audit, chain, query, rotation
from vitals.store.connection import Connection
from vitals.store.keys import Notebook

_COPY: Final = "copy"  # in the table meta


def check(notebook: Notebook, connection: Connection, store_id: bytes) -> None:
    """Hold the store against its anchor, if there is one. Raises StoreDamaged, StoreError."""
    kept = notebook.read(_name(connection, store_id))
    if kept is None:
        return
    try:
        said = json.loads(kept)
        seq, h, audit_seq, audit_h = int(said["seq"]), said["h"], int(said["audit"]), said["audit_h"]
        epoch = int(said["epoch"])
    except (ValueError, KeyError, TypeError):
        raise StoreDamaged(
            "the keyring's anchor of this store is unreadable: remove it there if that is known"
        ) from None
    own = chain.hash_at(connection, chain.OURS, store_id, seq)
    row = query.fetch(connection, "SELECT h FROM audit WHERE seq = ?", (audit_seq,))
    done = audit.start(store_id) if audit_seq == 0 else bytes(row[0][0]) if row else b""
    if own is None or own.hex() != h or done.hex() != audit_h or rotation.epoch(connection) < epoch:
        raise StoreDamaged(
            "the store is older than when it was last closed on this computer: it was put back to an earlier copy; "
            "open it with another key to see what it holds, or restore the newest backup"
        )


def write(notebook: Notebook, connection: Connection, store_id: bytes) -> None:
    """Keep how far the store has come. Raises StoreError."""
    head = chain.heads(connection)[chain.OURS]
    seq, h = audit.head(connection, store_id)
    said = {"seq": head.seq, "h": head.h.hex(), "audit": seq, "audit_h": h.hex(), "epoch": rotation.epoch(connection)}
    notebook.write(_name(connection, store_id), json.dumps(said, separators=(",", ":")))


def name_copy(connection: Connection) -> None:
    """Say that this database is a copy; inside a write transaction."""
    connection.execute("INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)", (_COPY, secrets.token_hex(8)))


def _name(connection: Connection, store_id: bytes) -> str:
    row = query.fetch(connection, "SELECT value FROM meta WHERE name = ?", (_COPY,))
    return f"{store_id.hex()}/{row[0][0]}" if row else store_id.hex()
