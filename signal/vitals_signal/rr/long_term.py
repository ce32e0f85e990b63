"""Measures that a day of intervals carries: variability between and within segments, and the heart's capacity to slow.

Laws of this file:
1. An interval belongs to the segment in which it ends; segments lie side by side from the start of the first interval.
2. What is averaged around an anchor lies in one stretch: nothing crosses a gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FEWEST_SEGMENTS = 3
_FEWEST_ANCHORS = 5
_ENOUGH = 0.5  # of a segment that intervals must account for


def segment_measures(x: Floats, ends_ms: Floats, length_ms: float) -> tuple[float, float]:
    """SDANN and SDNNI: SD (ddof 1) of the means of segments, and mean of their SDs (ddof 1), in ms.

    `x`: (n,) intervals, `ends_ms`: (n,) when they end, increasing. A segment of which less than half is covered by
    intervals does not count; NaN below three that do. Source: Task Force 1996, table 1 (5-min segments).
    """
    if not len(x):
        return float("nan"), float("nan")
    number = np.floor((ends_ms - (ends_ms[0] - x[0])) / length_ms)
    starts = np.flatnonzero(np.diff(number, prepend=-1.0))
    return _of_segments(x, starts, np.append(starts[1:], len(x)), _ENOUGH * length_ms)


def neurokit_segment_measures(x: Floats, length_ms: float) -> tuple[float, float]:
    """SDANN and SDNNI as NeuroKit2 0.2.13 has them.

    It rounds the number of segments (the last may be half empty) and leaves the last interval of each segment out.
    """
    if not len(x):
        return float("nan"), float("nan")
    seconds = np.cumsum(x / 1000.0)
    ends = (seconds - seconds[0]) * 1000.0 + x[0]
    edges = np.arange(round(float(ends[-1] / length_ms))) * length_ms
    starts = np.searchsorted(ends, edges, "left")
    return _of_segments(x, starts, np.searchsorted(ends, edges + length_ms, "left") - 1, 0.0)


def _of_segments(x: Floats, starts: NDArray[np.intp], stops: NDArray[np.intp], least_ms: float) -> tuple[float, float]:
    sums, squares = np.append(0.0, np.cumsum(x)), np.append(0.0, np.cumsum((x - x.mean()) ** 2))
    n = stops - starts
    total = sums[stops] - sums[starts]
    kept = (n > 0) & (total >= least_ms)
    if np.count_nonzero(kept) < _FEWEST_SEGMENTS:
        return float("nan"), float("nan")
    starts, stops, n = starts[kept], stops[kept], n[kept]
    means = total[kept] / n
    spread = squares[stops] - squares[starts] - n * (means - x.mean()) ** 2
    several = n > 1
    sd = np.sqrt(np.maximum(spread[several], 0.0) / (n[several] - 1))
    return float(means.std(ddof=1)), float(sd.mean()) if len(sd) else float("nan")


def capacities(series: Floats, limit: float, margin: int) -> tuple[float, float]:
    """Deceleration and acceleration capacity (ms) by phase-rectified signal averaging.

    `series`: (n,) intervals in ms, NaN between stretches. Anchors of DC are intervals longer than the one before, by at
    most `limit` (a share), those of AC shorter ones; with X the mean over anchors, (X(0) + X(1) - X(-1) - X(-2)) / 4.
    An anchor needs two known intervals before it and one after, and stands at least `margin` from either end of the
    series. NaN below five anchors. Source: A. Bauer et al., Lancet 367, 2006, doi 10.1016/S0140-6736(06)68735-7.
    """
    if len(series) < 4:
        return float("nan"), float("nan")
    wave = 0.25 * (series[2:-1] + series[3:] - series[1:-2] - series[:-3])  # around series[2:-1]
    ratio = series[2:-1] / series[1:-2]
    inside = np.isfinite(wave)
    inside[: max(margin - 2, 0)] = False
    inside[len(inside) - max(margin - 1, 0) :] = False
    slower = inside & (ratio > 1.0) & (ratio <= 1.0 + limit)
    faster = inside & (ratio < 1.0) & (ratio >= 1.0 - limit)
    return _mean(wave[slower]), _mean(wave[faster])


def _mean(x: Floats) -> float:
    return float(x.mean()) if len(x) >= _FEWEST_ANCHORS else float("nan")
