"""Version 3: what was erased, what was done with the store, who may have what, and how long streams are kept."""

from __future__ import annotations

STATEMENTS = (
    # Log entries whose rows were erased on purpose. Chained and synced: it says where, never what.
    """CREATE TABLE erasure(id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE CHECK(length(uid) = 16),
       origin_uid BLOB NOT NULL CHECK(length(origin_uid) = 16), first_seq INTEGER NOT NULL CHECK(first_seq > 0),
       last_seq INTEGER NOT NULL, made_us INTEGER NOT NULL, CHECK(last_seq >= first_seq)) STRICT""",
    "CREATE INDEX erasure_by_place ON erasure(origin_uid, first_seq)",
    # Chained by itself (see audit.py), of this store only. No personal data: what is erased leaves it whole.
    """CREATE TABLE audit(seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL,
       h BLOB NOT NULL CHECK(length(h) = 32)) STRICT""",
    # Who may be sent what. `streams` and `party` are the person's words, so they can be erased with the subject.
    """CREATE TABLE consent(id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE CHECK(length(uid) = 16),
       subject_id INTEGER NOT NULL REFERENCES subject, party TEXT NOT NULL, purpose TEXT NOT NULL,
       streams TEXT NOT NULL, start_us INTEGER, end_us INTEGER, granted_us INTEGER NOT NULL, expires_us INTEGER,
       withdrawn_us INTEGER)
       STRICT""",
    # After how many days the samples of a kind go; what was computed from them stays.
    "CREATE TABLE retention(kind TEXT PRIMARY KEY, days REAL NOT NULL CHECK(days > 0)) STRICT, WITHOUT ROWID",
)
