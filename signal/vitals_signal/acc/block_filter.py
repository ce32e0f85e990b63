"""Recursive filters over blocks of a fixed length by matrix products: numpy alone, as fast as a compiled recursion.

With state s, a block x of L samples gives y = x T + s O and the next state s' = s M + x K (T holds the impulse
response). All blocks of a chunk go through one product; only s runs from block to block, and that in strides.

Laws of this file:
1. A block is never cut: whoever streams keeps what does not fill one, so that any split gives the same products.
2. The matrices come from a cascade of second-order sections or from one rational transfer function in transposed
   direct form II, the form of scipy.signal, and so does the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Section = tuple[tuple[float, ...], tuple[float, ...]]
"""Numerator and denominator, each of the same length; the denominator begins with 1."""

_STRIDE: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class BlockFilter:
    """The matrices of a filter for blocks of one length."""

    length: int
    order: int
    through: Floats
    """T, (length, length)."""
    observe: Floats
    """O, (order, length)."""
    control: Floats
    """K, (length, order)."""
    step: Floats
    """M, (order, order)."""
    stride: Floats
    """States before each of `_STRIDE` blocks from the drives of these blocks, (stride order, stride order)."""
    powers: Floats
    """M^0 .. M^stride side by side, (order, (stride + 1) order)."""
    rest: Floats
    """State, (order,), that a constant input of 1 settles to."""

    def run(self, x: Floats, state: Floats) -> tuple[Floats, Floats]:
        """Output of blocks `x`, (channels, blocks, length), that begin in `state`, (channels, order); and the next."""
        channels, blocks, _ = x.shape
        drive = x @ self.control
        before = np.empty((channels, blocks, self.order))
        whole = blocks - blocks % _STRIDE
        if whole:
            grouped = drive[:, :whole].reshape(channels, -1, _STRIDE * self.order)
            inner = grouped @ self.stride
            groups = before[:, :whole].reshape(channels, -1, _STRIDE * self.order)
            free, last = self.powers[:, : -self.order], self.powers[:, -self.order :]
            # What drives add to the state after a group: the state before its last block, led on by one block.
            gain = inner[..., -self.order :] @ self.step + grouped[..., -self.order :]
            heads = np.empty((channels, groups.shape[1], self.order))
            for j in range(groups.shape[1]):
                heads[:, j] = state
                state = state @ last + gain[:, j]
            np.add(inner, heads @ free, out=groups)
        for j in range(whole, blocks):
            before[:, j] = state
            state = state @ self.step + drive[:, j]
        y = x @ self.through
        y += before @ self.observe
        return y, state


@lru_cache(maxsize=64)
def block_filter(sections: tuple[Section, ...], length: int) -> BlockFilter:
    """The filter that applies `sections` one after the other, for blocks of `length` samples."""
    a, b, c, d = _state_space(sections)
    order = len(a)
    unit = np.eye(length)
    through, control = np.zeros((length, length)), np.zeros((length, order))
    observe, state = np.zeros((order, length)), np.eye(order)
    for k in range(length):
        observe[:, k] = state @ c
        state = state @ a.T
    step = state
    inner = np.zeros((length, order))
    for k in range(length):
        through[:, k] = inner @ c + d * unit[:, k]
        inner = inner @ a.T + np.outer(unit[:, k], b)
    control = inner
    powers = [np.eye(order)]
    for _ in range(_STRIDE):
        powers.append(powers[-1] @ step)
    stride = np.zeros((_STRIDE, order, _STRIDE, order))
    for i in range(_STRIDE):
        for j in range(i + 1, _STRIDE):
            stride[i, :, j] = powers[j - i - 1]
    rest = np.asarray(np.linalg.solve(np.eye(order) - a, b), np.float64)
    return BlockFilter(
        length, order, through, observe, control, step, stride.reshape(_STRIDE * order, -1),
        np.concatenate(powers, axis=1), rest,
    )  # fmt: skip


def _state_space(sections: tuple[Section, ...]) -> tuple[Floats, Floats, Floats, float]:
    """A, B, C, D of the cascade, each section in transposed direct form II."""
    a_all, b_all, c_all, d_all = np.zeros((0, 0)), np.zeros(0), np.zeros(0), 1.0
    for numerator, denominator in sections:
        b, a = np.array(numerator), np.array(denominator)
        order = len(a) - 1
        a_one = np.zeros((order, order))
        a_one[:, 0] = -a[1:]
        a_one[:-1, 1:] += np.eye(order - 1)
        b_one, c_one, d_one = b[1:] - a[1:] * b[0], np.eye(order)[0], float(b[0])
        a_all = np.block([[a_all, np.zeros((len(a_all), order))], [np.outer(b_one, c_all), a_one]])
        b_all = np.concatenate((b_all, b_one * d_all))
        c_all = np.concatenate((d_one * c_all, c_one))
        d_all = d_one * d_all
    return a_all, b_all, c_all, d_all
