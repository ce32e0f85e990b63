"""The rhythm of rest and activity over days: IS, IV, L5, M10, RA and the cosine that fits.

Laws of this file:
1. Epochs that are unknown (NaN) are left out of every sum and of its denominator; an hour of which less than half is
   known is unknown.
2. Clock times are hours after local midnight, 0 <= h < 24; days are of 24 h, so that a change to summer time must be
   undone before.
3. A value that the data do not support is NaN, with a reason.

Sources: IS, IV, L5, M10, RA: Witting et al. 1990, doi 10.1016/0006-3223(90)90523-5; van Someren et al. 1999, doi
10.3109/07420529908998724; cosinor: Nelson et al. 1979, Chronobiologia 6:305; Cornelissen 2014, doi
10.1186/1742-4682-11-16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

REST_ACTIVITY_VERSION: Final = "rest-activity-1"
REST_ACTIVITY_FEATURES: Final = (
    "IS", "IV", "L5", "L5_onset_h", "M10", "M10_onset_h", "RA",
    "mesor", "amplitude", "acrophase_h", "cosinor_R2", "cosinor_p",
)  # fmt: skip

_DAY_S: Final = 86400.0
_LEAST_DAYS: Final = 2.0


@dataclass(frozen=True, slots=True)
class RestActivity:
    """The rhythm of a recording, by the names in `REST_ACTIVITY_FEATURES`; NaN where `reason` or `reasons` say why."""

    values: dict[str, float]
    coverage: float
    """Share of the epochs that are known, 0..1."""
    days: float
    """Length of the recording in days, unknown epochs included."""
    reason: str | None
    reasons: dict[str, str]
    method: str = REST_ACTIVITY_VERSION


@dataclass(frozen=True, slots=True)
class Cosinor:
    """y = mesor + amplitude cos(2 pi (t - acrophase) / period), fitted by least squares."""

    mesor: float
    amplitude: float
    acrophase_h: float
    """Clock time of the crest, 0 <= h < period."""
    r2: float
    """Share of the variance explained, 0..1."""
    p: float
    """Zero-amplitude F test with 2 and n - 3 degrees of freedom (epochs taken as independent, which they are not)."""
    n: int
    """Known epochs."""
    reason: str | None


def rest_activity(activity: ArrayLike, epoch_s: float = 60.0, *, start_h: float = 0.0) -> RestActivity:
    """Non-parametric and cosine measures of activity per epoch, shape (n,), NaN unknown, from clock time `start_h`
    (h) on.

    Hours are averaged first (x_i, N of them known; p of 24 per day, x_h the mean of hour h over days, m the mean of
    x_i):

    - IS = sum_h n_h (x_h - m)^2 / sum_i (x_i - m)^2, n_h the known days of hour h; without gaps that is Witting's
      N sum_h (x_h - m)^2 / (24 sum_i (x_i - m)^2), with gaps it stays within 0 (noise) .. 1 (the same every day)
    - IV = N sum_i (x_i - x_(i-1))^2 / (P sum_i (x_i - m)^2), P the number of hours with a known one before (N - 1
      without gaps)
    - L5, M10: lowest mean of 5 h and highest of 10 h in the mean day (epochs of at most 60 s averaged over days,
      circular), with the clock time of onset; RA = (M10 - L5) / (M10 + L5)
    - mesor, amplitude, acrophase_h, cosinor_R2, cosinor_p: `cosinor` on the hours

    Less than two days, or a mean day with unknown parts, gives NaN and reasons. Raises ValueError unless `epoch_s`
    divides an hour, or for `start_h` outside 0..24. IS and IV fall and rise with the width of the bins: they are
    comparable for hourly bins only.
    """
    if not 0 < epoch_s <= 3600 or abs(3600.0 / epoch_s - round(3600.0 / epoch_s)) > 1e-9:
        raise ValueError(f"epoch_s must divide an hour, got {epoch_s}")
    if not 0 <= start_h < 24:
        raise ValueError(f"start_h must lie in 0..24, got {start_h}")
    x = np.asarray(activity, np.float64).ravel()
    x = np.where(np.isfinite(x) & (np.abs(x) < 1e100), x, np.nan)
    values = dict.fromkeys(REST_ACTIVITY_FEATURES, float("nan"))
    days = len(x) * epoch_s / _DAY_S
    coverage = float(np.isfinite(x).mean()) if len(x) else 0.0
    if days < _LEAST_DAYS or coverage == 0:
        return RestActivity(values, coverage, days, "less than two days of epochs", {})
    per_hour = round(3600.0 / epoch_s)
    hours, clock = _hourly(x, per_hour, start_h)
    reasons: dict[str, str] = {}
    values["IS"], values["IV"] = _stability(hours, clock)
    for name in ("IS", "IV"):
        if np.isnan(values[name]):
            reasons[name] = "no variation between hours, or hours of the day that are never known"
    day = _mean_day(x, round(start_h * per_hour) % (24 * per_hour), 24 * per_hour)
    low, low_at = _extreme(day, 5 * per_hour, -1.0)
    high, high_at = _extreme(day, 10 * per_hour, 1.0)
    values.update(L5=low, L5_onset_h=low_at / per_hour, M10=high, M10_onset_h=high_at / per_hour)
    values["RA"] = (high - low) / (high + low) if high + low > 0 else float("nan")
    if np.isnan(low):
        names = ("L5", "L5_onset_h", "M10", "M10_onset_h", "RA")
        reasons.update(dict.fromkeys(names, "times of day that are never known"))
    elif np.isnan(values["RA"]):
        reasons["RA"] = "no activity"
    fit = cosinor(hours, 1.0, start_h=float(clock[0]) + 0.5 if len(clock) else 0.0)
    values.update(mesor=fit.mesor, amplitude=fit.amplitude, acrophase_h=fit.acrophase_h)
    values.update(cosinor_R2=fit.r2, cosinor_p=fit.p)
    if fit.reason is not None:
        names = ("mesor", "amplitude", "acrophase_h", "cosinor_R2", "cosinor_p")
        reasons.update({name: fit.reason for name in names if np.isnan(values[name])})
    return RestActivity(values, coverage, days, None, reasons)


def cosinor(y: ArrayLike, step_h: float, *, start_h: float = 0.0, period_h: float = 24.0) -> Cosinor:
    """Single-component cosinor of values every `step_h` hours from clock time `start_h` on, shape (n,), NaN unknown.

    Least squares of M + b cos(wt) + g sin(wt), w = 2 pi / period; amplitude sqrt(b^2 + g^2), acrophase the clock time
    of the crest; R2 = 1 - RSS / TSS; p from F = ((TSS - RSS) / 2) / (RSS / (n - 3)), whose tail is (1 + 2 F / (n -
    3))^(-(n - 3) / 2). Fewer than 4 known values, or values over less than half a period, give NaN and a reason.
    Raises ValueError for steps or periods that are not above 0.
    """
    if not (step_h > 0 and period_h > 0):
        raise ValueError(f"step_h and period_h must be above 0, got {step_h} and {period_h}")
    x = np.asarray(y, np.float64).ravel()
    x = np.where(np.abs(x) < 1e100, x, np.nan)
    t = start_h + np.arange(len(x)) * step_h
    known = np.isfinite(x)
    x, t = x[known], t[known]
    nan = float("nan")
    if len(x) < 4 or t[-1] - t[0] < 0.5 * period_h:
        return Cosinor(nan, nan, nan, nan, nan, len(x), "fewer than four values or less than half a period")
    angle = 2 * np.pi * t / period_h
    design = np.stack((np.ones(len(t)), np.cos(angle), np.sin(angle)), axis=1)
    fitted, _, rank, _ = np.linalg.lstsq(design, x, rcond=None)
    if rank < 3:
        return Cosinor(nan, nan, nan, nan, nan, len(x), "the times do not tell the three parameters apart")
    mesor, b, g = fitted.tolist()
    amplitude = float(np.hypot(b, g))
    rest = float(((x - design @ fitted) ** 2).sum())
    total = float(((x - x.mean()) ** 2).sum())
    if total <= 1e-24 * max(1.0, float(np.abs(x).max()) ** 2) * len(x):
        return Cosinor(mesor, 0.0, nan, nan, nan, len(x), "no variation")
    acrophase = float(np.arctan2(g, b) / (2 * np.pi) * period_h % period_h)
    free = len(x) - 3
    p = float((max(rest, 0.0) / total) ** (free / 2.0))
    return Cosinor(mesor, amplitude, acrophase, 1.0 - rest / total, p, len(x), None)


def _hourly(x: NDArray[np.float64], per_hour: int, start_h: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of whole clock hours (NaN where less than half is known) and their hour of the day."""
    skip = round((np.ceil(start_h - 1e-9) - start_h) * per_hour)
    count = (len(x) - skip) // per_hour
    table = x[skip : skip + count * per_hour].reshape(count, per_hour)
    known = np.isfinite(table)
    number = known.sum(axis=1)
    mean = np.where(known, table, 0.0).sum(axis=1) / np.maximum(number, 1)
    clock = (np.ceil(start_h - 1e-9) + np.arange(count)) % 24
    return np.where(number >= 0.5 * per_hour, mean, np.nan), clock


