"""Fuzzy entropy: sample entropy with a membership that fades instead of a tolerance that cuts."""

from __future__ import annotations

import math

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
    span_starts,
    standard_deviation,
)


def fuzzy_entropy(x: NN | ArrayLike, *, r: float | None = None) -> Measure:
    """FuzzyEn(m = 2, r) = -ln(phi_3 / phi_2), in nats.

    phi_k is the mean of exp(-d / r) over all pairs of the vectors of k values that 3 consecutive values allow, each
    less its own mean, d being their Chebyshev distance. This is NeuroKit2's form (and EntropyHub's with `Fx="default"`
    and exponent 1); Chen et al. 2007 propose exp(-(d / r)^2), which gives other numbers.

    `x`: NN intervals or any series, shape (n,); NaN separates stretches. `r` in the unit of x, by default 0.2 SD, ddof
    1. Less their means, vectors of two have one degree of freedom and vectors of three have two: phi_2 follows from one
    sort, and phi_3 from the displacements in the plane of (x1 - x0, x2 - x1), exactly, also over a day. Series that are
    on no lattice: up to about 30,000 intervals, NaN with a reason beyond. Raises ValueError for r <= 0 or x of more
    than one dimension.

    Source: W. Chen et al., IEEE Trans. Neural Syst. Rehabil. Eng. 15, 2007, doi 10.1109/TNSRE.2007.897025.
    """
    if r is not None and not r > 0:
        raise ValueError(f"r must be positive, got {r}")
    series = any_series(x)
    starts = span_starts(series, 3)
    if len(starts) < 2:
        return missing(TOO_LITTLE)
    tolerance = 0.2 * standard_deviation(series) if r is None else float(r)
    if not tolerance > 0:
        return missing(NO_VARIATION)
    p, q = np.diff(series)[starts], np.diff(series)[starts + 1]
    cloud = PairCloud(p, q)
    if not cloud.possible:
        return missing(TOO_LONG)
    two = _pairs_on_a_line(p / (2 * tolerance))
    scale = 1 / (3 * tolerance)
    three = 0.0
    for dp, dq, weight in cloud:
        # The three components of the difference are (-2a - b)/3, (a - b)/3 and (a + 2b)/3.
        a, b = dp * scale, dq * scale
        distance = np.maximum(np.abs(2 * a + b), np.abs(a + 2 * b))
        np.maximum(distance, np.abs(a - b), out=distance)
        member = np.exp(-distance)
        three += float((member * weight).sum() if np.ndim(weight) else member.sum())
    return measured(-math.log(three / two) if two and three else math.nan)


def _pairs_on_a_line(x: NDArray[np.float64]) -> float:
    """Sum of exp(-|x_i - x_j|) over pairs i < j: sorted, each point adds what its left neighbour gathered, faded."""
    values, counts = np.unique(x, return_counts=True)
    fade = np.exp(-np.diff(values)).tolist()
    gathered = total = 0.0
    for k, count in enumerate(counts.tolist()):
        if k:
            gathered *= fade[k - 1]
        total += count * gathered + count * (count - 1) / 2
        gathered += count
    return total
