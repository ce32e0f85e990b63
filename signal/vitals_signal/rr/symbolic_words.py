"""Symbolic dynamics: words of three symbols, by how often they vary."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import (
    TOO_LITTLE,
    all_measured,
    all_missing,
    any_series,
    span_starts,
)

WORD_FAMILIES: Final = ("0V", "1V", "2LV", "2UV")


def symbolic_dynamics(
    x: NN | ArrayLike, *, scheme: Literal["equal probability", "uniform"] = "equal probability", levels: int = 4
) -> HrvValues:
    """Shares (0..1) of words of three symbols with no variation (0V), one (1V), two alike (2LV) and two unlike (2UV).

    "equal probability": `levels` bins between percentiles (numpy "linear") of x; a value on an edge belongs to the bin
    above. With 4 levels these are NeuroKit2's Symbolic_EqualProb4_*. "uniform": `levels` bins of equal width from the
    smallest to the largest value; Porta et al. take 6, and give shares in %. A constant series is one bin: 0V is 1.

    Words that hold a NaN are left out. `x`: NN intervals or any series, shape (n,). Raises ValueError for another
    scheme, levels < 2 or more than one dimension.

    Source: A. Porta et al., Am. J. Physiol. Heart Circ. Physiol. 293, 2007, doi 10.1152/ajpheart.00006.2007; D. Cysarz
    et al., Physiol. Meas. 39:105010, 2018, doi 10.1088/1361-6579/aae302.
    """
    if scheme not in ("equal probability", "uniform"):
        raise ValueError(f"scheme must be 'equal probability' or 'uniform', got {scheme!r}")
    if levels < 2:
        raise ValueError(f"levels must be at least 2, got {levels}")
    series = any_series(x)
    starts = span_starts(series, 3)
    if not len(starts):
        return all_missing(WORD_FAMILIES, TOO_LITTLE)
    known = series[~np.isnan(series)]
    if scheme == "uniform":
        edges = np.linspace(known.min(), known.max(), levels + 1)
    else:
        edges = np.percentile(known, np.linspace(0, 100, levels + 1))
    symbol = np.searchsorted(edges[1:-1], series, side="right")
    before, after = symbol[starts + 1] - symbol[starts], symbol[starts + 2] - symbol[starts + 1]
    moved = (before != 0).astype(int) + (after != 0)
    alike = np.sign(before) == np.sign(after)
    n = len(starts)
    counts = ((moved == 0).sum(), (moved == 1).sum(), ((moved == 2) & alike).sum(), ((moved == 2) & ~alike).sum())
    return all_measured(WORD_FAMILIES, (int(count) / n for count in counts))
