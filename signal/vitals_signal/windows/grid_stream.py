"""A stream of acceleration cut into the windows of a grid: what all window features of a stream have in common."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal.windows.grid import WindowGrid
from vitals_signal.windows.samples import checked_acc
from vitals_signal.windows.table import FeatureTable
from vitals_signal.windows.window import FeatureWindow


class GridStream(Resumable):
    """Gives the windows of a grid as they fill; between windows it keeps no more than one window (and one hop)."""

    def __init__(self, grid: WindowGrid) -> None:
        self._shape = (grid.fs, grid.length_s, grid.hop_s, grid.start_us, grid.aligned)
        self._kept = np.empty((0, 3))
        self._first = 0
        self._window = 0

    @abstractmethod
    def _table(
        self, acc: NDArray[np.float64], grid: WindowGrid, starts: NDArray[np.int64], origin: int
    ) -> FeatureTable:
        """Features of the windows that begin at `starts` of `acc`, whose first sample is the stream's `origin`th."""

    def update(self, acc_g: ArrayLike) -> list[FeatureWindow]:
        """The windows that the next samples, (n, 3) in g, complete."""
        return self._extend(checked_acc(acc_g))

    def gap(self, samples: int) -> list[FeatureWindow]:
        """The windows that `samples` missing samples complete. Raises ValueError for a number below 0."""
        samples = lost(samples)
        done: list[FeatureWindow] = []
        most = 64 * WindowGrid(*self._shape).length_n
        while samples > 0:
            done += self._extend(np.full((min(samples, most), 3), np.nan))
            samples -= most
        return done

    def end(self) -> list[FeatureWindow]:
        """Nothing: a window that is not full is none."""
        return []

    def _extend(self, acc: NDArray[np.float64]) -> list[FeatureWindow]:
        grid = WindowGrid(*self._shape)
        self._kept = np.concatenate((self._kept, acc)) if len(self._kept) else acc.copy()
        end = self._first + len(self._kept)
        starts = []
        while grid.first_sample(self._window) + grid.length_n <= end:
            starts.append(grid.first_sample(self._window))
            self._window += 1
        done: list[FeatureWindow] = []
        if starts:
            at = np.array(starts, np.int64) - self._first
            done = self._table(self._kept, grid, at, self._first).windows()
        drop = min(grid.first_sample(self._window), end) - self._first
        if drop > 0:
            self._kept = self._kept[drop:].copy()
            self._first += drop
        return done
