"""Fiducial points of one pulse wave and of its second derivative, and the indices made of them.

Laws of this file:
1. A point that the wave does not have is None, and every index that needs it NaN; nothing is put in its place.
2. The notch, and e with it, cannot come before the ventricle has ejected: not before 70 % of the ejection time of
   Weissler et al. 1968 (doi 10.1161/01.CIR.37.2.149), so that a second systolic shoulder is no notch.

Points and names follow Elgendi 2012 (doi 10.2174/157340312801215782) and Charlton et al. 2018 (doi
10.1088/1361-6579/aabe6a): a, b, c, d, e are the waves of the second derivative (Takazawa et al. 1998, doi
10.1161/01.HYP.32.2.365).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_A_TO_B_S: Final = 0.20
_LAST_SHARE: Final = 0.65  # of the beat: where e, and with it the notch, may lie at latest
_EJECTION: Final = (0.413, 0.0017, 0.14)  # s, s per bpm, least
_EJECTION_SHARE: Final = 0.7
_DIASTOLIC_S: Final = 0.35  # from e to the diastolic peak at most
_LEVELS: Final = (0.25, 0.50, 0.75)


def wave_indices(x: Floats, d1: Floats, d2: Floats, fs: float, peak: int) -> dict[str, float] | None:
    """All features of one beat but those that need more than the beat; None where it has no systolic wave."""
    n = len(x) - 1
    level = x - np.linspace(x[0], x[-1], n + 1)
    systolic = min(max(peak, 1), n - 1)
    top = float(level[systolic])
    steep = int(np.argmax(d1[: systolic + 1]))
    if not top > 0.0 or steep < 1:
        return None
    level = level / top
    a = int(np.argmax(d2[: steep + 1]))
    if not d2[a] > 0.0:
        return None
    b = _lowest(d2, steep, min(n, steep + round(_A_TO_B_S * fs)))
    ejection_s = max(_EJECTION[0] - _EJECTION[1] * 60.0 * fs / n, _EJECTION[2])
    e = _turn(d2, max(b + 1, systolic + 1, a + round(_EJECTION_SHARE * ejection_s * fs)), round(_LAST_SHARE * n))
    c = d = diastolic = None
    if e is not None:
        c = _turn(d2, b + 1, e - 2)
        d = _lowest(d2, c, e) if c is not None else None
        stop = min(n - 1, e + round(_DIASTOLIC_S * fs))
        diastolic = _first_maximum(x, e, stop)
        if diastolic is None:
            diastolic = _first_maximum(d1, e, stop)
    nan = float("nan")

    def when(point: int | None) -> float:
        return point / fs if point is not None else nan

    def wave(point: int | None) -> float:
        return float(d2[point] / d2[a]) if point is not None else nan

    height = float(level[diastolic]) if diastolic is not None else nan
    row = {
        "crest_time_s": systolic / fs,
        "pulse_interval_s": n / fs,
        **{f"width{round(100 * share)}_s": _width(level, systolic, share) / fs for share in _LEVELS},
        "delta_t_s": when(diastolic) - systolic / fs,
        "reflection_index": height,
        "augmentation_index": float(level[d] / level[b]) if d is not None and level[b] > 0.0 else nan,
        "notch_time_s": when(e),
        "notch_height": float(level[e]) if e is not None else nan,
        "diastolic_time_s": when(diastolic),
        "b_a": wave(b),
        "c_a": wave(c),
        "d_a": wave(d),
        "e_a": wave(e),
        "ageing_index": wave(b) - wave(c) - wave(d) - wave(e),
        "area_ratio": nan,
    }
    row |= {f"{name}_time_s": when(point) for name, point in zip("abcde", (a, b, c, d, e), strict=True)}
    if e is not None and float(level[: e + 1].sum()) > 0.0:
        row["area_ratio"] = float(level[e + 1 :].sum() / level[: e + 1].sum())
    return row


def _lowest(x: Floats, first: int, last: int) -> int:
    return first + int(np.argmin(x[first : last + 1]))


def _maxima(x: Floats, first: int, last: int) -> NDArray[np.intp]:
    """Local maxima within first .. last, ends of the beat left out."""
    first, last = max(first, 1), min(last, len(x) - 2)
    if last < first:
        return np.empty(0, np.intp)
    inner = x[first : last + 1]
    return first + np.flatnonzero((inner > x[first - 1 : last]) & (inner >= x[first + 1 : last + 2]))


def _turn(x: Floats, first: int, last: int) -> int | None:
    """The highest local maximum within first .. last."""
    at = _maxima(x, first, last)
    return int(at[np.argmax(x[at])]) if len(at) else None


def _first_maximum(x: Floats, first: int, last: int) -> int | None:
    at = _maxima(x, first, last)
    return int(at[0]) if len(at) else None


def _width(level: Floats, peak: int, share: float) -> float:
    """Samples above `share` of the systolic height around the peak, between samples; NaN where a flank is missing."""
    before = np.flatnonzero(level[:peak] < share)
    after = np.flatnonzero(level[peak:] < share)
    if not len(before) or not len(after):
        return float("nan")
    i, j = int(before[-1]), peak + int(after[0])
    rise = i + (share - level[i]) / (level[i + 1] - level[i])
    fall = j - (share - level[j]) / (level[j - 1] - level[j])
    return float(fall - rise)
