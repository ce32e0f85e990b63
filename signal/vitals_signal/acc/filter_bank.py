"""Norms of acceleration after the filters of the activity metrics, sample by sample, of a stream with gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from vitals_signal._resume import Resumable
from vitals_signal._runs import runs
from vitals_signal.acc.block_filter import block_filter
from vitals_signal.acc.butterworth import butterworth
from vitals_signal.windows.samples import Floats, present

# Edges of the Butterworth filters of order 4, Hz: van Hees 2013 and GGIR.
_FILTERS: Final[dict[str, tuple[float | None, float | None]]] = {
    "hp": (0.2, None), "lp": (None, 0.2), "bp": (0.2, 15.0), "lp15": (None, 15.0),
}  # fmt: skip
_BLOCK: Final = 32  # samples of one filter product, and the most that an epoch is late for its filters


class FilterBank(Resumable):
    """Norms of the filtered axes, sample by sample, up to one block behind."""

    def __init__(self, fs: float, names: Sequence[str]) -> None:
        self._fs = fs
        self.names = tuple(names)
        self._states: dict[str, Floats] = {}
        for name in names:
            butterworth(4, *_FILTERS[name], fs)
        self._kept = np.empty((0, 3))

    def advance(self, acc: Floats) -> dict[str, Floats]:
        if not self.names:
            return {}
        parts: list[dict[str, Floats]] = []
        there = present(acc)
        last = 0
        for begin, end in runs(there):
            parts += self._missing(begin - last)
            self._kept = np.concatenate((self._kept, acc[begin:end]))
            parts.append(self._blocks())
            last = end
        parts += self._missing(len(acc) - last)
        return {name: np.concatenate([np.empty(0), *(part[name] for part in parts)]) for name in self.names}

    def flush(self) -> dict[str, Floats]:
        """What is kept, filtered as if the last sample went on; the next sample begins anew."""
        n = len(self._kept)
        if n:
            self._kept = np.concatenate((self._kept, np.repeat(self._kept[-1:], -n % _BLOCK, axis=0)))
        norms = {name: part[:n] for name, part in self._blocks().items()}
        self._states = {}
        return norms

    def _missing(self, samples: int) -> list[dict[str, Floats]]:
        if not samples:
            return []
        return [self.flush(), {name: np.full(samples, np.nan) for name in self.names}]

    def _blocks(self) -> dict[str, Floats]:
        blocks = len(self._kept) // _BLOCK
        used = blocks * _BLOCK
        x = np.ascontiguousarray(self._kept[:used].T, np.float64).reshape(3, blocks, _BLOCK)
        self._kept = self._kept[used:].copy()
        norms: dict[str, Floats] = {}
        for name in self.names:
            design = block_filter(butterworth(4, *_FILTERS[name], self._fs), _BLOCK)
            if blocks and name not in self._states:
                self._states[name] = x[:, 0, :1] * design.rest
            y, state = design.run(x, self._states.get(name, np.zeros((3, design.order))))
            if blocks:
                self._states[name] = state
            flat = y.reshape(3, used)
            norms[name] = np.sqrt(np.einsum("an,an->n", flat, flat))
        return norms
