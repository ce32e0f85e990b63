"""What follows once samples are safe: merging their chunks, then the tiles of their pyramids.

Nothing here is acknowledged to anybody, and all of it can be done again: a kill, a full disk or another process in the
middle costs time, never samples.
"""

from __future__ import annotations

from vitals.store import merge, pyramid
from vitals.store.connection import Access


def settle(
    transaction: Access, reading: Access, stream_id: int, *, since_us: int | None = None, tail: bool
) -> tuple[int, int]:
    """Merge what is ripe of a stream (from `since_us` on; with `tail` also what is left at its end) and write the tiles
    that are complete: (chunks that are gone, tiles written). Raises StoreError, StoreDamaged."""
    merged = merge.merge(transaction, reading, stream_id, since_us=since_us, tail=tail)
    tiles = pyramid.build(transaction, reading, stream_id, since_us=since_us, until_us=merged.settled_us)
    return merged.chunks, tiles
