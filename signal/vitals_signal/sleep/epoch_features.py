"""What a 30-s epoch of the night tells a sleep model: movement, restlessness of the heart, and the clock.

Laws of this file:
1. Every window is centred on its epoch and shrinks at the ends and at gaps; nothing is filled in.
2. A value that nothing supports is NaN, and the epoch says why (`reason`).
3. `sleep_features` takes what public data sets publish (activity and heart-rate variation per epoch, Walch 2019): a
   model trained on them can be used on the signals of a watch through `sleep_activity` and `sleep_hr_variation`.

Source: Walch, Huang, Forger & Goldstein 2019, Sleep 42(12), doi 10.1093/sleep/zsz180 (smoothing of 50 s, difference of
Gaussians of 120 and 600 s, windows of 10 min).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

SLEEP_FEATURES_VERSION: Final = "sleep-epoch-1"
SLEEP_FEATURES: Final = (
    "activity",
    "activity_mean_2", "activity_mean_5", "activity_mean_10", "activity_mean_20",
    "activity_max_5", "activity_max_20", "activity_sd_10", "since_movement", "until_movement",
    "hr_variation", "hr_variation_above_night",
    "hr_variation_mean_5", "hr_variation_mean_10", "hr_variation_mean_20",
    "hr_variation_max_20", "hr_variation_min_20",
    "hours", "clock",
)  # fmt: skip
EPOCH_S: Final = 30.0

_HR_FLOOR: Final = 0.02  # below what a watch resolves of a normalised rate
_MOVEMENT: Final = 10.0  # smoothed counts from which an epoch holds a movement
_FAR: Final = 60  # epochs beyond which a movement is no longer near
_CLOCK_SHIFT_H: Final = 5.0
_MOST: Final = 1e9  # no sensor counts further: beyond, it is no count


@dataclass(frozen=True, slots=True, eq=False)
class SleepFeatures:
    """Features of consecutive 30-s epochs, columns in the order of `SLEEP_FEATURES`."""

    values: NDArray[np.float64]
    """(n, len(SLEEP_FEATURES)); NaN where `reason` says why."""
    coverage: NDArray[np.float64]
    """(n,), share of the 41 epochs around each that hold activity, 0..1 (less at the ends)."""
    reason: tuple[str | None, ...]
    """Why columns of an epoch are NaN; None where all stand."""
    method: str = SLEEP_FEATURES_VERSION


def sleep_activity(counts: ArrayLike, epoch_s: float = 15.0) -> NDArray[np.float64]:
    """Movement of 30-s epochs: activity counts joined linearly and smoothed by a Gaussian with a deviation of 50 s.

    `counts`: counts per `epoch_s` seconds, shape (m,), NaN where not worn (`lindert_counts` for the scale of Walch
    2019); the sum belongs to the middle of its epoch. Gives shape (floor(m * epoch_s / 30),), in counts per
    `epoch_s`; NaN where less than half of the weight within 300 s of the epoch's middle is known. Raises ValueError
    for `epoch_s` outside 1..60. Source: Walch 2019, `smooth_gauss` of its published code, with gaps left out of the
    weighted mean.
    """
    if not 1 <= epoch_s <= 60:
        raise ValueError(f"epoch_s must lie in 1..60 s, got {epoch_s}")
    x = np.asarray(counts, np.float64).ravel()
    x = np.where((x >= 0) & (x <= _MOST), x, np.nan)
    n = int(len(x) * epoch_s / EPOCH_S + 1e-9)
    if not n:
        return np.empty(0)
    second = np.arange(int(n * EPOCH_S)) + 0.5
    at = second / epoch_s - 0.5
    left = np.clip(np.floor(at).astype(np.int64), 0, len(x) - 1)
    right = np.minimum(left + 1, len(x) - 1)
    share = np.clip(at - left, 0.0, 1.0)
    joined = np.where(share > 0, x[left] * (1 - share) + x[right] * share, x[left])
    offset = np.arange(-300, 301)
    weight = np.exp(-0.5 * (offset / 50.0) ** 2)
    return _weighted(joined, weight, n, 0.5)


def sleep_hr_variation(time_s: ArrayLike, bpm: ArrayLike, epochs: int) -> NDArray[np.float64]:
    """Restlessness of the heart rate per 30-s epoch: deviation (ddof 0) within 300 s of the epoch's middle.

    `time_s`: seconds since the start of the first epoch, ascending; `bpm`: heart rate then (NaN unknown), both (m,);
    `epochs`: how many. The rate is joined linearly to 1 Hz (not over more than 300 s without a value), filtered by the
    difference of Gaussians g(120 s) - 0.75 g(600 s) cut at +-142 s, and divided by the 90th percentile of its absolute
    value over the night. NaN where less than half of the window is known. Raises ValueError for shapes that differ,
    times that do not ascend, or `epochs` below 0.
    Source: Walch 2019, `HeartRateFeatureService` of its published code.
    """
    t, rate = np.asarray(time_s, np.float64).ravel(), np.asarray(bpm, np.float64).ravel()
    if t.shape != rate.shape:
        raise ValueError(f"time_s and bpm must have one shape, got {t.shape} and {rate.shape}")
    if epochs < 0:
        raise ValueError(f"epochs must not be below 0, got {epochs}")
    known = np.isfinite(t) & (rate > 0) & (rate < 400)
    t, rate = t[known], rate[known]
    if np.any(np.diff(t) < 0):
        raise ValueError("time_s must ascend")
    out = np.full(epochs, np.nan)
    if len(t) < 2 or not epochs:
        return out
    second = np.arange(int(epochs * EPOCH_S)) + 0.5
    after = np.searchsorted(t, second)
    inside = (after > 0) & (after < len(t))
    width = np.diff(t)[np.clip(after - 1, 0, len(t) - 2)]
    joined = np.where(inside & (width <= 300.0), np.interp(second, t, rate), np.nan)
    offset = np.arange(-142, 143)
    kernel = np.exp(-0.5 * (offset / 120.0) ** 2) - 0.75 * np.exp(-0.5 * (offset / 600.0) ** 2)
    alive = np.isfinite(joined)
    if not alive.any():
        return out
    filtered = np.convolve(
        np.pad(np.where(alive, joined - joined[alive].mean(), 0.0), 142, mode="reflect"), kernel, "valid"
    )
    filtered[~alive] = np.nan
    scale = float(np.percentile(np.abs(filtered[alive]), 90))
    if scale <= 0:
        return out
    filtered /= scale
    box = np.ones(600)
    mean = _weighted(filtered, box, epochs, 0.5)
    square = _weighted(filtered**2, box, epochs, 0.5)
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0)))


def sleep_features(activity: ArrayLike, hr_variation: ArrayLike, hours: ArrayLike | None = None) -> SleepFeatures:
    """The feature vector of a sleep model, one row per 30-s epoch, names in `SLEEP_FEATURES`.

    `activity`: smoothed counts (`sleep_activity`, or `count_feature` of Walch 2019), shape (n,); `hr_variation`: as
    `sleep_hr_variation` (or `hr_feature`), shape (n,); `hours`: hours since lights out or since the first epoch, (n,),
    by default 30-s steps from 0. NaN is missing.

    - activity ln(1 + a); activity_mean_k, _max_k, _sd_k (ddof 0) of it over the 2 k + 1 epochs around
    - since_movement, until_movement: ln(1 + epochs) to the last and the next epoch with a >= 10, at most 60 epochs
    - hr_variation ln(h + 0.02); _above_night: less its median over the night; _mean_k, _max_k, _min_k as above
    - hours as given; clock -cos(2 pi (hours - 5) / 24), the cosine clock of Walch 2019

    Raises ValueError where the shapes differ.
    """
    a, h = np.asarray(activity, np.float64).ravel(), np.asarray(hr_variation, np.float64).ravel()
    n = len(a)
    t = np.arange(n) * EPOCH_S / 3600.0 if hours is None else np.asarray(hours, np.float64).ravel()
    if not len(a) == len(h) == len(t):
        raise ValueError(f"activity, hr_variation and hours must have one length, got {len(a)}, {len(h)} and {len(t)}")
    a = np.where((a >= 0) & (a <= _MOST), a, np.nan)
    h = np.where((h >= 0) & (h <= _MOST), h, np.nan)
    t = np.where(np.isfinite(t), t, np.nan)
    move, heart = np.log1p(a), np.log(h + _HR_FLOOR)
    since, until = _to_movement(a)
    night = float(np.median(heart[np.isfinite(heart)])) if np.isfinite(heart).any() else float("nan")
    columns = [
        move,
        *(_mean(move, k) for k in (2, 5, 10, 20)),
        *(_extreme(move, k, 1.0) for k in (5, 20)),
        _deviation(move, 10),
        since,
        until,
        heart,
        heart - night,
        *(_mean(heart, k) for k in (5, 10, 20)),
        _extreme(heart, 20, 1.0),
        _extreme(heart, 20, -1.0),
        t,
        -np.cos(2 * np.pi * (t - _CLOCK_SHIFT_H) / 24.0),
    ]
    values = np.stack(columns, axis=1) if n else np.empty((0, len(SLEEP_FEATURES)))
    coverage = _sums(np.isfinite(a).astype(np.float64), 20) / 41.0
    lacking = zip(np.isnan(a).tolist(), np.isnan(h).tolist(), np.isnan(t).tolist(), strict=True)
    words = ("no activity", "no heart rate", "no time")
    reason = tuple(", ".join(w for w, no in zip(words, row, strict=True) if no) or None for row in lacking)
    return SleepFeatures(values, coverage, reason)


def _weighted(x: NDArray[np.float64], weight: NDArray[np.float64], n: int, least: float) -> NDArray[np.float64]:
    """Weighted mean of 1-Hz values around the middle of each of `n` epochs, over what is known."""
    half = len(weight) // 2
    padded = np.pad(x, half, constant_values=np.nan)
    known = np.isfinite(padded)
    value = np.where(known, padded, 0.0)
    first = (np.arange(n) * EPOCH_S + EPOCH_S / 2).astype(np.int64)
    rows = np.lib.stride_tricks.sliding_window_view(value, len(weight))[first]
    mass = np.lib.stride_tricks.sliding_window_view(known.astype(np.float64), len(weight))[first] @ weight
    # What lies before the first and after the last epoch does not count as missing.
    inside = np.lib.stride_tricks.sliding_window_view(np.pad(np.ones(len(x)), half), len(weight))[first] @ weight
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where((mass > 0) & (mass >= least * inside), rows @ weight / mass, np.nan))


def _sums(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Sums over 2 k + 1 elements around each; what is NaN or outside counts nothing."""
    padded = np.pad(np.where(np.isfinite(x), x, 0.0), k)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * k + 1).sum(axis=1) if len(x) else np.empty(0)


