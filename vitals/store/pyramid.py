"""Minimum, maximum and mean per second, half minute and quarter of an hour: what a plot needs of a day.

A *bin* k of width w holds the samples with k * w <= time < (k + 1) * w (UTC microseconds; the time of an interval is
its end). A *tile* is a row of the table `pyramid`: the bins of one level in one aligned stretch of time, as integers
(bin | count | per channel: minimum - floor(mean), maximum - floor(mean), sum) in a blob of codec.py.

Laws of this file:
1. Tiles are derived: not in the log, never sent, removed by a trigger when samples that they cover come or go, and
   where one is missing the answer is computed from the level below, in the end from the samples. So they change how
   fast an answer comes, never what it is.
2. Sums and counts are exact integers; a mean is one division, done when it is asked for.
3. A bin without samples does not exist: a gap is no zero.
4. A tile is written when no more samples are expected in it, and only where a bin of a regular stream holds at least
   eight samples (of other streams: from half a minute on), for else the samples themselves are as small.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals.errors import StoreDamaged
from vitals.store import chunks, codec, query, spans
from vitals.store.chunks import MOST_SPAN_US, Shape
from vitals.store.connection import Access
from vitals.values import Block, Timing

SECOND_US = 1_000_000
WIDTHS_US = (SECOND_US, 30 * SECOND_US, 900 * SECOND_US)
TILES_US = (900 * SECOND_US, 21_600 * SECOND_US, 691_200 * SECOND_US)
_LEAST_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins with samples, by time: integers, shapes (n,) and (n, channels)."""

    index: NDArray[np.int64]
    count: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    total: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index)

    def equals(self, other: Bins) -> bool:
        """Whether all numbers are the same."""
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in Bins.__slots__)


def levels(shape: Shape) -> list[int]:
    """The levels of which tiles are kept."""
    if shape.timing is not Timing.REGULAR:
        return [1, 2]
    return [k for k, width in enumerate(WIDTHS_US) if shape.rate_hz * width / 1e6 >= _LEAST_SAMPLES]