def _stability(x: NDArray[np.float64], clock: NDArray[np.float64]) -> tuple[float, float]:
    known = np.isfinite(x)
    n = int(known.sum())
    if n < 24:
        return float("nan"), float("nan")
    mean = float(x[known].mean())
    total = float(((x[known] - mean) ** 2).sum())
    if total <= 1e-24 * max(1.0, mean * mean) * n:
        return float("nan"), float("nan")
    hour = clock[known].astype(np.int64)
    number = np.bincount(hour, minlength=24)
    if (number == 0).any():
        stability = float("nan")
    else:
        of_day = np.bincount(hour, weights=x[known], minlength=24) / number
        stability = float((number * (of_day - mean) ** 2).sum()) / total
    pairs = known[1:] & known[:-1]
    steps = np.diff(x)[pairs]
    variability = n * float((steps**2).sum()) / (int(pairs.sum()) * total) if pairs.any() else float("nan")
    return stability, variability


def _mean_day(x: NDArray[np.float64], first: int, per_day: int) -> NDArray[np.float64]:
    """Mean over days of each epoch of the day, shape (per_day,), from midnight on."""
    known = np.isfinite(x)
    place = (first + np.arange(len(x))) % per_day
    number = np.bincount(place[known], minlength=per_day)
    total = np.bincount(place[known], weights=x[known], minlength=per_day)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _extreme(day: NDArray[np.float64], width: int, sign: float) -> tuple[float, float]:
    """Highest (or lowest) mean of `width` epochs on the circle of the day, and its begin (the first of equals)."""
    if np.isnan(day).any():
        return float("nan"), float("nan")
    total = np.concatenate(([0.0], np.cumsum(np.concatenate((day, day[: width - 1])))))
    mean = (total[width:] - total[:-width]) / width
    at = int(np.argmax(np.round(sign * mean, 12)))
    return float(mean[at]), float(at)
