"""Heart-rate turbulence: what the sinus rhythm does after a ventricular premature beat."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.nonlinear_measure import TOO_LITTLE

_SLOPE_BEATS = 5
NO_PREMATURE_BEATS = "no usable ventricular premature beat"


@dataclass(frozen=True, slots=True, eq=False)
class HeartRateTurbulence:
    """Turbulence of a recording; onset and slope are NaN where `reason` is not None."""

    onset_percent: float
    """TO, mean over the premature beats; below 0 is normal."""
    slope_ms: float
    """TS, ms per interval, of the averaged tachogram; above 2.5 is normal."""
    tachograms_ms: NDArray[np.float64]
    """(premature beats used, before + 2 + after): intervals around each."""
    beats: NDArray[np.intp]
    """Index of the interval that ends with each premature beat used."""
    reason: str | None


def heart_rate_turbulence(
    rr_ms: ArrayLike, normal: ArrayLike, ventricular: ArrayLike, *, before: int = 5, after: int = 15
) -> HeartRateTurbulence:
    """Turbulence onset and slope after single ventricular premature beats.

    `rr_ms`: intervals, shape (n,), ms, NaN at gaps; `normal`, `ventricular`: whether the beat at the end of each was a
    sinus beat or ventricular, shape (n,), bool. A premature beat is used if

    - no other follows within `after` beats, and the `before` intervals before and the 1 + `after` after it end in
      sinus beats;
    - it comes after less than 80 % of the interval before, and the pause is longer than 120 % of that;
    - the sinus intervals are 300..2000 ms, differ by less than 200 ms from the one before, and by at most 20 % from the
      mean of the last five (pauses after premature beats do not belong to the sinus intervals).

    TO = 100 (sum of the two intervals after the pause / sum of the two before the premature beat - 1), in %, averaged
    over premature beats. TS is the steepest slope of a line fitted to any five consecutive intervals after the pause,
    in the average of all tachograms. The PhysioNet toolbox takes `after` = 16. Five premature beats are wanted for TO
    and TS to mean something; fewer are used all the same.

    Raises ValueError for arrays of other shapes, before < 2 or after < 5.

    Source: A. Bauer et al., J. Am. Coll. Cardiol. 52, 2008, doi 10.1016/j.jacc.2008.07.041; G. Schmidt et al., Lancet
    353, 1999, doi 10.1016/S0140-6736(98)08428-1.
    """
    rr = np.array(rr_ms, np.float64)
    sinus, early = np.asarray(normal, np.bool_), np.asarray(ventricular, np.bool_)
    if rr.ndim != 1 or sinus.shape != rr.shape or early.shape != rr.shape:
        raise ValueError("rr_ms, normal and ventricular must have one dimension and one length")
    if before < 2 or after < _SLOPE_BEATS:
        raise ValueError(f"before must be at least 2 and after at least {_SLOPE_BEATS}, got {before} and {after}")
    width = before + 2 + after
    rr[~np.isfinite(rr)] = np.nan
    clean = _plausible(rr, sinus, early)
    found = np.flatnonzero(early)
    found = found[np.append(np.diff(found) > after, True)] if len(found) else found
    used = [beat for beat in found.tolist() if _usable(clean, sinus, beat, before, after)]
    tachograms = np.array([clean[beat - before : beat - before + width] for beat in used]).reshape(-1, width)
    if not used:
        reason = TOO_LITTLE if len(rr) < width else NO_PREMATURE_BEATS
        return HeartRateTurbulence(math.nan, math.nan, tachograms, np.zeros(0, np.intp), reason)
    later = tachograms[:, before + 2 : before + 4].sum(axis=1)
    onset = 100 * (later / tachograms[:, before - 2 : before].sum(axis=1) - 1)
    time = np.arange(_SLOPE_BEATS) - (_SLOPE_BEATS - 1) / 2
    runs = np.lib.stride_tricks.sliding_window_view(tachograms.mean(axis=0)[before + 2 :], _SLOPE_BEATS)
    slope = float((runs @ time).max() / (time @ time))
    return HeartRateTurbulence(float(onset.mean()), slope, tachograms, np.array(used, np.intp), None)


def _plausible(rr: NDArray[np.float64], sinus: NDArray[np.bool_], early: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Intervals with NaN where a sinus interval is none: out of range, or far from the five before."""
    pause = np.concatenate(([False], early[:-1]))
    other = early | pause
    out = rr.copy()
    with np.errstate(invalid="ignore"):
        out[~other & ~((rr >= 300) & (rr <= 2000))] = np.nan
        at = np.flatnonzero(sinus & ~pause)
        own = out[at]
        if len(own) > 5:
            reference = np.lib.stride_tricks.sliding_window_view(own, 5)[:-1].mean(axis=1)
            far = np.abs(own[5:] / reference - 1) > 0.2
            out[at[5:][far]] = np.nan
    return out


def _usable(rr: NDArray[np.float64], sinus: NDArray[np.bool_], beat: int, before: int, after: int) -> bool:
    first, last = beat - before, beat + 1 + after
    if first < 0 or last >= len(rr):
        return False
    if not (sinus[first:beat].all() and sinus[beat + 1 : last + 1].all()):
        return False
    preceding, following = rr[first:beat], rr[beat + 2 : last + 1]
    if np.isnan(preceding).any() or np.isnan(following).any():
        return False
    if np.abs(np.diff(preceding)).max() >= 200 or np.abs(np.diff(following)).max() >= 200:
        return False
    return bool(rr[beat] < 0.8 * preceding[-1] and rr[beat + 1] > 1.2 * preceding[-1])
