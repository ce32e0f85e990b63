"""The magnitude at one rate and the spectrum of gait in it: what `steps` judges each second by.

Law of this file: a sample of the grid, and the judgement of a window, depend on what lies around them alone, so that
blocks give what the whole gives.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

GRID_HZ: Final = 25
_SIGMA_S: Final = 0.04
_REACH_S: Final = 0.12
WINDOW: Final = 125  # 5 s
BEFORE_S: Final = 2  # whole seconds of the window that lie before the second it judges
_STEP_HZ: Final = 0.05
_FREQUENCY: Final = np.arange(0.5, 7.01, _STEP_HZ)
_LOWEST_HZ, _HIGHEST_HZ = 1.2, 3.5
_TAPER: Final = np.hanning(WINDOW + 2)[1:-1]
_ANGLE: Final = 2 * np.pi * np.outer((np.arange(WINDOW) - WINDOW // 2) / GRID_HZ, _FREQUENCY)
_TRANSFORM: Final = np.hstack((np.cos(_ANGLE), np.sin(_ANGLE))) * _TAPER[:, None]
LEAST_SD_G: Final = 0.06  # over 5 s
_LARGEST_G: Final = 100.0  # beyond, it is no acceleration in g
BLOCK: Final = 1 << 13


def magnitude_25hz(acc_g: ArrayLike, fs: float) -> NDArray[np.float64]:
    """The magnitude (g) on which steps are sought: a sample every 40 ms, NaN where half of what it takes is missing.

    `acc_g` in g, shape (n, 3) or (n,), at `fs` Hz (15..1000). Raises ValueError for `fs` out of range or another shape.
    """
    if not 15 <= fs <= 1000:
        raise ValueError(f"fs must lie in 15..1000 Hz, got {fs}")
    size = magnitude(shaped(acc_g))
    points = np.arange(int((len(size) - 0.51) * GRID_HZ / fs) + 1 if len(size) else 0)
    parts = [resampled(size, 0, points[a : a + BLOCK], fs) for a in range(0, len(points), BLOCK)]
    return np.concatenate(parts) if parts else np.empty(0)


def shaped(acc_g: ArrayLike) -> NDArray[np.float64]:
    """`acc_g` as floats. Raises ValueError unless its shape is (n, 3) or (n,)."""
    x = np.asarray(acc_g, np.float64)
    if not (x.ndim == 1 or (x.ndim == 2 and x.shape[1] == 3)):
        raise ValueError(f"acc_g must have shape (n, 3) or (n,), got {x.shape}")
    return x


def magnitude(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of each row of (n, 3), or size of each element of (n,), in g; NaN where that is no acceleration."""
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.sqrt(np.einsum("ij,ij->i", x, x)) if x.ndim == 2 else np.abs(x)
        return np.where(size <= _LARGEST_G, size, np.nan)


def reach_samples(fs: float) -> int:
    """Samples on either side that a point of the grid takes in."""
    return int(np.ceil(_REACH_S * fs))


def resampled(x: NDArray[np.float64], first: int, points: NDArray[np.int64], fs: float) -> NDArray[np.float64]:
    """Magnitude at grid points, NaN where half of the Gaussian's weight or more is missing or outside."""
    reach = reach_samples(fs)
    at = points * (fs / GRID_HZ)
    centre = np.rint(at).astype(np.int64)
    offset = np.arange(-reach, reach + 1)
    index = centre[:, None] + offset - first
    weight = np.exp(-0.5 * (((centre - at)[:, None] + offset) / (_SIGMA_S * fs)) ** 2)
    if index[0, 0] >= 0 and index[-1, -1] < len(x):
        value = x[index]
        if np.isfinite(value).all():  # the usual case needs no masks
            return np.asarray(np.einsum("ij,ij->i", value, weight) / weight.sum(axis=1))
    inside = (index >= 0) & (index < len(x))
    value = np.where(inside, x[np.clip(index, 0, len(x) - 1)], np.nan)
    known = np.isfinite(value)
    mass = np.where(known, weight, 0.0).sum(axis=1)
    total = (weight * inside).sum(axis=1)
    summed = (np.where(known, value, 0.0) * weight).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(mass > 0.5 * total, summed / mass, np.nan))


def judge(
    windows: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Step rate (Hz), share of power that gait explains, and deviation (g) of each window, shape (n, 125); also that of
    its middle second."""
    n = len(windows)
    near = np.asarray(windows[:, BEFORE_S * GRID_HZ : (BEFORE_S + 1) * GRID_HZ].std(axis=1))
    rates, shares = np.zeros(n), np.zeros(n)
    deviations = np.asarray(windows.std(axis=1))
    moving = np.flatnonzero(deviations >= LEAST_SD_G)
    for begin in range(0, len(moving), 512):
        some = moving[begin : begin + 512]
        x = windows[some]
        x = x - (x @ _TAPER / _TAPER.sum())[:, None]
        y = x @ _TRANSFORM
        half = len(_FREQUENCY)
        power = y[:, :half] ** 2 + y[:, half:] ** 2
        # Power within 0.1 Hz of each frequency, over a margin in which there is none.
        padded = np.pad(power, ((0, 0), (2, 2)))
        band = sum((padded[:, k : k + half] for k in range(5)), np.zeros_like(power))
        base = _column(np.arange(_LOWEST_HZ, _HIGHEST_HZ + 1e-9, _STEP_HZ))
        best = base[np.argmax(band[:, base] + band[:, 2 * base + 10], axis=1)]
        row = np.arange(len(some))
        # A runner's step may hide behind half its rate, at which nothing happens.
        double = 2 * best + 10
        faster = (band[row, double] > 4.0 * band[row, best]) & (_FREQUENCY[double] <= _HIGHEST_HZ + 1e-9)
        best = np.where(faster, double, best)
        rate = _FREQUENCY[best]
        explained = np.zeros(len(some))
        for times in (0.5, 1.0, 1.5, 2.0):
            column = _column(times * rate)
            inside = (column >= 0) & (column < half)
            explained += np.where(inside, band[row, np.clip(column, 0, half - 1)], 0.0)
        total = power.sum(axis=1)
        rates[some] = rate
        shares[some] = np.where(total > 0, explained / np.where(total > 0, total, 1.0), 0.0)
    return rates, shares, deviations, near


def _column(frequency: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(np.rint((frequency - _FREQUENCY[0]) / _STEP_HZ).astype(np.int64))
