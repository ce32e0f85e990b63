"""The beat-by-beat report of ANSI/AAMI EC57: classes, sensitivity, predictivity, RR error, shutdowns; record by record.

Laws of this file:
1. Pairs are made as by WFDB `bxb`: in order of time, within 150 ms, a label pairs with the nearer of two neighbours;
   what is left of either series pairs with a pseudo-beat: O, or X within a shutdown of the other series.
2. The learning time (first 5 min) and ventricular flutter or fibrillation do not count; shutdowns do, and are told.
3. Gross statistics come from pooled counts, average statistics from records of equal weight (those that have a value).

Sources: ANSI/AAMI EC57:2012 4.3 and 5; formulas and pairing as published with WFDB 10.7 (bxb and sumstats, Moody).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.ecg.ec57 import ratio

CLASSES: Final = "NSVFQ"
ROWS, COLUMNS = CLASSES + "OX", CLASSES + "OX"
_AAMI: Final = {
    **dict.fromkeys("NLRB", "N"),
    **dict.fromkeys("nAaJSej", "S"),
    **dict.fromkeys("VrE", "V"),
    "F": "F",
    **dict.fromkeys("Q/f?", "Q"),
}
_NEVER: Final = float("inf")
Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class BeatLabels:
    """Beats of one annotator: `sample` ascending, shape (n,), with a class each, and stretches (first, last sample)."""

    sample: NDArray[np.float64]
    label: Sequence[str]
    """One of N S V F Q per beat (`aami_labels` makes them of WFDB symbols)."""
    flutter: Sequence[Stretch] = ()
    shutdown: Sequence[Stretch] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RecordReport:
    """Counts of one record, or of several pooled ones."""

    name: str
    matrix: NDArray[np.int64]
    """(7, 7): reference N S V F Q O X by algorithm n s v f q o x; O and X are beats that only one of them has."""
    rr_square_sum_ms2: float
    rr_count: int
    shutdown_s: float
    """Time that the algorithm was shut down after the learning time."""

    def count(self, reference: str, algorithm: str) -> int:
        """Sum over classes, such as `count("NS", "vo")`."""
        rows, columns = [ROWS.index(r) for r in reference], [COLUMNS.index(c.upper()) for c in algorithm]
        return int(self.matrix[np.ix_(rows, columns)].sum())

    @property
    def qrs_sensitivity(self) -> float:
        """Beats found over beats."""
        return ratio(self.count(CLASSES, CLASSES), self.count(CLASSES, COLUMNS))

    @property
    def qrs_positive_predictivity(self) -> float:
        """Detections that are beats over detections."""
        return ratio(self.count(CLASSES, CLASSES), self.count(ROWS, CLASSES))

    @property
    def veb_sensitivity(self) -> float:
        """Vv / (V*): ventricular ectopic beats named so."""
        return ratio(self.count("V", "v"), self.count("V", COLUMNS))

    @property
    def veb_positive_predictivity(self) -> float:
        """Vv / (Vv + Nv + Sv + Ov + Xv): a fusion or unclassifiable beat called v is no error."""
        return ratio(self.count("V", "v"), self.count("VNSOX", "v"))

    @property
    def veb_false_positive_rate(self) -> float:
        """False v over all that is not V and not called v wrongly or is (bxb: VFP / (VTN + VFP))."""
        wrong = self.count("NSOX", "v")
        return ratio(wrong, wrong + self.count("NSFQOX", "nsfq"))

    @property
    def sveb_sensitivity(self) -> float:
        """Ss / (S*): supraventricular ectopic beats named so."""
        return ratio(self.count("S", "s"), self.count("S", COLUMNS))

    @property
    def sveb_positive_predictivity(self) -> float:
        """Ss / (Ss + Ns + Vs + Fs + Os + Xs): an unclassifiable beat called s is no error."""
        return ratio(self.count("S", "s"), self.count("SNVFOX", "s"))

    @property
    def rms_rr_error_ms(self) -> float:
        """Root mean square of reference minus algorithm RR interval, over all labels that have both."""
        return float(np.sqrt(ratio(self.rr_square_sum_ms2, self.rr_count)))


_STATISTICS: Final = (
    ("Q Se", "qrs_sensitivity"),
    ("Q +P", "qrs_positive_predictivity"),
    ("V Se", "veb_sensitivity"),
    ("V +P", "veb_positive_predictivity"),
    ("V FPR", "veb_false_positive_rate"),
    ("S Se", "sveb_sensitivity"),
    ("S +P", "sveb_positive_predictivity"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Ec57Report:
    """All records, with gross and average statistics; `str(report)` is the table."""

    records: tuple[RecordReport, ...]
    gross: RecordReport = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "gross",
            RecordReport(
                "Gross",
                sum((record.matrix for record in self.records), np.zeros((len(ROWS), len(COLUMNS)), np.int64)),
                sum(record.rr_square_sum_ms2 for record in self.records),
                sum(record.rr_count for record in self.records),
                sum(record.shutdown_s for record in self.records),
            ),
        )

    def average(self, statistic: str) -> float:
        """Mean of a property of `RecordReport` over the records that have a value; NaN if none has."""
        values = [float(getattr(record, statistic)) for record in self.records]
        known = [value for value in values if not np.isnan(value)]
        return float(np.mean(known)) if known else float("nan")

    def __str__(self) -> str:
        title = f"{'Record':10s} {'beats':>7s} {'FN':>5s} {'FP':>5s}"
        title += "".join(f" {head:>7s}" for head, _ in _STATISTICS) + f" {'RR ms':>7s} {'shut s':>7s}"
        lines = [title, *(_line(record) for record in self.records), _line(self.gross)]
        means = "".join(_percent(self.average(name)) for _, name in _STATISTICS)
        lines.append(f"{'Average':10s} {'':>7s} {'':>5s} {'':>5s}{means} {self.average('rms_rr_error_ms'):7.2f}")
        lines += ["", "      " + "".join(f"{c.lower():>8s}" for c in COLUMNS)]
        lines += [f"{r:>5s} " + "".join(f"{n:8d}" for n in row) for r, row in zip(ROWS, self.gross.matrix, strict=True)]
        return "\n".join(lines)


def aami_labels(symbols: Iterable[str]) -> list[str]:
    """N S V F Q of WFDB beat symbols (EC57:2012 table 3). Raises ValueError for a symbol that is no beat."""
    try:
        return [_AAMI[symbol] for symbol in symbols]
    except KeyError as unknown:
        raise ValueError(f"symbols must be WFDB beat symbols, got {unknown}") from None


def beat_labels(
    sample: ArrayLike,
    label: Sequence[str] | None = None,
    *,
    flutter: Sequence[Stretch] = (),
    shutdown: Sequence[Stretch] = (),
) -> BeatLabels:
    """Beats in order, of class N where none is given. Raises ValueError where lengths or classes are wrong."""
    at = np.asarray(sample, np.float64).ravel()
    names = list(label) if label is not None else ["N"] * len(at)
    if len(names) != len(at) or not set(names) <= set(CLASSES):
        raise ValueError(f"label must hold one of {', '.join(CLASSES)} per beat")
    order = np.argsort(at, kind="stable")
    return BeatLabels(at[order], [names[k] for k in order.tolist()], tuple(flutter), tuple(shutdown))


def compare_beats(
    name: str,
    reference: BeatLabels,
    algorithm: BeatLabels,
    fs: float,
    *,
    length: int | None = None,
    window_s: float = 0.150,
    learning_s: float = 300.0,
) -> RecordReport:
    """Compare an algorithm's beats with the reference; samples at `fs` Hz, the record `length` samples long.

    Raises ValueError where `fs` or `window_s` is not a finite number above 0.
    """
    if not (0 < fs < math.inf and 0 < window_s < math.inf):
        raise ValueError(f"fs and window_s must be finite and above 0, got {fs} and {window_s}")
    window, start, end = window_s * fs, learning_s * fs, _NEVER if length is None else float(length)
    ours, theirs = _Cursor(reference, start, end), _Cursor(algorithm, start, end)
    tally = _Tally(fs)
    _first_pair(ours, theirs, start, window, tally)
    while ours.now < _NEVER or theirs.now < _NEVER:
        if theirs.now < ours.now:
            near = ours.now - theirs.now
            if near <= window and near < abs(ours.now - theirs.next):
                tally.pair(ours, theirs)
            elif _inside(theirs.now, reference.flutter):
                theirs.advance()
            else:
                tally.extra(theirs, "X" if _inside(theirs.now, reference.shutdown) else "O", ours)
        else:
            near = theirs.now - ours.now
            if near <= window and near < abs(theirs.now - ours.next):
                tally.pair(ours, theirs)
            else:
                tally.missed(ours, "X" if _inside(ours.now, algorithm.shutdown) else "O", theirs)
    last = end if end < _NEVER else max([0.0, *(stop for _, stop in algorithm.shutdown)])
    quiet = sum(max(0.0, min(stop, last) - max(first, start)) for first, stop in algorithm.shutdown)
    return RecordReport(name, tally.matrix, tally.rr_square_sum, tally.rr_count, quiet / fs)


class _Cursor:
    """The current and the next label of a series, without those in its own flutter; where one ends, infinity."""

    def __init__(self, beats: BeatLabels, start: float, end: float) -> None:
        kept = [k for k, at in enumerate(beats.sample.tolist()) if not _inside(at, beats.flutter) and at <= end]
        self._at = [float(beats.sample[k]) for k in kept]
        self._label = [beats.label[k] for k in kept]
        self._breaks = sorted(first for first, _ in (*beats.flutter, *beats.shutdown))
        self._k = sum(at < start for at in self._at)

    def at(self, k: int) -> float:
        return self._at[k] if 0 <= k < len(self._at) else _NEVER

    @property
    def now(self) -> float:
        return self.at(self._k)

    @property
    def next(self) -> float:
        return self.at(self._k + 1)

    @property
    def before(self) -> float:
        return self._at[self._k - 1] if self._k > 0 else -_NEVER

    @property
    def label(self) -> str:
        return self._label[self._k]

    @property
    def rr(self) -> float | None:
        """Interval that ends at the current label; None without one, or across flutter or a shutdown."""
        if self.now == _NEVER or self._k == 0 or any(self.before <= at < self.now for at in self._breaks):
            return None
        return self.now - self.before

    def advance(self) -> None:
        self._k += 1

    def back(self) -> None:
        self._k -= 1


class _Tally:
    def __init__(self, fs: float) -> None:
        self.matrix = np.zeros((len(ROWS), len(COLUMNS)), np.int64)
        self.rr_square_sum, self.rr_count, self._ms = 0.0, 0, 1000.0 / fs

    def pair(self, ours: _Cursor, theirs: _Cursor) -> None:
        self._count(ours.label, theirs.label, ours, theirs)
        ours.advance()
        theirs.advance()

    def extra(self, theirs: _Cursor, pseudo: str, ours: _Cursor) -> None:
        self._count(pseudo, theirs.label, ours, theirs)
        theirs.advance()

    def missed(self, ours: _Cursor, pseudo: str, theirs: _Cursor) -> None:
        self._count(ours.label, pseudo, ours, theirs)
        ours.advance()

    def _count(self, reference: str, algorithm: str, ours: _Cursor, theirs: _Cursor) -> None:
        self.matrix[ROWS.index(reference), COLUMNS.index(algorithm)] += 1
        if ours.rr is not None and theirs.rr is not None:
            self.rr_square_sum += ((ours.rr - theirs.rr) * self._ms) ** 2
            self.rr_count += 1


def _first_pair(ours: _Cursor, theirs: _Cursor, start: float, window: float, tally: _Tally) -> None:
    """The first beat may have been found just before the learning time ended, the last of it just behind."""
    early = ours.now - theirs.before
    if ours.now < _NEVER and early < abs(ours.now - theirs.now) and early <= window:
        theirs.back()
        tally.pair(ours, theirs)
    elif theirs.now - start <= window and abs(ours.now - theirs.next) < abs(ours.now - theirs.now):
        theirs.advance()


def _inside(at: float, stretches: Sequence[Stretch]) -> bool:
    return any(first <= at <= last for first, last in stretches)


def _percent(share: float) -> str:
    return f" {100 * share:7.2f}" if not np.isnan(share) else f" {'-':>7s}"


def _line(record: RecordReport) -> str:
    beats, missed, extra = record.count(CLASSES, COLUMNS), record.count(CLASSES, "ox"), record.count("OX", CLASSES)
    shares = "".join(_percent(getattr(record, name)) for _, name in _STATISTICS)
    return (
        f"{record.name:10s} {beats:7d} {missed:5d} {extra:5d}{shares} {record.rms_rr_error_ms:7.2f}"
        f" {record.shutdown_s:7.1f}"
    )
