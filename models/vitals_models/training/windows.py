"""From recordings to labelled feature windows.

A window is positive where at least half of its 64 intervals lie in atrial fibrillation: an episode's edges count as
what most of the window is. A window with more than 10 % flutter is not scored (see datasets, law 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals_models.datasets import Recording
from vitals_models.training.report import Progress
from vitals_signal.rr.rhythm import RHYTHM_FEATURES, WINDOW, rhythm_windows

HOP = 32  # intervals from one training or scoring window to the next


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Scored windows of many records; `record` indexes the lists of keys, sets and persons."""

    X: NDArray[np.float64]  # (W, F)
    y: NDArray[np.bool_]  # (W,)
    record: NDArray[np.intp]  # (W,)
    keys: tuple[str, ...]
    datasets: tuple[str, ...]
    persons: tuple[str, ...]
    abstained: int  # windows without features

    def of(self, records: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(W,) mask of the windows of these records."""
        return np.isin(self.record, records)


def collect(recordings: Iterable[Recording], *, progress: Progress | None = None) -> Windows:
    """Features and labels of every window that can be scored, records in the order given."""
    features, labels, owners = [np.empty((0, len(RHYTHM_FEATURES)))], [np.empty(0, dtype=np.bool_)], []
    keys: list[str] = []
    sets: list[str] = []
    persons: list[str] = []
    abstained = 0
    for recording in recordings:
        windows = rhythm_windows(recording.times_us, recording.rr_ms, hop=HOP)
        last = np.searchsorted(recording.times_us, np.array([w.end_us for w in windows], dtype=np.int64))
        af, flutter = (_share(recording.rhythm == code, last) for code in (1, -1))
        known = np.array([w.reason is None for w in windows], dtype=np.bool_)
        abstained += int(np.count_nonzero(~known))
        kept = np.flatnonzero(known & (flutter <= 0.1))
        features.append(
            np.array([list(windows[i].values.values()) for i in kept]).reshape(len(kept), len(RHYTHM_FEATURES))
        )
        labels.append(af[kept] >= 0.5)
        owners.append(np.full(len(kept), len(keys), dtype=np.intp))
        keys.append(recording.key)
        sets.append(recording.dataset)
        persons.append(recording.person)
        if progress:
            progress(f"{recording.key}: {len(kept)} windows, {np.count_nonzero(labels[-1])} in fibrillation")
    record = np.concatenate([np.empty(0, dtype=np.intp), *owners])
    return Windows(
        np.concatenate(features), np.concatenate(labels), record, tuple(keys), tuple(sets), tuple(persons), abstained
    )


def _share(flag: NDArray[np.bool_], last: NDArray[np.intp]) -> NDArray[np.float64]:
    total = np.concatenate(([0], np.cumsum(flag)))
    return np.asarray((total[last + 1] - total[last + 1 - WINDOW]) / WINDOW, dtype=np.float64)
