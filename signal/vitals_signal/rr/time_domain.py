"""Heart-rate variability in the time domain.

Laws of this file:
1. No difference is taken across a gap (NaN).
2. Where data do not suffice a value is NaN and has a reason; nothing is raised and nothing is warned.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.conventions import Convention, ConventionName, convention_named
from vitals_signal.rr.histogram import triangle_measures
from vitals_signal.rr.long_term import capacities, neurokit_segment_measures, segment_measures
from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.stretches import nn_series

HRV_TIME_FEATURES: Final = (
    "MeanNN", "SDNN", "RMSSD", "SDSD", "CVNN", "CVSD", "MedianNN", "MadNN", "MCVNN", "IQRNN", "SDRMSSD",
    "Prc20NN", "Prc80NN", "pNN50", "pNN20", "MinNN", "MaxNN", "HTI", "TINN",
    "SDANN1", "SDANN2", "SDANN5", "SDNNI1", "SDNNI2", "SDNNI5", "DC", "AC",
)  # fmt: skip


def hrv_time(
    nn: NN | ArrayLike, *, convention: ConventionName | Convention = "taskforce", times_s: ArrayLike | None = None
) -> HrvValues:
    """Time-domain measures of NN intervals, by their standard names (`HRV_TIME_FEATURES`); NaN has its reason.

    `nn`: an `NN`, or intervals in ms, shape (n,); NaN, or anything below 1 ms or above an hour, stands between
    stretches. `times_s`: (n,) the beats that end the intervals, for SDANN and SDNNI of a series with gaps; without them
    the intervals are laid end to end.

    With x the n intervals and d the m differences of intervals that follow each other directly:

    - MeanNN mean(x); SDNN sd(x), ddof 1; RMSSD sqrt(sum(d^2) / m); SDSD sd(d), ddof 1 (all ms)
    - CVNN SDNN / MeanNN; CVSD RMSSD / MeanNN; SDRMSSD SDNN / RMSSD
    - MedianNN median(x); MadNN 1.4826 median(|x - median(x)|); MCVNN MadNN / MedianNN; IQRNN, Prc20NN, Prc80NN with
      percentiles interpolated linearly (numpy "linear", Hyndman & Fan type 7); MinNN, MaxNN (ms)
    - pNN50, pNN20: 100 count(|d| > 50 or 20 ms) / (m + 1), in %. Without gaps m + 1 = n, the denominator of the Task
      Force and of NeuroKit2 (Kubios, pyHRV, hrv-analysis and the PhysioNet toolbox divide by m)
    - HTI n / largest count of the histogram with bins of 1/128 s that start at 0; TINN base (ms) of the triangle that
      fits it best (`triangle_measures`)
    - SDANN1, 2, 5: SD (ddof 1) of the means of segments of 1, 2, 5 min; SDNNI1, 2, 5: mean of their SDs (ddof 1). A
      segment counts if intervals cover half of it; three must
    - DC, AC: deceleration and acceleration capacity (ms; `capacities`)

    Where a convention differs, `CONVENTIONS` says so: `sdsd_ddof`, `pnn_per_interval`, `histogram_ms`, `tinn`,
    `segment_mean`, `prsa_limit`, `prsa_margin`. One interval suffices for means and quantiles, two intervals for SDNN,
    one difference for RMSSD and pNNxx, two for SDSD. HTI and TINN mean little below 20 min, DC and AC below hours.

    Source: Task Force of ESC and NASPE, Circulation 93, 1996, doi 10.1161/01.CIR.93.5.1043; names as in NeuroKit2 0.2.
    Raises ValueError on an unknown convention or times of another shape.
    """
    row = convention_named(convention)
    series = nn_series(nn)
    known = ~np.isnan(series)
    ends = _ends(series, known, times_s)
    out = dict.fromkeys(HRV_TIME_FEATURES, float("nan"))
    whole = bool(known.all())
    x = series if whole else series[known]
    if not len(x):
        return HrvValues(out, dict.fromkeys(out, "no intervals"))
    d = np.diff(series)
    if not whole:
        d = d[~np.isnan(d)]
    mean = float(x.sum()) / len(x)
    q20, q25, median, q75, q80 = _quantiles(np.sort(x))
    mad = 1.4826 * float(np.median(np.abs(x - median)))
    out.update(MeanNN=mean, MedianNN=median, MadNN=mad, MCVNN=_ratio(mad, median), IQRNN=q75 - q25)
    out.update(Prc20NN=q20, Prc80NN=q80, MinNN=float(x.min()), MaxNN=float(x.max()))
    if len(x) > 1:
        out["SDNN"] = _sd(x, 1)
        out["CVNN"] = _ratio(out["SDNN"], mean)
    if len(d):
        rmssd = math.sqrt(float((d * d).sum()) / len(d))
        out.update(RMSSD=rmssd, CVSD=_ratio(rmssd, mean), SDRMSSD=_ratio(out["SDNN"], rmssd))
        steps = np.abs(d)
        for limit in (50, 20):
            count = int(np.count_nonzero(steps > limit))
            out[f"pNN{limit}"] = 100.0 * count / (len(d) + (1 if row.pnn_per_interval else 0))
    if len(d) > 1:
        out["SDSD"] = _sd(d, row.sdsd_ddof)
    out["HTI"], out["TINN"] = triangle_measures(x, *row.histogram_ms, neurokit=row.tinn == "neurokit")
    for minutes in (1, 2, 5):
        if row.segment_mean == "neurokit":
            pair = neurokit_segment_measures(x, 60_000.0 * minutes)
        else:
            pair = segment_measures(x, ends, 60_000.0 * minutes)
        out[f"SDANN{minutes}"], out[f"SDNNI{minutes}"] = pair
    out["DC"], out["AC"] = capacities(series, row.prsa_limit, row.prsa_margin)
    return HrvValues(out, _REASONS)


_REASONS: Final = {
    **dict.fromkeys(("SDNN", "CVNN"), "fewer than two intervals"),
    **dict.fromkeys(("RMSSD", "CVSD", "pNN50", "pNN20"), "no two intervals in a row"),
    "SDSD": "fewer than two differences",
    "SDRMSSD": "no differences other than 0",
    **dict.fromkeys(("HTI", "TINN"), "a histogram without room for a triangle"),
    **{f"{name}{k}": f"fewer than three segments of {k} min" for name in ("SDANN", "SDNNI") for k in (1, 2, 5)},
    **dict.fromkeys(("DC", "AC"), "fewer than five anchors"),
}


def _ends(series: NDArray[np.float64], known: NDArray[np.bool_], times_s: ArrayLike | None) -> NDArray[np.float64]:
    if times_s is None:
        return np.cumsum(series[known])
    times = np.asarray(times_s, np.float64)
    if times.shape != series.shape:
        raise ValueError(f"times_s has shape {times.shape}; expected that of the intervals, {series.shape}")
    return times[known] * 1000.0


def _sd(x: NDArray[np.float64], ddof: int) -> float:
    y = x - x.sum() / len(x)
    return math.sqrt(float((y * y).sum()) / (len(x) - ddof))  # a dot product would wake all cores for a day


def _quantiles(x: NDArray[np.float64]) -> list[float]:
    """20, 25, 50, 75, 80 % of sorted x, Hyndman & Fan type 7."""
    out = []
    for share in (0.20, 0.25, 0.50, 0.75, 0.80):
        rank = share * (len(x) - 1)
        low = int(rank)
        a, b = float(x[low]), float(x[min(low + 1, len(x) - 1)])
        # From the nearer end, as numpy does: the result lies between both also in the last digit.
        out.append(a + (b - a) * (rank - low) if rank - low < 0.5 else b - (b - a) * (1.0 - (rank - low)))
    return out


def _ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")
