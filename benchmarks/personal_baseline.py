"""How often `unusual_for_you` speaks, and how often it should: `python benchmarks/personal_baseline.py DIR`.

Two parts. A made-up cohort: no shared data set holds months of one wearer's daily measures with a known illness, so
days are drawn (heavy-tailed, correlated from day to day, weekly, drifting, with missing days) and a shift is planted
in half of the people; sensitivity says how it finds shifts of that size, not how it finds illness. And real days of
fitbit_bellabeat (steps and sleep, about a month a person), where every alert is taken as false.
Beside it NightSignal on the same nights. The threshold was set on 50 other people of the same making (seeds [8, k]).
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitals_models.baseline import TRACKED, DayVerdict, judge, night_signal

DAYS, ONSET, LENGTH = 180, 120, 8
PEOPLE = 200
# Shift at its height, in the unit of the measure (logarithm where relative).
ILLNESS = {
    "resting_heart_rate": 6.0, "hrv_rmssd": -0.30, "respiratory_rate": 1.2, "skin_temperature": 0.5,
    "steps": -0.6, "sleep_minutes": 45.0,
}  # fmt: skip
MIDDLE = {
    "resting_heart_rate": 60.0, "hrv_rmssd": 3.6, "respiratory_rate": 15.0, "skin_temperature": 33.5,
    "steps": 8.9, "sleep_minutes": 420.0,
}  # fmt: skip


def person(rng: np.random.Generator, size: float) -> dict[str, NDArray[np.float64]]:
    """Half a year of one person; `size` times the shift is planted from day ONSET on (0: none)."""
    day = np.arange(DAYS)
    rise = np.clip((day - ONSET + 1) / 3.0, 0, 1) * (day >= ONSET) * (day < ONSET + LENGTH)
    shared = _noise(rng, DAYS)
    worn = rng.random(DAYS) > 0.1
    made = {}
    for name in MIDDLE:
        kind = TRACKED[name]
        spread = kind.spread * np.exp(rng.normal(0.0, 0.3))
        noise = 0.85 * _noise(rng, DAYS) + 0.5 * np.sign(ILLNESS[name]) * shared
        weekly = (0.7 if name in ("steps", "sleep_minutes") else 0.2) * (day % 7 >= 5)
        drift = 0.8 * np.sin(2 * np.pi * (day / 365.0 + rng.random()))
        value = MIDDLE[name] + spread * (noise + weekly + drift) + size * ILLNESS[name] * rise
        value = np.exp(value) if kind.relative else value
        made[name] = np.where(worn & (rng.random(DAYS) > 0.05), value, np.nan)
    return made


def _noise(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Student's t with 5 degrees of freedom and unit variance, correlated by 0.3 from day to day."""
    fresh = rng.standard_t(5, n) / np.sqrt(5 / 3)
    out = fresh.copy()
    for k in range(1, n):
        out[k] = 0.3 * out[k - 1] + np.sqrt(1 - 0.09) * fresh[k]
    return np.asarray(out, dtype=np.float64)


def cohort(size: float, only: tuple[str, ...] | None = None) -> None:
    ours = signal = 0
    late: list[int] = []
    false_days = false_red = false_any = years = 0.0
    for seed in range(PEOPLE):
        values = person(np.random.default_rng([7, seed]), size)
        kept = values if only is None else {name: values[name] for name in only}
        verdicts = judge(range(DAYS), kept)
        alert = np.array([one.unusual for one in verdicts])
        colour = night_signal(values["resting_heart_rate"])
        ill = slice(ONSET, ONSET + LENGTH)
        if alert[ill].any():
            ours += 1
            late.append(int(np.argmax(alert[ill])))
        signal += bool((colour[ill] == 2).any())
        well = slice(30, ONSET)
        years += (ONSET - 30) / 365.25
        false_days += alert[well].sum()
        false_red += (colour[well] == 2).sum()
        false_any += (colour[well] > 0).sum()
    print(
        f"shift x {size:.1f} {'all measures' if only is None else ', '.join(only):20s} found {ours / PEOPLE:.3f} "
        f"(day {np.median(late) if late else float('nan'):.0f}), false alert days a person-year "
        f"{false_days / years:.2f}; "
        f"NightSignal red {signal / PEOPLE:.3f}, false {false_red / years:.2f} (with yellow {false_any / years:.2f})"
    )


def fitbit(data: Path) -> dict[str, Mapping[str, NDArray[np.float64]]]:
    """Steps and minutes asleep per day of every person; days without steps were not worn."""
    folder = data / "fitbit_bellabeat"
    rows: dict[str, dict[int, dict[str, float]]] = {}
    with gzip.open(folder / "dailyActivity_merged.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            day = datetime.strptime(row["ActivityDate"], "%m/%d/%Y").toordinal()
            rows.setdefault(row["Id"], {}).setdefault(day, {})["steps"] = float(row["TotalSteps"]) or float("nan")
    with gzip.open(folder / "sleepDay_merged.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            day = datetime.strptime(row["SleepDay"].split(" ")[0], "%m/%d/%Y").toordinal()
            rows.setdefault(row["Id"], {}).setdefault(day, {})["sleep_minutes"] = float(row["TotalMinutesAsleep"])
    found: dict[str, Mapping[str, NDArray[np.float64]]] = {}
    for name, days in rows.items():
        span = range(min(days), max(days) + 1)
        found[name] = {
            measure: np.array([days.get(day, {}).get(measure, np.nan) for day in span])
            for measure in ("steps", "sleep_minutes")
        }
    return found


def main(data: Path) -> None:
    for size in (0.0, 0.5, 1.0, 1.5):
        cohort(size)
    for size in (1.0, 1.5):
        cohort(size, ("resting_heart_rate",))
    judged: list[DayVerdict] = []
    for values in fitbit(data).values():
        judged += [one for one in judge(range(len(values["steps"])), values) if one.reason is None]
    unusual = sum(one.unusual for one in judged)
    print(f"fitbit_bellabeat: {unusual} alert days in {len(judged)} judged days "
          f"({unusual / max(len(judged), 1) * 365.25:.2f} a person-year)")  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
