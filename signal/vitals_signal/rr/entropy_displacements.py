"""All pairs of points in the plane, by how far they are apart: the kernel of FuzzyEn and of the correlation sum.

On a lattice the number of pairs at each displacement is the autocorrelation of a two-dimensional histogram: a day of
10^10 pairs costs one Fourier transform, and the counts, being integers, come out exact. Points off the lattice's box
(few: the differences at artefacts) and series off any lattice are compared one by one, in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_DIRECT: Final = 256  # up to here all pairs are cheaper than a histogram
_CELLS: Final = 1 << 23
_BLOCK: Final = 1 << 16
MOST_PAIRS: Final = 1 << 29

Displacements = tuple[NDArray[np.float64], NDArray[np.float64], Any]


class PairCloud:
    """Points (p, q), each of shape (n,), in one unit; iterating gives every unordered pair once.

    An item is (dp, dq, weight): displacements that broadcast against each other, and how many pairs each stands for.
    `possible` is False where that would take more than `MOST_PAIRS` comparisons.
    """

    def __init__(self, p: NDArray[np.float64], q: NDArray[np.float64]) -> None:
        self.p, self.q = p, q
        self.n = len(p)
        self.pairs = self.n * (self.n - 1) // 2
        self._histogram: NDArray[np.int64] | None = None
        self._step = 0.0
        self._lone = np.arange(self.n)
        if self.n > _DIRECT:
            self._tabulate()
        inside = self.n - len(self._lone)
        self.possible = len(self._lone) * (inside + len(self._lone) / 2) <= MOST_PAIRS

    def _tabulate(self) -> None:
        step = _lattice_step(self.p, self.q)
        if not step:
            return
        i, j = np.rint(self.p / step).astype(np.int64), np.rint(self.q / step).astype(np.int64)
        # The box that holds all but a handful, small enough for its transform.
        share = 0.0
        for share in (0.0, 0.0005, 0.002, 0.01):
            low_i, high_i = _bounds(i, share)
            low_j, high_j = _bounds(j, share)
            shape = (_fast_length(2 * (high_i - low_i) + 1), _fast_length(2 * (high_j - low_j) + 1))
            if shape[0] * shape[1] <= min(_CELLS, self.pairs):
                break
        else:
            return
        inside = (i >= low_i) & (i <= high_i) & (j >= low_j) & (j <= high_j)
        k, width = i[inside] - low_i, high_j - low_j + 1
        grid = np.bincount(k * width + (j[inside] - low_j), minlength=(high_i - low_i + 1) * width)
        spectrum = np.fft.rfft2(grid.reshape(-1, width), s=shape)
        power = spectrum.real**2 + spectrum.imag**2
        counts = np.rint(np.fft.irfft2(power, s=shape)).astype(np.int64)
        # Half of the plane: displacements that go up, and of those that stay level the ones that go right.
        self._histogram = np.roll(counts[: high_i - low_i + 1], high_j - low_j, axis=1)[:, : 2 * width - 1]
        self._histogram[0, : width - 1] = 0
        self._histogram[0, width - 1] = (self._histogram[0, width - 1] - np.count_nonzero(inside)) // 2
        self._step = step
        self._lone = np.flatnonzero(~inside)

    def __iter__(self) -> Iterator[Displacements]:
        if self._histogram is not None:
            height, width = self._histogram.shape
            dq = (np.arange(width) - width // 2) * self._step
            rows = max(1, _BLOCK // width)
            for a in range(0, height, rows):
                dp = (np.arange(a, min(a + rows, height)) * self._step)[:, None]
                yield dp, dq, self._histogram[a : a + rows]
            inside = np.ones(self.n, np.bool_)
            inside[self._lone] = False
            p, q = self.p[inside], self.q[inside]
            for k in self._lone.tolist():
                yield p - self.p[k], q - self.q[k], 1
        p, q = self.p[self._lone], self.q[self._lone]
        n = len(p)
        rows = max(8, min(64, _BLOCK // max(n, 1)))
        for a in range(0, n, rows):
            b = min(a + rows, n)
            if b < n:
                yield p[b:] - p[a:b, None], q[b:] - q[a:b, None], 1
            i, j = np.triu_indices(b - a, 1)
            if len(i):
                yield p[a + i] - p[a + j], q[a + i] - q[a + j], 1

    def farthest(self) -> float:
        """The largest distance of two points: between corners of their convex hull."""
        order = np.lexsort((self.q, self.p))
        p, q = self.p[order], self.q[order]
        first = np.flatnonzero(np.concatenate(([True], p[1:] != p[:-1])))
        ends = np.unique(np.concatenate((first, np.append(first[1:], len(p)) - 1)))
        points = list(zip(p[ends].tolist(), q[ends].tolist(), strict=True))
        hull = np.array(_half_hull(points) + _half_hull(points[::-1]))
        return float(max(np.hypot(*(hull - corner).T).max() for corner in hull))


def _half_hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    hull: list[tuple[float, float]] = []
    for point in points:
        while len(hull) > 1:
            (a, b), (c, d) = hull[-2:]
            if (c - a) * (point[1] - b) - (d - b) * (point[0] - a) > 0:
                break
            hull.pop()
        hull.append(point)
    return hull


def _lattice_step(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """The step that all coordinates are multiples of, to a millionth; 0 where there is none of use."""
    both = np.unique(np.concatenate((p, q)))
    gaps = np.diff(both)
    gaps = gaps[gaps > 1e-6 * max(abs(both[0]), abs(both[-1]))]
    if not len(gaps):
        return 0.0
    step = float(gaps.min())
    for value in np.unique(gaps.round(9)).tolist():  # Euclid's algorithm, with a tolerance for 1000/128 and the like
        rest = value % step
        while min(rest, step - rest) > 1e-6 * step and step > 1e-3:
            step, rest = rest, step % rest
            if min(rest, step - rest) <= 1e-6 * step:
                break
        if step <= 1e-3:
            return 0.0
    count = both / step
    return step if np.abs(count - np.rint(count)).max() < 1e-4 else 0.0


def _bounds(k: NDArray[np.int64], share: float) -> tuple[int, int]:
    if not share:
        return int(k.min()), int(k.max())
    low, high = np.quantile(k, [share, 1 - share], method="nearest")
    return int(low), int(high)


def _fast_length(n: int) -> int:
    """The least product of 2, 3 and 5 that is not below n."""
    best = 1 << (n - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            length = three << max(0, (-(-n // three) - 1).bit_length())
            best = min(best, length) if length >= n else best
            three *= 3
        five *= 5
    return best
