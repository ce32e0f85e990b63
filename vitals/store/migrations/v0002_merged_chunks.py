"""Version 2: chunks that can be merged, pyramids for plots, clock fits beside the data."""

from __future__ import annotations

_TILES = ((0, 900), (1, 21_600), (2, 691_200))  # level, seconds
_TOUCHED = " ".join(
    f"DELETE FROM pyramid WHERE stream_id = {{row}}.stream_id AND level = {level} "
    f"AND t0_us > {{row}}.t0_us - {seconds * 1_000_000} AND t0_us <= {{row}}.t1_us;"
    for level, seconds in _TILES
)

STATEMENTS = (
    # How many samples each of the runs has that the log knows, one after another (u32 each, little-endian). Null in
    # chunks of version 1: the log knows their packed form, so they stay as they are.
    "ALTER TABLE chunk ADD COLUMN parts BLOB CHECK(length(parts) > 0 AND length(parts) % 4 = 0)",
    # What a live session flushed and nobody has merged yet. A table of its own, without index, because emptying a whole
    # table writes none of its pages; so it must never have a DELETE trigger. Readers see both through views.
    """CREATE TABLE fresh(id INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL REFERENCES stream, t0_us INTEGER NOT NULL,
       t1_us INTEGER NOT NULL, n INTEGER NOT NULL CHECK(n > 0), codec INTEGER NOT NULL, crc32 INTEGER NOT NULL,
       payload BLOB NOT NULL, parts BLOB NOT NULL, CHECK(t1_us >= t0_us)) STRICT""",
    """CREATE VIEW any_chunk AS
       SELECT id, stream_id, t0_us, t1_us, n, codec, crc32, payload, parts FROM chunk UNION ALL
       SELECT id, stream_id, t0_us, t1_us, n, codec, crc32, payload, parts FROM fresh""",
    # Where they lie, from the index alone.
    """CREATE VIEW any_span AS
       SELECT id, stream_id, t0_us, t1_us, n FROM chunk UNION ALL SELECT id, stream_id, t0_us, t1_us, n FROM fresh""",
    # Where the samples of a chunk went that was merged: into which one, after how many of its samples. The ids of
    # chunks that are gone are never given again.
    """CREATE TABLE moved(id INTEGER PRIMARY KEY, chunk_id INTEGER NOT NULL, start INTEGER NOT NULL CHECK(start >= 0))
       STRICT""",
    # Derived, local, rebuilt at will (see pyramid.py): minimum, maximum, sum and count per bin. A change of samples
    # removes the tiles that it touches.
    """CREATE TABLE pyramid(id INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL REFERENCES stream,
       level INTEGER NOT NULL, t0_us INTEGER NOT NULL, n INTEGER NOT NULL,
       codec INTEGER NOT NULL, crc32 INTEGER NOT NULL, payload BLOB NOT NULL) STRICT""",
    "CREATE UNIQUE INDEX pyramid_by_time ON pyramid(stream_id, level, t0_us)",
    f"CREATE TRIGGER chunk_added AFTER INSERT ON chunk BEGIN {_TOUCHED.format(row='NEW')} END",
    f"CREATE TRIGGER fresh_added AFTER INSERT ON fresh BEGIN {_TOUCHED.format(row='NEW')} END",
    f"CREATE TRIGGER chunk_gone AFTER DELETE ON chunk BEGIN {_TOUCHED.format(row='OLD')} END",
    # The log under one number, origin * 2**40 + entry: a table of that form grows at its end without being balanced
    # anew, which writes a page or two less per flush. `log` shows it as it was.
    """CREATE TABLE entry(place INTEGER PRIMARY KEY, kind TEXT NOT NULL, row_id INTEGER NOT NULL,
       row_sha256 BLOB NOT NULL CHECK(length(row_sha256) = 32), h BLOB NOT NULL CHECK(length(h) = 32)) STRICT""",
    "INSERT INTO entry SELECT (origin_id << 40) | seq, kind, row_id, row_sha256, h FROM log",
    "DROP TABLE log",
    """CREATE VIEW log AS
       SELECT place >> 40 AS origin_id, place & 1099511627775 AS seq, kind, row_id, row_sha256, h FROM entry""",
    # How a device's clock ran against UTC, as it is known later; of one session and epoch the last row holds. Samples
    # are never rewritten.
    """CREATE TABLE clock_fit(id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES session,
       epoch INTEGER NOT NULL CHECK(epoch >= 0), reference_us INTEGER NOT NULL, offset_us INTEGER NOT NULL,
       drift_ppb INTEGER NOT NULL, error_us INTEGER NOT NULL CHECK(error_us >= 0), made_us INTEGER NOT NULL) STRICT""",
    "CREATE INDEX clock_fit_by_session ON clock_fit(session_id, epoch)",
)
