"""Detrended fluctuation analysis, of one and of many moments."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import (
    NO_VARIATION,
    TOO_LITTLE,
    Measure,
    all_measured,
    all_missing,
    any_series,
    measured,
    missing,
    stretches,
)

MULTIFRACTAL_NAMES: Final = ("Width", "Peak", "Mean", "Max", "Delta", "Asymmetry", "Fluctuation", "Increment")
_LEAST_VARIANCE: Final = 1e-8  # below, a segment counts as a straight line and is left out (NeuroKit2)
_AT_ONCE: Final = 1 << 18  # values of all scales together: up to here one pass over all is faster than one each
_MOMENTS: Final = np.arange(-5.0, 6.0)


def dfa(x: NN | ArrayLike, *, scales: Sequence[int], overlap: bool = False) -> Measure:
    """Scaling exponent alpha: slope of log F(n) over log n, least squares over `scales` (beats per segment).

    The series less its mean is summed up; in each segment of n sums a straight line is fitted, and F(n) is the root of
    the mean over segments of the residual variance (ddof 0). Segments follow each other from the start of each stretch
    without NaN, or overlap by half (then, as in NeuroKit2, without one that would end at the very end). Segments that
    are straight (residual variance below 1e-8) are left out. Conventions: 4..16 and 16..64 beats, not overlapping (Peng
    et al. 1995); Kubios 4..12 and 13..64; NeuroKit2 4..11 and 12..n/10, overlapping.

    `x`: NN intervals or any series, shape (n,). NaN with a reason where fewer than two scales have a segment. Raises
    ValueError for scales below 3 or x of more than one dimension.

    Source: C.-K. Peng et al., Chaos 5, 1995, doi 10.1063/1.166141.
    """
    return slope_of(residual_variances(any_series(x), scales, overlap=overlap))


def multifractal_dfa(x: NN | ArrayLike, *, scales: Sequence[int], overlap: bool = False) -> HrvValues:
    """Shape of the singularity spectrum of x, from fluctuations of the moments q = -5..5.

    F_q(n) is (mean of variance^(q/2))^(1/q) over the segments of `dfa`, exp(mean of ln(variance) / 2) for q = 0; h(q)
    its slope over n, tau = q h - 1, H = dtau/dq, D = q H - tau. Width max H - min H; Peak H where D is largest; Mean
    (max H + min H) / 2; Max D where H is largest; Delta D there less D where H is smallest; Asymmetry (min H - Peak) /
    Width; Fluctuation sum(h'')^2 / (2 max |q| + 2); Increment sum(h'^2 / dq).

    Arguments, errors and NaN as for `dfa`. Below some hundred beats per scale negative moments say little.

    Source: J. W. Kantelhardt et al., Physica A 316, 2002, doi 10.1016/S0378-4371(02)01383-3; indices as in NeuroKit2
    0.2.13 (Orozco-Duque et al. 2015, Faini et al. 2021).
    """
    return spectrum_of(residual_variances(any_series(x), scales, overlap=overlap))


class Residuals(NamedTuple):
    """Residual variances of all segments of all scales that have any, scale by scale."""

    sizes: NDArray[np.float64]  # (k,) beats
    variance: NDArray[np.float64]  # (n,)
    first: NDArray[np.intp]  # (k,) where each scale begins in it
    segments: NDArray[np.intp]  # (k,) how many it has

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """By scale of something that each segment has, shape (..., n) to (..., k)."""
        return np.asarray(np.add.reduceat(values, self.first, axis=-1) / self.segments)


def residual_variances(x: NDArray[np.float64], scales: Sequence[int], *, overlap: bool) -> Residuals:
    """The line fits of `dfa`."""
    if any(scale < 3 for scale in scales):
        raise ValueError("scales must be at least 3 beats")
    known = ~np.isnan(x)
    mean = x[known].mean() if known.any() else 0.0
    # Within a stretch the fit takes away any constant and slope, so that gaps need no sum of their own.
    profile = np.cumsum(np.where(known, x - mean, 0.0))
    runs = stretches(x)
    pieces: list[tuple[NDArray[np.intp], NDArray[np.float64]]] = [(np.zeros(0, np.intp), np.zeros(0))]
    if overlap or len(scales) * len(x) > _AT_ONCE:
        for row, size in enumerate(scales):
            variance = _variances(_segments(profile, runs, size, overlap))
            pieces.append((np.full(len(variance), row), variance))
    else:
        pieces += [_tiled_variances(profile[a:b], tuple(scales)) for a, b in runs if len(scales)]
    rows, variance = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    straight = variance <= _LEAST_VARIANCE
    if straight.any():
        rows, variance = rows[~straight], variance[~straight]
    if len(runs) > 1:
        order = np.argsort(rows, kind="stable")
        rows, variance = rows[order], variance[order]
    count = np.bincount(rows, minlength=len(scales))
    first = np.cumsum(count) - count
    some = count > 0
    return Residuals(np.asarray(scales, np.float64)[some], variance, first[some], count[some])


def _variances(segments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Residual variance of the line fit of each row, in closed form: total less explained sum of squares."""
    size = segments.shape[1]
    centred = segments - segments.sum(axis=1, keepdims=True) / size
    explained = (centred @ (np.arange(size) - (size - 1) / 2)) ** 2 / (size * (size * size - 1) / 12)
    return np.asarray((np.einsum("ij,ij->i", centred, centred) - explained) / size)


class _Tiling(NamedTuple):
    """Segments side by side of each scale over `capacity` positions."""

    time: NDArray[np.float64]  # (scales, capacity) position within its segment
    begin: NDArray[np.intp]  # (scales, capacity) where that segment begins
    row: NDArray[np.intp]  # (segments,) scale of each segment
    start: NDArray[np.intp]  # (segments,)
    size: NDArray[np.intp]  # (segments,)


@lru_cache(maxsize=8)
def _tiling(scales: tuple[int, ...], capacity: int) -> _Tiling:
    position = np.arange(capacity)
    time = position % np.array(scales, np.intp)[:, None]
    row, start = np.nonzero(time == 0)
    return _Tiling(time.astype(np.float64), position - time, row, start, np.array(scales, np.intp)[row])


def _tiled_variances(
    profile: NDArray[np.float64], scales: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """All scales of one stretch in the same few calls: the scale of each segment, and its residual variance."""
    n = len(profile)
    tiling = _tiling(scales, 1 << (n - 1).bit_length())
    here = tiling.start < n
    row, start, size = tiling.row[here], tiling.start[here], tiling.size[here]
    # Sums from the first value of a segment on: those of the whole profile would cancel to nothing.
    rise = (profile - profile[tiling.begin[:, :n]]).reshape(-1)
    bounds = row * n + start
    whole = start + size <= n  # the last of a scale may be cut off
    total, squares, moment = (
        np.add.reduceat(each, bounds)[whole] for each in (rise, rise * rise, rise * tiling.time[:, :n].reshape(-1))
    )
    row, length = row[whole], size[whole].astype(np.float64)
    slope = moment - 0.5 * (length - 1.0) * total
    explained = total * total / length + slope * slope / (length * (length * length - 1.0) / 12.0)
    return row, (squares - explained) / length


def _segments(
    profile: NDArray[np.float64], runs: list[tuple[int, int]], size: int, overlap: bool
) -> NDArray[np.float64]:
    """Segments of `size` values, shape (segments, size)."""
    step, spare = (size // 2, 0) if overlap else (size, 1)
    ranges = [(a, b - size + spare) for a, b in runs if b - size + spare > a]
    if not ranges:
        return np.zeros((0, size))
    # What sliding_window_view gives, at a tenth of its cost.
    windows: NDArray[np.float64] = np.ndarray((len(profile) - size + 1, size), np.float64, profile, 0, (8, 8))
    if len(ranges) == 1:
        a, b = ranges[0]
        return windows[a:b:step]
    chosen: NDArray[np.float64] = windows[np.concatenate([np.arange(a, b, step) for a, b in ranges])]
    return chosen


def slope_of(found: Residuals) -> Measure:
    """alpha from `residual_variances`."""
    if len(found.sizes) < 2:
        return missing(TOO_LITTLE)
    return measured(float(_slopes(found.sizes, np.sqrt(found.means(found.variance)))))


def spectrum_of(found: Residuals) -> HrvValues:
    """`multifractal_dfa` from `residual_variances`."""
    if len(found.sizes) < 2:
        return all_missing(MULTIFRACTAL_NAMES, TOO_LITTLE)
    q = _MOMENTS
    logs = np.log(found.variance)
    # The extremes are kept out of the powers, which would overflow.
    extremes = [limit.reduceat(logs, found.first) for limit in (np.minimum, np.maximum)]
    fluctuation = np.empty((len(q), len(found.sizes)))
    for row, moment in zip(fluctuation, q.tolist(), strict=True):
        if moment == 0:
            row[:] = found.means(logs) / 2
            continue
        extreme = extremes[moment > 0]
        scaled = found.means(np.exp((logs - np.repeat(extreme, found.segments)) * (moment / 2)))
        row[:] = extreme / 2 + np.log(scaled) / moment
    h = _slopes(found.sizes, np.exp(fluctuation))
    tau = q * h - 1
    singularity = np.gradient(tau) / np.gradient(q)
    dimension = q * singularity - tau
    low, high, peak = int(np.argmin(singularity)), int(np.argmax(singularity)), int(np.argmax(dimension))
    width = singularity[high] - singularity[low]
    if not width > 0:
        return all_missing(MULTIFRACTAL_NAMES, NO_VARIATION)
    values = (
        width,
        singularity[peak],
        (singularity[high] + singularity[low]) / 2,
        dimension[high],
        dimension[high] - dimension[low],
        (singularity[low] - singularity[peak]) / width,
        float((np.gradient(np.gradient(h)) ** 2).sum()) / (2 * np.abs(q).max() + 2),
        float((np.gradient(h) ** 2 / np.gradient(q)).sum()),
    )
    return all_measured(MULTIFRACTAL_NAMES, values)


def _slopes(sizes: NDArray[np.float64], fluctuation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slope of log(fluctuation) over log(size), shape (..., k) to (...)."""
    x = np.log2(sizes)
    x -= x.mean()
    return np.asarray(np.log2(fluctuation) @ x / (x @ x))
