"""Approximate and sample entropy: how surely vectors that are alike stay alike for one more interval."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.entropy_matrix import DENSE, dense_pairs
from vitals_signal.rr.entropy_neighbours import neighbours, rank_ranges
from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import (
    NO_MATCHES,
    NO_VARIATION,
    TOO_LITTLE,
    Measure,
    any_series,
    missing,
    span_starts,
    standard_deviation,
)


def sample_entropy(x: NN | ArrayLike, *, m: int = 2, r: float | None = None) -> Measure:
    """SampEn(m, r) = -ln(A / B), in nats.

    `x`: NN intervals or any series, shape (n,); NaN separates stretches. `r`: tolerance in the unit of x, by default
    0.2 SD (ddof 1; EntropyHub takes ddof 0). Of all vectors of m + 1 consecutive values, B counts the pairs i < j whose
    first m values differ by at most r (Chebyshev), A those that do so in all m + 1. NaN with a reason where B or A is 0
    (below n = 10^m values it seldom is a number), m = 0 makes B the count of all pairs. Raises ValueError for m < 0,
    r < 0 or x of more than one dimension.

    Exact for a day in 30 ms (1/128 s) to 0.3 s (1/1024 s), memory of some 10 MB: see `entropy_neighbours`.

    Source: J. S. Richman, J. R. Moorman, Am. J. Physiol. Heart 278, 2000, doi 10.1152/ajpheart.2000.278.6.H2039.
    """
    series, tolerance = _arguments(x, m, r)
    starts = span_starts(series, m + 1)
    if len(starts) < 2:
        return missing(TOO_LITTLE)
    if tolerance != tolerance:
        return missing(NO_VARIATION)
    return entropy_of_pairs(*template_pairs(series, starts, m, tolerance))


def template_pairs(x: NDArray[np.float64], starts: NDArray[np.intp], m: int, r: float) -> tuple[int, int]:
    """B and A: pairs of vectors that match in m, and in m + 1 coordinates."""
    if m and len(x) <= DENSE:
        whole = np.zeros(len(x), np.bool_)
        whole[starts] = True
        b, a = dense_pairs([x], [whole], m, r)[0]
        return int(b), int(a)
    n, ranking = len(starts), rank_ranges(x, r)
    shorter = int(neighbours(ranking, starts, m).sum()) if m else n * n
    return (shorter - n) // 2, (int(neighbours(ranking, starts, m + 1).sum()) - n) // 2


def entropy_of_pairs(b: float, a: float) -> Measure:
    if not a or not b:
        return missing(NO_MATCHES)
    return Measure(math.log(b / a))


def approximate_entropy(x: NN | ArrayLike, *, m: int = 2, r: float | None = None) -> Measure:
    """ApEn(m, r) = phi_m - phi_(m+1), in nats, each vector counting itself.

    phi_k is the mean over all vectors of k consecutive values of ln(C), C being the share of those vectors that differ
    by at most r (Chebyshev). Arguments and errors as for `sample_entropy`, but m >= 1. Biased towards regularity below
    some thousand values.

    Source: S. M. Pincus, PNAS 88, 1991, doi 10.1073/pnas.88.6.2297.
    """
    if m < 1:
        raise ValueError(f"m must be at least 1, got {m}")
    series, tolerance = _arguments(x, m, r)
    if len(span_starts(series, m + 1)) < 2:
        return missing(TOO_LITTLE)
    if tolerance != tolerance:
        return missing(NO_VARIATION)
    phi, ranking = [], rank_ranges(series, tolerance)
    for size in (m, m + 1):
        count = neighbours(ranking, span_starts(series, size), size)
        phi.append(float(np.log(count / len(count)).mean()))
    return Measure(abs(phi[0] - phi[1]))


def _arguments(x: NN | ArrayLike, m: int, r: float | None) -> tuple[NDArray[np.float64], float]:
    if m < 0:
        raise ValueError(f"m must not be negative, got {m}")
    if r is not None and not r >= 0:
        raise ValueError(f"r must not be negative, got {r}")
    series = any_series(x)
    return series, 0.2 * standard_deviation(series) if r is None else float(r)
