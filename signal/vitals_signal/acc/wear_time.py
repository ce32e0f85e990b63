"""When a device was not worn, from acceleration alone or with its temperature.

Laws of this file:
1. Three answers, worn, not worn, unknown: where samples are missing the answer is unknown, never worn.
2. The answers are of a recording's minutes. The rules look ahead up to an hour: there is no live form.
3. No number here was tuned on data of this project.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from vitals_signal._runs import runs
from vitals_signal.windows.samples import checked_acc, present

Floats = NDArray[np.float64]

WORN, NOT_WORN, UNKNOWN = 0, 1, 2

_STEP_S: Final = 10  # of the summaries that all rules work on
_PER_MINUTE: Final = 60 // _STEP_S
# van Hees 2011 and 2013, as in GGIR: an hour, every quarter of an hour, two axes of three.
_LONG_MIN, _SHORT_MIN = 60, 15
_SD_G, _RANGE_G = 0.013, 0.050
# Vert 2022 (DETACH).
_DETACH_SD_G: Final = 0.008
_COLD_C, _WARM_C = 26.0, 30.0
_FALL_C_MIN, _RISE_C_MIN = -0.2, 0.1
_AHEAD_MIN: Final = 5
_STILL_SHARE: Final = 0.9
_MOVING_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class WearTime:
    """Minutes of a recording: worn (0), not worn (1), unknown (2)."""

    state: NDArray[np.uint8]
    """(minutes,)."""
    coverage: Floats
    """Share of samples in each minute, 0..1."""
    method: str
    start_us: int
    reason: str | None
    """Why every minute is unknown; None if any is known."""

    @property
    def worn_share(self) -> float:
        """Worn minutes over known minutes; NaN if none is known."""
        known = int((self.state != UNKNOWN).sum())
        return float((self.state == WORN).sum()) / known if known else math.nan

    def not_worn_us(self) -> list[tuple[int, int]]:
        """Start and end of each stretch without the device, in microseconds."""
        minute = 60_000_000
        return [(self.start_us + a * minute, self.start_us + b * minute) for a, b in runs(self.state == NOT_WORN)]


def non_wear(acc_g: ArrayLike, fs: float, temperature_c: ArrayLike | None = None, *, start_us: int = 0) -> WearTime:
    """Which minutes of a recording the device was not worn.

    `acc_g`: (n, 3) in g at `fs` Hz, NaN where a sample is missing. Without temperatures ("van-hees-2013"): every 15 min
    an hour is looked at; where on two axes or three the standard deviation is below 13 mg and the range below 50 mg the
    whole hour is not worn. A sleeper's wrist seldom lies that still for an hour; shorter episodes are not seen.

    With `temperature_c`, (n,) at the same instants or (minutes,) of each minute ("detach-2022"): an episode begins
    where two axes are below 8 mg (standard deviation of a minute) in 90 % of the next 5 min while the skin's warmth is
    lost (below 26 degrees and falling, or falling by 0.2 degrees a minute). It ends in the minute in which one moves
    again, as in half of the next 5 min, while warmth returns (above 26 and rising, rising by 0.1 degrees a minute, or
    above 30). Episodes of 5 min are seen. Made for the temperature inside a GENEActiv on the wrist; here by the minute,
    in the original by 4 s.

    A minute that is covered by less than half is unknown. Raises ValueError for a wrong shape or rate.
    Sources: van Hees 2013, doi 10.1371/journal.pone.0061691; Vert 2022, doi 10.1186/s12874-022-01633-6.
    """
    acc = checked_acc(acc_g)
    if not (math.isfinite(fs) and fs * _STEP_S >= 2):
        raise ValueError(f"fs must be finite and at least {2 / _STEP_S} Hz, not {fs}")
    minutes = int(len(acc) / (60.0 * fs) + 1e-9)
    method = "van-hees-2013" if temperature_c is None else "detach-2022"
    if not minutes:
        return WearTime(np.zeros(0, np.uint8), np.zeros(0), method, start_us, "too little data")
    steps = _Steps(acc, fs, minutes * _PER_MINUTE)
    coverage = steps.coverage.reshape(minutes, -1).mean(1)
    if temperature_c is None:
        not_worn, known = _van_hees(steps, minutes)
    else:
        not_worn, known = _detach(steps, _by_minute(temperature_c, len(acc), fs, minutes), minutes)
    state = np.where(not_worn, NOT_WORN, WORN).astype(np.uint8)
    state[(coverage < 0.5) | ~known] = UNKNOWN
    reason = None
    if (state == UNKNOWN).all():
        short = temperature_c is None and minutes < _LONG_MIN
        reason = "shorter than an hour" if short else "too little data"
    return WearTime(state, coverage, method, start_us, reason)


class _Steps:
    """Count, sums, least and greatest value of every 10 s, from which those of any longer window follow."""

    def __init__(self, acc: Floats, fs: float, steps: int) -> None:
        edges = np.rint(np.arange(steps + 1) * _STEP_S * fs).astype(np.intp)
        edges[-1] = min(edges[-1], len(acc))
        self.count, self.coverage = np.zeros(steps), np.zeros(steps)
        self.total, self.square = np.zeros((steps, 3)), np.zeros((steps, 3))
        self.low, self.high = np.full((steps, 3), np.inf), np.full((steps, 3), -np.inf)
        chunk = max(1, int(65536 / (_STEP_S * fs)))
        for begin in range(0, steps, chunk):
            end = min(begin + chunk, steps)
            part = acc[edges[begin] : edges[end]]
            at = edges[begin:end] - edges[begin]
            there = present(part)
            values = np.where(there[:, None], part, 0.0)
            self.count[begin:end] = np.add.reduceat(there.astype(np.float64), at)
            self.total[begin:end] = np.add.reduceat(values, at, axis=0)
            self.square[begin:end] = np.add.reduceat(values * values, at, axis=0)
            self.low[begin:end] = np.minimum.reduceat(np.where(there[:, None], part, np.inf), at, axis=0)
            self.high[begin:end] = np.maximum.reduceat(np.where(there[:, None], part, -np.inf), at, axis=0)
        self.coverage = self.count / np.diff(edges)

    def spread(self, width: int) -> tuple[Floats, Floats, Floats]:
        """Standard deviation and range by axis, (windows, 3), and samples, (windows,), from each step over `width`."""
        count = _moving_sum(self.count, width)
        total, square = _moving_sum(self.total, width), _moving_sum(self.square, width)
        n = np.maximum(count, 1.0)[:, None]
        sd = np.sqrt(np.maximum(square / n - (total / n) ** 2, 0.0))
        high = sliding_window_view(self.high, width, axis=0).max(-1)
        low = sliding_window_view(self.low, width, axis=0).min(-1)
        return sd, np.where(count[:, None] > 0, high - np.where(np.isfinite(low), low, 0.0), np.inf), count


def _moving_sum(x: Floats, width: int) -> Floats:
    total = np.concatenate((np.zeros((1, *x.shape[1:])), np.cumsum(x, axis=0)))
    moving: Floats = total[width:] - total[:-width]
    return moving


def _van_hees(steps: _Steps, minutes: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    not_worn, known = np.zeros(minutes, np.bool_), np.zeros(minutes, np.bool_)
    if minutes < _LONG_MIN:
        return not_worn, known
    sd, span, count = steps.spread(_LONG_MIN * _PER_MINUTE)
    still = ((sd < _SD_G) & (span < _RANGE_G)).sum(1) >= 2
    full = float(np.median(steps.count[steps.count > 0])) if steps.count.any() else 1.0
    enough = count >= 0.5 * full * _LONG_MIN * _PER_MINUTE
    starts = sorted({*range(0, minutes - _LONG_MIN + 1, _SHORT_MIN), minutes - _LONG_MIN})
    for start in starts:
        if enough[start * _PER_MINUTE]:
            known[start : start + _LONG_MIN] = True
            not_worn[start : start + _LONG_MIN] |= bool(still[start * _PER_MINUTE])
    return not_worn, known


def _detach(steps: _Steps, temperature: Floats, minutes: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    not_worn = np.zeros(minutes, np.bool_)
    known = np.isfinite(temperature) & (steps.coverage.reshape(minutes, -1).mean(1) >= 0.5)
    if minutes < _AHEAD_MIN + 1:
        return not_worn, np.zeros(minutes, np.bool_)
    sd, _, _ = steps.spread(_PER_MINUTE)
    quiet = ((sd < _DETACH_SD_G).sum(1) >= 2).astype(np.float64)
    ahead = _AHEAD_MIN * _PER_MINUTE
    share = np.full(minutes, np.nan)
    next_share = _moving_sum(quiet, ahead)[::_PER_MINUTE] / ahead if len(quiet) >= ahead else np.zeros(0)
    share[: min(minutes, len(next_share))] = next_share[:minutes]
    share[np.isnan(share)] = share[~np.isnan(share)][-1] if len(next_share) else 0.0

    filled = np.interp(np.arange(minutes), np.flatnonzero(known), temperature[known]) if known.any() else temperature
    x = np.arange(_AHEAD_MIN) - (_AHEAD_MIN - 1) / 2
    padded = np.concatenate((filled, np.full(_AHEAD_MIN - 1, filled[-1])))
    views = sliding_window_view(padded, _AHEAD_MIN)
    slope, warmest, coldest = views @ x / (x @ x), views.max(1), views.min(1)
    begins = (share >= _STILL_SHARE) & (((warmest < _COLD_C) & (slope < 0)) | (slope < _FALL_C_MIN))
    moving = (share <= 1.0 - _MOVING_SHARE) & (np.append(quiet, np.zeros(_PER_MINUTE))[::_PER_MINUTE][:minutes] == 0)
    ends = moving & (((coldest > _COLD_C) & (slope > 0)) | (slope > _RISE_C_MIN) | (coldest > _WARM_C))
    off = False
    for minute in range(minutes):
        if off and ends[minute]:
            off = False
        elif not off and begins[minute]:
            off = True
        not_worn[minute] = off
    return not_worn, known


def _by_minute(temperature_c: ArrayLike, samples: int, fs: float, minutes: int) -> Floats:
    temperature = np.asarray(temperature_c, np.float64)
    if temperature.shape not in ((samples,), (minutes,)):
        raise ValueError(f"temperature_c must have the shape ({samples},) or ({minutes},), not {temperature.shape}")
    if temperature.shape == (minutes,):
        return temperature
    edges = np.minimum(np.rint(np.arange(minutes) * 60.0 * fs).astype(np.intp), samples - 1)
    there = np.isfinite(temperature)
    count = np.add.reduceat(there.astype(np.float64), edges)
    sums = np.add.reduceat(np.where(there, temperature, 0.0), edges)
    mean: Floats = np.where(count > 0, sums / np.maximum(count, 1.0), np.nan)
    return mean
