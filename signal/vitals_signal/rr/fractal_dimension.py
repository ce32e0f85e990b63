"""Fractal dimensions of the curve and of the attractor of a series: Higuchi, Katz, correlation dimension."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.entropy_displacements import PairCloud
from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import (
    NO_VARIATION,
    TOO_LITTLE,
    TOO_LONG,
    Measure,
    any_series,
    measured,
    missing,
    ratio,
    span_starts,
)


def higuchi_dimension(x: NN | ArrayLike, *, k_max: int = 10) -> Measure:
    """Higuchi's fractal dimension: -slope of ln L(k) over ln k, k = 1..k_max.

    L(k) is the mean over m = 1..k of (mean of |x[m + ik] - x[m + (i-1)k]| over i) (n - 1) / k^2, n the number of
    values; without gaps this is Higuchi's normalisation. Differences that span a gap (NaN) are left out. `x`: NN
    intervals or any series, shape (n,). Raises ValueError for k_max < 2 or x of more than one dimension.

    Source: T. Higuchi, Physica D 31, 1988, doi 10.1016/0167-2789(88)90081-4.
    """
    if k_max < 2:
        raise ValueError(f"k_max must be at least 2, got {k_max}")
    series = any_series(x)
    n = int(np.count_nonzero(~np.isnan(series)))
    lengths = []
    for k in range(1, k_max + 1):
        starts = span_starts(series, k + 1)
        steps = np.abs(series[starts + k] - series[starts])
        number = np.bincount(starts % k, minlength=k)
        if not number.all():
            return missing(TOO_LITTLE)
        mean = np.bincount(starts % k, weights=steps, minlength=k) / number
        lengths.append(float(mean.mean()) * (n - 1) / k**2)
    if not min(lengths) > 0:
        return missing(NO_VARIATION)
    return Measure(-_slope(np.log(np.arange(1, k_max + 1)), np.log(lengths)))


def katz_dimension(x: NN | ArrayLike) -> Measure:
    """Katz's fractal dimension: ln(L / a) / ln(d / a).

    L is the sum of the steps |x[i+1] - x[i]|, a their mean, d the largest distance from the first value. Steps across
    gaps (NaN) are left out. `x`: NN intervals or any series, shape (n,). Raises ValueError for more than one dimension.

    Source: M. J. Katz, Comput. Biol. Med. 18, 1988, doi 10.1016/0010-4825(88)90041-8; normalised by a as in NeuroKit2.
    """
    series = any_series(x)
    steps = np.abs(np.diff(series))
    steps = steps[~np.isnan(steps)]
    if len(steps) < 2:
        return missing(TOO_LITTLE)
    total, mean = float(steps.sum()), float(steps.mean())
    reach = float(np.nanmax(np.abs(series - series[0])))
    if not mean > 0 or not reach > 0:
        return missing(NO_VARIATION)
    return measured(ratio(math.log(total / mean), math.log(reach / mean)))


def correlation_dimension(x: NN | ArrayLike, *, radii: Literal["log", "neurokit"] = "log") -> Measure:
    """Slope of log C(r) over log r in two dimensions: C(r) is the share of pairs (x[i], x[i+1]) within r.

    64 radii from 2.5 % to 50 % of the largest (Euclidean) distance, in equal ratios; those without a pair are left out.
    "neurokit" reproduces NeuroKit2 0.2.13, whose radii are (1 + r) / 2 with 1 + r in equal ratios, so that its CD
    depends on the unit of x. Exact also over a day if x is on a lattice; otherwise up to about 30,000 values, NaN with
    a reason beyond. Vectors across gaps (NaN) are left out. Kubios' D2 has 10 dimensions and is another number.

    `x`: NN intervals or any series, shape (n,). Raises ValueError for other radii or x of more than one dimension.

    Source: P. Grassberger, I. Procaccia, Physica D 9, 1983, doi 10.1016/0167-2789(83)90298-1.
    """
    if radii not in ("log", "neurokit"):
        raise ValueError(f"radii must be 'log' or 'neurokit', got {radii!r}")
    series = any_series(x)
    starts = span_starts(series, 2)
    if len(starts) < 3:
        return missing(TOO_LITTLE)
    cloud = PairCloud(series[starts], series[starts + 1])
    if not cloud.possible:
        return missing(TOO_LONG)
    farthest = cloud.farthest()
    if not farthest > 0:
        return missing(NO_VARIATION)
    low, high = 0.025 * farthest, 0.5 * farthest
    if radii == "log":
        # A distance on the lattice may be half the largest to the last bit: a hair more, and it counts in any unit.
        r = np.exp2(np.linspace(np.log2(low), np.log2(high), 64)) * (1 + 1e-9)
    else:
        r = np.exp2(np.linspace(np.log2(1 + low), np.log2(1 + high), 64) - 1)
    edges = np.concatenate(([-1.0], r * r, [np.inf]))
    bottom, step = 2 * math.log2(r[0]), 2 * math.log2(r[-1] / r[0]) / 63
    closer = np.zeros(len(r) + 1)
    for dp, dq, weight in cloud:
        square = dp * dp + dq * dq
        # The radii are in equal ratios: a logarithm finds the bin but for rounding, which the edges put right.
        index = np.clip((np.log2(np.maximum(square, edges[1] / 4)) - bottom) / step + 1, 0, len(r)).astype(np.intp)
        index += edges[index + 1] <= square
        index -= edges[index] > square
        counts = weight.ravel() if isinstance(weight, np.ndarray) else None
        closer += np.bincount(index.ravel(), counts, minlength=len(r) + 1)
    share = closer.cumsum()[:-1] / cloud.pairs
    some = share > 0
    if np.count_nonzero(some) < 2:
        return missing(TOO_LITTLE)
    return Measure(_slope(np.log2(r[some]), np.log2(share[some])))


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    centred = x - x.mean()
    return float(centred @ y / (centred @ centred))
