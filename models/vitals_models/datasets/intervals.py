"""Readers of the public recordings that irregular rhythm is trained and scored on (train extra: wfdb).

Laws
1. A folder holds the sets by folder name (afdb_rr, nsr2db, chf2db, mitdb); whatever subjects lie there are read, so
   that subjects kept apart can be scored in the same layout.
2. `rhythm` is 1 in atrial fibrillation ("(AFIB"), -1 in atrial flutter ("(AFL": irregular or not by its block, neither
   trained on nor scored), 0 in every other rhythm. chf2db and nsr2db have no rhythm marks: 0 throughout, although a
   heart-failure patient may have fibrillation that nobody marked.
3. An interval reaches from one annotated beat to the next, of any type; nothing is filtered. Ventricular flutter waves
   ("[", "!", "]") and noise marks are no beats, so that they leave a long interval or a gap, as in life.
4. A subject is one person: MIT-BIH records 201 and 202 are the same one, both are read as person "201".
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals_models.errors import DataError

BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")  # WFDB annotation codes of beats
SAME_PERSON = {"202": "201"}


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The intervals of one record. All arrays are (N,), one entry per interval, at the beat that ends it."""

    dataset: str
    record: str
    person: str
    times_us: NDArray[np.int64]  # from the start of the record
    rr_ms: NDArray[np.float64]
    beats: NDArray[np.str_]  # WFDB code of the beat, "" where unknown
    rhythm: NDArray[np.int8]  # law 2

    @property
    def key(self) -> str:
        return f"{self.dataset}/{self.record}"


def read(
    data_dir: str | Path, datasets: Collection[str], subjects: Collection[str] | None = None
) -> Iterator[Recording]:
    """Every record of these sets, in order of name.

    `data_dir`: the folder that holds the sets; `subjects`: record names ("203") or keys ("mitdb/203"), None for all.
    Raises DataError where a set or a wanted subject is missing or a file is damaged.
    """
    wanted = None if subjects is None else set(subjects)
    met: set[str] = set()
    for dataset in datasets:
        reader = _READERS.get(dataset)
        if reader is None:
            raise DataError(f"data set {dataset!r} is not known; there are: {', '.join(_READERS)}")
        folder = Path(data_dir) / dataset
        names = sorted(path.stem for path in folder.glob(f"*{reader[0]}"))
        if not names:
            raise DataError(f"no records of {dataset} in {folder}; give the folder that holds the sets by folder name")
        for name in names:
            if wanted is None or {name, f"{dataset}/{name}"} & wanted:
                met |= {name, f"{dataset}/{name}"}
                try:
                    times, rr, beats, rhythm = reader[1](folder / name)
                except (OSError, KeyError, ValueError, IndexError) as error:
                    raise DataError(f"record {name} of {dataset} cannot be read: {error}") from error
                yield Recording(dataset, name, SAME_PERSON.get(name, name), times, rr, beats, rhythm)
    if wanted is not None and (missing := sorted(wanted - met)):
        raise DataError(f"no records named {', '.join(missing)} in {', '.join(datasets)}")


_Columns = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.str_], NDArray[np.int8]]


def _columns(ticks: NDArray[np.int64], fs: float, beats: Any, rhythm: NDArray[np.int8]) -> _Columns:
    """From the ticks of all beats; a tick that does not advance is the same beat written twice."""
    fresh = np.concatenate(([True], np.diff(ticks) > 0))
    ticks, codes, rhythm = ticks[fresh], np.asarray(beats, dtype=np.str_)[fresh], rhythm[fresh]
    times = np.rint(ticks[1:] * (1e6 / fs)).astype(np.int64)
    return times, np.diff(ticks) * (1000.0 / fs), codes[1:], rhythm[1:].astype(np.int8)


def _wfdb(extension: str) -> Callable[[Path], _Columns]:
    def read_annotations(path: Path) -> _Columns:
        with warnings.catch_warnings():  # wfdb 4.3 trips over deprecations of pandas 3 as it is imported
            warnings.simplefilter("ignore", DeprecationWarning)
            import wfdb

            marks = wfdb.rdann(str(path), extension)
        now, ticks, codes, rhythm = 0, [], [], []
        for tick, code, note in zip(marks.sample, marks.symbol, marks.aux_note, strict=True):
            if code == "+":
                now = {"(AFIB": 1, "(AFL": -1}.get(note.rstrip("\0"), 0)
            elif code in BEATS:
                ticks.append(tick)
                codes.append(code)
                rhythm.append(now)
        return _columns(np.array(ticks, dtype=np.int64), float(marks.fs), codes, np.array(rhythm, dtype=np.int8))

    return read_annotations


def _afdb_rr(path: Path) -> _Columns:
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as archive:
        ticks = archive["qrs_sample"].astype(np.int64)
        in_af = np.concatenate(([0], archive["af_rr"])).astype(np.int8)
        return _columns(ticks, float(archive["fs"]), [""] * len(ticks), in_af)


def _chf2db(path: Path) -> _Columns:
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as archive:
        ticks = np.cumsum(archive["rr_ticks"].astype(np.int64))  # the first is the offset of the first beat
        return _columns(ticks, float(archive["fs"]), [""] * len(ticks), np.zeros(len(ticks), dtype=np.int8))


_READERS: dict[str, tuple[str, Callable[[Path], _Columns]]] = {
    "afdb_rr": (".npz", _afdb_rr),
    "nsr2db": (".ecg", _wfdb("ecg")),
    "chf2db": (".npz", _chf2db),
    "mitdb": (".atr", _wfdb("atr")),
}
DATASETS: tuple[str, ...] = tuple(_READERS)
