"""Sleep or wake from activity counts, by the published algorithms.

Laws of this file:
1. Counts are per epoch of 60 s (Oakley: 15, 30, 60 or 120 s). NaN is unknown: an epoch whose window holds one is not
   scored, and never taken for sleep.
2. Beyond the ends of a recording there is no movement: windows are padded with zeros there.
3. A score is 1.0 for sleep, 0.0 for wake, NaN for unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._resume import Resumable

SleepMethod: TypeAlias = Literal["cole-kripke", "sadeh", "oakley"]

# A_-4 .. A_+2; counts per minute over 100, at most 300, as ActiLife does with ActiGraph counts
_COLE_KRIPKE: Final = 0.001 * np.array([106, 54, 58, 76, 230, 74, 67], np.float64)
_OAKLEY: Final = {
    15.0: np.array([0.04] * 4 + [0.2] * 4 + [4.0] + [0.2] * 4 + [0.04] * 4),
    30.0: np.array([0.04] * 2 + [0.2] * 2 + [2.0] + [0.2] * 2 + [0.04] * 2),
    60.0: np.array([0.04, 0.2, 1.0, 0.2, 0.04]),
    120.0: np.array([0.12, 0.5, 0.12]),
}
_MOST: Final = 1e9  # no sensor counts further: beyond, it is no count
# Webster's rules: (minutes of wake before, minutes of sleep turned to wake), (shorter than, between wakes of at least)
_AFTER_WAKE: Final = ((15, 4), (10, 3), (4, 1))
_BETWEEN_WAKE: Final = ((6, 10), (10, 20))


@dataclass(frozen=True, slots=True, eq=False)
class SleepWake:
    """Scored epochs."""

    asleep: NDArray[np.float64]
    """(n,): 1.0 sleep, 0.0 wake, NaN unknown."""
    epoch_s: float
    coverage: float
    """Share of epochs that are scored, 0..1."""
    reason: str | None
    """Why none is scored; None otherwise."""
    method: str
    """E.g. "cole-kripke-1+webster"."""


def sleep_wake(
    counts: ArrayLike,
    epoch_s: float = 60.0,
    *,
    method: SleepMethod = "cole-kripke",
    rescore: bool = True,
    threshold: float | None = None,
) -> SleepWake:
    """Sleep or wake of each epoch from activity counts, shape (n,), NaN unknown.

    - "cole-kripke" (60 s): D = 0.001 (106 A-4 + 54 A-3 + 58 A-2 + 76 A-1 + 230 A0 + 74 A+1 + 67 A+2) with
      A = min(counts / 100, 300), sleep where D < 1. `threshold` replaces 1. Cole et al. 1992, doi
      10.1093/sleep/15.5.461 (mean activity per minute); the division by 100 is what ActiLife does with ActiGraph
      counts.
    - "sadeh" (60 s): PS = 7.601 - 0.065 AVG - 1.08 NAT - 0.056 SD - 0.703 ln(A0 + 1), A at most 300: AVG mean and NAT
      number of epochs with 50 <= A < 100 in the 11 around; SD (ddof 1) of the epoch and the five before; sleep where
      PS >= 0. `threshold` replaces 0 (ActiLife uses -4). Sadeh, Sharkey & Carskadon 1994, doi 10.1093/sleep/17.3.201.
    - "oakley" (15, 30, 60, 120 s): weighted sum of the counts around (60 s: 0.04, 0.2, 1, 0.2, 0.04), wake above 40
      (20: high, 80: low sensitivity). Oakley 1997 in the manual of Actiwatch.

    `rescore` applies Webster's rules to 60-s epochs: after 4, 10, 15 min of wake the next 1, 3, 4 min of sleep become
    wake; sleep up to 6 (10) min between at least 10 (20) min of wake becomes wake. Webster et al. 1982, doi
    10.1093/sleep/5.4.389, as given by Cole 1992. It is not defined for other epochs and then left out. Which counts
    an algorithm was made for matters more than which algorithm: state it with the result. Raises ValueError for an
    unknown method, or an epoch the method is not defined for.
    """
    _check(method, epoch_s)
    out = _scored(np.asarray(counts, np.float64).ravel(), method, float(epoch_s), threshold)
    name = f"{method}-1"
    if rescore and epoch_s == 60:
        out, name = webster_rules(out), f"{name}+webster"
    coverage = float(np.isfinite(out).mean()) if len(out) else 0.0
    reason = None if coverage > 0 else ("no epochs" if not len(out) else "no epoch with known counts around it")
    return SleepWake(out, float(epoch_s), coverage, reason, name)


class SleepWakeStream(Resumable):
    """Scores as epochs come, without rescoring (which looks an hour ahead): late by the epochs a score looks ahead.

    `update` gives the scores (1 sleep, 0 wake, NaN unknown) of the epochs that became certain, in order; all of them
    together are `sleep_wake(..., rescore=False).asleep`.
    """

    def __init__(
        self, epoch_s: float = 60.0, *, method: SleepMethod = "cole-kripke", threshold: float | None = None
    ) -> None:
        """Raises ValueError for an unknown method, or an epoch the method is not defined for."""
        _check(method, epoch_s)
        self.epoch_s = float(epoch_s)
        self.method = method
        self.threshold = threshold
        if method == "oakley":
            self._before = self._after = len(_OAKLEY[self.epoch_s]) // 2
        else:
            self._before, self._after = (4, 2) if method == "cole-kripke" else (5, 5)
        self._kept = np.empty(0)
        self._told = 0  # of the kept epochs, those that are scored

    def update(self, counts: ArrayLike) -> list[float]:
        """Take counts per epoch, shape (m,), NaN unknown."""
        self._kept = np.concatenate((self._kept, np.asarray(counts, np.float64).ravel()))
        return self._tell(len(self._kept) - self._after)

    def gap(self, epochs: int) -> list[float]:
        """`epochs` are missing here. Raises ValueError if that is below 0."""
        if epochs < 0:
            raise ValueError(f"epochs must not be below 0, got {epochs}")
        return self.update(np.full(epochs, np.nan))

    def end(self) -> list[float]:
        """No more epochs: the scores of the last ones."""
        told = self._tell(len(self._kept))
        self._kept, self._told = np.empty(0), 0
        return told

    def _tell(self, stop: int) -> list[float]:
        if stop <= self._told:
            return []
        method: SleepMethod = self.method
        scores = _scored(self._kept, method, self.epoch_s, self.threshold)[self._told : stop].tolist()
        drop = max(stop - self._before, 0)
        self._kept, self._told = self._kept[drop:], stop - drop
        return list(scores)


def webster_rules(asleep: ArrayLike) -> NDArray[np.float64]:
    """Webster's rescoring of one-minute scores (1 sleep, 0 wake, NaN unknown), shape (n,).

    Rules a to c look at the scores as they came, d and e at what a to c left, each on its own. An unknown minute ends a
    run of wake or sleep. Source: Webster et al. 1982, doi 10.1093/sleep/5.4.389.
    """
    original = np.asarray(asleep, np.float64).ravel()
    out = original.copy()
    for start, end, value in _runs(original):
        if value == 0.0:
            for wake, turned in _AFTER_WAKE:
                if end - start >= wake:
                    stop = end
                    while stop < min(end + turned, len(original)) and original[stop] == 1.0:
                        stop += 1
                    out[end:stop] = 0.0
                    break
    runs = _runs(out)
    final = out.copy()
    for k in range(1, len(runs) - 1):
        start, end, value = runs[k]
        before, after = runs[k - 1], runs[k + 1]
        if value == 1.0 and before[2] == 0.0 and after[2] == 0.0:
            shortest = min(before[1] - before[0], after[1] - after[0])
            if any(end - start <= most and shortest >= wake for most, wake in _BETWEEN_WAKE):
                final[start:end] = 0.0
    return final


def _check(method: str, epoch_s: float) -> None:
    if method not in ("cole-kripke", "sadeh", "oakley"):
        raise ValueError(f'method must be "cole-kripke", "sadeh" or "oakley", got {method!r}')
    if (method == "oakley" and float(epoch_s) not in _OAKLEY) or (method != "oakley" and epoch_s != 60):
        raise ValueError(f"{method} is not defined for epochs of {epoch_s} s; sum or split the counts first")


def _scored(
    counts: NDArray[np.float64], method: SleepMethod, epoch_s: float, threshold: float | None
) -> NDArray[np.float64]:
    """Scores of counts, before rescoring."""
    x = np.where((counts >= 0) & (counts <= _MOST), counts, np.nan)
    if method == "cole-kripke":
        score = _weighted(np.minimum(x / 100.0, 300.0), _COLE_KRIPKE, 4)
        asleep = score < (1.0 if threshold is None else threshold)
    elif method == "sadeh":
        score = _sadeh(np.minimum(x, 300.0))
        asleep = score >= (0.0 if threshold is None else threshold)
    else:
        weights = _OAKLEY[epoch_s]
        score = _weighted(x, weights, len(weights) // 2)
        asleep = score <= (40.0 if threshold is None else threshold)
    return np.where(np.isnan(score), np.nan, asleep.astype(np.float64))


def _runs(x: NDArray[np.float64]) -> list[tuple[int, int, float]]:
    """Start, end and value of stretches of equal values; NaN equals NaN."""
    if not len(x):
        return []
    y = np.where(np.isnan(x), -1.0, x)
    border = np.concatenate(([0], np.flatnonzero(np.diff(y)) + 1, [len(y)]))
    return [(a, b, float(y[a])) for a, b in pairwise(border.tolist())]


def _weighted(x: NDArray[np.float64], weights: NDArray[np.float64], before: int) -> NDArray[np.float64]:
    if not len(x):
        return np.empty(0)
    padded = np.pad(x, (before, len(weights) - 1 - before))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, len(weights)) @ weights)


def _sadeh(x: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(x):
        return np.empty(0)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(x, 5), 11)
    active = ((around >= 50) & (around < 100)).sum(axis=1)
    deviation = around[:, :6].std(axis=1, ddof=1)
    return np.asarray(7.601 - 0.065 * around.mean(axis=1) - 1.08 * active - 0.056 * deviation - 0.703 * np.log(x + 1.0))
