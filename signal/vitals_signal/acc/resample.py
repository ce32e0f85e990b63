"""Uneven samples onto an even grid, with their jitter taken out and their gaps kept.

Laws of this file:
1. A stretch longer than `max_gap_s` without a sample stays NaN; so does whatever a missing sample would have to serve.
2. Jitter of the stamps is not motion: `even_times` puts the samples of a stretch where a regular clock would have.
3. Where the grid is coarser than the samples they are averaged over a step of the grid, so that nothing folds back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.windows.samples import checked_acc, present

Floats = NDArray[np.float64]

_WINDOW_S: Final = 10.0  # of one line fit: jitter averages out, drift of a clock (below 100 ppm, 1 ms) does not show


@dataclass(frozen=True, slots=True, eq=False)
class ResampledAcc:
    """Even samples; NaN in gaps."""

    acc_g: NDArray[np.float64]
    """(n, 3)."""
    fs: float
    start_us: int
    coverage: float
    """Share of the grid that is not NaN."""
    rate_hz: float
    """Median rate of the samples that came in; NaN for fewer than two."""
    jitter_us: float
    """Root mean square of what was taken out of the stamps; 0 if nothing was."""


def even_times(times_us: ArrayLike, *, max_gap_s: float = 0.5) -> Floats:
    """Stamps, (n,) in microseconds, of samples that a regular clock took: bursts and jitter of their transport removed.

    Between gaps (a step above `max_gap_s`, forwards or backwards) a straight line of stamp over number is fitted by
    least squares to windows of 10 s that overlap by half, and blended. Stamps that are regular already come back as
    they are. A lost sample inside a burst cannot be seen. Raises ValueError for a wrong shape or gap.
    """
    times = np.asarray(times_us, np.float64)
    if times.ndim != 1:
        raise ValueError(f"times_us must have the shape (n,), not {times.shape}")
    if not (math.isfinite(max_gap_s) and max_gap_s > 0):
        raise ValueError(f"max_gap_s must be positive and finite, not {max_gap_s}")
    even = times.copy()
    step = np.diff(times)
    for begin, end in _stretches(step, max_gap_s * 1e6, len(times)):
        even[begin:end] = _lines(times[begin:end])
    return even


def resample_acc(
    times_us: ArrayLike, acc_g: ArrayLike, fs: float, *, max_gap_s: float = 0.5, dejitter: bool = True
) -> ResampledAcc:
    """Samples at uneven `times_us`, (n,), onto an even grid of `fs` Hz that begins at the first of them.

    `acc_g`: (n, 3) in g, NaN where a sample is missing. With `dejitter` the stamps are made even first (`even_times`):
    right for a sensor with a clock of its own whose stamps are those of arrival; False where stamps are true. Between
    samples runs a cubic (Hermite, slopes from the parabola through three samples); a grid of less than two thirds of
    the incoming rate takes the mean of the straight lines between samples over one step of the grid.

    Stamps that go backwards are sorted; a sample that repeats the stamp of another is dropped. Raises ValueError for a
    wrong shape, rate or gap.
    """
    acc, times = checked_acc(acc_g), np.asarray(times_us, np.float64)
    if times.shape != (len(acc),):
        raise ValueError(f"times_us must have the shape ({len(acc)},), not {times.shape}")
    if not (math.isfinite(fs) and fs > 0):
        raise ValueError(f"fs must be positive and finite, not {fs}")
    known = np.isfinite(times)
    times, acc = times[known], acc[known].astype(np.float64)
    even = even_times(times, max_gap_s=max_gap_s) if dejitter else times
    jitter = float(np.sqrt(np.mean((even - times) ** 2))) if len(times) else 0.0
    order = np.argsort(even, kind="stable")
    even, acc = even[order], acc[order]
    new = np.concatenate(([True], np.diff(even) > 0)) if len(even) else np.zeros(0, np.bool_)
    there = new & present(acc)
    even, acc = even[there], acc[there]
    if len(even) < 2:
        start = round(float(even[0])) if len(even) else 0
        return ResampledAcc(acc.copy(), float(fs), start, float(len(even) > 0), math.nan, jitter)
    origin = even[0]
    t = (even - origin) * 1e-6
    n = int(np.floor(t[-1] * fs + 1e-6)) + 1
    grid = np.arange(n) / fs
    step = np.diff(t)
    rate = 1.0 / float(np.median(step))
    at = np.clip(np.searchsorted(t, grid, side="right") - 1, 0, len(t) - 2)
    out = _box_mean(t, acc, grid, 1.0 / fs) if fs < rate / 1.5 else _hermite(t, acc, grid, at)
    lost = (step[at] > max_gap_s) & (grid > t[at]) & (grid < t[at + 1])
    out[lost] = np.nan
    return ResampledAcc(out, float(fs), round(float(origin)), float(1.0 - lost.mean()), rate, jitter)


def _stretches(step: Floats, longest_us: float, n: int) -> list[tuple[int, int]]:
    broken = ~((np.abs(step) <= longest_us) & np.isfinite(step))
    edges = [0, *(np.flatnonzero(broken) + 1).tolist(), n]
    return [(a, b) for a, b in pairwise(edges) if b - a >= 3]


def _lines(times: Floats) -> Floats:
    n = len(times)
    span_s = max(float(times[-1] - times[0]) * 1e-6, 1e-6)
    size = int(np.clip(n * _WINDOW_S / span_s, 3, n)) if span_s > _WINDOW_S else n
    hop = max(1, size // 2)
    starts = sorted({*range(0, n - size, hop), n - size})
    total, weight = np.zeros(n), np.zeros(n)
    index = np.arange(size) - (size - 1) / 2
    tent = 1.0 - np.abs(index) / (size / 2 + 0.5)
    for start in starts:
        part = times[start : start + size]
        middle = part.mean()
        slope = float(index @ (part - middle)) / float(index @ index)
        total[start : start + size] += tent * (middle + slope * index)
        weight[start : start + size] += tent
    even: Floats = total / weight
    return even


def _hermite(t: Floats, x: Floats, grid: Floats, at: NDArray[np.int64]) -> Floats:
    h = np.diff(t)
    secant = np.diff(x, axis=0) / h[:, None]
    slope = np.empty_like(x)
    slope[0], slope[-1] = secant[0], secant[-1]
    share = (h[1:] / (h[1:] + h[:-1]))[:, None]
    slope[1:-1] = share * secant[:-1] + (1.0 - share) * secant[1:]
    width = h[at]
    u = ((grid - t[at]) / width)[:, None]
    v = 1.0 - u
    wide = width[:, None]
    value: Floats = (
        v * v * (1 + 2 * u) * x[at]
        + u * u * (1 + 2 * v) * x[at + 1]
        + wide * u * v * (v * slope[at] - u * slope[at + 1])
    )
    return value


def _box_mean(t: Floats, x: Floats, grid: Floats, width: float) -> Floats:
    """Mean, over `width` around each point of the grid, of the straight lines between samples."""
    h = np.diff(t)
    area = np.concatenate((np.zeros((1, 3)), np.cumsum(0.5 * (x[1:] + x[:-1]) * h[:, None], axis=0)))

    def integral(at_s: Floats) -> Floats:
        i = np.clip(np.searchsorted(t, at_s, side="right") - 1, 0, len(t) - 2)
        into = (at_s - t[i])[:, None]
        value: Floats = area[i] + x[i] * into + 0.5 * (x[i + 1] - x[i]) * into**2 / h[i][:, None]
        return value

    low, high = np.maximum(grid - 0.5 * width, t[0]), np.minimum(grid + 0.5 * width, t[-1])
    mean: Floats = (integral(high) - integral(low)) / np.maximum(high - low, 1e-9)[:, None]
    return mean
