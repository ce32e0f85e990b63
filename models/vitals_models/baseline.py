"""A personal baseline: which daily measure moved away from what is usual for this wearer, and by how much.

Laws
1. A day is judged only against days before it; the two days just before are left out, so that what begins slowly does
   not become its own baseline.
2. Median and MAD, never mean and variance: one odd day moves nothing. The spread is drawn towards that of people in
   general while days are few, and never below what a sensor resolves.
3. A missing measure is no measure: it lowers `measures`, never a score. Before `LEAST` known days it is not judged.
4. What is unusual is said per measure in its own unit; nothing here knows why.

Sources: shrinkage of a variance towards a prior worth `PRIOR_DAYS` days (Gelman et al., Bayesian Data Analysis, 3rd
ed., 2.6); chi-square made normal (Wilson & Hilferty 1931). Typical day-to-day spreads: resting rate about 3 bpm within
a person (Quer et al. 2020, doi 10.1371/journal.pone.0227709), the others set by us from the field's usual ranges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

BASELINE_VERSION: Final = "baseline-1"
WINDOW: Final = 42  # days looked back at
LEFT_OUT: Final = 2  # law 1
LEAST: Final = 14
PRIOR_DAYS: Final = 7.0
DAY_CORRELATION: Final = 0.4  # of one measure from one day to the next, within a person
MOST: Final = 6.0  # a measure counts no further than this
MOVED: Final = 2.0  # deviations from which a measure is named
UNUSUAL: Final = 2.6  # strength from which two days in a row are unusual; set on a made-up cohort, see the benchmark
_USUAL_AGAIN: Final = 1.5


@dataclass(frozen=True, slots=True)
class Tracked:
    """One measure of a day."""

    unit: str
    spread: float  # from day to day in people in general; of a logarithm where `relative`
    least: float  # no spread is smaller: what a sensor resolves
    relative: bool = False


TRACKED: Final[Mapping[str, Tracked]] = MappingProxyType(
    {
        "resting_heart_rate": Tracked("bpm", 2.5, 1.2),
        "hrv_rmssd": Tracked("ms", 0.18, 0.08, relative=True),
        "respiratory_rate": Tracked("/min", 0.6, 0.3),
        "skin_temperature": Tracked("°C", 0.35, 0.15),
        "steps": Tracked("steps", 0.5, 0.2, relative=True),
        "movement": Tracked("mg", 0.35, 0.1, relative=True),
        "sleep_minutes": Tracked("min", 60.0, 25.0),
    }
)


@dataclass(frozen=True, slots=True)
class Moved:
    """One measure of one day against its baseline."""

    name: str
    unit: str
    value: float
    usual: float
    change: float  # value less usual, in `unit`
    z: float  # in deviations of this wearer
    days: int  # known days of the baseline


@dataclass(frozen=True, slots=True)
class DayVerdict:
    """What a day was like."""

    day: int
    strength: float  # normal deviations of all measures together, of this day and the one before; NaN: not judged
    unusual: bool
    measures: tuple[Moved, ...]  # all that are judged, the furthest first
    reason: str | None  # why it is not judged

    @property
    def moved(self) -> tuple[Moved, ...]:
        """The measures that are away from what is usual."""
        return tuple(one for one in self.measures if abs(one.z) >= MOVED)


class Baseline:
    """Follows the days of one wearer; days come in order and may be missing.

    A wearer is called unusual from the second day in a row whose measures together are `UNUSUAL` deviations away, until
    a judged day is usual again (1.5 deviations).
    """

    def __init__(self, tracked: Mapping[str, Tracked] = TRACKED) -> None:
        self._tracked = tracked
        self._days: list[tuple[int, Mapping[str, float]]] = []
        self._before: dict[str, tuple[int, float]] = {}  # day and z of the last judged value
        self._strong: int | None = None  # the last day that was far away
        self._unusual = False

    def update(self, day: int, values: Mapping[str, float]) -> DayVerdict:
        """Judge a day and remember it.

        `day`: its number, larger than that of the one before; `values`: measures by name (see TRACKED), NaN or absent
        where unknown. Raises ValueError for a day that is not later, or a name that is not tracked.
        """
        if self._days and day <= self._days[-1][0]:
            raise ValueError(f"days must come in order: {day} after {self._days[-1][0]}")
        if unknown := sorted(set(values) - set(self._tracked)):
            raise ValueError(f"not tracked: {', '.join(unknown)}; there are: {', '.join(self._tracked)}")
        self._days = [one for one in self._days if one[0] >= day - WINDOW - LEFT_OUT]
        measures, together = [], []
        for name, kind in self._tracked.items():
            moved = self._against(name, kind, day, float(values.get(name, math.nan)))
            if moved is None:
                continue
            measures.append(moved)
            last = self._before.get(name)
            pair = [moved.z] if last is None or last[0] < day - 2 else [moved.z, last[1]]
            pair = [float(np.clip(z, -MOST, MOST)) for z in pair]
            n = len(pair)
            together.append(sum(pair) / math.sqrt(n * (1.0 + (n - 1) * DAY_CORRELATION)))
            self._before[name] = (day, moved.z)
        self._days.append((day, dict(values)))
        measures.sort(key=lambda one: -abs(one.z))
        if not together:
            self._unusual = False
            return DayVerdict(day, math.nan, False, (), f"fewer than {LEAST} known days before it, or nothing measured")
        strength = _normal(sum(z * z for z in together), len(together))
        far = strength >= UNUSUAL and any(abs(one.z) >= MOVED for one in measures)
        if far:
            self._unusual = self._unusual or (self._strong is not None and day - self._strong <= 2)
            self._strong = day
        elif strength < _USUAL_AGAIN:
            self._unusual = False
        return DayVerdict(day, strength, self._unusual, tuple(measures), None)

    def _against(self, name: str, kind: Tracked, day: int, value: float) -> Moved | None:
        history = np.array(
            [_scaled(kind, values.get(name, math.nan)) for at, values in self._days if at < day - LEFT_OUT]
        )
        known = history[np.isfinite(history)] if len(history) else history
        scaled = _scaled(kind, value)
        n = len(known)
        if n < LEAST or not math.isfinite(scaled):
            return None
        middle = float(np.median(known))
        deviation = 1.4826 * float(np.median(np.abs(known - middle)))
        spread = math.sqrt((n * deviation**2 + PRIOR_DAYS * kind.spread**2) / (n + PRIOR_DAYS))
        spread = max(spread, kind.least) * math.sqrt(1.0 + math.pi / (2 * n))  # the median's own error
        usual = math.exp(middle) if kind.relative else middle
        return Moved(name, kind.unit, value, usual, value - usual, (scaled - middle) / spread, n)


def judge(days: Sequence[int], values: Mapping[str, NDArray[np.float64]]) -> list[DayVerdict]:
    """The batch twin of `Baseline`: `days` (n,) ascending, each measure of shape (n,), NaN unknown.

    Raises ValueError as `Baseline.update`.
    """
    baseline = Baseline()
    return [
        baseline.update(int(day), {name: float(column[k]) for name, column in values.items()})
        for k, day in enumerate(days)
    ]


def night_signal(resting: NDArray[np.float64]) -> NDArray[np.int8]:
    """NightSignal for comparison: 0, 1 (yellow) or 2 (red) of each night, shape (n,).

    `resting`: mean heart rate at rest from midnight to 7 h in bpm, one entry per calendar day, NaN where there is none.
    A night between two known ones is their mean; rates and medians are cut to whole bpm; the baseline is the median of
    all nights so far, this one included. Red: the second and further nights in a row 4 bpm or more above it; yellow: 3.
    Source: Alavi et al. 2022, Nature Medicine 28, doi 10.1038/s41591-021-01593-2, and its published code (Fitbit path).
    """
    rate = np.trunc(np.asarray(resting, dtype=np.float64))
    between = rate.copy()
    for k in range(1, len(rate) - 1):
        if np.isnan(rate[k]) and np.isfinite(rate[k - 1]) and np.isfinite(rate[k + 1]):
            between[k] = math.trunc((rate[k - 1] + rate[k + 1]) / 2)
    above = np.full(len(between), np.nan)
    for k in np.flatnonzero(np.isfinite(between)).tolist():
        so_far = between[: k + 1]
        above[k] = between[k] - math.trunc(float(np.median(so_far[np.isfinite(so_far)])))
    out = np.zeros(len(between), dtype=np.int8)
    for level, least in ((1, 3.0), (2, 4.0)):
        high = np.nan_to_num(above, nan=-1.0) >= least
        out[1:][high[1:] & high[:-1]] = level
    return out


def _scaled(kind: Tracked, value: float) -> float:
    if not kind.relative:
        return value
    return math.log(value) if value > 0 else math.nan


def _normal(square: float, count: int) -> float:
    """A sum of `count` squared normal deviations as one normal deviation (Wilson & Hilferty 1931)."""
    part = 2.0 / (9.0 * count)
    return float(((square / count) ** (1.0 / 3.0) - (1.0 - part)) / math.sqrt(part))
