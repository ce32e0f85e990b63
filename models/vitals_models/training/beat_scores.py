"""Figures of beat classes after ANSI/AAMI EC57, with intervals from resampling people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_models.card import Measure
from vitals_models.training.scores import DRAWS
from vitals_signal.ecg.ec57_report import CLASSES, COLUMNS, ROWS, RecordReport

Counts = NDArray[np.int64]


def confusion(name: str, truth: NDArray[np.intp], called: NDArray[np.intp]) -> RecordReport:
    """The report of beats whose positions are given: both (n,) indices into "NSVFQ"."""
    matrix = np.zeros((len(ROWS), len(COLUMNS)), np.int64)
    np.add.at(matrix, (truth, called), 1)
    return RecordReport(name, matrix, 0.0, 0, 0.0)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _sensitivity(kind: str) -> Callable[[RecordReport], float]:
    return lambda one: _share(one.count(kind, kind), one.count(kind, COLUMNS))


def _predictivity(kind: str, among: str) -> Callable[[RecordReport], float]:
    return lambda one: _share(one.count(kind, kind), one.count(among, kind))


def macro_f1(one: RecordReport) -> float:
    """Mean F1 of N, S, V and F (those that there are), every confusion an error."""
    there = [kind for kind in "NSVF" if one.count(kind, COLUMNS)]
    found = [2 * one.count(k, k) / (one.count(k, COLUMNS) + one.count(ROWS, k)) for k in there]
    return float(np.mean(found)) if found else float("nan")


# EC57 does not count a fusion or unclassifiable beat called V, or an unclassifiable one called S, as an error.
_FIGURES: Final[dict[str, tuple[str, Callable[[RecordReport], float]]]] = {
    "sveb_sensitivity": ("S", _sensitivity("S")),
    "sveb_ppv": ("S", _predictivity("S", "SNVFOX")),
    "veb_sensitivity": ("V", _sensitivity("V")),
    "veb_ppv": ("V", _predictivity("V", "VNSOX")),
    "fusion_sensitivity": ("F", _sensitivity("F")),
    "fusion_ppv": ("F", _predictivity("F", ROWS)),
    "normal_sensitivity": ("N", _sensitivity("N")),
    "normal_ppv": ("N", _predictivity("N", ROWS)),
    "macro_f1": (CLASSES, macro_f1),
    "accuracy": (CLASSES, lambda one: _share(sum(one.count(k, k) for k in CLASSES), one.count(CLASSES, COLUMNS))),
}


def measures(data: str, reports: Sequence[RecordReport], persons: Sequence[str], *, seed: int) -> tuple[Measure, ...]:
    """Gross figures of these records; 95 % percentile bootstrap over people, none where fewer than three carry it."""
    people = list(dict.fromkeys(persons))
    stacked = np.zeros((len(people), len(ROWS), len(COLUMNS)), np.int64)
    for one, person in zip(reports, persons, strict=True):
        stacked[people.index(person)] += one.matrix
    draws = np.random.default_rng(seed).integers(0, len(people), (DRAWS, len(people)))
    drawn = [_pooled(stacked[draw].sum(axis=0)) for draw in draws]
    gross = _pooled(stacked.sum(axis=0))
    found = []
    for name, (kinds, figure) in _FIGURES.items():
        value = figure(gross)
        if np.isnan(value):
            continue
        carriers = sum(bool(_pooled(one).count(kinds, COLUMNS)) for one in stacked)
        low = high = None
        if carriers >= 3:
            low, high = (round(float(v), 5) for v in np.nanpercentile([figure(one) for one in drawn], (2.5, 97.5)))
        found.append(Measure(data, name, round(float(value), 5), low, high, carriers, gross.count(kinds, COLUMNS)))
    return tuple(found)


def _pooled(matrix: Counts) -> RecordReport:
    return RecordReport("", matrix, 0.0, 0, 0.0)
