"""How many vectors of consecutive intervals lie within a tolerance of each: the kernel of SampEn, ApEn and MSE.

Exact in every path, and never N x N memory. RR intervals are on a lattice (1/128 s, 1/1024 s, 1 ms), so that a day of
10^5 beats has but some hundred distinct values, and |a - b| <= r is a range of their ranks:

- one or two coordinates: box sums in a table of ranks; three: such a table of the vectors whose first coordinate is in
  range, sliding along (1/128 s)
- else a bit per vector and value for each further coordinate, vectors sorted by their first one, AND and count of the
  words in its range (1/1024 s)
- few vectors, or too many distinct values for tables: comparisons in blocks, on ranks; very few: all at once.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MATRIX: Final = 1024  # vectors: up to here all pairs are compared at once (1 MB)
_FEW: Final = 100_000  # squared vectors per distinct value: up to here comparisons are cheaper than tables
_TABLE: Final = 1 << 22
_SLICES: Final = 1 << 25
_RARE: Final = 10  # vectors of a value: up to here their boxes are summed one by one
_BIT_TABLE_BYTES: Final = 1 << 26
_BLOCK: Final = 1 << 15  # words or comparisons at a time: they stay in the cache
_ALL: Final = (1 << 64) - 1


class Ranking(NamedTuple):
    """A series as ranks, with the ranks [low, high) of the values at most r away from that of each rank."""

    rank: NDArray[np.intp]  # of each value; 0 for NaN
    low: NDArray[np.intp]
    high: NDArray[np.intp]


def rank_ranges(x: NDArray[np.float64], r: float) -> Ranking:
    """The ranks of x, and what lies within r."""
    values, rank = _ranked(x)
    high = np.searchsorted(values, values + r, side="right")
    return Ranking(rank, np.searchsorted(high, np.arange(len(values)), side="right"), high)


def neighbours(ranking: Ranking, starts: NDArray[np.intp], size: int) -> NDArray[np.int64]:
    """For each vector of `size` values from s, s in `starts`: how many of them differ by at most r in all coordinates.

    Each counts itself; shape (len(starts),). The vectors may not hold NaN.
    """
    if not len(starts):
        return np.zeros(0, np.int64)
    rank, low, high = ranking
    coordinates = [rank[starts + k] for k in range(size)]
    values = len(low)
    if len(starts) <= _MATRIX:
        return _matrix(coordinates, low, high)
    if len(starts) ** 2 <= _FEW * values:
        return _blocks(coordinates, low, high)
    if size <= 2 and values**size <= _TABLE:
        return _boxes(coordinates, low, high)
    if size == 3 and values**3 <= _SLICES:
        return _slices(coordinates, low, high)
    if (size - 1) * values * len(starts) // 8 <= _BIT_TABLE_BYTES:
        return _bits(coordinates, low, high)
    return _blocks(coordinates, low, high)


def _matrix(coordinates: list[NDArray[np.intp]], low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.int64]:
    kind: Any = np.uint16 if len(low) <= 1 << 16 else np.uint32
    near: Any = True
    for rank in coordinates:
        near = near & (rank.astype(kind) - low[rank, None].astype(kind) < (high - low)[rank, None].astype(kind))
    # A match is mutual: sums of columns are those of rows, and vector instructions make them.
    return np.asarray(near.view(np.uint8).sum(axis=0, dtype=np.uint16), np.int64)


def _ranked(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The distinct values and the rank of each element (0 for NaN)."""
    known = ~np.isnan(x)
    y = x[known]
    rank = np.zeros(len(x), np.intp)
    some = np.unique(y[:: max(1, len(y) // 1024)])
    if len(some) > 1:
        # On a lattice a table finds the rank without sorting; whether it did is seen from the values it gives back.
        step, base = float(np.diff(some).min()), float(y.min())
        span = (float(y.max()) - base) / step
        if span < 1 << 20:
            cell = np.rint((y - base) / step).astype(np.intp)
            table = np.zeros(int(span) + 2)
            table[cell] = y
            if np.array_equal(table[cell], y):
                taken = np.bincount(cell, minlength=len(table)) > 0
                rank[known] = (np.cumsum(taken) - 1)[cell]
                return table[taken], rank
    values = np.unique(y)
    rank[known] = np.searchsorted(values, y)
    return values, rank


def _boxes(coordinates: list[NDArray[np.intp]], low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.int64]:
    """One or two coordinates: sums over boxes of a histogram of ranks, from its prefix sums."""
    k = len(low)
    if len(coordinates) == 1:
        line = np.concatenate(([0], np.bincount(coordinates[0], minlength=k).cumsum()))
        return np.asarray((line[high] - line[low])[coordinates[0]])
    a, b = coordinates
    code = a * k + b
    prefix = np.zeros((k + 1, k + 1), np.int32)
    np.cumsum(np.bincount(code, minlength=k * k).reshape(k, k), axis=0, out=prefix[1:, 1:])
    np.cumsum(prefix, axis=1, out=prefix)
    if k * k < len(code):  # fewer boxes than vectors
        rows = prefix[high] - prefix[low]
        return np.asarray((rows[:, high] - rows[:, low]).reshape(-1)[code], np.int64)
    return _corners(prefix, low[a], high[a], low[b], high[b])


def _corners(
    prefix: NDArray[np.int32],
    top: NDArray[np.intp],
    bottom: NDArray[np.intp],
    left: NDArray[np.intp],
    right: NDArray[np.intp],
) -> NDArray[np.int64]:
    """Sums over [top, bottom) x [left, right) from prefix sums with a border of zeros."""
    flat, width = prefix.reshape(-1), prefix.shape[1]
    top, bottom = top * width, bottom * width
    return np.asarray(flat[bottom + right] - flat[bottom + left] - flat[top + right] + flat[top + left], np.int64)


def _slices(coordinates: list[NDArray[np.intp]], low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.int64]:
    """Three coordinates: a two-dimensional histogram of the vectors whose first one is in range slides along."""
    n, k = len(coordinates[0]), len(low)
    order = np.argsort(coordinates[0].astype(np.int16), kind="stable")
    first = np.searchsorted(coordinates[0][order], np.arange(k + 1)).tolist()
    b, c = (each[order] for each in coordinates[1:])
    code, ends = b * k + c, (low[b], high[b], low[c], high[c])
    lows, highs = low.tolist(), high.tolist()
    window, prefix = np.zeros((k, k), np.int32), np.zeros((k + 1, k + 1), np.int32)
    cells, one = window.reshape(-1), np.int32(1)
    found = np.empty(n, np.int64)
    begin = end = 0
    for v in range(k):
        np.subtract.at(cells, code[begin : first[lows[v]]], one)
        np.add.at(cells, code[end : first[highs[v]]], one)
        begin, end = first[lows[v]], first[highs[v]]
        own = slice(first[v], first[v + 1])
        if own.stop - own.start <= _RARE:
            for at in range(own.start, own.stop):
                top, bottom, left, right = (each[at] for each in ends)
                found[at] = window[top:bottom, left:right].sum()
            continue
        np.cumsum(window, axis=0, out=prefix[1:, 1:])
        np.cumsum(prefix, axis=1, out=prefix)
        found[own] = _corners(prefix, *(each[own] for each in ends))
    count = np.empty(n, np.int64)
    count[order] = found
    return count


def _popcount(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Bits set in each row."""
    if hasattr(np, "bitwise_count"):  # NumPy 2
        return np.asarray(np.bitwise_count(words).sum(axis=1, dtype=np.int64))
    return np.asarray(_BYTE_BITS[words.view(np.uint8)].sum(axis=1, dtype=np.int64))


_BYTE_BITS: Final = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)


def _bits(coordinates: list[NDArray[np.intp]], low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.int64]:
    n, k = len(coordinates[0]), len(low)
    order = np.argsort(coordinates[0], kind="stable")
    first = np.searchsorted(coordinates[0][order], np.arange(k + 1)).tolist()
    ranks = [c[order].astype(np.int32) for c in coordinates[1:]]
    tables = [_bit_table(rank, low, high) for rank in ranks]
    found = np.zeros(n, np.int64)
    for v in range(k):
        begin, end = first[low[v]], first[high[v]]
        a, b = begin // 64, -(-end // 64)
        head, tail = np.uint64(_ALL << begin % 64 & _ALL), np.uint64(_ALL >> -end % 64)
        step = max(1, _BLOCK // max(b - a, 1))
        for p in range(first[v], first[v + 1], step):
            q = min(p + step, first[v + 1])
            words = tables[0][ranks[0][p:q], a:b]
            for table, rank in zip(tables[1:], ranks[1:], strict=True):
                words &= table[rank[p:q], a:b]
            words[:, 0] &= head
            words[:, -1] &= tail
            found[p:q] = _popcount(words)
    count = np.empty(n, np.int64)
    count[order] = found
    return count


def _bit_table(rank: NDArray[np.int32], low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.uint64]:
    """For each rank, one bit per vector: whether its own rank is in range. Shape (ranks, words)."""
    position = np.arange(len(rank))
    width = -(-len(rank) // 64)
    table = np.zeros((len(low) + 1, width), np.uint64)
    bit = np.left_shift(np.uint64(1), (position % 64).astype(np.uint64))
    # From one rank to the next only those that enter and those that leave change: a running XOR of changes. No two
    # vectors share a bit, so that adding them up is setting them.
    for change in (low, high):
        marks = np.zeros_like(table)
        np.add.at(marks.reshape(-1), change[rank] * width + position // 64, bit)
        table ^= marks
    np.bitwise_xor.accumulate(table, axis=0, out=table)
    return table


def _blocks(coordinates: list[NDArray[np.intp]], low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.int64]:
    n = len(coordinates[0])
    # rank in [low, high) is one comparison of unsigned numbers, and of half the width where ranks allow.
    kind: Any = np.uint16 if len(low) <= 1 << 16 else np.uint32
    order = np.argsort(coordinates[0], kind="stable")
    ranks = [c[order].astype(kind) for c in coordinates]
    lows = [low[c[order]].astype(kind) for c in coordinates]
    widths = [(high[c[order]] - low[c[order]]).astype(kind) for c in coordinates]
    begin = np.searchsorted(ranks[0], lows[0], side="left").tolist()
    end = np.searchsorted(coordinates[0][order], high[coordinates[0][order]], side="left").tolist()
    found = np.empty(n, np.int64)
    p = 0
    while p < n:
        q = min(n, p + max(1, _BLOCK // max(end[p] - begin[p], 1)))
        a, b = begin[p], end[q - 1]
        near: Any = True
        for rank, lo, width in zip(ranks, lows, widths, strict=True):
            near = near & (rank[a:b] - lo[p:q, None] < width[p:q, None])
        found[p:q] = near.sum(axis=1, dtype=np.int64)
        p = q
    count = np.empty(n, np.int64)
    count[order] = found
    return count
