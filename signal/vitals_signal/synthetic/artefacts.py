"""What goes wrong between a body and a file: dropouts, spikes, saturation and clocks that wander, with the truth kept.

Laws of this file:
1. What was spoilt is told by a mask; the rest is untouched, bit for bit.
2. The same arguments give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Spoilt:
    """A signal with artefacts."""

    signal: NDArray[np.float64]
    """As given, shape (n,) or (n, axes)."""
    mask: NDArray[np.bool_]
    """(n,), True where a sample is not what it was."""


def add_dropouts(signal: ArrayLike, fs: float, *, per_hour: float, mean_s: float, seed: int = 7) -> Spoilt:
    """NaN over random stretches: `per_hour` of them, exponential lengths of `mean_s` on average.

    `signal`: (n,) or (n, axes) at `fs` Hz. Raises ValueError for `fs` or `mean_s` not above 0, or `per_hour` below 0.
    """
    x = np.array(signal, np.float64)
    if not (fs > 0 and mean_s > 0 and per_hour >= 0):
        raise ValueError(f"fs and mean_s above 0 and per_hour from 0 are needed, got {fs}, {mean_s}, {per_hour}")
    rng = np.random.default_rng([seed, 1])
    duration = len(x) / fs
    count = rng.poisson(per_hour * duration / 3600.0)
    mask = np.zeros(len(x), np.bool_)
    for start, length in zip(rng.uniform(0, duration, count), rng.exponential(mean_s, count), strict=True):
        mask[int(start * fs) : int((start + length) * fs) + 1] = True
    x[mask] = np.nan
    return Spoilt(x, mask)


def add_spikes(signal: ArrayLike, *, share: float, size: float, seed: int = 7) -> Spoilt:
    """Single samples off by +-`size` to twice that, on a random `share` (0..1) of samples, one axis each.

    Raises ValueError for `share` outside 0..1 or `size` below 0.
    """
    x = np.array(signal, np.float64)
    if not (0 <= share <= 1 and size >= 0):
        raise ValueError(f"share must lie in 0..1 and size not below 0, got {share} and {size}")
    rng = np.random.default_rng([seed, 2])
    mask = rng.random(len(x)) < share
    count = int(mask.sum())
    kick = rng.choice([-1.0, 1.0], count) * size * rng.uniform(1.0, 2.0, count)
    if x.ndim == 1:
        x[mask] += kick
    else:
        x[np.flatnonzero(mask), rng.integers(0, x.shape[1], count)] += kick
    return Spoilt(x, mask)


def saturate(signal: ArrayLike, low: float, high: float) -> Spoilt:
    """Clipped to `low`..`high`, as by an amplifier. Raises ValueError unless low < high."""
    if not low < high:
        raise ValueError(f"low must lie below high, got {low} and {high}")
    x = np.asarray(signal, np.float64)
    clipped = np.clip(x, low, high)
    changed = (clipped != x) & ~np.isnan(x)
    return Spoilt(clipped, changed if x.ndim == 1 else changed.any(axis=1))


def wandering_clock(
    n: int, fs: float, *, jitter_s: float = 0.0, drift_ppm: float = 0.0, burst: int = 1, seed: int = 7
) -> NDArray[np.float64]:
    """Times (s) at which `n` samples claim to be taken: never descending, shape (n,).

    True times are j / fs. `drift_ppm` makes the clock fast; `jitter_s` is the deviation of a normal error per sample
    (order is kept); `burst` samples share the time of their last one, as radios and phones stamp them. Raises
    ValueError for `n` or `jitter_s` below 0, `fs` not above 0 or `burst` below 1.
    """
    if not (n >= 0 and fs > 0 and jitter_s >= 0 and burst >= 1):
        raise ValueError(f"n, jitter_s >= 0, fs > 0 and burst >= 1 are needed, got {n}, {jitter_s}, {fs}, {burst}")
    index = np.arange(n)
    last = np.minimum(index // burst * burst + burst - 1, max(n - 1, 0))
    t = last / fs * (1.0 + drift_ppm * 1e-6)
    error = jitter_s * np.random.default_rng([seed, 3]).standard_normal(n)
    return np.maximum.accumulate(t + error[last]) if n else t
