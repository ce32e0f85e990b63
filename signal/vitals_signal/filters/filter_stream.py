"""A recursive filter over blocks of any length, as one matrix product per block.

Laws of this file:
1. Any split of the input gives the output of the whole, and that of `scipy.signal.sosfilt`, to rounding.
2. A missing sample (NaN, inf) gives NaN; behind it the filter starts anew, settled on the first sample as if that had
   lasted for ever. Nothing is carried over a gap.

Method: the sections are a linear system with state s of 2 values per section. For a block of B samples the outputs and
the next state are one (B + n) x (B + n) matrix times (block, state) (Barnes & Shinnaka 1980, doi
10.1109/TCS.1980.1084841). numpy does that in a few microseconds, without SciPy.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._resume import Resumable
from vitals_signal.filters.design import Sections

_BLOCK = 128  # longer input goes through in pieces of this size

Floats = NDArray[np.float64]


class FilterStream(Resumable):
    """A causal filter with its state; `sections` as from `butterworth` and `notch` (join them with +)."""

    def __init__(self, sections: Sections) -> None:
        rows = tuple(tuple(map(float, row)) for row in sections)
        if not rows or any(len(row) != 6 or row[3] != 1.0 or not np.isfinite(row).all() for row in rows):
            raise ValueError("sections must be rows (b0, b1, b2, 1, a1, a2) of finite numbers")
        self._sections = rows
        self._state: Floats | None = None  # None: the next sample starts it

    def update(self, x: ArrayLike) -> Floats:
        """The filtered block, shape of `x`: (n,), n >= 0."""
        block = np.asarray(x, np.float64)
        state, n = self._state, len(block)
        if state is not None and 0 < n <= _BLOCK:
            out = _block_matrix(self._sections, n) @ np.concatenate((block, state))
            # One NaN or inf in the block reaches all of the product, the last state too.
            if math.isfinite(out[-1]):
                self._state = out[n:]
                return out[:n]
        return self._any(block)

    def gap(self) -> None:
        """Samples were lost: start anew."""
        self._state = None

    def _any(self, block: Floats) -> Floats:
        if block.ndim != 1:
            raise ValueError(f"x must have one dimension, got shape {block.shape}")
        good = np.isfinite(block)
        if good.all():
            return self._run(block)
        out = np.full(len(block), np.nan)
        edges = np.flatnonzero(np.diff(good)) + 1
        for start, stop in zip(np.append(0, edges), np.append(edges, len(block)), strict=True):
            if good[start]:
                out[start:stop] = self._run(block[start:stop])
            else:
                self._state = None
        return out

    def _run(self, x: Floats) -> Floats:
        """Filter samples without a gap."""
        if not len(x):
            return np.empty(0)
        if self._state is None:
            self._state = _settled(self._sections) * x[0]
        whole = len(x) - len(x) % _BLOCK
        parts = []
        if whole:
            matrix = _block_matrix(self._sections, _BLOCK)
            pieces = x[:whole].reshape(-1, _BLOCK)
            driven = pieces @ matrix[:, :_BLOCK].T  # outputs and states that each piece alone would give
            carry = matrix[_BLOCK:, _BLOCK:]
            states = np.empty((len(pieces), len(carry)))
            state = self._state
            for k, push in enumerate(driven[:, _BLOCK:]):
                states[k] = state
                state = carry @ state + push
            self._state = state
            parts.append((driven[:, :_BLOCK] + states @ matrix[:_BLOCK, _BLOCK:].T).ravel())
        if whole < len(x):
            rest = _block_matrix(self._sections, len(x) - whole) @ np.concatenate((x[whole:], self._state))
            self._state = rest[len(x) - whole :]
            parts.append(rest[: len(x) - whole])
        return np.concatenate(parts)


@functools.lru_cache(maxsize=64)
def _block_matrix(sections: Sections, n: int) -> Floats:
    """Matrix from (n samples, state) to (n outputs, next state)."""
    step = _one_sample(sections)
    order = len(step) - 1
    out = np.zeros((n + order, n + order))
    state = np.eye(order, n + order, n)  # as a linear function of (samples, state)
    for k in range(n):
        given = np.vstack((np.eye(1, n + order, k), state))
        moved = step @ given
        out[k], state = moved[0], moved[1:]
    out[n:] = state
    out.setflags(write=False)
    return out


@functools.lru_cache(maxsize=64)
def _one_sample(sections: Sections) -> Floats:
    """Matrix from (sample, state) to (output, next state): transposed direct form II, section after section."""
    size = 1 + 2 * len(sections)
    rows = np.zeros((size, size))
    signal = np.eye(1, size)[0]
    for k, (b0, b1, b2, _, a1, a2) in enumerate(sections):
        first, second = np.eye(size)[2 * k + 1], np.eye(size)[2 * k + 2]
        out = b0 * signal + first
        rows[2 * k + 1] = b1 * signal - a1 * out + second
        rows[2 * k + 2] = b2 * signal - a2 * out
        signal = out
    rows[0] = signal
    rows.setflags(write=False)
    return rows


@functools.lru_cache(maxsize=64)
def _settled(sections: Sections) -> Floats:
    """The state that an input of 1 for ever leaves, `scipy.signal.sosfilt_zi`."""
    step = _one_sample(sections)
    state = np.linalg.solve(np.eye(len(step) - 1) - step[1:, 1:], step[1:, 0])
    state.setflags(write=False)
    return np.asarray(state)
