"""Poincaré plot: each NN interval against the one before it, as an ellipse."""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import (
    TOO_LITTLE,
    all_measured,
    all_missing,
    interval_series,
    ratio,
    standard_deviation,
)

POINCARE_NAMES: Final = ("SD1", "SD2", "SD1SD2", "S", "CSI", "CVI", "CSI_Modified")


def poincare(nn: NN | ArrayLike, *, axes: Literal["points", "series"] = "points") -> HrvValues:
    """SD1, SD2 (ms) and what follows from them: SD1SD2, S, CSI, CVI, CSI_Modified.

    SD1 is the SD (ddof 1) of (x[i] - x[i+1]) / sqrt(2) over all pairs that no gap (NaN) parts. SD2 is that of
    (x[i] + x[i+1]) / sqrt(2) for "points" (Brennan et al. 2001, eq. 7; NeuroKit2), or sqrt(2 SDNN^2 - SD1^2) for
    "series" (their eq. 10; Kubios, hrv-analysis, pyHRV), which takes in the ends that have no neighbour. SD1SD2 the
    ratio; S = pi SD1 SD2 (ms^2), the area of the ellipse; with T = 4 SD1 and L = 4 SD2, CSI = L / T, CVI =
    log10(L T) (Toichi et al. 1997) and CSI_Modified = L^2 / T (Jeppesen et al. 2014).

    `nn`: an `NN`, or intervals in ms, shape (n,). Raises ValueError for other axes.

    Source: M. Brennan et al., IEEE Trans. Biomed. Eng. 48, 2001, doi 10.1109/10.959330.
    """
    if axes not in ("points", "series"):
        raise ValueError(f"axes must be 'points' or 'series', got {axes!r}")
    x = interval_series(nn)
    known = ~np.isnan(np.diff(x))
    a, b = x[:-1][known], x[1:][known]
    if len(a) < 2:
        return all_missing(POINCARE_NAMES, TOO_LITTLE)
    sd1 = float((a - b).std(ddof=1)) / math.sqrt(2)
    sd2 = float((a + b).std(ddof=1)) / math.sqrt(2)
    if axes == "series":
        sd2 = math.sqrt(max(2 * standard_deviation(x) ** 2 - sd1**2, 0.0))
    area = 16 * sd1 * sd2
    values = (
        sd1,
        sd2,
        ratio(sd1, sd2),
        math.pi * sd1 * sd2,
        ratio(sd2, sd1),
        math.log10(area) if area > 0 else math.nan,
        ratio(4 * sd2 * sd2, sd1),
    )
    return all_measured(POINCARE_NAMES, values)
