"""From recordings to labelled windows of activity, and the figures of scores on them.

Groups of WISDM-51: walking (A), jogging (B), stairs (C), still (sitting D, standing E), and hands, which is all else
(F to S: typing, brushing, eating, drinking, kicking, catching, dribbling, writing, clapping, folding). Of GeoTec only
stretches of one kind of 5 s and more count, one window each: walking with its turns is walk, seated is still.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_models.activity import ACTIVITY_FEATURES, GROUPS, HOP_S, WINDOW_S, ActivityFilter, activity_vector
from vitals_models.card import Measure
from vitals_models.datasets.motion import MotionRecord
from vitals_models.training.report import Progress
from vitals_signal.windows.acc_features import acc_window_features

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

DRAWS: Final = 1000
_SHORT_S: Final = 5.0
_WISDM: Final = {"A": "walk", "B": "jog", "C": "stairs", "D": "still", "E": "still"}
_GEOTEC: Final = {"walking": "walk", "seated": "still", "transition": None}


@dataclass(frozen=True, slots=True, eq=False)
class ActivityWindows:
    """Scored windows of many wearers, each wearer's in order of time."""

    X: Floats  # (W, F)
    y: NDArray[np.intp]  # (W,) index into GROUPS
    wearer: NDArray[np.intp]  # (W,) index into `keys`
    keys: tuple[str, ...]
    abstained: int

    def of(self, wearers: NDArray[np.intp]) -> NDArray[np.bool_]:
        return np.isin(self.wearer, wearers)

    def dataset(self, name: str) -> NDArray[np.intp]:
        """Wearers of a data set."""
        return np.array([i for i, key in enumerate(self.keys) if key.startswith(f"{name}/")], dtype=np.intp)


def group_of(dataset: str, label: str) -> str | None:
    """The group of a label; None: not scored."""
    return _GEOTEC[label] if dataset == "sp_sw_har_watch" else _WISDM.get(label, "hands")


def collect(records: Iterable[MotionRecord], *, progress: Progress | None = None) -> ActivityWindows:
    """Features and groups of every window, wearers in the order given."""
    features, groups, owners = [np.empty((0, len(ACTIVITY_FEATURES)))], [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    keys: list[str] = []
    abstained = 0
    for record in records:
        count = 0
        for stretch in record.stretches:
            group = group_of(record.dataset, stretch.label)
            length = WINDOW_S
            if record.dataset == "sp_sw_har_watch":
                length = min(WINDOW_S, float(np.floor(stretch.seconds * 10) / 10))
            if group is None or length < _SHORT_S:
                continue
            x = activity_vector(acc_window_features(stretch.acc_g, stretch.fs, length, HOP_S).values)
            x = x[:1] if record.dataset == "sp_sw_har_watch" else x
            known = np.isfinite(x).all(axis=1)
            abstained += int(np.count_nonzero(~known))
            features.append(x[known])
            groups.append(np.full(np.count_nonzero(known), GROUPS.index(group), np.intp))
            owners.append(np.full(np.count_nonzero(known), len(keys), np.intp))
            count += int(np.count_nonzero(known))
        keys.append(record.key)
        if progress:
            progress(f"{record.key}: {count} windows")
    return ActivityWindows(
        np.concatenate(features), np.concatenate(groups), np.concatenate(owners), tuple(keys), abstained
    )


def filtered(windows: ActivityWindows, p: Floats) -> Floats:
    """(W, K) after `ActivityFilter`, not reset between the stretches of a wearer: a change costs what it does."""
    out = np.empty_like(p)
    for wearer in range(len(windows.keys)):
        follow = ActivityFilter()
        for index in np.flatnonzero(windows.wearer == wearer).tolist():
            out[index] = follow.push(p[index])
    return out


def confusion(windows: ActivityWindows, p: Floats) -> Counts:
    """(wearers, K, K) windows by true group and leading group."""
    k = len(GROUPS)
    code = (windows.wearer * k + windows.y) * k + p.argmax(axis=1)
    return np.asarray(np.bincount(code, minlength=len(windows.keys) * k * k).reshape(-1, k, k), dtype=np.int64)


def f1_by_group(counts: Counts) -> Floats:
    """F1 per group from (..., K, K) counts; NaN where a group neither occurs nor is called."""
    hit = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    size = counts.sum(axis=-1) + counts.sum(axis=-2)
    return np.asarray(np.divide(2.0 * hit, size, out=np.full(hit.shape, np.nan), where=size > 0), dtype=np.float64)


def figures(windows: ActivityWindows, p: Floats, *, suffix: str = "", seed: int = 0) -> tuple[Measure, ...]:
    """Macro-F1, accuracy and F1 or recall by group of each data set; intervals by resampling wearers.

    Macro-F1 is the mean over the groups that a set holds; a set of less than three groups has recalls only.
    """
    counts = confusion(windows, p)
    found: list[Measure] = []
    for dataset in dict.fromkeys(key.split("/")[0] for key in windows.keys):
        own = counts[windows.dataset(dataset)]
        own = own[own.sum(axis=(1, 2)) > 0]
        if not len(own):
            continue
        present = np.flatnonzero(own.sum(axis=(0, 2)))
        draws = np.random.default_rng(seed).integers(0, len(own), (DRAWS, len(own)))
        drawn = np.concatenate((own.sum(axis=0)[None], own[draws].sum(axis=1)))
        rows = {"accuracy": np.diagonal(drawn, axis1=1, axis2=2).sum(axis=1) / drawn.sum(axis=(1, 2))}
        if len(present) >= 3:
            by_group = f1_by_group(drawn)[:, present]
            rows = {"macro_f1": np.nanmean(by_group, axis=1), **rows}
            rows |= {f"f1_{GROUPS[g]}": by_group[:, i] for i, g in enumerate(present)}
        else:
            size = drawn.sum(axis=2)
            rows |= {
                f"recall_{GROUPS[g]}": np.divide(drawn[:, g, g], size[:, g], out=np.full(len(drawn), np.nan),
                where=size[:, g] > 0) for g in present
            }  # fmt: skip
        for name, values in rows.items():
            low, high = np.nanpercentile(values[1:], (2.5, 97.5)) if len(own) >= 3 else (None, None)
            found.append(
                Measure(dataset, f"{name}{suffix}", _round(values[0]), _round(low), _round(high), len(own),
                int(own.sum()))
            )  # fmt: skip
    return tuple(found)


def _round(value: float | None) -> float:
    return None if value is None else round(float(value), 5)  # type: ignore[return-value]
