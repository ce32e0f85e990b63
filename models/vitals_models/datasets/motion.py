"""Readers of wrist accelerometer recordings: daily life by activity (tier A) and simulated falls (tier B).

Laws
1. Samples come on an even grid, in g, NaN where more than half a second is missing: `resample_acc` takes the bursts and
   the jitter of the transport out.
2. A stretch has one label and no pause of its recording inside; a subject's stretches keep the order of the file.
3. Tier B (weda_fall, umafall_wrist: no licence that grants redistribution) is read for evaluation, or for a user's own
   model; nothing that ships is trained on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_models.errors import DataError
from vitals_signal.acc.resample import resample_acc

Floats = NDArray[np.float64]
STANDARD_GRAVITY: Final = 9.80665
_PAUSE_S: Final = 0.5
_LEAST_S: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """One label, unbroken."""

    label: str  # WISDM letter, GeoTec word, trial of a fall set ("F01/03", "FALL/forwardFall/1")
    acc_g: Floats  # (n, 3), NaN where missing
    fs: float

    @property
    def seconds(self) -> float:
        return len(self.acc_g) / self.fs


@dataclass(frozen=True, slots=True, eq=False)
class MotionRecord:
    """All stretches of one wearer of one data set."""

    dataset: str
    subject: str
    stretches: tuple[Stretch, ...]

    @property
    def key(self) -> str:
        return f"{self.dataset}/{self.subject}"


def read_motion(
    data_dir: str | Path, datasets: Collection[str], subjects: Collection[str] | None = None, *, whole: bool = False
) -> Iterator[MotionRecord]:
    """Every wearer of these sets, in order of name; sets whose folder is absent are skipped.

    With `whole` an execution of sp_sw_har_watch is one stretch, not one for each of its parts.

    `data_dir`: the folder that holds the sets; `subjects`: names ("1600") or keys ("wisdm51_watch_acc/1600"), None for
    all. Raises DataError where no set or a wanted subject is missing or a file is damaged.
    """
    wanted = None if subjects is None else set(subjects)
    met: set[str] = set()
    there = 0
    for dataset in datasets:
        if dataset not in _READERS:
            raise DataError(f"data set {dataset!r} is not known; there are: {', '.join(_READERS)}")
        folder = Path(data_dir) / dataset
        paths = sorted(folder.glob("*.npz"))
        there += bool(paths)
        reader = _geotec_whole if whole and dataset == "sp_sw_har_watch" else _READERS[dataset]
        for path in paths:
            name = path.stem.removeprefix("subject_")
            if wanted is None or {name, path.stem, f"{dataset}/{name}"} & wanted:
                met |= {name, path.stem, f"{dataset}/{name}"}
                try:
                    stretches = tuple(reader(path))
                except (OSError, KeyError, ValueError, IndexError) as error:
                    raise DataError(f"record {name} of {dataset} cannot be read: {error}") from error
                yield MotionRecord(dataset, name, stretches)
    if not there:
        raise DataError(f"none of {', '.join(datasets)} in {data_dir}; give the folder that holds the sets by name")
    if wanted is not None and (missing := sorted(wanted - met)):
        raise DataError(f"no records named {', '.join(missing)} in {', '.join(datasets)}")


def is_fall(label: str) -> bool:
    """Whether a trial of a fall set holds a fall: WEDA "F01/..", UMAFall "FALL/.."."""
    return label.startswith("F")


def _stretch(label: str, times_s: Floats, acc_g: Floats, fs: float) -> Iterator[Stretch]:
    if len(times_s) >= 2 and times_s[-1] - times_s[0] >= _LEAST_S:
        yield Stretch(label, resample_acc(times_s * 1e6, acc_g, fs).acc_g, fs)


def _wisdm(path: Path) -> Iterator[Stretch]:
    """Pisani, Weiss et al. 2019 (UCI 507): LG G Watch at 20 Hz, 18 activities of three minutes."""
    with np.load(path, allow_pickle=False) as archive:
        acc = archive["acc"].astype(np.float64) / STANDARD_GRAVITY
        times = (archive["t"] - archive["t"][0]) * 1e-9
        label, names = archive["label"], archive["label_names"]
    step = np.diff(times)
    broken = (step > _PAUSE_S) | (step < 0) | (np.diff(label.astype(np.int64)) != 0)
    for begin, end in pairwise([0, *(np.flatnonzero(broken) + 1).tolist(), len(times)]):
        yield from _stretch(str(names[label[begin]]), times[begin:end], acc[begin:end], 20.0)


def _geotec(path: Path) -> Iterator[Stretch]:
    """Matey-Sanz et al. 2023: TicWatch Pro 3 at 100 Hz; an execution is stand up, walk, turn, walk back, sit down."""
    with np.load(path, allow_pickle=False) as archive:
        acc = archive["acc_gyro"][:, :3].astype(np.float64) / STANDARD_GRAVITY
        times, offsets = archive["t_ms"] * 1e-3, archive["offsets"].tolist()
        label, names = archive["label"], archive["label_names"]
    groups = np.array([_GEOTEC_WORDS[str(name)] for name in names])[label]
    for first, last in pairwise(offsets):
        word = groups[first:last]
        changes = (np.flatnonzero(word[1:] != word[:-1]) + 1).tolist()
        for begin, end in pairwise([first, *(first + c for c in changes), last]):
            yield from _stretch(str(groups[begin]), times[begin:end] - times[first], acc[begin:end], 100.0)


_GEOTEC_WORDS: Final = {
    "SEATED": "seated",
    "WALKING": "walking",
    "TURNING": "walking",  # the turn at the end of the way, on foot
    "STANDING_UP": "transition",
    "SITTING_DOWN": "transition",
}


def _geotec_whole(path: Path) -> Iterator[Stretch]:
    with np.load(path, allow_pickle=False) as archive:
        acc = archive["acc_gyro"][:, :3].astype(np.float64) / STANDARD_GRAVITY
        times, offsets = archive["t_ms"] * 1e-3, archive["offsets"].tolist()
    for first, last in pairwise(offsets):
        yield from _stretch("execution", times[first:last] - times[first], acc[first:last], 100.0)


def _weda(path: Path) -> Iterator[Stretch]:
    """Marques & Moreno 2022: Fitbit Sense at the wrist, 40 to 50 Hz in bursts."""
    with np.load(path, allow_pickle=False) as archive:
        rows, offsets = archive["accel_t_xyz"].astype(np.float64), archive["accel_offsets"].tolist()
        trials = archive["trials"]
    for trial, (first, last) in zip(trials, pairwise(offsets), strict=True):
        yield from _stretch(str(trial), rows[first:last, 0], rows[first:last, 1:] / STANDARD_GRAVITY, 50.0)


def _umafall(path: Path) -> Iterator[Stretch]:
    """Casilari, Santoyo-Ramon & Cano-Garcia 2017: SensorTag at the wrist, about 20 Hz."""
    with np.load(path, allow_pickle=False) as archive:
        rows, offsets = archive["acc_t_xyz"].astype(np.float64), archive["acc_offsets"].tolist()
        trials = archive["trials"]
    for trial, (first, last) in zip(trials, pairwise(offsets), strict=True):
        yield from _stretch(str(trial), rows[first:last, 0] * 1e-3, rows[first:last, 1:], 20.0)


_READERS: Final[dict[str, Callable[[Path], Iterator[Stretch]]]] = {
    "wisdm51_watch_acc": _wisdm,
    "sp_sw_har_watch": _geotec,
    "weda_fall": _weda,
    "umafall_wrist": _umafall,
}
