"""Sample entropy over scales of time: MSE, composite, refined composite, and the time-shifted kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.entropy_matrix import DENSE, dense_pairs
from vitals_signal.rr.entropy_templates import template_pairs
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

ScaleMethod = Literal["mse", "cmse", "rcmse", "time-shift", "refined time-shift"]


def multiscale_entropy(
    x: NN | ArrayLike,
    *,
    scales: int | Sequence[int] = 20,
    m: int = 2,
    r: float | None = None,
    method: ScaleMethod = "mse",
) -> NDArray[np.float64]:
    """Sample entropy (nats) of x at each scale, shape (len(scales),); NaN where no vectors match.

    `scales`: 1..scales, or the scales themselves. `r`: tolerance in the unit of x at all scales, by default 0.2 SD of x
    (ddof 1; Costa et al. took 0.15 SD). At scale s:

    - "mse": SampEn of the means of s consecutive values, not overlapping (Costa et al., Phys. Rev. Lett. 89, 2002)
    - "cmse": mean SampEn of the s series of means that start at the first s values; where one has no matches it is left
      out (Wu et al., Entropy 15, 2013)
    - "rcmse": -ln of the summed A over the summed B of those series (Wu et al., Phys. Lett. A 378, 2014)
    - "time-shift", "refined time-shift": the same two with every s-th value in place of means (Pham, Entropy 19, 2017);
      these are what NeuroKit2 0.2.13 calls CMSEn and RCMSEn

    A mean over a gap (NaN) is a gap; no vector spans one. Raises ValueError for an unknown method, a scale below 1,
    m < 1, r < 0 or x of more than one dimension.
    """
    if method not in get_args(ScaleMethod):
        raise ValueError(f"method must be one of {get_args(ScaleMethod)}, got {method!r}")
    if m < 1:
        raise ValueError(f"m must be at least 1, got {m}")
    if r is not None and not r >= 0:
        raise ValueError(f"r must not be negative, got {r}")
    steps = list(range(1, scales + 1)) if isinstance(scales, int) else [int(scale) for scale in scales]
    if any(scale < 1 for scale in steps):
        raise ValueError("scales must be at least 1")
    series = any_series(x)
    tolerance = 0.2 * standard_deviation(series) if r is None else float(r)
    if tolerance != tolerance:
        return np.full(len(steps), np.nan)
    shifted = method in ("time-shift", "refined time-shift")
    pairs = scale_pairs(series, steps, m, tolerance, shifted=shifted, composite=method != "mse")
    return entropy_of_scales(pairs, refined=method in ("rcmse", "refined time-shift"))


def complexity_index(entropy: NDArray[np.float64]) -> Measure:
    """Area under the curve of entropy over scales, per scale: trapezoids over the finite values, over their number.

    NeuroKit2's MSEn, CMSEn and RCMSEn; scales without a value are skipped as if there were none.
    """
    finite = entropy[np.isfinite(entropy)]
    if not len(finite):
        return missing(NO_MATCHES)
    return Measure(float((finite[1:] + finite[:-1]).sum() / 2 / len(finite)))


def multiscale_index(
    x: NN | ArrayLike, *, scales: int | Sequence[int], m: int = 2, r: float | None = None, method: ScaleMethod = "mse"
) -> Measure:
    """`complexity_index` of `multiscale_entropy`, with the reason where it is NaN."""
    series = any_series(x)
    if len(span_starts(series, m + 1)) < 2 or scales == 0:
        return missing(TOO_LITTLE)
    if not standard_deviation(series) > 0:
        return missing(NO_VARIATION)
    return complexity_index(multiscale_entropy(series, scales=scales, m=m, r=r, method=method))


def scale_pairs(
    x: NDArray[np.float64], scales: Sequence[int], m: int, r: float, *, shifted: bool, composite: bool = True
) -> list[NDArray[np.int64]]:
    """For each scale s, B and A of its series, shape (s, 2), or (1, 2) unless `composite`."""
    out = []
    for scale in scales:
        first = range(min(scale, len(x)) if composite else 1)
        if shifted:
            rows = [x[k : len(x) - len(x) % scale : scale] for k in first]
            spans = np.zeros(len(x) + scale, np.bool_)
            spans[span_starts(x, m * scale + 1)] = True  # no gap anywhere between the values of a vector
            whole = [spans[k : k + len(row) * scale : scale] for k, row in zip(first, rows, strict=True)]
        else:
            rows = [x[k : len(x) - (len(x) - k) % scale].reshape(-1, scale).mean(axis=1) for k in first]
            whole = [_whole(row, m + 1) for row in rows]
        out.append(_pairs(rows, whole, m, r))
    return out


def entropy_of_scales(pairs: list[NDArray[np.int64]], *, refined: bool) -> NDArray[np.float64]:
    """ln(B / A) of each scale: of the sums over its series if `refined`, else the mean over those that match."""
    out = np.full(len(pairs), np.nan)
    for k, counts in enumerate(pairs):
        if refined:
            counts = counts.sum(axis=0, keepdims=True)
        b, a = counts[(counts > 0).all(axis=1)].T
        if len(a):
            out[k] = np.log(b / a).mean()
    return out


def _whole(row: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    out = np.zeros(len(row), np.bool_)
    out[span_starts(row, size)] = True
    return out


def _pairs(rows: list[NDArray[np.float64]], whole: list[NDArray[np.bool_]], m: int, r: float) -> NDArray[np.int64]:
    """B and A of each row, shape (len(rows), 2); `whole`: where a vector of m + 1 known values starts, as long."""
    if max(map(len, rows), default=0) <= DENSE:
        return dense_pairs(rows, whole, m, r)
    found = [
        template_pairs(np.ascontiguousarray(row), np.flatnonzero(flags[: len(row) - m]), m, r)
        for row, flags in zip(rows, whole, strict=True)
    ]
    return np.array(found, np.int64)
