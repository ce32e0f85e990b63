"""Pairs of vectors that match, of short series: every pair is compared, as a matrix."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vitals_signal.rr.entropy_neighbours import rank_ranges

DENSE: Final = 1024  # longest series whose pairs are compared as a matrix (1 MB)
_BLOCK: Final = 1 << 17


def dense_pairs(rows: list[NDArray[np.float64]], whole: list[NDArray[np.bool_]], m: int, r: float) -> NDArray[np.int64]:
    """B and A of each row: pairs of its vectors that match in m >= 1, and in m + 1 values, shape (len(rows), 2).

    `whole`: where a vector of m + 1 known values starts, as long as its row. A match is a difference of at most r in
    each value (Chebyshev). Rows of at most `DENSE` values; those of one length that stand side by side share the work.
    """
    out = np.zeros((len(rows), 2), np.int64)
    lengths = [len(row) for row in rows]
    rank, low, high = rank_ranges(np.concatenate(rows), r)
    if not len(low):
        return out
    # rank in [low, high) is one comparison of unsigned numbers.
    kind: Any = np.uint32 if len(low) > 1 << 16 else np.uint16
    flat = [each.astype(kind) for each in (rank, low[rank], (high - low)[rank])]
    flags, begin = np.concatenate(whole), 0
    while begin < len(rows):  # rows of one length stand side by side
        length = lengths[begin]
        size = length - m
        step = max(1, _BLOCK // max(length, 1) ** 2)
        end = begin + 1
        while end < len(rows) and end - begin < step and lengths[end] == length:
            end += 1
        at = slice(sum(lengths[:begin]), sum(lengths[:end]))
        if size > 1:
            a, lo, width = (each[at].reshape(-1, length) for each in flat)
            near = a[:, None, :] - lo[:, :, None] < width[:, :, None]
            match = near[:, :size, :size]
            for shift in range(1, m):
                match = match & near[:, shift : shift + size, shift : shift + size]
            mask = flags[at].reshape(-1, length)[:, :size]
            if not mask.all():
                match = match & mask[:, :, None] & mask[:, None, :]
            longer = match & near[:, m:, m:]
            for column, found in enumerate((match, longer)):
                out[begin:end, column] = [np.count_nonzero(one) for one in found]
            out[begin:end] -= mask.sum(axis=1)[:, None]
        begin = end
    return out // 2
