"""From records of an ECG to feature rows of beats and their EC57 classes.

Laws
1. Positions come from the annotations (as in the literature) or from the live detector; nothing else differs.
2. Atrial and nodal escape beats ("e", "j") count as N, as in de Chazal et al. 2004 and all that is compared with it
   (N45866 S944 V3788 F415 Q8 in DS1); the text of EC57 has them in S.
3. A beat with features of which one is missing has none: it is not scored and counts as Q, unclassified.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals_models.datasets import EcgRecord
from vitals_models.errors import DataError
from vitals_models.training.report import Progress
from vitals_signal.ecg.ec57_report import CLASSES, BeatLabels, aami_labels, beat_labels
from vitals_signal.ecg.morphology import BEAT_FEATURES, beat_features
from vitals_signal.ecg.r_peak_stream import causal_r_peaks

UNCLASSIFIED = CLASSES.index("Q")


@dataclass(frozen=True, slots=True, eq=False)
class BeatRows:
    """Beats of many records; `record` indexes the lists of keys, persons and references."""

    X: NDArray[np.float64]  # (W, F), rows of NaN where a beat has no features
    y: NDArray[np.intp]  # (W,) index into "NSVFQ"; -1 at detected beats
    sample: NDArray[np.int64]  # (W,)
    record: NDArray[np.intp]  # (W,)
    keys: tuple[str, ...]
    persons: tuple[str, ...]
    references: tuple[BeatLabels, ...]  # all annotated beats of a record
    fs: tuple[float, ...]

    @property
    def known(self) -> NDArray[np.bool_]:
        """(W,) rows that have features."""
        return np.asarray(np.isfinite(self.X).all(axis=1))


def columns(features: tuple[str, ...]) -> NDArray[np.intp]:
    """Where the features of a model stand among `BEAT_FEATURES`."""
    return np.array([BEAT_FEATURES.index(name) for name in features], dtype=np.intp)


def collect(
    records: Iterable[EcgRecord],
    features: tuple[str, ...],
    *,
    detected: bool = False,
    progress: Progress | None = None,
) -> BeatRows:
    """Rows of every beat, annotated or (with `detected`) found by the live detector.

    Raises DataError where there is no record at all.
    """
    rows, labels, samples, owners = [], [], [], []
    keys: list[str] = []
    persons: list[str] = []
    references: list[BeatLabels] = []
    rates: list[float] = []
    chosen = columns(features)
    for one in records:
        truth = aami_labels("N" if code in "ej" else code for code in one.symbols.tolist())
        if detected:
            at = np.unique(np.rint(causal_r_peaks(one.ecg_mv, one.fs)).astype(np.int64))
            label = np.full(len(at), -1, dtype=np.intp)
        else:
            at, label = one.beats, np.array([CLASSES.index(name) for name in truth], dtype=np.intp)
        values = np.array([row.values for row in beat_features(one.ecg_mv, one.fs, at)]).reshape(len(at), -1)
        rows.append(values[:, chosen])
        labels.append(label)
        samples.append(at)
        owners.append(np.full(len(at), len(keys), dtype=np.intp))
        references.append(beat_labels(one.beats, truth, flutter=one.flutter))
        keys.append(one.key)
        persons.append(one.person)
        rates.append(one.fs)
        if progress:
            progress(f"{one.key}: {len(at)} beats")
    if not rows:
        raise DataError("no record that is not paced was given; give others, or leave out the choice of subjects")
    return BeatRows(
        np.concatenate(rows),
        np.concatenate(labels),
        np.concatenate(samples),
        np.concatenate(owners),
        tuple(keys),
        tuple(persons),
        tuple(references),
        tuple(rates),
    )
