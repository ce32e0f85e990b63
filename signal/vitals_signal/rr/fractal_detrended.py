"""Detrended fluctuation analysis, of one and of many moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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
    sizes, variances = residual_variances(any_series(x), scales, overlap=overlap)
    return slope_of(sizes, variances)


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
    sizes, variances = residual_variances(any_series(x), scales, overlap=overlap)
    return spectrum_of(sizes, variances)


def residual_variances(
    x: NDArray[np.float64], scales: Sequence[int], *, overlap: bool
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """The scales that have segments, and the residual variance of each of their segments."""
    if any(scale < 3 for scale in scales):
        raise ValueError("scales must be at least 3 beats")
    known = ~np.isnan(x)
    if not known.any():
        return np.zeros(0), []
    # Within a stretch the fit takes away any constant and slope, so that gaps need no sum of their own.
    profile = np.cumsum(np.where(known, x - x[known].mean(), 0.0))
    runs = stretches(x)
    sizes: list[int] = []
    variances: list[NDArray[np.float64]] = []
    for size in scales:
        segments = _segments(profile, runs, size, overlap)
        if not len(segments):
            continue
        centred = segments - segments.sum(axis=1, keepdims=True) / size
        time = np.arange(size) - (size - 1) / 2
        # Residual of the line fit in closed form: total less explained sum of squares.
        explained = (centred @ time) ** 2 / (size * (size * size - 1) / 12)
        variance = (np.einsum("ij,ij->i", centred, centred) - explained) / size
        if variance.min() <= _LEAST_VARIANCE:
            variance = variance[variance > _LEAST_VARIANCE]
        if len(variance):
            sizes.append(size)
            variances.append(variance)
    return np.array(sizes, np.float64), variances


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


def slope_of(sizes: NDArray[np.float64], variances: list[NDArray[np.float64]]) -> Measure:
    """alpha from `residual_variances`."""
    if len(sizes) < 2:
        return missing(TOO_LITTLE)
    fluctuation = np.sqrt([variance.mean() for variance in variances])
    return measured(float(_slopes(sizes, fluctuation[:, None])[0]))


def spectrum_of(sizes: NDArray[np.float64], variances: list[NDArray[np.float64]]) -> HrvValues:
    """`multifractal_dfa` from `residual_variances`."""
    if len(sizes) < 2:
        return all_missing(MULTIFRACTAL_NAMES, TOO_LITTLE)
    q = _MOMENTS
    fluctuation = np.empty((len(sizes), len(q)))
    for row, variance in zip(fluctuation, variances, strict=True):
        logs = np.log(variance)
        highest = np.where(q < 0, logs.min(), logs.max())  # kept out of the powers, which would overflow
        scaled = np.exp((logs - highest[:, None]) * (q / 2)[:, None]).mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            row[:] = highest / 2 + np.log(scaled) / q
        row[q == 0] = logs.mean() / 2
    h = _slopes(sizes, np.exp(fluctuation))
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
    """Slope of log(fluctuation) over log(size) of each column."""
    x = np.log2(sizes)
    x -= x.mean()
    return np.asarray(x @ np.log2(fluctuation) / (x @ x))
