"""When somebody slept, from the angle of the forearm: the sleep period window and sustained inactivity bouts.

Laws of this file:
1. An angle that is unknown (NaN) is neither still nor moving: it ends a block, and a gap of it is not filled.
2. The longest block is the night; nothing is said about naps.

Sources: window: van Hees et al. 2018 (HDCZA), doi 10.1038/s41598-018-31266-z, with the constants of its published code;
bouts: van Hees et al. 2015, doi 10.1371/journal.pone.0142533.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._runs import runs

WINDOW_METHOD: Final = "hdcza-1"

_MEDIAN_S: Final = 300.0
_QUANTILE, _TIMES = 0.10, 15.0
_LOWEST_DEG, _HIGHEST_DEG = 0.13, 0.50
_BLOCK_S: Final = 1800.0
_GAP_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class SleepWindow:
    """The main sleep period of a day."""

    start_s: float
    """Seconds since the first epoch; NaN where `reason` says why."""
    end_s: float
    threshold_deg: float
    """Median change of angle per epoch below which the arm was taken to be at rest."""
    coverage: float
    """Share of the epochs whose angle is known, 0..1."""
    reason: str | None
    method: str = WINDOW_METHOD


def sleep_window(angle_deg: ArrayLike, epoch_s: float = 5.0) -> SleepWindow:
    """The sleep period window of one day (noon to noon) from the angle of the z axis, shape (n,), in degrees per epoch.

    The median of absolute changes over 5 min, centred, is compared with 15 times its 10th percentile (numpy "linear")
    over the day, held within 0.13..0.50 degrees. Blocks below it that last more than 30 min are kept, gaps between
    them of less than 60 min are filled, the longest block is the window (the first of equals). The constants hold for
    epochs of 5 s. Without two hours of known angle, or without a block, the times are NaN and `reason` says so.
    Raises ValueError for `epoch_s` outside 1..60.
    """
    if not 1 <= epoch_s <= 60:
        raise ValueError(f"epoch_s must lie in 1..60 s, got {epoch_s}")
    angle = np.asarray(angle_deg, np.float64).ravel()
    angle = np.where(np.abs(angle) <= 90.0, angle, np.nan)
    known = np.isfinite(angle)
    coverage = float(known.mean()) if len(angle) else 0.0
    nan = float("nan")
    if known.sum() * epoch_s < 7200.0:
        return SleepWindow(nan, nan, nan, coverage, "less than two hours of known angle")
    size = max(round(_MEDIAN_S / epoch_s), 3)
    spread = _median_change(angle, size)
    alive = spread[np.isfinite(spread)]
    if not len(alive):
        return SleepWindow(nan, nan, nan, coverage, "no five minutes of known angle in a row")
    threshold = float(np.clip(_TIMES * np.quantile(alive, _QUANTILE), _LOWEST_DEG, _HIGHEST_DEG))
    with np.errstate(invalid="ignore"):
        still = spread < threshold
    blocks = [(a, b) for a, b in runs(still) if (b - a) * epoch_s > _BLOCK_S]
    if not blocks:
        return SleepWindow(nan, nan, threshold, coverage, "no half hour at rest")
    unknown = np.concatenate(([0], np.cumsum(np.isnan(spread))))
    merged = [blocks[0]]
    for start, end in blocks[1:]:
        last = merged[-1][1]
        if (start - last) * epoch_s < _GAP_S and unknown[start] == unknown[last]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    start, end = max(merged, key=lambda block: (block[1] - block[0], -block[0]))
    return SleepWindow(start * epoch_s, end * epoch_s, threshold, coverage, None)


def inactivity_bouts(
    angle_deg: ArrayLike, epoch_s: float = 5.0, *, change_deg: float = 5.0, minutes: float = 5.0
) -> tuple[tuple[float, float], ...]:
    """Stretches (start, end in s) of at least `minutes` in which the angle never changed by more than `change_deg`.

    `angle_deg`: angle of the z axis, shape (n,), one per `epoch_s` seconds, NaN unknown. A change is the
    difference of one epoch from the one before. Within a sleep window these bouts are sleep (van Hees 2015: 5 degrees,
    5 min). Raises ValueError for values that are not above 0.
    """
    if not (epoch_s > 0 and change_deg > 0 and minutes > 0):
        raise ValueError(f"epoch_s, change_deg and minutes must be above 0, got {epoch_s}, {change_deg}, {minutes}")
    angle = np.asarray(angle_deg, np.float64).ravel()
    if len(angle) < 2:
        return ()
    with np.errstate(invalid="ignore"):
        quiet = np.abs(np.diff(angle)) <= change_deg
    bouts = [(a * epoch_s, (b + 1) * epoch_s) for a, b in runs(quiet)]
    return tuple((a, b) for a, b in bouts if b - a >= minutes * 60.0)


def _median_change(angle: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Median of the size - 1 absolute changes in the `size` epochs around each; at the ends the nearest full window."""
    n = len(angle)
    change = np.abs(np.diff(angle))
    if n < size:
        return np.full(n, np.nan)
    out = np.empty(n - size + 1)
    views = np.lib.stride_tricks.sliding_window_view(change, size - 1)
    for begin in range(0, len(out), 4096):
        out[begin : begin + 4096] = np.median(views[begin : begin + 4096], axis=1)
    before = (size - 1) // 2
    padded = np.pad(out, (before, n - len(out) - before), mode="edge")
    padded[np.isnan(angle)] = np.nan
    return padded
