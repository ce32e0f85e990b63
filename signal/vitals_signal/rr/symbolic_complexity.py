"""Lempel-Ziv complexity of a series cut at its mean."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import TOO_LITTLE, Measure, any_series, missing, stretches


def lempel_ziv_complexity(x: NN | ArrayLike) -> Measure:
    """LZC = c log2(n) / n: c the number of phrases in the history of the series of x > mean(x).

    Each phrase is the shortest that does not occur before its own last symbol (LZ76, counted as by Kaspar and Schuster
    1987); the last may be incomplete. With gaps (NaN) each stretch of n_k values is read by itself, and LZC = sum(c_k
    log2 n_k) / sum(n_k). About 1 for coin tosses. `x`: NN intervals or any series, shape (n,). Raises ValueError for
    more than one dimension.

    Source: A. Lempel, J. Ziv, IEEE Trans. Inf. Theory 22, 1976, doi 10.1109/TIT.1976.1055501; F. Kaspar, H. G.
    Schuster, Phys. Rev. A 36, 1987, doi 10.1103/PhysRevA.36.842.
    """
    series = any_series(x)
    if not len(series):
        return missing(TOO_LITTLE)
    mean = series[~np.isnan(series)].mean()
    total = length = 0.0
    for a, b in stretches(series):
        total += _phrases(np.where(series[a:b] > mean, b"1", b"0").tobytes()) * math.log2(b - a)
        length += b - a
    return Measure(total / length) if length > 1 else missing(TOO_LITTLE)


def _phrases(text: bytes) -> int:
    count, n = 1, len(text)
    begin = 1
    while begin < n:
        size, found = 1, 0
        while begin + size <= n:
            # A longer phrase occurs no earlier than its beginning does: the search goes on from there.
            found = text.find(text[begin : begin + size], found, begin + size - 1)
            if found < 0:
                break
            size += 1
        count += 1
        begin += size
    return count
