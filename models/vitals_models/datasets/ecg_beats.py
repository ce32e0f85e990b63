"""Reader of the MIT-BIH Arrhythmia Database for beat classes: one lead and its annotated beats (train extra: wfdb).

Laws
1. The lead is MLII where the record has it (114 holds it second), else the first: what a chest strap is closest to.
2. A beat is an annotation of a beat type; of two at one sample the first counts. Waves of ventricular flutter are none,
   their stretches ("[" to "]") are told.
3. Paced records lie in the folder "paced" or among the others; EC57 leaves them out, so `read_ecg` does, unless asked.
4. A subject is one person: 201 and 202 are the same one.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals_models.datasets.intervals import BEATS, SAME_PERSON
from vitals_models.errors import DataError

PACED = frozenset({"102", "104", "107", "217"})
_LEAD = "MLII"


@dataclass(frozen=True, slots=True, eq=False)
class EcgRecord:
    """One lead of a record and its annotated beats."""

    record: str
    person: str
    ecg_mv: NDArray[np.float64]  # (n,), NaN where missing
    fs: float
    beats: NDArray[np.int64]  # (k,) samples, ascending
    symbols: NDArray[np.str_]  # (k,) WFDB code of each
    flutter: tuple[tuple[float, float], ...]  # first and last sample of ventricular flutter

    @property
    def key(self) -> str:
        return f"mitdb/{self.record}"


def read_ecg(
    data_dir: str | Path, subjects: Collection[str] | None = None, *, paced: bool = False
) -> Iterator[EcgRecord]:
    """Every record of `data_dir`/mitdb, in order of name; with `paced` the paced ones instead.

    `subjects`: record names ("203") or keys ("mitdb/203"), None for all. Raises DataError where the set or a wanted
    subject is missing or a file is damaged.
    """
    folder = Path(data_dir) / "mitdb"
    paths = {path.stem: path.with_suffix("") for path in sorted(folder.glob("*.atr"))}
    paths |= {path.stem: path.with_suffix("") for path in sorted((folder / "paced").glob("*.atr"))}
    if not paths:
        raise DataError(f"no records of mitdb in {folder}; give the folder that holds the sets by folder name")
    wanted = None if subjects is None else {one.removeprefix("mitdb/") for one in subjects}
    if wanted is not None and (missing := sorted(wanted - set(paths))):
        raise DataError(f"no records named {', '.join(missing)} in mitdb")
    for name in sorted(paths):
        if (name in PACED) == paced and (wanted is None or name in wanted):
            try:
                yield _record(name, paths[name])
            except (OSError, KeyError, ValueError, IndexError) as error:
                raise DataError(f"record {name} of mitdb cannot be read: {error}") from error


def _record(name: str, path: Path) -> EcgRecord:
    with warnings.catch_warnings():  # wfdb 4.3 trips over deprecations of pandas 3 as it is imported
        warnings.simplefilter("ignore", DeprecationWarning)
        import wfdb

        signals: Any = wfdb.rdrecord(str(path))
        marks: Any = wfdb.rdann(str(path), "atr")
    lead = signals.sig_name.index(_LEAD) if _LEAD in signals.sig_name else 0
    at: list[int] = []
    symbols: list[str] = []
    flutter: list[tuple[float, float]] = []
    began: float | None = None
    for sample, code in zip(marks.sample.tolist(), marks.symbol, strict=True):
        if code == "[":
            began = float(sample)
        elif code == "]" and began is not None:
            flutter.append((began, float(sample)))
            began = None
        elif code in BEATS and (not at or sample > at[-1]):
            at.append(sample)
            symbols.append(code)
    return EcgRecord(
        name,
        SAME_PERSON.get(name, name),
        np.ascontiguousarray(signals.p_signal[:, lead], dtype=np.float64),
        float(signals.fs),
        np.array(at, dtype=np.int64),
        np.array(symbols, dtype=np.str_),
        tuple(flutter),
    )
