"""Blows at the wrist (`vitals_signal.fall_candidates`) of recordings and synthetic motion, and figures of scores.

Laws
1. Of a fall set a trial counts once: found where a blow of a fall is called a fall, a false alarm where a blow of
   daily life is. A blow that the model does not score, and a trial without blows, are not called.
2. Of daily life alarms count, per day of recording; alarms within 10 s are one, as in the analysis of a stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from vitals_models.card import Measure
from vitals_models.datasets.motion import MotionRecord, is_fall
from vitals_models.training.report import Progress
from vitals_models.training.scores import measures
from vitals_signal.acc.fall_detection import FALL_FEATURES, fall_candidates
from vitals_signal.synthetic.motion_script import Bout, Kind, motion

Floats = NDArray[np.float64]

FALL_SETS: Final = ("weda_fall", "umafall_wrist")
DAILY_SETS: Final = ("wisdm51_watch_acc", "sp_sw_har_watch")
ALONE_S: Final = 10.0
NO_BLOW: Final = -1.0  # the score of a trial in which nothing was called or scored
_OLD_FROM: Final = 20  # WEDA-FALL: subjects from U21 on are 77 to 95 years old


@dataclass(frozen=True, slots=True, eq=False)
class Blows:
    """Blows of many wearers; `trial` indexes the columns of trials."""

    X: Floats  # (B, F), all finite
    time_s: Floats  # (B,) in the trial
    trial: NDArray[np.intp]  # (B,)
    wearer: NDArray[np.intp]  # (trials,) index into `keys`
    fall: NDArray[np.bool_]  # (trials,)
    seconds: Floats  # (trials,)
    keys: tuple[str, ...]  # of wearers
    abstained: int

    def trials_of(self, dataset: str) -> NDArray[np.bool_]:
        """(trials,) mask of a data set."""
        return np.array([self.keys[w].startswith(f"{dataset}/") for w in self.wearer], dtype=np.bool_)

    @property
    def owner(self) -> NDArray[np.intp]:
        """(B,) wearer of each blow."""
        return self.wearer[self.trial]


def collect(records: Iterable[MotionRecord], *, progress: Progress | None = None) -> Blows:
    """All blows of 1.8 g and more whose features are known."""
    rows: list[list[float]] = []
    times: list[float] = []
    trials: list[int] = []
    wearer: list[int] = []
    fall: list[bool] = []
    seconds: list[float] = []
    keys: list[str] = []
    abstained = 0
    for record in records:
        before = len(rows)
        for stretch in record.stretches:
            for one in fall_candidates(stretch.acc_g, stretch.fs):
                values = [one.window.values[name] for name in FALL_FEATURES]
                if not np.isfinite(values).all():
                    abstained += 1
                    continue
                rows.append(values)
                times.append(one.time_s)
                trials.append(len(wearer))
            wearer.append(len(keys))
            fall.append(record.dataset in FALL_SETS and is_fall(stretch.label))
            seconds.append(stretch.seconds)
        keys.append(record.key)
        if progress:
            progress(f"{record.key}: {len(rows) - before} blows")
    return Blows(
        np.array(rows, np.float64).reshape(len(rows), len(FALL_FEATURES)),
        np.array(times, np.float64),
        np.array(trials, np.intp),
        np.array(wearer, np.intp),
        np.array(fall, np.bool_),
        np.array(seconds, np.float64),
        tuple(keys),
        abstained,
    )


def synthetic_blows(count: int, seed: int) -> tuple[Floats, NDArray[np.bool_], NDArray[np.intp]]:
    """Features of the blows of `count` synthetic motions with one fall each, whether it is the fall, and of which
    motion: (B, F), (B,), (B,)."""
    rows, falls, owners = [], [], []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        fs = (20.0, 25.0, 50.0, 100.0)[number % 4]
        first = rng.choice(["walk", "stand", "sit", "run", "hands", "lie"], p=[0.4, 0.25, 0.15, 0.05, 0.1, 0.05])
        last = rng.choice(["lie", "hands", "stand"], p=[0.6, 0.2, 0.2])
        script = [Bout(cast(Kind, str(first)), 8), Bout("fall", 8), Bout(cast(Kind, str(last)), 6)]
        made = motion(script, fs, seed=1000 * seed + number, range_g=float(rng.choice([4.0, 8.0, 16.0])))
        for one in fall_candidates(made.acc_g, fs):
            values = [one.window.values[name] for name in FALL_FEATURES]
            if np.isfinite(values).all():
                rows.append(values)
                falls.append(abs(one.time_s - float(made.falls_s[0])) < 0.5)
                owners.append(number)
    return np.array(rows, np.float64), np.array(falls, np.bool_), np.array(owners, np.intp)


def trial_scores(blows: Blows, p: Floats) -> Floats:
    """(trials,) the largest probability of a trial's blows."""
    best = np.full(len(blows.fall), NO_BLOW)
    np.maximum.at(best, blows.trial, np.nan_to_num(p, nan=NO_BLOW))
    return best


