"""How many vectors of consecutive intervals lie within a tolerance of each: the kernel of SampEn, ApEn and MSE.

Exact in every path, and never N x N memory. RR intervals are on a lattice (1/128 s, 1/1024 s, 1 ms), so that a day of
10^5 beats has but some hundred distinct values, and |a - b| <= r is a range of their ranks:

- one or two coordinates: box sums in a table of ranks, three if the table stays below `_CUBE` cells (1/128 s)
- else a bit per vector and value for each further coordinate, vectors sorted by their first one, AND and count of the
  words in its range (1/1024 s)
- few vectors, or too many distinct values for tables: comparisons in blocks, on ranks.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_FEW: Final = 100_000  # squared vectors per distinct value: up to here comparisons are cheaper than tables
_TABLE: Final = 1 << 22
_CUBE: Final = 1 << 23
_BIT_TABLE_BYTES: Final = 1 << 26
_BLOCK: Final = 1 << 15  # words or comparisons at a time: they stay in the cache
_ALL: Final = (1 << 64) - 1


def neighbours(x: NDArray[np.float64], starts: NDArray[np.intp], size: int, r: float) -> NDArray[np.int64]:
    """For each vector x[s : s + size], s in `starts`: how many of them differ by at most r in all coordinates.

    Each counts itself; shape (len(starts),). The vectors may not hold NaN.
    """
    if not len(starts):
        return np.zeros(0, np.int64)
    rank, low, high = rank_ranges(x, r)
    coordinates = [rank[starts + k] for k in range(size)]
    if len(starts) ** 2 <= _FEW * len(low):
        return _blocks(coordinates, low, high)
    if (size <= 2 and len(low) ** size <= _TABLE) or (size == 3 and len(low) ** 3 <= _CUBE):
        return _boxes(coordinates, low, high)
    if (size - 1) * len(low) * len(starts) // 8 <= _BIT_TABLE_BYTES:
        return _bits(coordinates, low, high)
    return _blocks(coordinates, low, high)


def rank_ranges(x: NDArray[np.float64], r: float) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The rank of each value (0 for NaN), and for each rank the ranks [low, high) of the values at most r away."""
    values, rank = _ranked(x)
    high = np.searchsorted(values, values + r, side="right")
    return rank, np.searchsorted(high, np.arange(len(values)), side="right"), high


def _ranked(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The distinct values and the rank of each element (0 for NaN)."""
    known = ~np.isnan(x)
    values = np.unique(x[known])
    if len(values) > 1:
        # On a lattice a table finds the rank at once; whether it did is seen from the values it gives back.
        step = np.diff(values).min()
        span = (values[-1] - values[0]) / step
        if span < 1 << 20:
            table = np.zeros(int(span) + 2, np.intp)
            table[np.rint((values - values[0]) / step).astype(np.intp)] = np.arange(len(values))
            y = np.where(known, x, values[0])
            rank = table[np.rint((y - values[0]) / step).astype(np.intp)]
            if np.array_equal(values[rank], y):
                return values, rank
    return values, np.where(known, np.searchsorted(values, x), 0)


def _boxes(coordinates: list[NDArray[np.intp]], low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.int64]:
    """Sums over boxes of a histogram of ranks, from its prefix sums."""
    size, k = len(coordinates), len(low)
    code = coordinates[0]
    for c in coordinates[1:]:
        code = code * k + c
    prefix = np.zeros((k + 1,) * size, np.int32)
    inner = prefix[(slice(1, None),) * size]
    inner[...] = np.bincount(code, minlength=k**size).reshape((k,) * size)
    for axis in range(size):
        np.cumsum(inner, axis=axis, out=inner)
    count = np.zeros(len(code), np.int64)
    flat = prefix.reshape(-1)
    ends = [(low[c], high[c]) for c in coordinates]
    for corner in range(1 << size):
        at, sign = ends[0][corner & 1], 1 if corner & 1 else -1
        for axis in range(1, size):
            upper = corner >> axis & 1
            at = at * (k + 1) + ends[axis][upper]
            sign *= 1 if upper else -1
        count += sign * flat[at]
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