def _mean(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    count = _sums(np.isfinite(x).astype(np.float64), k)
    mean = np.where(count > 0, _sums(x, k) / np.maximum(count, 1.0), np.nan)
    return np.where(np.isfinite(x), mean, np.nan)


def _deviation(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    mean = _mean(x, k)
    return np.asarray(np.sqrt(np.maximum(_mean(x * x, k) - mean * mean, 0.0)))


def _extreme(x: NDArray[np.float64], k: int, sign: float) -> NDArray[np.float64]:
    if not len(x):
        return np.empty(0)
    padded = np.pad(np.where(np.isfinite(x), sign * x, -np.inf), k, constant_values=-np.inf)
    best = sign * np.lib.stride_tricks.sliding_window_view(padded, 2 * k + 1).max(axis=1)
    return np.where(np.isfinite(x), best, np.nan)


def _to_movement(a: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    index = np.arange(len(a))
    moved = np.nan_to_num(a, nan=0.0) >= _MOVEMENT
    last = np.maximum.accumulate(np.where(moved, index, -_FAR)) if len(a) else index
    following = np.minimum.accumulate(np.where(moved, index, len(a) + _FAR)[::-1])[::-1] if len(a) else index
    gone = np.isnan(a)
    since = np.log1p(np.minimum(index - last, _FAR).astype(np.float64))
    until = np.log1p(np.minimum(following - index, _FAR).astype(np.float64))
    return np.where(gone, np.nan, since), np.where(gone, np.nan, until)
