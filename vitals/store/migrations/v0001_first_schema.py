"""Version 1: who and what was recorded, the samples, what was computed from them, and the log that chains all rows.

`uid` names a row in every store (16 bytes); `id` only in this one. Rows that other stores may receive are listed in
rows.py.
"""

from __future__ import annotations

STATEMENTS = (
    # This store only; never leaves it.
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE subject(id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE CHECK(length(uid) = 16),
       label TEXT NOT NULL)
       STRICT""",
    """CREATE TABLE device(id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE CHECK(length(uid) = 16),
       name TEXT NOT NULL,
       manufacturer TEXT NOT NULL, model TEXT NOT NULL, serial TEXT NOT NULL, firmware TEXT NOT NULL,
       hardware TEXT NOT NULL,
       software TEXT NOT NULL) STRICT""",
    """CREATE TABLE session(id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE CHECK(length(uid) = 16),
       device_id INTEGER NOT NULL REFERENCES device, subject_id INTEGER NOT NULL REFERENCES subject,
       source TEXT NOT NULL CHECK(source IN ('live', 'import', 'virtual')), zero_utc_us INTEGER NOT NULL,
       source_sha256 TEXT) STRICT""",
    "CREATE INDEX session_by_file ON session(source_sha256) WHERE source_sha256 IS NOT NULL",
    # How a session ended. An import without one is unfinished, and hidden.
    """CREATE TABLE session_end(id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES session,
       state TEXT NOT NULL CHECK(state IN ('complete', 'cut'))) STRICT""",
    "CREATE INDEX session_end_by_session ON session_end(session_id)",
    """CREATE TABLE provenance(id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE CHECK(length(uid) = 16),
       algorithm TEXT NOT NULL, version TEXT NOT NULL, params TEXT NOT NULL, model_sha256 TEXT) STRICT""",
    # provenance_id: null where the samples were measured, else who computed them.
    """CREATE TABLE stream(id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE CHECK(length(uid) = 16),
       session_id INTEGER NOT NULL REFERENCES session, provenance_id INTEGER REFERENCES provenance, kind TEXT NOT NULL,
       timing TEXT NOT NULL CHECK(timing IN ('regular', 'interval', 'stamped')),
       rate_hz REAL NOT NULL CHECK(rate_hz >= 0),
       scale REAL NOT NULL, unit TEXT NOT NULL, channels INTEGER NOT NULL CHECK(channels BETWEEN 0 AND 255)) STRICT""",
    "CREATE INDEX stream_by_session ON stream(session_id)",
    """CREATE TABLE chunk(id INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL REFERENCES stream, t0_us INTEGER NOT NULL,
       t1_us INTEGER NOT NULL, n INTEGER NOT NULL CHECK(n > 0), codec INTEGER NOT NULL, crc32 INTEGER NOT NULL,
       payload BLOB NOT NULL, CHECK(t1_us >= t0_us)) STRICT""",
    "CREATE INDEX chunk_by_time ON chunk(stream_id, t0_us, t1_us, n)",
    """CREATE TABLE gap(id INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL REFERENCES stream, start_us INTEGER NOT NULL,
       end_us INTEGER NOT NULL, reason TEXT NOT NULL, CHECK(end_us >= start_us)) STRICT""",
    "CREATE INDEX gap_by_time ON gap(stream_id, start_us)",
    # That a maker has looked at a stream, found something or not; the latest run of an algorithm is the one that
    # queries show.
    """CREATE TABLE run(id INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL REFERENCES stream,
       provenance_id INTEGER NOT NULL REFERENCES provenance, made_us INTEGER NOT NULL) STRICT""",
    "CREATE INDEX run_by_stream ON run(stream_id, provenance_id)",
    # The names of the numbers in a feature row, once, instead of in every row.
    """CREATE TABLE feature_set(id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE CHECK(length(uid) = 16),
       names TEXT NOT NULL) STRICT""",
    """CREATE TABLE feature(id INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL REFERENCES stream,
       provenance_id INTEGER NOT NULL REFERENCES provenance, feature_set_id INTEGER NOT NULL REFERENCES feature_set,
       start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, coverage REAL NOT NULL, reason TEXT, numbers BLOB NOT NULL,
       CHECK(end_us >= start_us)) STRICT""",
    "CREATE INDEX feature_by_time ON feature(stream_id, start_us)",
    # One row per revision; all revisions of an event share its uid.
    """CREATE TABLE event(id INTEGER PRIMARY KEY, uid BLOB NOT NULL CHECK(length(uid) = 16),
       stream_id INTEGER NOT NULL REFERENCES stream, provenance_id INTEGER NOT NULL REFERENCES provenance,
       kind TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, score REAL, sqi REAL,
       state TEXT NOT NULL CHECK(state IN ('open', 'closed', 'cut')), revision INTEGER NOT NULL,
       CHECK(end_us >= start_us)) STRICT""",
    "CREATE INDEX event_by_uid ON event(uid, revision)",
    "CREATE INDEX event_by_time ON event(stream_id, start_us)",
    # A store, ours (id 1) or another whose rows we hold, and the head of its chain.
    """CREATE TABLE origin(id INTEGER PRIMARY KEY, uid BLOB NOT NULL UNIQUE CHECK(length(uid) = 16),
       seq INTEGER NOT NULL,
       h BLOB NOT NULL CHECK(length(h) = 32)) STRICT""",
    """CREATE TABLE log(origin_id INTEGER NOT NULL REFERENCES origin, seq INTEGER NOT NULL, kind TEXT NOT NULL,
       row_id INTEGER NOT NULL, row_sha256 BLOB NOT NULL CHECK(length(row_sha256) = 32),
       h BLOB NOT NULL CHECK(length(h) = 32), PRIMARY KEY(origin_id, seq)) STRICT, WITHOUT ROWID""",
    # Stores that bundles went to or came from: the key to seal for, and the key that signs what comes from there.
    # `cursor` is how far a peer has been sent each chain.
    """CREATE TABLE peer(id INTEGER PRIMARY KEY, recipient TEXT NOT NULL UNIQUE, origin_uid BLOB UNIQUE, signer BLOB)
       STRICT""",
    """CREATE TABLE cursor(peer_id INTEGER NOT NULL REFERENCES peer, origin_id INTEGER NOT NULL REFERENCES origin,
       seq INTEGER NOT NULL, PRIMARY KEY(peer_id, origin_id)) STRICT, WITHOUT ROWID""",
)
