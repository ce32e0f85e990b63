"""What follows once samples are safe: merging their chunks, then the tiles of their pyramids.

Nothing here is acknowledged to anybody, and all of it can be done again: a kill, a full disk or another process in the
middle costs time, never samples.
"""

from __future__ import annotations

from collections.abc import Mapping

from vitals.store import merge, pyramid
from vitals.store.connection import Access


def settle(transaction: Access, reading: Access, streams: Mapping[int, int | None], *, tail: bool) -> tuple[int, int]:
    """Merge what is fresh of all streams, then what is ripe of some (from the given times on, None: all; with `tail`
    also what is left at their ends), and write the tiles that are complete.

    Returns (chunks that are gone, tiles written). Raises StoreError, StoreDamaged.
    """
    swept = merge.sweep(transaction)
    merged = merge.merge(transaction, reading, streams, tail=tail)
    tiles = 0
    for stream_id, since_us in streams.items():
        until_us = merged.settled_us[stream_id]
        tiles += pyramid.build(transaction, reading, stream_id, since_us=since_us, until_us=until_us)
    return swept + merged.chunks, tiles