def alarms(blows: Blows, p: Floats, threshold: float) -> NDArray[np.int64]:
    """(trials,) how many alarms each gives."""
    found = np.zeros(len(blows.fall), np.int64)
    for trial in np.unique(blows.trial[p >= threshold]).tolist():
        last = -np.inf
        for at in np.sort(blows.time_s[(blows.trial == trial) & (p >= threshold)]).tolist():
            if at - last >= ALONE_S:
                found[trial] += 1
                last = at
    return found


def figures(blows: Blows, p: Floats, threshold: float, *, suffix: str = "", seed: int = 0) -> tuple[Measure, ...]:
    """Sensitivity, specificity and AUROC by trial of fall sets; false alarms per day of daily life.

    Intervals resample wearers; those of alarms per day are Poisson's (Garwood 1936), for few or none.
    """
    found: list[Measure] = []
    best, called = trial_scores(blows, p), alarms(blows, p, threshold)
    for dataset in FALL_SETS:
        own = blows.trials_of(dataset)
        if own.any():
            found += measures(dataset, best[own], threshold, blows.fall[own], blows.wearer[own], seed=seed)
    old = np.array([_is_old(blows.keys[w]) for w in blows.wearer], dtype=np.bool_)
    if old.any():
        one = measures("weda_fall", best[old], threshold, blows.fall[old], blows.wearer[old], seed=seed)
        found += [_renamed(m, "specificity_77_to_95_years") for m in one if m.name == "specificity"]
    for dataset in DAILY_SETS:
        own = blows.trials_of(dataset)
        if own.any():
            days, count = float(blows.seconds[own].sum()) / 86400.0, int(called[own].sum())
            low, high = _poisson(count)
            found.append(
                Measure(dataset, "false_alarms_per_day", _round(count / days), _round(low / days), _round(high / days),
                len(np.unique(blows.wearer[own])), int(np.isin(blows.trial, np.flatnonzero(own)).sum()))
            )  # fmt: skip
            found.append(
                Measure(
                    dataset, "hours", _round(24 * days), None, None, len(np.unique(blows.wearer[own])), int(own.sum())
                )
            )
    return tuple(_renamed(m, f"{m.name}{suffix}") for m in found)


def _is_old(key: str) -> bool:
    return key.startswith("weda_fall/U") and key[11:].isdigit() and int(key[11:]) > _OLD_FROM


def _renamed(one: Measure, name: str) -> Measure:
    return Measure(one.data, name, one.value, one.low, one.high, one.subjects, one.windows)


def _poisson(count: int) -> tuple[float, float]:
    from scipy.stats import chi2

    low = float(chi2.ppf(0.025, 2 * count)) / 2.0 if count else 0.0
    return low, float(chi2.ppf(0.975, 2 * count + 2)) / 2.0


def _round(value: float) -> float:
    return round(float(value), 5)
