"""Recurrence quantification: lines in the plot of which states of a series come back."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.entropy_ordinal import entropy_of_counts
from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import (
    NO_MATCHES,
    NO_VARIATION,
    TOO_LITTLE,
    TOO_LONG,
    all_measured,
    all_missing,
    any_series,
    ratio,
    span_starts,
)

RECURRENCE_NAMES: Final = (
    "RecurrenceRate", "DiagRec", "Determinism", "DeteRec", "L", "Lmax", "Divergence", "LEn", "Laminarity", "LamiDet",
    "TrappingTime", "VMax", "VEn", "W", "WMax", "WEn",
)  # fmt: skip
RECURRENCE_LIMIT: Final = 8192
_BLOCK: Final = 1 << 20


def recurrence_quantification(
    x: NN | ArrayLike, *, dimension: int = 7, tolerance: float | None = None, shortest: int = 2, detrend: bool = True
) -> HrvValues:
    """Recurrence quantification of vectors of `dimension` consecutive values, delay 1, above the main diagonal.

    Two vectors recur if their Euclidean distance is at most `tolerance` (unit of x; by default half the mean distance
    of all pairs of points (x, x), that is sqrt(2)/2 mean |x_i - x_j|, Zimatore et al. 2021); `detrend` takes a straight
    line from x first. These are the defaults of NeuroKit2's `hrv_rqa`; Kubios has dimension 10, tolerance sqrt(10) SD,
    no detrending, and gives rates in %.

    - RecurrenceRate: share of pairs i < j that recur; DiagRec: slope of log2(rate on a diagonal) over log2(lag)
    - Determinism, L, Lmax, LEn: share of recurrent points on diagonal lines of at least `shortest` points, mean and
      longest length, entropy (nats) of the lengths; Divergence 1 / Lmax; DeteRec Determinism / RecurrenceRate
    - Laminarity, TrappingTime, VMax, VEn: the same of vertical lines; W, WMax, WEn: of white vertical lines; LamiDet
      Laminarity / Determinism (which NeuroKit2 0.2.13 forgets). Lengths are 0 where there is no line.

    Vectors that hold a NaN neither recur nor count, and end lines. O(n^2) time, O(n) memory in blocks: up to
    `RECURRENCE_LIMIT` intervals, NaN with a reason beyond. Raises ValueError for dimension < 1, shortest < 2, a
    negative tolerance or x of more than one dimension.

    Source: N. Marwan et al., Phys. Rep. 438, 2007, doi 10.1016/j.physrep.2006.11.001; G. Zimatore et al., PLoS One 16,
    2021, doi 10.1371/journal.pone.0249504.
    """
    if dimension < 1 or shortest < 2:
        raise ValueError(f"dimension must be at least 1 and shortest at least 2, got {dimension} and {shortest}")
    if tolerance is not None and not tolerance >= 0:
        raise ValueError(f"tolerance must not be negative, got {tolerance}")
    series = any_series(x)
    if len(series) > RECURRENCE_LIMIT:
        return all_missing(RECURRENCE_NAMES, TOO_LONG)
    known = ~np.isnan(series)
    starts = span_starts(series, dimension)
    if len(starts) < 3:
        return all_missing(RECURRENCE_NAMES, TOO_LITTLE)
    if detrend:
        time = np.arange(len(series), dtype=np.float64) - np.flatnonzero(known).mean()
        level = series[known].mean()
        slope = time[known] @ (series[known] - level) / (time[known] @ time[known])
        series = series - level - slope * time
    limit = math.sqrt(0.5) * _mean_distance(series[known]) if tolerance is None else tolerance
    if not limit > 0 and tolerance is None:
        return all_missing(RECURRENCE_NAMES, NO_VARIATION)
    whole = np.zeros(len(series) - dimension + 1, np.bool_)
    whole[starts] = True
    return _quantified(*_lines(np.where(known, series, 0.0), whole, dimension, limit), shortest)


def _mean_distance(x: NDArray[np.float64]) -> float:
    """Mean of |x_i - x_j| over all pairs."""
    n = len(x)
    return float(np.sort(x) @ (2 * np.arange(n) - n + 1)) / (n * (n - 1) / 2)


def _lines(
    x: NDArray[np.float64], whole: NDArray[np.bool_], dimension: int, limit: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Recurrences and pairs by lag, shape (lags, 2), and how many diagonal, vertical and white lines have each length.

    Points are laid out by lag and time, so that diagonals of the plot are rows here, and verticals are columns.
    """
    n = len(whole)
    diagonal, vertical, white = (np.zeros(n + 1, np.int64) for _ in range(3))
    rate = np.zeros((n - 1, 2))
    rows = max(1, _BLOCK // n)
    for a in range(1, n, rows):
        near, valid = _recurrences(x, whole, dimension, limit, range(a, min(a + rows, n)), range(n - a))
        rate[a - 1 : a - 1 + len(near)] = np.stack([near.sum(axis=1), valid.sum(axis=1)], axis=1)
        diagonal += _run_lengths(near, n)
    for a in range(0, n - 1, rows):
        near, valid = _recurrences(x, whole, dimension, limit, range(1, n - a), range(a, min(a + rows, n - 1)))
        vertical += _run_lengths(near.T, n)
        white += _run_lengths((valid & ~near).T, n)
    return rate, diagonal, vertical, white


def _recurrences(
    x: NDArray[np.float64], whole: NDArray[np.bool_], dimension: int, limit: float, lags: range, times: range
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pairs (time, time + lag) recur, and which exist; shape (lags, times)."""
    n = len(whole)
    width = len(times) + dimension - 1
    later = np.concatenate((x, np.zeros(len(lags) + width)))
    ahead = np.lib.stride_tricks.sliding_window_view(later[times.start + lags.start :], width)[: len(lags)]
    square = (ahead - x[times.start : times.start + width]) ** 2
    distance = square[:, : len(times)].copy()
    for k in range(1, dimension):
        distance += square[:, k : k + len(times)]
    exists = np.concatenate((whole, np.zeros(len(lags) + len(times), np.bool_)))
    ahead_exists = np.lib.stride_tricks.sliding_window_view(exists[times.start + lags.start :], len(times))
    valid = ahead_exists[: len(lags)] & whole[times.start : times.start + len(times)]
    assert times.stop <= n
    return valid & (np.sqrt(distance) <= limit), valid


def _run_lengths(hit: NDArray[np.bool_], longest: int) -> NDArray[np.int64]:
    """How many runs of True in the rows have each length, shape (longest + 1,)."""
    padded = np.zeros((hit.shape[0], hit.shape[1] + 1), np.int8)
    padded[:, :-1] = hit
    edges = np.flatnonzero(np.diff(padded.ravel(), prepend=np.int8(0)))
    return np.bincount(edges[1::2] - edges[::2], minlength=longest + 1)


def _quantified(
    rate: NDArray[np.float64],
    diagonal: NDArray[np.int64],
    vertical: NDArray[np.int64],
    white: NDArray[np.int64],
    shortest: int,
) -> HrvValues:
    recurrent, pairs = rate.sum(axis=0).tolist()
    if not recurrent:
        out = all_missing(RECURRENCE_NAMES, NO_MATCHES)
        return HrvValues({**out, "RecurrenceRate": 0.0}, out.reasons)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = rate[:, 0] / rate[:, 1]
    some = np.flatnonzero(share > 0)
    lag = np.log2(some + 1.0)
    lag -= lag.mean()
    on_lines = {}
    for name, counts in (("diagonal", diagonal), ("vertical", vertical), ("white", white)):
        length = np.arange(len(counts))
        counts = np.where(length >= shortest, counts, 0)
        points, lines = int(counts @ length), int(counts.sum())
        longest = int(np.flatnonzero(counts).max(initial=0))
        on_lines[name] = points, points / max(lines, 1), longest, entropy_of_counts(counts[counts > 0])
    points, mean, longest, entropy = on_lines["diagonal"]
    trapped, trapping, tallest, vertical_entropy = on_lines["vertical"]
    determinism, laminarity, share_all = points / recurrent, trapped / recurrent, recurrent / pairs
    values = (
        share_all,
        float(lag @ np.log2(share[some]) / (lag @ lag)) if len(some) > 2 else math.nan,
        determinism,
        determinism / share_all,
        mean,
        longest,
        ratio(1, longest),
        entropy,
        laminarity,
        ratio(laminarity, determinism),
        trapping,
        tallest,
        vertical_entropy,
        *on_lines["white"][1:],
    )
    return all_measured(RECURRENCE_NAMES, values, NO_MATCHES)
