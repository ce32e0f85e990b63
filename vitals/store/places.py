"""Which entries of a log have lost their rows on purpose: the column `places` of an erasure.

    places = (skip varint | run varint) *      entries passed over since the last run, then entries that are erased;
                                               LEB128, no number is 0 but the first skip

An erasure says where, never what: whoever holds the log still follows every hash, and knows which rows may be missing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby

from vitals.store import query
from vitals.store.connection import Connection

MOST_BYTES = 1 << 20  # of one row; more places make more rows


def pack(seqs: Iterable[int]) -> Iterator[bytes]:
    """Places of ascending entries, in as many rows as they need."""
    out, at = bytearray(), 0
    for _, group in groupby(enumerate(seqs), key=lambda pair: pair[1] - pair[0]):
        run = [seq for _, seq in group]
        if len(out) > MOST_BYTES - 20:
            yield bytes(out)
            out, at = bytearray(), 0
        out += _varint(run[0] - 1 - at) + _varint(len(run))
        at = run[-1]
    if out:
        yield bytes(out)


def unpack(places: bytes) -> list[tuple[int, int]]:
    """First and last entry of each run. Raises ValueError."""
    numbers, value, shift = [], 0, 0
    for byte in places:
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 63:
            raise ValueError("a number of an erasure is too long")
        if byte < 0x80:
            numbers.append(value)
            value = shift = 0
    if shift or len(numbers) % 2:
        raise ValueError("an erasure is cut off")
    runs, at = [], 0
    for k in range(0, len(numbers), 2):
        if not numbers[k + 1] or (k and not numbers[k]):
            raise ValueError("an erasure has an empty run")
        first = at + numbers[k] + 1
        at = first + numbers[k + 1] - 1
        runs.append((first, at))
    return runs


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


class Erased:
    """What is erased, by chain."""

    def __init__(self, connection: Connection) -> None:
        self._runs: dict[bytes, list[tuple[int, int]]] = {}
        for origin, places in query.fetch(connection, "SELECT origin_uid, places FROM erasure ORDER BY id"):
            self._runs.setdefault(bytes(origin), []).extend(unpack(bytes(places)))
        self._firsts: dict[bytes, list[int]] = {}
        for origin, runs in self._runs.items():
            runs.sort()
            merged: list[tuple[int, int]] = []
            for first, last in runs:
                if merged and first <= merged[-1][1] + 1:
                    merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
                else:
                    merged.append((first, last))
            self._runs[origin] = merged
            self._firsts[origin] = [first for first, _ in merged]

    def __contains__(self, place: tuple[bytes, int]) -> bool:
        """Whether the row of an entry (origin, seq) was erased."""
        origin, seq = place
        k = bisect_right(self._firsts.get(origin, []), seq) - 1
        return k >= 0 and seq <= self._runs[origin][k][1]