def of_blocks(blocks: Iterable[Block], width_us: int, channels: int) -> Bins:
    """The bins of some samples."""
    held: list[Bins] = []
    for block in blocks:
        if len(block):
            wide = block.values.reshape(len(block), -1).astype(np.int64)
            ones = np.broadcast_to(np.int64(1), (len(block),))
            held.append(_grouped(block.times_us() // width_us, ones, wide, wide, wide))
        if len(held) > 64:
            held = [_together(held, channels)]
    return _together(held, channels)


def _together(held: list[Bins], channels: int) -> Bins:
    if not held:
        none, wide = np.empty(0, np.int64), np.empty((0, max(channels, 1)), np.int64)
        return Bins(none, none, wide, wide, wide)
    parts = [np.concatenate([getattr(bins, name) for bins in held]) for name in Bins.__slots__]
    if (np.diff(parts[0]) < 0).any():  # chunks that overlap in time
        order = np.argsort(parts[0], kind="stable")
        parts = [part[order] for part in parts]
    return _grouped(*parts)


def _grouped(
    index: NDArray[np.int64],
    count: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    total: NDArray[np.int64],
) -> Bins:
    """Neighbours of one index put together."""
    starts = np.flatnonzero(np.diff(index, prepend=index[0] - 1))
    return Bins(
        index[starts],
        np.add.reduceat(count, starts),
        np.minimum.reduceat(low, starts, axis=0),
        np.maximum.reduceat(high, starts, axis=0),
        np.add.reduceat(total, starts, axis=0),
    )


def coarser(bins: Bins, factor: int) -> Bins:
    """The bins of `factor` times the width."""
    if factor == 1 or not len(bins):
        return bins
    return _grouped(bins.index // factor, bins.count, bins.low, bins.high, bins.total)


def bins(reading: Access, stream_id: int, width_us: int, start_us: int, end_us: int) -> Bins:
    """The bins of a stream that touch [start, end), whole. Raises InputError, StoreDamaged."""
    first, last = start_us // width_us, -(-end_us // width_us)
    with reading() as connection:
        shape = query.shape_of(connection, stream_id)
        row = query.fetch(
            connection,
            "SELECT min(t0_us), max(t1_us) FROM any_span WHERE stream_id = ? AND t0_us >= ? AND t0_us < ?",
            (stream_id, max(first * width_us - MOST_SPAN_US, -(1 << 62)), min(last * width_us, 1 << 62)),
        )[0]
    if row[0] is None:
        return _together([], shape.channels)
    first, last = max(first, row[0] // width_us), min(last, row[1] // width_us + 1)
    if last <= first:
        return _together([], shape.channels)
    usable = [k for k in levels(shape) if width_us % WIDTHS_US[k] == 0]
    return _level(reading, stream_id, shape, usable, width_us, first * width_us, last * width_us)


def _level(
    reading: Access, stream_id: int, shape: Shape, usable: list[int], width_us: int, start_us: int, end_us: int
) -> Bins:
    """Bins from tiles where there are some, else from the level below; the span begins and ends at bins."""
    if not usable:
        return of_blocks(spans.blocks(reading, stream_id, start_us, end_us), width_us, shape.channels)
    level, below = usable[-1], usable[:-1]
    step, tile_us = WIDTHS_US[level], TILES_US[level]
    with reading() as connection:
        rows = query.fetch(
            connection,
            "SELECT t0_us, n, codec, crc32, payload FROM pyramid WHERE stream_id = ? AND level = ? "
            "AND t0_us > ? AND t0_us < ? ORDER BY t0_us",
            (stream_id, level, start_us - tile_us, end_us),
        )
    parts, at = [], start_us
    for t0, n, number, crc32, payload in rows:
        tile = _unpack(t0, n, number, crc32, payload, shape.channels)
        if tile is None:
            continue
        if t0 > at:
            parts.append(_level(reading, stream_id, shape, below, step, at, t0))
        low, high = np.searchsorted(tile.index, [at // step, end_us // step])
        parts.append(Bins(*(getattr(tile, name)[low:high] for name in Bins.__slots__)))
        at = t0 + tile_us
    if at < end_us:
        parts.append(_level(reading, stream_id, shape, below, step, at, end_us))
    return coarser(_together([part for part in parts if len(part)], shape.channels), width_us // step)


def _pack(tile: Bins) -> tuple[int, bytes]:
    mean = tile.total // tile.count[:, None]
    columns = [tile.index[:, None], tile.count[:, None], tile.low - mean, tile.high - mean, tile.total]
    return codec.encode(np.concatenate(columns, axis=1))


def _unpack(t0_us: int, n: int, number: int, crc32: int, payload: bytes, channels: int) -> Bins | None:
    """A tile; None where it is damaged (it is as good as missing then)."""
    width = max(channels, 1)
    try:
        if chunks.check_value(t0_us, number, n, payload) != crc32:
            return None
        table = codec.decode(number, payload, n)
    except StoreDamaged:
        return None
    if table.shape != (n, 2 + 3 * width) or not (table[:, 1] > 0).all():
        return None
    low, high, total = (table[:, 2 + k * width : 2 + (k + 1) * width] for k in range(3))
    mean = total // table[:, 1:2]
    return Bins(table[:, 0], table[:, 1], low + mean, high + mean, total)


def build(
    transaction: Access, reading: Access, stream_id: int, *, since_us: int | None = None, until_us: int | None
) -> int:
    """Write the tiles that are missing and end at `until_us` or before (None: all); returns how many.

    With `since_us` only those that end after it. Raises StoreError.
    """
    with reading() as connection:
        shape = query.shape_of(connection, stream_id)
        rows = query.fetch(
            connection,
            "SELECT t0_us, t1_us FROM any_span WHERE stream_id = ? AND t1_us >= ?",
            (stream_id, -(1 << 62) if since_us is None else since_us),
        )
    made = 0
    for level in levels(shape):
        tile_us = TILES_US[level]
        wanted = {k for t0, t1 in rows for k in range(t0 // tile_us, t1 // tile_us + 1)}
        if until_us is not None:
            wanted = {k for k in wanted if (k + 1) * tile_us <= until_us}
        with reading() as connection:
            sql = "SELECT t0_us FROM pyramid WHERE stream_id = ? AND level = ?"
            there = {row[0] // tile_us for row in query.fetch(connection, sql, (stream_id, level))}
        for k in sorted(wanted - there):
            made += _write(transaction, stream_id, shape, level, k * tile_us)
    return made


def _write(transaction: Access, stream_id: int, shape: Shape, level: int, t0_us: int) -> bool:
    # Read and written in one transaction: samples that came between would be missing in the tile for ever.
    with transaction() as connection:
        tile = _computed(lambda: spans.same(connection), stream_id, shape, level, t0_us)
        if not len(tile):
            return False
        number, payload = _pack(tile)
        crc32 = chunks.check_value(t0_us, number, len(tile), payload)
        connection.execute(
            "INSERT OR REPLACE INTO pyramid(stream_id, level, t0_us, n, codec, crc32, payload) VALUES(?,?,?,?,?,?,?)",
            (stream_id, level, t0_us, len(tile), number, crc32, payload),
        )
    return True


def _computed(reading: Access, stream_id: int, shape: Shape, level: int, t0_us: int) -> Bins:
    below = [k for k in levels(shape) if k < level]
    return _level(reading, stream_id, shape, below, WIDTHS_US[level], t0_us, t0_us + TILES_US[level])


def wrong(reading: Access) -> Iterator[str]:
    """Tiles that are not what the levels below give (for `verify`)."""
    with reading() as connection:
        rows = query.fetch(
            connection, "SELECT id, stream_id, level, t0_us FROM pyramid ORDER BY stream_id, level, t0_us"
        )
        shapes = {stream_id: query.shape_of(connection, stream_id) for _, stream_id, _, _ in rows}
    for row_id, stream_id, level, t0_us in rows:
        with reading() as connection:
            sql = "SELECT t0_us, n, codec, crc32, payload FROM pyramid WHERE id = ?"
            row = query.fetch(connection, sql, (row_id,))[0]
        t0, n, number, crc32, payload = row
        tile = _unpack(t0, n, number, crc32, payload, shapes[stream_id].channels)
        if tile is None or not tile.equals(_computed(reading, stream_id, shapes[stream_id], level, t0_us)):
            yield f"tile {row_id} of the pyramid of stream {stream_id} is not what its samples give"
