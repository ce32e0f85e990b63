"""What the rest of the night adds to an epoch: what came 20 min before and comes after, and how it ranks in this night.

Laws of this file:
1. The columns of `sleep_features` come first and unchanged; the others are centred and need the whole night, so that
   an epoch is told when its night is over.
2. A value that nothing supports is NaN, and the epoch says why.

Source: own construction on the features of Walch et al. 2019, doi 10.1093/sleep/zsz180. Context of many minutes to both
sides is what recurrent networks gain from on the same recordings (Zhai et al. 2020, doi 10.1145/3397325).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.sleep.epoch_features import EPOCH_S, SLEEP_FEATURES, SleepFeatures, sleep_features

SLEEP_NIGHT_VERSION: Final = "sleep-epoch-2"
SLEEP_NIGHT_FEATURES: Final = (
    *SLEEP_FEATURES,
    "activity_before_20", "activity_after_20", "activity_before_10", "activity_after_10", "activity_mean_60",
    "activity_rank", "activity_above_night", "activity_share", "activity_share_5", "activity_share_20",
    "hr_variation_rank", "hr_variation_mean_40", "log_hours",
)  # fmt: skip

_HR_FLOOR: Final = 0.02
_STILL: Final = 0.3  # added to the 90th percentile: a night without movement has no scale of its own
_MOST: Final = 1e9


def sleep_night_features(activity: ArrayLike, hr_variation: ArrayLike, hours: ArrayLike | None = None) -> SleepFeatures:
    """The features of `sleep_features` and the context of the whole night, names in `SLEEP_NIGHT_FEATURES`.

    Arguments as in `sleep_features`, all of shape (n,), NaN missing; `activity` a, `hr_variation` h per 30-s epoch.
    With m = ln(1 + a), v = ln(h + 0.02) and means over the known of 2 k + 1 epochs around (fewer at the ends):

    - activity_before_20, _after_20: mean of m (k = 10) 40 epochs earlier, later; _before_10, _after_10: k = 5, 20
      epochs; that of the first or last epoch where the night ends before
    - activity_mean_60, hr_variation_mean_40: means with k = 60, 40
    - activity_rank, hr_variation_rank: share of the known epochs of the night whose mean (k = 10) is lower
    - activity_above_night: mean (k = 5) less the median of m; activity_share, _share_5, _share_20: m and its means
      (k = 5, 20) over 0.3 + its 90th percentile in the night
    - log_hours: ln(1 + 4 hours)

    Raises ValueError where the shapes differ.
    """
    base = sleep_features(activity, hr_variation, hours)
    a, h = np.asarray(activity, np.float64).ravel(), np.asarray(hr_variation, np.float64).ravel()
    n = len(a)
    t = np.arange(n) * EPOCH_S / 3600.0 if hours is None else np.asarray(hours, np.float64).ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        move = np.log1p(np.where((a >= 0) & (a <= _MOST), a, np.nan))
        heart = np.log(np.where((h >= 0) & (h <= _MOST), h, np.nan) + _HR_FLOOR)
        clock = np.log1p(4.0 * np.where((t >= 0) & (t <= _MOST), t, np.nan))
    known = move[np.isfinite(move)]
    middle, loud = (float(np.median(known)), float(np.quantile(known, 0.9))) if len(known) else (np.nan, np.nan)
    mean_5, mean_10, mean_20 = (_around(move, k) for k in (5, 10, 20))
    scale = loud + _STILL
    columns = [
        _shift(mean_10, -40),
        _shift(mean_10, 40),
        _shift(mean_5, -20),
        _shift(mean_5, 20),
        _around(move, 60),
        _rank(np.where(np.isfinite(move), mean_10, np.nan)),
        mean_5 - middle,
        move / scale,
        mean_5 / scale,
        mean_20 / scale,
        _rank(np.where(np.isfinite(heart), _around(heart, 10), np.nan)),
        _around(heart, 40),
        clock,
    ]
    values = np.column_stack([base.values, *columns]) if n else np.empty((0, len(SLEEP_NIGHT_FEATURES)))
    complete = [bool(row.all()) for row in np.isfinite(values)]
    reason = tuple(
        why or (None if fine else "no activity or heart rate within 20 min")
        for why, fine in zip(base.reason, complete, strict=True)
    )
    return SleepFeatures(values, base.coverage, reason, SLEEP_NIGHT_VERSION)


def _around(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Mean of what is known among 2 k + 1 elements around each; NaN where nothing is."""
    n, known = len(x), np.isfinite(x)
    total = np.concatenate(([0.0], np.cumsum(np.where(known, x, 0.0))))
    count = np.concatenate(([0], np.cumsum(known)))
    at = np.arange(n)
    low, high = np.maximum(at - k, 0), np.minimum(at + k + 1, n)
    size = count[high] - count[low]
    return np.asarray(np.where(size > 0, (total[high] - total[low]) / np.maximum(size, 1), np.nan), dtype=np.float64)


def _shift(x: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    return x[np.clip(np.arange(len(x)) + by, 0, max(len(x) - 1, 0))]


def _rank(x: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.sort(x[np.isfinite(x)])
    rank = np.searchsorted(known, x, "left") / max(len(known), 1)
    return np.asarray(np.where(np.isfinite(x), rank, np.nan), dtype=np.float64)
