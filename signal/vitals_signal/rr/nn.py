"""From RR to NN intervals: which intervals are artefacts or ectopic, and what stands in their place.

Laws of this file:
1. NaN in an RR series separates stretches between which nothing is known. No window, no difference and no repair ever
   crosses it, and it comes back as NaN.
2. Nothing is repaired in silence: every output interval says whether it is original and what was wrong with it.
3. An interval that would need more than `_MAX_MISSED` invented beats becomes NaN: it is a gap, not an artefact.

Source: J. A. Lipponen, M. P. Tarvainen, "A robust algorithm for heart rate variability time series artefact correction
using novel beat classification", J. Med. Eng. Technol. 43(3), 2019, doi 10.1080/03091902.2019.1640306.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Method = Literal["lipponen2019", "malik", "none"]

_ALPHA: Final = 5.2  # threshold = _ALPHA * quartile deviation (section 2.1)
_C1, _C2 = 0.13, 0.17  # borders of the ectopic subspace (section 2.2)
_THRESHOLD_BEATS: Final = 91
_MEDIAN_BEATS: Final = 11
# Not in the paper. Where the rate hardly varies (paced, old, on a 1/128-s lattice) 5.2 quartile deviations are a few
# milliseconds, and up to a tenth of all healthy beats would be "repaired"; a step below this share of the interval is
# left alone.
_MIN_THRESHOLD_SHARE: Final = 0.125
_MAX_MISSED: Final = 3
_PASSES: Final = 3
_MALIK_SHARE: Final = 0.20
_PLAUSIBLE_MS: Final = (200.0, 4000.0)
SHORTEST_MS: Final = 1.0  # what is shorter than a millisecond or longer than an hour is no interval
LONGEST_MS: Final = 3_600_000.0


class Beat(enum.IntEnum):
    """What was found out about an interval."""

    NORMAL = 0
    ECTOPIC = 1  # the short and the long interval around a beat that came too early (or too late)
    MISSED = 2  # a beat was missed: one interval became several
    EXTRA = 3  # a beat too many: two intervals became one
    LONG_SHORT = 4  # too long or too short, without a pattern that explains it
    GAP = 5  # no interval: NaN in the input, or too long to be repaired


@dataclass(frozen=True, slots=True, eq=False)
class NN:
    """A corrected series; all arrays have shape (m,)."""

    nn_ms: NDArray[np.float64]  # NaN at gaps
    beat: NDArray[np.uint8]  # a `Beat` per interval
    source: NDArray[np.intp]  # index of the (first) RR interval that it came from
    corrected_share: float  # share of the finite RR intervals that were not NORMAL; NaN where there were none
    method: str

    @property
    def corrected(self) -> NDArray[np.bool_]:
        """Which intervals are not original."""
        return np.not_equal(self.beat, Beat.NORMAL)


def nn_intervals(rr_ms: ArrayLike, *, method: Method = "lipponen2019") -> NN:
    """Classify RR intervals and replace those that are not the distance of two normal beats.

    `rr_ms`: shape (n,), milliseconds; NaN (or anything below 1 ms, or above an hour) separates stretches.

    Methods:
    - "lipponen2019": ectopic, missed, extra, and long or short beats by time-varying thresholds. Missed beats are
      inserted evenly, extra beats removed, the rest interpolated linearly between the normal neighbours. Additions to
      the paper: thresholds have a floor of 1/8 of the median interval; up to three beats missed in a row are inserted;
      a spare beat is also looked for in the sum with the interval before; and missed and extra beats are repaired
      before the others are judged, because an artefact that hides behind another shows only then.
    - "malik": an interval that differs by more than 20 % from the last accepted one, or lies outside 200..4000 ms,
      becomes NaN (Malik et al., Eur. Heart J. 10, 1989); nothing is interpolated.
    - "none": nothing is judged.

    Never raises on data; an empty or all-NaN input gives an empty or all-NaN series. Raises ValueError on an unknown
    method or an input that is not one-dimensional.
    """
    rr = np.array(rr_ms, np.float64)
    if rr.ndim != 1:
        raise ValueError(f"rr_ms must have one dimension, got shape {rr.shape}")
    with np.errstate(invalid="ignore"):
        rr[~((rr >= SHORTEST_MS) & (rr <= LONGEST_MS))] = np.nan
    series = _Series(rr, np.where(np.isnan(rr), Beat.GAP, Beat.NORMAL).astype(np.uint8), np.arange(len(rr)))
    if method == "lipponen2019":
        series = _concatenate([_lipponen(part) for part in series.parts()])
    elif method == "malik":
        series = _concatenate([_malik(part) for part in series.parts()])
    elif method != "none":
        raise ValueError(f"method must be 'lipponen2019', 'malik' or 'none', got {method!r}")
    finite = ~np.isnan(rr)
    touched = np.zeros(len(rr), np.bool_)
    wrong = series.beat != Beat.NORMAL
    touched[series.source[wrong]] = True
    touched[np.minimum(series.source[series.beat == Beat.EXTRA] + 1, len(rr) - 1)] = True
    share = float(touched[finite].mean()) if finite.any() else float("nan")
    return NN(series.rr, series.beat, series.source, share, method)


@dataclass(frozen=True, slots=True)
class _Series:
    rr: NDArray[np.float64]
    beat: NDArray[np.uint8]
    source: NDArray[np.intp]

    def __getitem__(self, index: Any) -> _Series:
        return _Series(self.rr[index], self.beat[index], self.source[index])

    def parts(self) -> list[_Series]:
        """Runs without NaN, and runs of NaN, in turn."""
        cuts = np.flatnonzero(np.diff(np.isnan(self.rr))) + 1
        bounds = [0, *cuts.tolist(), len(self.rr)]
        return [self[a:b] for a, b in pairwise(bounds)]


def _concatenate(parts: list[_Series]) -> _Series:
    return _Series(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("rr", "beat", "source")))


def _malik(part: _Series) -> _Series:
    rr, beat = part.rr.copy(), part.beat.copy()
    low, high = _PLAUSIBLE_MS
    last: float | None = None
    for k, value in enumerate(rr.tolist()):
        if low <= value <= high and (last is None or abs(value - last) <= _MALIK_SHARE * last):
            last = value
        elif value == value:
            rr[k], beat[k] = np.nan, Beat.LONG_SHORT
            # One wrong interval may follow another, but a lasting change of rate must not silence the rest.
            last = None if k and beat[k - 1] == Beat.LONG_SHORT else last
    return _Series(rr, beat, part.source)


def _lipponen(part: _Series) -> _Series:
    if len(part.rr) < 4 or np.isnan(part.rr[0]):
        return part
    found = _classify(part.rr)
    for _ in range(_PASSES):
        repaired = _insert_and_remove(part, found)
        if len(repaired.rr) == len(part.rr) and not (repaired.beat != part.beat).any():
            break
        part = repaired
        if np.isnan(part.rr).any():
            return _concatenate([_lipponen(piece) for piece in part.parts()])
        found = _classify(part.rr)
    return _interpolate(part, found)


@dataclass(frozen=True, slots=True)
class _Found:
    """The verdict on each interval of one stretch, shape (n,)."""

    ectopic: NDArray[np.bool_]
    missed: NDArray[np.int64]  # how many beats are missing inside; 0 where none
    extra: NDArray[np.bool_]  # belongs together with the interval beside it
    long_short: NDArray[np.bool_]
    gap: NDArray[np.bool_]


def _classify(rr: NDArray[np.float64]) -> _Found:
    """Figure 1 of the paper, all beats at once."""
    drr = np.diff(rr, prepend=rr[0])
    median = _rolling_median(rr)
    mrr = rr - median
    mrr[mrr < 0] *= 2.0  # short beats deviate less in ms than long ones (section 2.1)
    floor = _MIN_THRESHOLD_SHARE * median
    drr = drr / _threshold(drr, floor)
    limit = _threshold(mrr, floor)
    mrr = mrr / limit
    before, after, second = np.roll(drr, 1), np.roll(drr, -1), np.roll(drr, -2)
    before[0], after[-1], second[-2:] = 0.0, 0.0, 0.0

    up, down = drr > 1, drr < -1
    outer = np.where(drr > 0, np.maximum(before, after), np.minimum(before, after))
    ectopic = (up & (outer < -_C1 * drr - _C2)) | (down & (outer > -_C1 * drr + _C2))
    following = np.where(drr >= 0, np.minimum(after, second), np.maximum(after, second))
    long, short = up & (following < -1), down & (following > 1)
    suspect = (long | short | (np.abs(mrr) > 3)) & ~ectopic

    fits = np.rint(rr / median)
    many = suspect & (mrr > 0) & (fits >= 2) & (np.abs(rr / np.maximum(fits, 1) - median) < limit)
    missed = np.where(many & (fits <= _MAX_MISSED + 1), fits - 1, 0).astype(np.int64)
    gap = suspect & (fits > _MAX_MISSED + 1)
    # The paper asks only for the sum with the next interval; a spare beat just before a true one shows in the other.
    pair = np.append(rr[:-1] + rr[1:], np.inf)
    misfit = np.minimum(np.abs(pair - median), np.abs(np.roll(pair, 1) - median))
    extra = suspect & short & (misfit < limit)
    return _Found(ectopic, missed, extra, suspect & (missed == 0) & ~extra & ~gap, gap)


def _insert_and_remove(part: _Series, found: _Found) -> _Series:
    """Beats where they were missed, none where there was one too many."""
    rr, beat = part.rr.copy(), part.beat.copy()
    rr[found.gap], beat[found.gap] = np.nan, Beat.GAP
    keep = np.ones(len(rr), np.bool_)
    for k in np.flatnonzero(found.extra).tolist():
        if not keep[k]:
            continue
        # The spare beat may stand at either end of the short interval: the better sum tells.
        target = float(np.median(part.rr[max(k - 5, 0) : k + 6]))
        first = k
        with_last = abs(rr[k - 1] + rr[k] - target) if k and keep[k - 1] else np.inf
        with_next = abs(rr[k] + rr[k + 1] - target) if k + 1 < len(rr) else np.inf
        if with_last < with_next:
            first = k - 1
        rr[first] += rr[first + 1]
        beat[first] = Beat.EXTRA
        keep[first + 1] = False
    pieces = np.where(keep, found.missed + 1, 1)
    split = keep & (pieces > 1)
    rr[split] /= pieces[split]
    beat[split] = Beat.MISSED
    return _Series(
        np.repeat(rr[keep], pieces[keep]),
        np.repeat(beat[keep], pieces[keep]),
        np.repeat(part.source[keep], pieces[keep]),
    )


def _interpolate(part: _Series, found: _Found) -> _Series:
    """Ectopic, long and short intervals give way to the line between their normal neighbours."""
    ectopic = found.ectopic.copy()
    ectopic[:-1] |= found.ectopic[1:]  # the early beat closes the short interval and opens the long one
    wrong = ectopic | found.long_short
    beat = part.beat.copy()
    beat[found.long_short] = Beat.LONG_SHORT
    beat[ectopic] = Beat.ECTOPIC
    rr = part.rr.copy()
    if wrong.all():
        return _Series(np.full(len(rr), np.nan), np.full(len(rr), Beat.GAP, np.uint8), part.source)
    at = np.arange(len(rr))
    rr[wrong] = np.interp(at[wrong], at[~wrong], rr[~wrong])
    return _Series(rr, beat, part.source)


def _threshold(x: NDArray[np.float64], floor: NDArray[np.float64]) -> NDArray[np.float64]:
    """`_ALPHA` quartile deviations of |x| over the 91 surrounding beats (fewer at the ends), shape (n,)."""
    low, high = _rolling_quartiles(np.abs(x))
    return np.maximum(_ALPHA * (high - low) / 2.0, floor)


def _rolling_quartiles(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    width = min(_THRESHOLD_BEATS, len(x) - (len(x) + 1) % 2)
    windows = np.lib.stride_tricks.sliding_window_view(x, width)
    low, high = np.empty(len(windows)), np.empty(len(windows))
    lower, upper = 0.25 * (width - 1), 0.75 * (width - 1)
    for start in range(0, len(windows), 2048):  # a day at once would need 100 MB
        # Sorted whole: numpy has vector instructions for that, and none for a partition by four ranks.
        block = np.sort(windows[start : start + 2048], axis=1)
        for out, rank in ((low, lower), (high, upper)):
            a, b = block[:, int(rank)], block[:, min(int(rank) + 1, width - 1)]
            out[start : start + 2048] = a + (b - a) * (rank % 1)
    half = width // 2
    return _stretch(low, half, len(x)), _stretch(high, half, len(x))


def _rolling_median(x: NDArray[np.float64]) -> NDArray[np.float64]:
    width = min(_MEDIAN_BEATS, len(x) - (len(x) + 1) % 2)
    windows = np.lib.stride_tricks.sliding_window_view(x, width)
    return _stretch(np.sort(windows, axis=1)[:, width // 2], width // 2, len(x))


def _stretch(x: NDArray[np.float64], half: int, n: int) -> NDArray[np.float64]:
    """Near the ends the first and the last whole window stand for those that would reach outside."""
    return x[np.clip(np.arange(n) - half, 0, len(x) - 1)]
