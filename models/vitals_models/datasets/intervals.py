"""Readers of the public recordings that irregular rhythm is trained and scored on (train extra: wfdb).

Laws
1. A folder holds the sets by folder name (afdb_rr, nsr2db, chf2db, mitdb, cinc2017, cpsc2021_sample); whatever subjects
   lie there are read, so that subjects kept apart can be scored in the same layout.
2. `rhythm` is 1 in atrial fibrillation ("(AFIB"), -1 in atrial flutter ("(AFL": irregular or not by its block, neither
   trained on nor scored), 0 in every other rhythm. chf2db and nsr2db have no rhythm marks: 0 throughout, although a
   heart-failure patient may have fibrillation that nobody marked.
3. An interval reaches from one annotated beat to the next, of any type; nothing is filtered. Ventricular flutter waves
   ("[", "!", "]") and noise marks are no beats, so that they leave a long interval or a gap, as in life.
4. A subject is one person: MIT-BIH records 201 and 202 are the same one, both are read as person "201"; those of
   cpsc2021_sample bear the person's number; in cinc2017, which tells nothing of people, each recording counts as one.
5. Where nobody marked the beats (cinc2017, mimic_perform_af) they are those of our own detectors, and the rhythm is the
   label of the whole recording.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
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
        family = _FAMILIES.get(dataset)
        if family is None:
            raise DataError(f"data set {dataset!r} is not known; there are: {', '.join(_FAMILIES)}")
        folder = Path(data_dir) / family.folder
        try:
            names = family.names(folder)
        except (OSError, KeyError, ValueError) as error:
            raise DataError(f"the records of {dataset} cannot be listed: {error}") from error
        if not names:
            raise DataError(f"no records of {dataset} in {folder}; give the folder that holds the sets by folder name")
        for name in names:
            if wanted is None or {name, f"{dataset}/{name}"} & wanted:
                met |= {name, f"{dataset}/{name}"}
                try:
                    times, rr, beats, rhythm = family.load(folder, name)
                except (OSError, KeyError, ValueError, IndexError) as error:
                    raise DataError(f"record {name} of {dataset} cannot be read: {error}") from error
                yield Recording(dataset, name, family.person(name), times, rr, beats, rhythm)
    if wanted is not None and (missing := sorted(wanted - met)):
        raise DataError(f"no records named {', '.join(missing)} in {', '.join(datasets)}")


_Columns = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.str_], NDArray[np.int8]]


def _columns(ticks: NDArray[np.int64], fs: float, beats: Any, rhythm: NDArray[np.int8]) -> _Columns:
    """From the ticks of all beats; a tick that does not advance is the same beat written twice."""
    fresh = np.concatenate(([True], np.diff(ticks) > 0))
    ticks, codes, rhythm = ticks[fresh], np.asarray(beats, dtype=np.str_)[fresh], rhythm[fresh]
    times = np.rint(ticks[1:] * (1e6 / fs)).astype(np.int64)
    return times, np.diff(ticks) * (1000.0 / fs), codes[1:], rhythm[1:].astype(np.int8)


def present(data_dir: str | Path, datasets: Collection[str]) -> tuple[str, ...]:
    """Those of `datasets` of which the folder holds a folder, in their order."""
    return tuple(one for one in datasets if (Path(data_dir) / _FAMILIES[one].folder).is_dir())


def _annotations(path: Path, extension: str) -> Any:
    with warnings.catch_warnings():  # wfdb 4.3 trips over deprecations of pandas 3 as it is imported
        warnings.simplefilter("ignore", DeprecationWarning)
        import wfdb

        return wfdb.rdann(str(path), extension)


def _wfdb(extension: str) -> Callable[[Path, str], _Columns]:
    def read_annotations(folder: Path, name: str) -> _Columns:
        marks = _annotations(folder / name, extension)
        now, ticks, codes, rhythm = 0, [], [], []
        for tick, code, note in zip(marks.sample, marks.symbol, marks.aux_note, strict=True):
            if note.startswith("("):
                now = {"(AFIB": 1, "(AFL": -1}.get(note.rstrip("\0"), 0)
            if code in BEATS:
                ticks.append(tick)
                codes.append(code)
                rhythm.append(now)
        return _columns(np.array(ticks, dtype=np.int64), float(marks.fs), codes, np.array(rhythm, dtype=np.int8))

    return read_annotations


def _afdb_rr(folder: Path, name: str) -> _Columns:
    with np.load(folder / f"{name}.npz", allow_pickle=False) as archive:
        ticks = archive["qrs_sample"].astype(np.int64)
        in_af = np.concatenate(([0], archive["af_rr"])).astype(np.int8)
        return _columns(ticks, float(archive["fs"]), [""] * len(ticks), in_af)


def _chf2db(folder: Path, name: str) -> _Columns:
    with np.load(folder / f"{name}.npz", allow_pickle=False) as archive:
        ticks = np.cumsum(archive["rr_ticks"].astype(np.int64))  # the first is the offset of the first beat
        return _columns(ticks, float(archive["fs"]), [""] * len(ticks), np.zeros(len(ticks), dtype=np.int8))


def _cinc2017_names(folder: Path) -> list[str]:
    """Recordings labelled fibrillation, normal or other rhythm; the noisy ones have no rhythm to learn from."""
    return sorted(
        str(name)
        for path in folder.glob("*.npz")
        for name, label in zip(*_arrays(path, "names", "labels"), strict=True)
        if label != "~"
    )


def _cinc2017(folder: Path, name: str) -> _Columns:
    from vitals_signal import detect_r_peaks

    for path in sorted(folder.glob("*.npz")):
        names, labels, offsets, ecg = _arrays(path, "names", "labels", "offsets", "ecg")
        fs, gain = (float(one) for one in _arrays(path, "fs", "gain_adu_per_mV"))
        for k in np.flatnonzero(names == name):
            lead = ecg[offsets[k] : offsets[k + 1]] / gain
            return _detected(detect_r_peaks(lead, fs), fs, bool(labels[k] == "A"))
    raise KeyError(name)


@lru_cache(maxsize=16)
def _array(path: Path, name: str) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as archive:
        found: NDArray[Any] = archive[name]
        return found


def _arrays(path: Path, *names: str) -> tuple[NDArray[Any], ...]:
    return tuple(_array(path, name) for name in names)


def _perform(wave: str) -> Callable[[Path, str], _Columns]:
    def read_wave(folder: Path, name: str) -> _Columns:
        from vitals_signal import detect_r_peaks, pulse_intervals

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            import wfdb

            record = wfdb.rdrecord(str(folder / name))
        at = next(k for k, title in enumerate(record.sig_name) if title.startswith(wave))
        signal, af = record.p_signal[:, at], "non_af" not in name
        if wave == "ECG":
            return _detected(detect_r_peaks(signal, record.fs), record.fs, af)
        found = pulse_intervals(signal, record.fs)
        count = len(found.rr_ms)
        return found.time_us, found.rr_ms, np.full(count, ""), np.full(count, af, dtype=np.int8)

    return read_wave


def _detected(beats: NDArray[np.int64], fs: float, af: bool) -> _Columns:
    if len(beats) < 2:
        return _columns(np.zeros(1, dtype=np.int64), fs, [""], np.zeros(1, dtype=np.int8))
    return _columns(beats.astype(np.int64), fs, [""] * len(beats), np.full(len(beats), af, dtype=np.int8))


@dataclass(frozen=True, slots=True)
class _Family:
    folder: str
    names: Callable[[Path], list[str]]
    load: Callable[[Path, str], _Columns]
    person: Callable[[str], str] = str


def _stems(ending: str) -> Callable[[Path], list[str]]:
    return lambda folder: sorted(path.stem for path in folder.glob(f"*{ending}"))


_FAMILIES: dict[str, _Family] = {
    "afdb_rr": _Family("afdb_rr", _stems(".npz"), _afdb_rr),
    "nsr2db": _Family("nsr2db", _stems(".ecg"), _wfdb("ecg")),
    "chf2db": _Family("chf2db", _stems(".npz"), _chf2db),
    "mitdb": _Family("mitdb", _stems(".atr"), _wfdb("atr"), lambda name: SAME_PERSON.get(name, name)),
    "cinc2017": _Family("cinc2017", _cinc2017_names, _cinc2017),
    "cpsc2021_sample": _Family("cpsc2021_sample", _stems(".atr"), _wfdb("atr"), lambda name: name.split("_")[1]),
    "mimic_perform_af": _Family("mimic_perform_af", _stems(".hea"), _perform("ECG")),
    "mimic_perform_af:ppg": _Family("mimic_perform_af", _stems(".hea"), _perform("PPG")),
}
DATASETS: tuple[str, ...] = ("afdb_rr", "nsr2db", "chf2db", "mitdb", "cinc2017", "cpsc2021_sample")
NEVER_TRAINED_ON: tuple[str, ...] = ("mimic_perform_af", "mimic_perform_af:ppg")  # other people, other sensors
