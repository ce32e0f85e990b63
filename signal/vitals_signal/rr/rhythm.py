"""Features of heart-rhythm irregularity from windows of 64 RR intervals.

Laws
1. One kernel, `rhythm_features`, serves batch and stream; each row depends on its own 64 intervals only.
2. A window never straddles a gap. Beats that end more than 6 s apart (twice the longest plausible interval) are a gap.
3. An interval outside 200-3000 ms, or NaN, is an artefact. Up to 6 of 64 (10 %) are bridged by straight lines between
   the nearest plausible intervals (at an edge: by the nearest one); a window with more of them is NaN with a reason.
4. Intervals are taken relative to the median of their window: rate itself is no evidence, so that atrial fibrillation
   under rate control is judged like any other.
5. Distances count from several per cent of the median interval: features hardly see the recorder's clock, be its tick
   1/128 s or 1/1024 s (tested).
6. A change of any number here is a new `RHYTHM_VERSION`; models name the version they were trained on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._resume import Resumable
from vitals_signal.windows.window import FeatureWindow

RHYTHM_VERSION = "rr64-1"
WINDOW = 64
RHYTHM_FEATURES: tuple[str, ...] = (
    "triplet_novelty",
    "corrected_triplet_novelty",
    "free_late_beats",
    "isolated_late_beats",
    "poincare_occupancy_5pct",
    "poincare_occupancy_8pct",
    "lorenz_occupancy",
    "block_irregularity",
)
RR_MIN_MS = 200.0
RR_MAX_MS = 3000.0
MAX_ARTEFACTS = WINDOW // 10
GAP_US = 6_000_000
TOO_MANY_ARTEFACTS = "too many implausible intervals"

Floats = NDArray[np.float64]
_AROUND = {
    width: np.clip(np.arange(WINDOW)[:, None] + np.arange(width) - width // 2, 0, WINDOW - 1) for width in (7, 9)
}
_BLOCKS = np.arange(WINDOW - 13)[:, None] + np.arange(12)  # of the 62 second differences
_CHUNK = 64  # rows per pass: their 64 x 64 distance tables stay in the cache


def rhythm_features(rr_ms: ArrayLike) -> Floats:
    """Irregularity features of windows of RR intervals; each grows with disorder.

    `rr_ms`: (W, 64) in milliseconds. Returns (W, 8) float64 in the order of `RHYTHM_FEATURES`; rows with more than
    6 implausible intervals are NaN (law 3). Raises ValueError for any other shape.

    All lengths below are shares of the median interval; "corrected" intervals are relative to their local median, a
    short interval with its compensating long one levelled out and a doubled one halved.

    triplet_novelty             how far three successive intervals are from their second nearest like in the window
                                (mean, at most 0.20); ectopy repeats its couplings, fibrillation does not. The
                                template distance of sample entropy (Richman & Moorman 2000; for fibrillation Lake &
                                Moorman 2011, CosEn), as a distance and not a count
    corrected_triplet_novelty   the same on corrected intervals, at most 0.10
    free_late_beats             root of the share of intervals > 12 % longer than their local median (of 7) that no
                                short one came before: pauses of ectopy follow its early beats, fibrillation is late too
    isolated_late_beats         the same, local median of 9, two intervals back
    poincare_occupancy_*        occupied cells of the Poincare plot per point, cell side 5 % or 8 % (Lian et al. 2011)
    lorenz_occupancy            the same for successive changes of corrected intervals, side 6 % (Sarkar et al. 2008)
    block_irregularity          the calmest third of each 12 beats: 4th smallest second difference, at most 6 %, mean
                                over the blocks; scattered ectopic beats leave it low, as do slow sinus rhythms
    """
    rr = np.asarray(rr_ms, dtype=np.float64)
    if rr.ndim != 2 or rr.shape[1] != WINDOW:
        raise ValueError(f"rr_ms has shape {rr.shape}; expected (windows, {WINDOW})")
    out = np.full((len(rr), len(RHYTHM_FEATURES)), np.nan)
    plausible = (rr >= RR_MIN_MS) & (rr <= RR_MAX_MS)  # False for NaN
    artefacts = WINDOW - np.count_nonzero(plausible, axis=1)
    usable = np.flatnonzero(artefacts <= MAX_ARTEFACTS)
    for at in range(0, len(usable), _CHUNK):
        rows = usable[at : at + _CHUNK]
        chunk = rr[rows]
        for row in np.flatnonzero(artefacts[rows]):
            good = np.flatnonzero(plausible[rows[row]])
            chunk[row] = np.interp(np.arange(WINDOW), good, chunk[row, good])
        out[rows] = _kernel(chunk)
    return out


def rhythm_windows(times_us: ArrayLike, rr_ms: ArrayLike, *, hop: int) -> list[FeatureWindow]:
    """All windows of a recording; the batch twin of `RhythmStream`.

    A window reaches from the begin of its first interval to the beat that ends its last. Its coverage is the share of
    its intervals that are plausible, its corrected share that of those bridged.

    `times_us`: (N,) int64 microseconds, increasing, the beats that END each interval; `rr_ms`: (N,) milliseconds, NaN
    where unknown; `hop`: 1 to 64 intervals from one window to the next. Raises ValueError for anything else.
    """
    return RhythmStream(hop).update(times_us, rr_ms)


class RhythmStream(Resumable):
    """Windows of 64 intervals from a stream; any split of the input gives the windows of the whole."""

    def __init__(self, hop: int) -> None:
        if not 1 <= hop <= WINDOW:
            raise ValueError(f"hop is {hop}; use 1 to {WINDOW} intervals")
        self.hop = hop
        self._times = np.empty(0, dtype=np.int64)
        self._rr = np.empty(0)
        self._last_us: int | None = None

    def update(self, times_us: ArrayLike, rr_ms: ArrayLike) -> list[FeatureWindow]:
        """Take intervals in; return the windows that they complete (see `rhythm_windows` for shapes and errors)."""
        times, rr = _checked(times_us, rr_ms, self._last_us)
        if not len(times):
            return []
        before = times[0] if self._last_us is None else self._last_us
        silent = np.empty(len(times), dtype=np.bool_)
        silent[0] = times[0] - before > GAP_US
        silent[1:] = times[1:] - times[:-1] > GAP_US
        self._last_us = int(times[-1])
        starts = [0, *np.flatnonzero(silent[1:]) + 1, len(times)]
        windows: list[FeatureWindow] = []
        for begin, end in itertools.pairwise(starts):
            if silent[begin]:
                self.gap()
                # An interval longer than the silence spans it and belongs to neither side.
                begin += not rr[begin] <= RR_MAX_MS
            windows += self._extend(times[begin:end], rr[begin:end])
        return windows

    def gap(self) -> list[FeatureWindow]:
        """Nothing is known from here to the next beat: forget the intervals of the unfinished window."""
        self._times = self._times[:0]
        self._rr = self._rr[:0]
        return []

    def end(self) -> list[FeatureWindow]:
        """Nothing: a window of fewer intervals is none."""
        return self.gap()

    def _extend(self, times: NDArray[np.int64], rr: Floats) -> list[FeatureWindow]:
        self._times = np.concatenate((self._times, times))
        self._rr = np.concatenate((self._rr, rr))
        count = (len(self._rr) - WINDOW) // self.hop + 1
        if count < 1:
            return []
        first = np.arange(count) * self.hop
        values = rhythm_features(self._rr[first[:, None] + np.arange(WINDOW)])
        windows = list(self._windows(first, values))
        self._times = self._times[count * self.hop :]
        self._rr = self._rr[count * self.hop :]
        return windows

    def _windows(self, first: NDArray[np.intp], values: Floats) -> Iterator[FeatureWindow]:
        plausible = (self._rr >= RR_MIN_MS) & (self._rr <= RR_MAX_MS)
        for begin, row in zip(first.tolist(), values, strict=True):
            start = int(self._times[begin]) - (round(self._rr[begin] * 1000.0) if plausible[begin] else 0)
            coverage = int(np.count_nonzero(plausible[begin : begin + WINDOW])) / WINDOW
            bridged = 0.0 if np.isnan(row[0]) else 1.0 - coverage
            yield FeatureWindow(
                start,
                int(self._times[begin + WINDOW - 1]),
                dict(zip(RHYTHM_FEATURES, row.tolist(), strict=True)),
                coverage,
                bridged,
                RHYTHM_VERSION,
                TOO_MANY_ARTEFACTS if np.isnan(row[0]) else None,
                {},
            )


def _checked(times_us: ArrayLike, rr_ms: ArrayLike, last_us: int | None) -> tuple[NDArray[np.int64], Floats]:
    times = np.asarray(times_us)
    rr = np.asarray(rr_ms, dtype=np.float64)
    if times.size == 0:
        times = times.astype(np.int64)
    if times.dtype.kind not in "iu":
        raise ValueError(f"times_us has dtype {times.dtype}; use int64 microseconds")
    if times.ndim != 1 or rr.shape != times.shape:
        raise ValueError(f"times_us and rr_ms have shapes {times.shape} and {rr.shape}; both must be (N,)")
    times = times.astype(np.int64, copy=False)
    if (len(times) and last_us is not None and times[0] <= last_us) or (times[1:] <= times[:-1]).any():
        raise ValueError("times_us must increase from beat to beat")
    return times, rr


def _kernel(rr: Floats) -> Floats:
    """(W, 64) plausible intervals -> (W, 8)."""
    x = rr / _middle(rr)[:, None]
    by_nine = x / _local_median(x, 9)
    corrected = _corrected(by_nine)
    change = corrected[:, 1:] - corrected[:, :-1]
    bend = 0.5 * np.abs(change[:, 1:] - change[:, :-1])
    calm = np.partition(bend[:, _BLOCKS], 3, axis=2)[:, :, 3]
    return np.stack(
        (
            _triplet_novelty(x, 0.20),
            _triplet_novelty(corrected, 0.10),
            _free_late(x / _local_median(x, 7), 1),
            _free_late(by_nine, 2),
            _occupancy((x - 0.4) / 0.05, 31) / (WINDOW - 1),
            _occupancy((x - 0.4) / 0.08, 19) / (WINDOW - 1),
            _occupancy(change / 0.06 + 8.5, 17) / (WINDOW - 2),
            _sum(np.minimum(calm, 0.06)) / (len(_BLOCKS) * 0.06),
        ),
        axis=1,
    )


def _middle(x: Floats) -> Floats:
    ordered = np.partition(x, (WINDOW // 2 - 1, WINDOW // 2), axis=1)
    return 0.5 * (ordered[:, WINDOW // 2 - 1] + ordered[:, WINDOW // 2])


def _local_median(x: Floats, width: int) -> Floats:
    """Running median of 7 or 9, the edge intervals repeated outwards."""
    ordered: Floats = np.partition(x[:, _AROUND[width]], width // 2, axis=2)
    return ordered[:, :, width // 2]


def _corrected(u: Floats) -> Floats:
    first, second = u[:, :-1], u[:, 1:]
    compensated = (first < 0.88) & (second > 1.06) & (np.abs(first + second - 2.0) < 0.2)
    level = 0.5 * (first + second)
    out = u.copy()
    np.copyto(out[:, :-1], level, where=compensated)
    np.copyto(out[:, 1:], level, where=compensated)
    np.copyto(out, 0.5 * out, where=(out > 1.85) & (out < 2.15))  # one beat missed
    return out


def _triplet_novelty(x: Floats, most: float) -> Floats:
    apart = np.abs(x[:, :, None] - x[:, None, :])
    apart = np.maximum(np.maximum(apart[:, :-2, :-2], apart[:, 1:-1, 1:-1]), apart[:, 2:, 2:])
    second = np.partition(apart, 2, axis=2)[:, :, 2]  # 0 is the triplet itself
    return _sum(np.minimum(second, most)) / (WINDOW - 2)


def _sum(rows: Floats) -> Floats:
    """Row sums in an order that does not depend on the number of rows: bit-equal in batch and stream."""
    total: Floats = np.ascontiguousarray(rows).sum(axis=1)
    return total


def _free_late(u: Floats, back: int) -> Floats:
    late = (u > 1.12) & (u < 1.7)
    early = u < 0.88
    for step in range(1, back + 1):
        late[:, step:] &= ~early[:, :-step]
    share: Floats = np.sqrt(np.count_nonzero(late, axis=1) / WINDOW)
    return share


def _occupancy(cells: Floats, size: int) -> NDArray[np.int64]:
    """Distinct pairs of successive cells, cells outside 0..size-1 counted as the outermost."""
    bins = np.minimum(np.maximum(np.floor(cells), 0), size - 1).astype(np.intp)
    pairs = np.sort(bins[:, :-1] * size + bins[:, 1:], axis=1)
    distinct: NDArray[np.int64] = 1 + np.count_nonzero(pairs[:, 1:] != pairs[:, :-1], axis=1)
    return distinct
