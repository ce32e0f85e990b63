"""What a night amounts to: the clinical numbers of a scored night, and how regular nights are.

Laws of this file:
1. Unknown epochs (NaN) are neither sleep nor wake; how many there are is told by `coverage`.
2. Every number names its denominator.

Sources: definitions: AASM 2007 (TST, SOL, WASO, efficiency); regularity: Phillips et al. 2017, doi
10.1038/s41598-017-03171-4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

SLEEP_METRICS: Final = (
    "TIB_min", "TST_min", "SOL_min", "WASO_min", "SE_pct", "SPT_min", "SME_pct", "awakenings", "longest_wake_min",
    "fragmentation_per_h",
)  # fmt: skip
METRICS_VERSION: Final = "sleep-metrics-1"
_LEAST_COVERAGE: Final = 0.5


@dataclass(frozen=True, slots=True)
class SleepMetrics:
    """The numbers of one night, by the names in `SLEEP_METRICS`; NaN where `reason` or `reasons` say why."""

    values: dict[str, float]
    coverage: float
    """Share of the epochs in bed that are scored, 0..1."""
    reason: str | None
    reasons: dict[str, str]
    method: str = METRICS_VERSION


def sleep_metrics(asleep: ArrayLike, epoch_s: float = 60.0, *, onset_epochs: int = 1) -> SleepMetrics:
    """Metrics of one night in bed: scores from lights out to lights on, shape (n,): 1 sleep, 0 wake, NaN unknown.

    With the first run of `onset_epochs` epochs of sleep as onset, and the last epoch of sleep as the end:

    - TIB_min all epochs; TST_min epochs of sleep; SOL_min from the start to the onset; SPT_min from the onset to the
      end of the last epoch of sleep; WASO_min epochs of wake within SPT
    - SE_pct 100 TST / known time in bed; SME_pct 100 TST / known time in SPT (sleep maintenance efficiency)
    - awakenings runs of wake within SPT; longest_wake_min the longest of them; fragmentation_per_h awakenings per
      hour of TST

    Less than half of the epochs scored, or no onset: NaN but for TIB_min, with a reason. Raises ValueError for
    `epoch_s` not above 0 or `onset_epochs` below 1.
    """
    if not epoch_s > 0 or onset_epochs < 1:
        raise ValueError(f"epoch_s above 0 and onset_epochs from 1 are needed, got {epoch_s} and {onset_epochs}")
    x = np.asarray(asleep, np.float64).ravel()
    x = np.where((x == 0.0) | (x == 1.0), x, np.nan)
    minutes = epoch_s / 60.0
    values = dict.fromkeys(SLEEP_METRICS, float("nan"))
    values["TIB_min"] = len(x) * minutes
    known = np.isfinite(x)
    coverage = float(known.mean()) if len(x) else 0.0
    if coverage < _LEAST_COVERAGE:
        return SleepMetrics(values, coverage, "less than half of the epochs are scored", {})
    sleep = x == 1.0
    total = float(sleep.sum())
    values.update(TST_min=total * minutes, SE_pct=100.0 * total / float(known.sum()))
    held = np.convolve(sleep, np.ones(onset_epochs), "valid") if len(x) >= onset_epochs else np.empty(0)
    onsets = np.flatnonzero(held >= onset_epochs)
    if not len(onsets):
        return SleepMetrics(values, coverage, None, dict.fromkeys(SLEEP_METRICS[2:4] + SLEEP_METRICS[5:], "no sleep"))
    onset, end = int(onsets[0]), int(np.flatnonzero(sleep)[-1]) + 1
    wake = np.concatenate(([False], x[onset:end] == 0.0, [False]))
    border = np.flatnonzero(wake[1:] != wake[:-1])
    lengths = border[1::2] - border[::2]
    values.update(
        SOL_min=onset * minutes,
        SPT_min=(end - onset) * minutes,
        WASO_min=float(lengths.sum()) * minutes,
        SME_pct=100.0 * float(sleep[onset:end].sum()) / float(known[onset:end].sum()),
        awakenings=float(len(lengths)),
        longest_wake_min=float(lengths.max(initial=0)) * minutes,
        fragmentation_per_h=len(lengths) / (total * epoch_s / 3600.0),
    )
    return SleepMetrics(values, coverage, None, {})


@dataclass(frozen=True, slots=True)
class SleepRegularity:
    """How alike the days are."""

    sri: float
    """-100..100; NaN where `reason` says why."""
    pairs: int
    """Pairs of epochs, a day apart, that are both scored."""
    coverage: float
    """Share of the pairs that could be compared, 0..1."""
    reason: str | None
    method: str = "sri-1"


def sleep_regularity(asleep: ArrayLike, epoch_s: float = 60.0) -> SleepRegularity:
    """Sleep regularity index of scores over days, shape (n,): 1 sleep, 0 wake, NaN unknown.

    SRI = -100 + 200 x share of pairs of epochs 24 h apart that are in the same state, over all pairs with both
    known (Phillips 2017, with gaps left out of sum and denominator). 100: the same every day; 0: as good as chance.
    Less than 24 h of pairs gives NaN and a reason. Raises ValueError unless a day is a whole number of epochs.
    """
    day = 86400.0 / epoch_s if epoch_s > 0 else 0.0
    if day < 1 or abs(day - round(day)) > 1e-9:
        raise ValueError(f"epoch_s must divide a day, got {epoch_s}")
    x = np.asarray(asleep, np.float64).ravel()
    x = np.where((x == 0.0) | (x == 1.0), x, np.nan)
    lag = round(day)
    one, other = x[:-lag] if len(x) > lag else x[:0], x[lag:]
    both = np.isfinite(one) & np.isfinite(other)
    pairs = int(both.sum())
    coverage = pairs / len(one) if len(one) else 0.0
    if pairs < lag:
        return SleepRegularity(float("nan"), pairs, coverage, "less than 24 h of epochs known on two days running")
    return SleepRegularity(-100.0 + 200.0 * float((one == other)[both].mean()), pairs, coverage, None)
