"""Version 3: what was erased, what was done with the store, who may have what, and how long streams are kept."""

from __future__ import annotations

STATEMENTS = (
    # Which entries of a log have lost their rows on purpose (see places.py). Chained and synced: where, never what.
    """CREATE TABLE erasure(id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE CHECK(length(uid) = 16),
       origin_uid BLOB NOT NULL CHECK(length(origin_uid) = 16), places BLOB NOT NULL, made_us INTEGER NOT NULL)
       STRICT""",
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
