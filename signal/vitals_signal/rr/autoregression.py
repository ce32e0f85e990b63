"""Autoregressive models of an evenly sampled signal and their spectra.

Sources: S. M. Kay, S. L. Marple, Proc. IEEE 69, 1981, doi 10.1109/PROC.1981.12184 (Yule-Walker section II.D, Burg
section II.E).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def burg(x: Floats, order: int) -> tuple[Floats, float]:
    """Coefficients a (a[0] = 1) of sum_k a[k] x[n - k] = noise, and the noise's variance.

    The reflection coefficients minimise forward and backward error together; it stops early where nothing is left to
    be predicted.
    """
    forward, backward = x[1:], x[:-1]
    variance = float(x @ x) / len(x)
    a = np.ones(1)
    for _ in range(min(order, len(x) - 1)):
        energy = float(forward @ forward + backward @ backward)
        if not energy > 1e-24 * len(x) * variance:
            break
        k = -2.0 * float(forward @ backward) / energy
        a = np.append(a, 0.0) + k * np.append(a, 0.0)[::-1]
        variance *= 1.0 - k * k
        forward, backward = (forward + k * backward)[1:], (backward + k * forward)[:-1]
    return a, variance


def yule_walker(x: Floats, order: int) -> tuple[Floats, float]:
    """As `burg`, from the biased autocorrelation by Levinson's recursion."""
    n = len(x)
    order = min(order, n - 1)
    lags = np.array([float(x[: n - k] @ x[k:]) / n for k in range(order + 1)])
    a, variance = np.ones(1), float(lags[0])
    for m in range(1, order + 1):
        if not variance > 1e-24 * lags[0]:
            break
        k = -float(a @ lags[m:0:-1]) / variance
        a = np.append(a, 0.0) + k * np.append(a, 0.0)[::-1]
        variance *= 1.0 - k * k
    return a, variance


def ar_density(a: Floats, variance: float, fs: float, n: int) -> tuple[Floats, Floats]:
    """Frequencies 0 .. fs / 2 (n // 2 + 1 of them) and the one-sided power density of an autoregressive model."""
    gain = np.abs(np.fft.rfft(a, n)) ** 2
    density: Floats = 2.0 * variance / fs / np.maximum(gain, 1e-300)
    density[0] *= 0.5
    return np.arange(n // 2 + 1, dtype=np.float64) * (fs / n), density
