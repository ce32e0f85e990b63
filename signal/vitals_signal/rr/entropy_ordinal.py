"""Entropies of how often values, and orders of values, occur."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import TOO_LITTLE, Measure, any_series, missing, span_starts


def shannon_entropy(x: NN | ArrayLike) -> Measure:
    """Shannon entropy of the distinct values of x, in bits: -sum p log2 p.

    It depends on the resolution of the recorder: RR intervals on 1/128 s give less than the same on 1/1024 s. `x`: NN
    intervals or any series, shape (n,); NaN is left out. Raises ValueError for more than one dimension.

    Source: C. E. Shannon, Bell Syst. Tech. J. 27, 1948, doi 10.1002/j.1538-7305.1948.tb01338.x.
    """
    series = any_series(x)
    known = series[~np.isnan(series)]
    if not len(known):
        return missing(TOO_LITTLE)
    return Measure(entropy_of_counts(np.unique(known, return_counts=True)[1], 2.0))


def permutation_entropy(x: NN | ArrayLike, *, order: int = 3) -> Measure:
    """Entropy of the orders in which `order` consecutive values stand, as a share (0..1) of log2(order!).

    Equal values stand in the order of time (NeuroKit2, whose sort is not stable, does the same for orders up to 16).
    `x`: NN intervals or any series, shape (n,); words that hold a NaN are left out. Raises ValueError for an order
    outside 2..8 or more than one dimension.

    Source: C. Bandt, B. Pompe, Phys. Rev. Lett. 88, 174102, 2002, doi 10.1103/PhysRevLett.88.174102.
    """
    if not 2 <= order <= 8:
        raise ValueError(f"order must be 2..8, got {order}")
    series = any_series(x)
    starts = span_starts(series, order)
    if len(starts) < 2:
        return missing(TOO_LITTLE)
    words = np.argsort(np.lib.stride_tricks.sliding_window_view(series, order)[starts], axis=1, kind="stable")
    counts = np.unique(words @ order ** np.arange(order), return_counts=True)[1]
    return Measure(entropy_of_counts(counts, 2.0) / math.log2(math.factorial(order)))


def entropy_of_counts(counts: NDArray[np.intp], base: float = math.e) -> float:
    """-sum p log p of the shares of `counts`; 0 for none."""
    if not len(counts):
        return 0.0
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum() / math.log(base)) + 0.0
