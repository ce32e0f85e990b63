"""Hurst exponent by the rescaled range, corrected for short series."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import NO_VARIATION, TOO_LITTLE, Measure, any_series, missing, stretches


def hurst_exponent(x: NN | ArrayLike) -> Measure:
    """H = 0.5 + slope of log10(R/S - expected) over log10 n, for segments of n = 10..N/10 values in equal ratios.

    R is the range of the summed deviations from a segment's mean, S its SD (ddof 1); R/S is the mean over the segments
    that follow each other in each stretch without NaN (those that do not vary are left out). The expectation for
    independent values (Anis & Lloyd 1976, with Stirling's approximation above n = 340) is subtracted in logarithms, so
    that white noise gives 0.5. NeuroKit2's `fractal_hurst` takes the same sizes: N/10 numbers in equal ratios, cut to
    integers, each once. `x`: NN intervals or any series, shape (N,), N >= 110. Raises ValueError for more than one
    dimension.

    Source: H. E. Hurst, Trans. Am. Soc. Civ. Eng. 116, 1951; A. A. Anis, E. H. Lloyd, Biometrika 63, 1976, doi
    10.1093/biomet/63.1.111.
    """
    series = any_series(x)
    n = int(np.count_nonzero(~np.isnan(series)))
    largest = n // 10
    sizes = np.unique(np.exp(np.linspace(math.log(10), math.log(max(largest, 1)), largest)).astype(int))
    runs = stretches(series)
    logs = []
    for size in sizes.tolist():
        if size < 10:
            continue
        cut = [series[a : b - (b - a) % size].reshape(-1, size) for a, b in runs if b - a >= size]
        if not cut:
            continue
        segments = np.concatenate(cut)
        sums = np.cumsum(segments - segments.mean(axis=1, keepdims=True), axis=1)
        span = sums.max(axis=1) - sums.min(axis=1)
        varied = span > 0
        if varied.any():
            rescaled = float((span[varied] / segments[varied].std(axis=1, ddof=1)).mean())
            logs.append((math.log10(size), math.log10(rescaled / _expected(size))))
    if len(logs) < 2:
        return missing(TOO_LITTLE if largest < 11 or not len(series) else NO_VARIATION)
    a, b = np.array(logs).T
    a = a - a.mean()
    return Measure(0.5 + float(a @ b / (a @ a)))


def _expected(n: int) -> float:
    """R/S of n independent normal values."""
    i = np.arange(1, n)
    if n <= 340:
        factor = math.exp(math.lgamma((n - 1) / 2) - math.lgamma(n / 2)) / math.sqrt(math.pi)
    else:
        factor = 1 / math.sqrt(n * math.pi / 2)
    return factor * float(np.sqrt((n - i) / i).sum())
