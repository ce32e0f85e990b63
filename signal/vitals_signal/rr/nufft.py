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


def fourier_sums(t: Floats, weights: NDArray[np.complex128], step_hz: float, m: int) -> NDArray[np.complex128]:
    """sum_j weights[j] exp(-2 pi i k step_hz t[j]) for k = 0 .. m - 1; relative error about 1e-9 of sum |weights|.

    `t`: (n,) seconds; `weights`: (n,).
    """
    size = 1 << int(np.ceil(np.log2(max(2 * m, 4 * _WIDTH))))
    # Modes -m/2 .. m/2 need half the grid of modes 0 .. m: the weights are turned there, and the sums read there.
    turned = weights * np.exp((-2j * np.pi * step_hz * (m // 2)) * t)
    real, imaginary = np.zeros(size), np.zeros(size)
    for start in range(0, len(t), _BLOCK):
        block = slice(start, start + _BLOCK)
        place = (t[block] * step_hz % 1.0) * size
        first = np.ceil(place - _WIDTH / 2)
        z = (first - place + _CELLS) * (2.0 / _WIDTH)
        height = np.exp(_BETA * (np.sqrt(np.maximum(1.0 - z * z, 0.0)) - 1.0))
        at = ((first.astype(np.int64) + _CELLS) & (size - 1)).ravel()
        real += np.bincount(at, (height * turned[block].real).ravel(), size)
        imaginary += np.bincount(at, (height * turned[block].imag).ravel(), size)
    return np.asarray(
        np.fft.fft(real + 1j * imaginary)[np.arange(m) - m // 2] / _kernel_transform(m, size), np.complex128
    )


@lru_cache(maxsize=4)
def _kernel_transform(m: int, size: int) -> Floats:
    """Fourier transform of the kernel at modes -m/2 .. m/2 of `size`, by a polynomial that was fitted once."""
    frequency = np.abs(np.arange(m) - m // 2) / size  # cycles per cell, 0 .. 1/4
    return np.asarray(np.polynomial.chebyshev.chebval(frequency * 8.0 - 1.0, _kernel_polynomial()), np.float64)


@lru_cache(maxsize=1)
def _kernel_polynomial() -> Floats:
    nodes, node_weights = np.polynomial.legendre.leggauss(200)
    height = np.exp(_BETA * (np.sqrt(1.0 - nodes * nodes) - 1.0)) * node_weights * (_WIDTH / 2)
    frequency = (np.cos(np.pi * (np.arange(31) + 0.5) / 31) + 1.0) / 8.0
    values = np.cos(np.pi * _WIDTH * frequency[:, None] * nodes) @ height
    return np.asarray(np.polynomial.chebyshev.chebfit(frequency * 8.0 - 1.0, values, 30), np.float64)
