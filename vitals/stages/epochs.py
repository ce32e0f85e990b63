"""Values of one stream in epochs of equal length, with how much the wearer moved in each.

Laws of this file:
1. Epochs count from the first value of the stream; they depend on times only, never on blocks.
2. An epoch is told when the stream is twenty seconds past it, so that acceleration that comes interleaved with it in
   any way is there (see `Stage`, law 2).
3. An epoch without a value of the stream is not told; that it is missing shows in `index`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals.values import Block, Gap

_WAIT_US: Final = 20_000_000
_TO_G: Final = {"g": 1.0, "mg": 1e-3, "m/s2": 1.0 / 9.80665}
_LEAST: Final = 20  # samples of acceleration that an epoch needs


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """What lies in one epoch."""

    index: int
    start_us: int
    end_us: int
    times_us: NDArray[np.int64]  # (n,)
    values: NDArray[np.float64]  # (n,), in the unit of the stream
    movement_mg: tuple[float, ...]  # mean amplitude deviation of this epoch and of those before it, newest last; NaN


class Epochs:
    """Cuts a stream into epochs; `history` epochs of movement come with each."""

    def __init__(self, source: str, length_s: float, history: int) -> None:
        self._source = source
        self._length_us = round(length_s * 1e6)
        self._history = history
        self._t0_us: int | None = None
        self._newest_us = 0
        self._held: dict[int, list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = {}
        self._moved: dict[int, list[NDArray[np.float64]]] = {}
        self._before: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []  # acceleration ahead of the first value

    def push(self, item: Block | Gap) -> Iterator[Epoch]:
        """One more block or gap; the epochs that are complete with it."""
        if isinstance(item, Gap) or not len(item):
            return
        if item.kind != self._source:
            self._motion(item)
            return
        times, values = item.times_us(), item.physical()
        values = values if values.ndim == 1 else values[:, 0]
        if self._t0_us is None:
            self._t0_us = self._newest_us = int(times[0])
            for ahead in self._before:
                self._move(*ahead)
            self._before = []
        for index, rows in self._split(times):
            self._held.setdefault(index, []).append((times[rows], values[rows]))
        self._newest_us = max(self._newest_us, int(times[-1]))
        yield from self._told(self._newest_us - _WAIT_US)

    def end(self) -> Iterator[Epoch]:
        """No more values will come."""
        yield from self._told(self._newest_us + self._length_us)

    def _motion(self, block: Block) -> None:
        axes = block.physical()
        if axes.ndim != 2 or axes.shape[1] != 3 or block.unit not in _TO_G:
            return
        times, size = block.times_us(), np.linalg.norm(axes, axis=1) * _TO_G[block.unit]
        if self._t0_us is not None:
            self._move(times, size)
            return
        self._before.append((times, size))
        while self._before[0][0][-1] < times[-1] - 2 * _WAIT_US:
            self._before.pop(0)

    def _move(self, times: NDArray[np.int64], size: NDArray[np.float64]) -> None:
        for index, rows in self._split(times):
            self._moved.setdefault(index, []).append(size[rows])

    def _split(self, times: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        assert self._t0_us is not None
        index = (times - self._t0_us) // self._length_us
        for one in np.unique(index[index >= 0]).tolist():
            yield int(one), index == one

    def _told(self, until_us: int) -> Iterator[Epoch]:
        if self._t0_us is None:
            return
        ready = (until_us - self._t0_us) // self._length_us  # the first that is not over
        for index in sorted(key for key in self._held if key < ready):
            parts = self._held.pop(index)
            first = index - self._history
            for old in [key for key in self._moved if key < first]:
                del self._moved[old]
            start = self._t0_us + index * self._length_us
            yield Epoch(
                index,
                start,
                start + self._length_us,
                np.concatenate([times for times, _ in parts]),
                np.concatenate([values for _, values in parts]),
                tuple(self._deviation(key) for key in range(first, index + 1)),
            )

    def _deviation(self, index: int) -> float:
        """Mean amplitude deviation (Aittasalo 2015) of the epoch in mg; NaN where acceleration is too little."""
        size = np.concatenate(self._moved[index]) if index in self._moved else np.empty(0)
        size = size[np.isfinite(size)]
        return float(np.abs(size - size.mean()).mean() * 1000.0) if len(size) >= _LEAST else float("nan")
