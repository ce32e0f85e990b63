"""What heart rate and motion say together: resting rate in sleep, the dip of the night, answer to effort, recovery.

Laws of this file:
1. Both series are of the same epochs; an epoch counts only where what it needs is known.
2. A value that the data do not support is NaN, with a reason by its name.

Sources: resting rate in sleep as the lowest half hour: Quer et al. 2020, doi 10.1371/journal.pone.0227709 (daily
resting rate of wearables); recovery after a minute: Cole et al.
1999, doi 10.1056/NEJM199910283411804 (there after a treadmill test; here after whatever effort the day brings).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

HEART_ACTIVITY_VERSION: Final = "heart-activity-1"
HEART_ACTIVITY_FEATURES: Final = (
    "resting_bpm_sleep", "mean_bpm_sleep", "mean_bpm_wake", "dip_pct",
    "bpm_per_activity", "bpm_at_no_activity", "activity_r", "answer_lag_min", "recovery_60s_bpm", "recoveries",
)  # fmt: skip

_REST_MIN: Final = 30.0
_EFFORT_MIN: Final = 3.0
_LONGEST_LAG_MIN: Final = 10.0


@dataclass(frozen=True, slots=True)
class HeartActivity:
    """Joint features, by the names in `HEART_ACTIVITY_FEATURES`."""

    values: dict[str, float]
    coverage: float
    """Share of the epochs with both heart rate and activity, 0..1."""
    reason: str | None
    reasons: dict[str, str]
    method: str = HEART_ACTIVITY_VERSION


def heart_activity(
    bpm: ArrayLike, activity: ArrayLike, epoch_s: float = 60.0, *, asleep: ArrayLike | None = None
) -> HeartActivity:
    """Joint features of heart rate (bpm) and activity (counts or mg), both shape (n,) per epoch, NaN unknown.

    `asleep`: 1 sleep, 0 wake, NaN unknown, shape (n,); without it what needs it is NaN.

    - resting_bpm_sleep lowest mean over 30 min of sleep (at least half known); mean_bpm_sleep, mean_bpm_wake; dip_pct
      100 (wake - sleep) / wake
    - bpm_per_activity and bpm_at_no_activity: slope and intercept of least squares of bpm on ln(1 + activity), awake
      epochs (all without `asleep`); activity_r their correlation; answer_lag_min the lag of 0..10 min of bpm behind
      activity at which the correlation is highest
    - recovery_60s_bpm median fall of bpm in the 60 s after the end of an effort; recoveries their number. An effort is
      3 min or more above the 75th percentile of activity awake that ends in a minute below its median.

    Raises ValueError for shapes that differ or `epoch_s` outside 1..300 s.
    """
    if not 1 <= epoch_s <= 300:
        raise ValueError(f"epoch_s must lie in 1..300 s, got {epoch_s}")
    rate, move = np.asarray(bpm, np.float64).ravel(), np.asarray(activity, np.float64).ravel()
    sleep = np.full(len(rate), np.nan) if asleep is None else np.asarray(asleep, np.float64).ravel()
    if not len(rate) == len(move) == len(sleep):
        raise ValueError(f"bpm, activity and asleep must have one length, got {len(rate)}, {len(move)}, {len(sleep)}")
    rate = np.where((rate >= 25) & (rate <= 250), rate, np.nan)
    move = np.where((move >= 0) & (move < 1e100), move, np.nan)
    both = np.isfinite(rate) & np.isfinite(move)
    coverage = float(both.mean()) if len(both) else 0.0
    values = dict.fromkeys(HEART_ACTIVITY_FEATURES, float("nan"))
    if not both.any():
        return HeartActivity(values, coverage, "no epoch with both heart rate and activity", {})
    reasons: dict[str, str] = {}
    _of_sleep(values, reasons, rate, sleep, epoch_s, asleep is None)
    awake = both & (sleep != 1.0) if asleep is None else both & (sleep == 0.0)
    _of_effort(values, reasons, rate, move, awake, epoch_s)
    for name in HEART_ACTIVITY_FEATURES:
        if np.isnan(values[name]) and name not in reasons:
            reasons[name] = "too little data"
    return HeartActivity(values, coverage, None, reasons)


def _of_sleep(
    values: dict[str, float],
    reasons: dict[str, str],
    rate: NDArray[np.float64],
    sleep: NDArray[np.float64],
    epoch_s: float,
    untold: bool,
) -> None:
    names = ("resting_bpm_sleep", "mean_bpm_sleep", "mean_bpm_wake", "dip_pct")
    if untold:
        reasons.update(dict.fromkeys(names, "asleep was not given"))
        return
    known = np.isfinite(rate)
    night, day = known & (sleep == 1.0), known & (sleep == 0.0)
    width = max(1, round(_REST_MIN * 60.0 / epoch_s))
    if len(rate) >= width:
        total = np.concatenate(([0.0], np.cumsum(np.where(night, rate, 0.0))))
        count = np.concatenate(([0], np.cumsum(night)))
        number = count[width:] - count[:-width]
        enough = number >= 0.5 * width
        if enough.any():
            values["resting_bpm_sleep"] = float(((total[width:] - total[:-width])[enough] / number[enough]).min())
    if night.any():
        values["mean_bpm_sleep"] = float(rate[night].mean())
    if day.any():
        values["mean_bpm_wake"] = float(rate[day].mean())
        values["dip_pct"] = 100.0 * (1.0 - values["mean_bpm_sleep"] / values["mean_bpm_wake"])
    for name in names:
        if np.isnan(values[name]):
            reasons[name] = "too little sleep or wake with a known heart rate"


def _of_effort(
    values: dict[str, float],
    reasons: dict[str, str],
    rate: NDArray[np.float64],
    move: NDArray[np.float64],
    awake: NDArray[np.bool_],
    epoch_s: float,
) -> None:
    x = np.log1p(move)
    if awake.sum() >= 10 and float(x[awake].std()) > 1e-9 and float(rate[awake].std()) > 1e-9:
        centred = x[awake] - x[awake].mean()
        slope = float(centred @ rate[awake] / (centred @ centred))
        values["bpm_per_activity"] = slope
        values["bpm_at_no_activity"] = float(rate[awake].mean() - slope * x[awake].mean())
        values["activity_r"] = float(np.corrcoef(x[awake], rate[awake])[0, 1])
        values["answer_lag_min"] = _lag(x, rate, awake, epoch_s)
    else:
        names = ("bpm_per_activity", "bpm_at_no_activity", "activity_r", "answer_lag_min")
        reasons.update(dict.fromkeys(names, "no variation of both in ten epochs awake"))
    falls = _recoveries(rate, move, awake, epoch_s) if epoch_s <= 60 else []
    values["recoveries"] = float(len(falls))
    if falls:
        values["recovery_60s_bpm"] = float(np.median(falls))
    else:
        reasons["recovery_60s_bpm"] = "no effort that ends in rest" if epoch_s <= 60 else "epochs are longer than 60 s"


def _lag(x: NDArray[np.float64], rate: NDArray[np.float64], awake: NDArray[np.bool_], epoch_s: float) -> float:
    best, at = -2.0, float("nan")
    for lag in range(int(_LONGEST_LAG_MIN * 60.0 / epoch_s) + 1):
        n = len(x) - lag
        if n < 10:
            break
        use = awake[:n] & awake[lag:]
        if use.sum() < 10:
            continue
        a, b = x[:n][use], rate[lag:][use]
        a, b = a - a.mean(), b - b.mean()
        size = float(np.sqrt((a @ a) * (b @ b)))
        r = float(a @ b) / size if size > 0 else -2.0
        if r > best + 1e-12:
            best, at = r, lag * epoch_s / 60.0
    return at


def _recoveries(
    rate: NDArray[np.float64], move: NDArray[np.float64], awake: NDArray[np.bool_], epoch_s: float
) -> list[float]:
    if awake.sum() < 10:
        return []
    high, low = np.percentile(move[awake], [75, 50]).tolist()
    minute = max(1, round(60.0 / epoch_s))
    least = max(1, round(_EFFORT_MIN * 60.0 / epoch_s))
    effort = np.concatenate(([False], awake & (move > high), [False]))
    border = np.flatnonzero(effort[1:] != effort[:-1])
    falls = []
    for start, end in zip(border[::2].tolist(), border[1::2].tolist(), strict=True):
        rest = slice(end, end + minute)
        if end - start < least or end + minute > len(rate) or not awake[rest].all() or move[rest].mean() > low:
            continue
        falls.append(float(rate[end - 1] - rate[end + minute - 1]))
    return falls
