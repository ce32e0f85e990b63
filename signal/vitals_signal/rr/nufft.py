"""Fourier sums over points that are not evenly spaced, in O(n + m log m) instead of O(n m).

Source: A. Dutt, V. Rokhlin, SIAM J. Sci. Comput. 14, 1993, doi 10.1137/0914081; the kernel "exponential of a
semicircle" by A. H. Barnett, J. Magland, L. af Klinteberg, SIAM J. Sci. Comput. 41, 2019, doi 10.1137/18M120885X.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_WIDTH: Final = 10  # grid cells that a point is spread over
_CELLS: Final = np.arange(_WIDTH)[:, None]
_BLOCK: Final = 16_384  # points; a day at once would need 100 MB
_BETA: Final = 2.30 * _WIDTH  # for a grid of twice the modes (section 4.2 of the second paper)


def fourier_sums(t: Floats, weights: Floats | NDArray[np.complex128], step_hz: float, m: int) -> NDArray[np.complex128]:
    """sum_j weights[j] exp(-2 pi i k step_hz t[j]) for k = 0 .. m - 1; relative error about 1e-9 of sum |weights|.

    `t`: (n,) seconds; `weights`: (n,), faster where they are real.
    """
    if not np.iscomplexobj(weights):
        size = _grid_size(4 * m)
        (grid,) = _spread(t, [np.asarray(weights, np.float64)], step_hz, size)
        return np.asarray(np.fft.rfft(grid)[:m] / _kernel_transform(0, m, size), np.complex128)
    # Modes -m/2 .. m/2 need half the grid of modes 0 .. m: the weights are turned there, and the sums read there.
    size, low = _grid_size(2 * m), -(m // 2)
    turned = weights * np.exp((2j * np.pi * step_hz * low) * t)
    real, imaginary = _spread(t, [turned.real, turned.imag], step_hz, size)
    spectrum = np.fft.fft(real + 1j * imaginary)[np.arange(m) + low]
    return np.asarray(spectrum / _kernel_transform(low, m, size), np.complex128)


def _grid_size(least: int) -> int:
    return 1 << (max(least, 4 * _WIDTH) - 1).bit_length()


def _spread(t: Floats, weights: list[Floats], step_hz: float, size: int) -> list[Floats]:
    """Each weight spread by the kernel over the cells around its point, on grids that go round after 1 / step_hz."""
    grids = [np.zeros(size) for _ in weights]
    for start in range(0, len(t), _BLOCK):
        block = slice(start, start + _BLOCK)
        place = (t[block] * step_hz % 1.0) * size
        first = np.ceil(place - _WIDTH / 2)
        z = (first - place + _CELLS) * (2.0 / _WIDTH)
        height = np.exp(_BETA * (np.sqrt(np.maximum(1.0 - z * z, 0.0)) - 1.0))
        at = ((first.astype(np.int64) + _CELLS) & (size - 1)).ravel()
        for grid, weight in zip(grids, weights, strict=True):
            grid += np.bincount(at, (height * weight[block]).ravel(), size)
    return grids


@lru_cache(maxsize=4)
def _kernel_transform(low: int, m: int, size: int) -> Floats:
    """Fourier transform of the kernel at modes low .. low + m - 1 of `size`, by a polynomial that was fitted once."""
    frequency = np.abs(np.arange(low, low + m)) / size  # cycles per cell, 0 .. 1/4
    return np.asarray(np.polynomial.chebyshev.chebval(frequency * 8.0 - 1.0, _kernel_polynomial()), np.float64)


@lru_cache(maxsize=1)
def _kernel_polynomial() -> Floats:
    angle = np.pi * ((np.arange(64) + 0.5) / 64 - 0.5)  # z = sin(angle) takes the root out of the kernel
    height = np.exp(_BETA * (np.cos(angle) - 1.0)) * np.cos(angle) * (np.pi / 64) * (_WIDTH / 2)
    frequency = (np.cos(np.pi * (np.arange(31) + 0.5) / 31) + 1.0) / 8.0
    values = np.cos(np.pi * _WIDTH * frequency[:, None] * np.sin(angle)) @ height
    return np.asarray(np.polynomial.chebyshev.chebfit(frequency * 8.0 - 1.0, values, 30), np.float64)
