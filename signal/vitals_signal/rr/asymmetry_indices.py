"""Heart-rate asymmetry: how decelerations and accelerations differ in the Poincaré plot."""

from __future__ import annotations

import math
from typing import Final

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
)

ASYMMETRY_NAMES: Final = (
    "GI", "SI", "AI", "PI", "C1d", "C1a", "SD1d", "SD1a", "C2d", "C2a", "SD2d", "SD2a", "Cd", "Ca", "SDNNd", "SDNNa",
)  # fmt: skip


def heart_rate_asymmetry(nn: NN | ArrayLike) -> HrvValues:
    """Asymmetry of the points (x, y) = (x[i], x[i+1]) about the line of identity; decelerations, y > x, lie above it.

    - GI, SI, AI: share (%) of decelerations in the sum of the distances |y - x| / sqrt(2) (Guzik), of the angles
      |pi/4 - atan(y / x)| (slope index), and of the sector areas angle (x^2 + y^2) / 2 (Yan et al. 2017)
    - PI: accelerations in % of all points off the line (Porta)
    - SD1d, SD1a (ms): root of the summed squared distances from the line, over m - 1, m the number of points; C1d, C1a
      their shares of SD1^2 = SD1d^2 + SD1a^2
    - SD2d, SD2a, C2d, C2a: the same along the line, |x + y - mean| / sqrt(2); points on the line count half to each
    - SDNNd, SDNNa = sqrt((SD1^2 + SD2^2) / 2) of each kind; Cd, Ca their shares

    Pairs across a gap (NaN) are left out. `nn`: an `NN`, or intervals in ms, shape (n,).

    Source: J. Piskorski, P. Guzik, Med. Biol. Eng. Comput. 49, 2011, doi 10.1007/s11517-011-0834-z; C. Yan et al.,
    BioMed. Eng. OnLine 16:112, 2017, doi 10.1186/s12938-017-0402-3.
    """
    series = interval_series(nn)
    known = ~np.isnan(np.diff(series))
    x, y = series[:-1][known], series[1:][known]
    m = len(x)
    if m < 2:
        return all_missing(ASYMMETRY_NAMES, TOO_LITTLE)
    down, up = y > x, y < x
    across = np.abs(y - x) / math.sqrt(2)
    angle = np.abs(math.pi / 4 - np.arctan(y / x))
    sector = angle * (x * x + y * y) / 2
    along = ((x - x.mean()) + (y - y.mean())) ** 2 / 2
    sd1d, sd1a = (math.sqrt(float((across[kind] ** 2).sum()) / (m - 1)) for kind in (down, up))
    level = 0.5 * float(along[~(down | up)].sum())
    sd2d, sd2a = (math.sqrt((float(along[kind].sum()) + level) / (m - 1)) for kind in (down, up))
    sdnnd, sdnna = math.sqrt((sd1d**2 + sd2d**2) / 2), math.sqrt((sd1a**2 + sd2a**2) / 2)

    def shares(d: float, a: float) -> tuple[float, float]:
        return ratio(d * d, d * d + a * a), ratio(a * a, d * d + a * a)

    values = (
        *(100 * ratio(float(size[down].sum()), float(size.sum())) for size in (across, angle, sector)),
        100 * ratio(int(up.sum()), int((up | down).sum())),
        *shares(sd1d, sd1a), sd1d, sd1a,
        *shares(sd2d, sd2a), sd2d, sd2a,
        *shares(sdnnd, sdnna), sdnnd, sdnna,
    )  # fmt: skip
    return all_measured(ASYMMETRY_NAMES, values)
