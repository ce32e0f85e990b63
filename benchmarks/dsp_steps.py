"""Steps on known gait and on real wrists, falls on staged ones: `python benchmarks/dsp_steps.py [DATA]`.

DATA is the folder that holds `wisdm51_watch_acc`, `sp_sw_har_watch`, `weda_fall` and `umafall_wrist` (by default
`../shared/data`). Synthetic gait has known steps. The real walks have no step counts: steps per minute by activity
are plausibility, no accuracy (and the detector was set by looking at WISDM). The fall rule was fitted to nothing;
staged falls of the young say little about falls of the old, and a false alarm per day is extrapolated from scripted
activities.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitals_signal import fall_candidates, steps
from vitals_signal.synthetic import Bout, motion

GRAVITY = 9.80665
WISDM = {
    "A": "walking", "B": "jogging", "C": "stairs", "D": "sitting", "E": "standing", "F": "typing", "G": "teeth",
    "H": "soup", "I": "chips", "J": "pasta", "K": "drinking", "L": "sandwich", "M": "kicking", "O": "catch",
    "P": "dribbling", "Q": "writing", "R": "clapping", "S": "folding",
}  # fmt: skip
Stretch = tuple[str, NDArray[np.float64], float]


def wisdm(folder: Path) -> Iterator[Stretch]:
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as recording:
            label, names, acc = recording["label"], recording["label_names"], recording["acc"] / GRAVITY
            broken = (np.diff(label) != 0) | (np.abs(np.diff(recording["t"])) > 5e8)
        cuts = [0, *(np.flatnonzero(broken) + 1).tolist(), len(label)]
        for a, b in itertools.pairwise(cuts):
            if b - a > 400:
                yield WISDM[str(names[label[a]])], acc[a:b].astype(np.float64), 20.0


def trials(folder: Path, name: str, scale: float, per_second: float) -> Iterator[Stretch]:
    """Trials with their mean rate; those below 15 Hz are left out."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as recording:
            offsets, samples = recording[f"{name}_offsets"], recording[f"{name}_t_xyz"].astype(np.float64)
            names = recording["trials"].tolist()
        for trial, a, b in zip(names, offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            fs = (b - a - 1) * per_second / float(samples[b - 1, 0] - samples[a, 0])
            if fs >= 15:
                yield trial, samples[a:b, 1:] / scale, fs


def synthetic() -> None:
    print("synthetic gait, error of the count in % (mean of absolute errors of 5 walks of 2 min)")
    cadences = (75, 95, 110, 130, 150, 165, 180)
    print(f"{'Hz':>8s}" + "".join(f"{cadence:8d}" for cadence in cadences))
    every = []
    for fs in (20.0, 25.0, 31.25, 50.0, 64.0, 100.0):
        line = []
        for cadence in cadences:
            errors = []
            for seed in range(5):
                kind = Bout("run" if cadence > 140 else "walk", 120, cadence)
                truth = motion([Bout("sit", 30), kind, Bout("hands", 30)], fs, seed=seed)
                errors.append(abs(len(steps(truth.acc_g, fs).times_s) / len(truth.steps_s) - 1))
            line.append(100 * float(np.mean(errors)))
        every += line
        print(f"{fs:8.2f}" + "".join(f"{error:8.2f}" for error in line))
    print(f"mean of all: {np.mean(every):.2f} %")


def plausible(data: Path) -> None:
    taken: Counter[str] = Counter()
    minutes: defaultdict[str, float] = defaultdict(float)
    for activity, acc, fs in wisdm(data / "wisdm51_watch_acc"):
        taken[activity] += len(steps(acc, fs).times_s)
        minutes[activity] += len(acc) / fs / 60
    print("WISDM, steps per minute: " + ", ".join(f"{a} {taken[a] / m:.1f}" for a, m in minutes.items()))
    walked = walking_s = seated = seated_s = 0.0
    for path in sorted((data / "sp_sw_har_watch").glob("*.npz")):
        with np.load(path) as recording:
            offsets, names = recording["offsets"].tolist(), recording["label_names"]
            label, acc = names[recording["label"]], recording["acc_gyro"][:, :3] / GRAVITY
        for a, b in itertools.pairwise(offsets):
            at = (steps(acc[a:b].astype(np.float64), 100.0).times_s * 100).astype(np.int64)
            here = label[a:b]
            gait = np.isin(here, ["WALKING", "TURNING"])
            walked += float(gait[at].sum())
            walking_s += float(gait.sum()) / 100
            seated += float((here[at] == "SEATED").sum())
            seated_s += float((here == "SEATED").sum()) / 100
    print(
        f"sp_sw, walks of 2 to 3 s between turns: {60 * walked / walking_s:.1f} steps per minute of gait,"
        f" {60 * seated / seated_s:.1f} of the second or two seated beside it"
    )


def falls(data: Path) -> None:
    for name, source in (
        ("weda_fall", trials(data / "weda_fall", "accel", GRAVITY, 1.0)),
        ("umafall_wrist", trials(data / "umafall_wrist", "acc", 1.0, 1000.0)),
    ):
        count: Counter[tuple[bool, str]] = Counter()
        for trial, acc, fs in source:
            fell = trial.startswith(("F", "Fall"))
            found = fall_candidates(acc, fs)
            count[fell, "trials"] += 1
            count[fell, "candidates"] += bool(found)
            count[fell, "rule"] += any(c.by_rule for c in found)
        print(
            f"{name}: {count[True, 'trials']} falls, candidate in {count[True, 'candidates']},"
            f" rule {count[True, 'rule']}"
            f" (Se {100 * count[True, 'rule'] / count[True, 'trials']:.1f} %); {count[False, 'trials']} others,"
            f" candidate in {count[False, 'candidates']}, rule {count[False, 'rule']}"
            f" (Sp {100 - 100 * count[False, 'rule'] / count[False, 'trials']:.1f} %)"
        )
    seconds, candidates = 0.0, 0
    alarms: Counter[str] = Counter()
    for activity, acc, fs in wisdm(data / "wisdm51_watch_acc"):
        found = fall_candidates(acc, fs)
        seconds += len(acc) / fs
        candidates += len(found)
        alarms[activity] += sum(c.by_rule for c in found)
    print(
        f"WISDM, {seconds / 3600:.1f} h of scripted activity: {3600 * candidates / seconds:.0f} candidates per hour,"
        f" {sum(alarms.values())} alarms of the rule, {86400 * sum(alarms.values()) / seconds:.0f} per day of such"
        f" activity ({', '.join(f'{a} {n}' for a, n in alarms.most_common(4) if n)})"
    )


def speed() -> None:
    hour = motion([Bout("walk", 600), Bout("hands", 1200), Bout("sit", 1800)], 100.0).acc_g
    day = np.tile(hour, (24, 1))
    for name, work in (("steps", lambda: steps(day, 100.0)), ("fall_candidates", lambda: fall_candidates(day, 100.0))):
        begin = time.process_time()
        work()
        print(f"{name}, 24 h at 100 Hz: {time.process_time() - begin:.2f} s CPU")


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data"
    synthetic()
    plausible(data)
    falls(data)
    speed()


if __name__ == "__main__":
    main()
