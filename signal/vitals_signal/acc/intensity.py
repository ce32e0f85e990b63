"""From epoch values to intensity: cut-points with their sources, minutes by level, bouts, the intensity gradient.

Laws of this file:
1. A cut-point is valid for the metric, body site, age and device that it was made for; its entry says which.
2. A missing epoch has no level, breaks a bout, and is in no sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._runs import runs

Floats = NDArray[np.float64]

INACTIVE, LIGHT, MODERATE, VIGOROUS, MISSING = 0, 1, 2, 3, 255


@dataclass(frozen=True, slots=True)
class CutPoints:
    """Least values of light, moderate and vigorous activity."""

    metric: str
    """What they are cut in: "enmo", "mad" (g) or "counts" (per minute)."""
    light: float
    moderate: float
    vigorous: float
    made_for: str
    source: str


_HILDEBRAND: Final = "Hildebrand 2014, doi 10.1249/MSS.0000000000000289; light: 2017, doi 10.1111/sms.12795"
CUT_POINTS: Final[Mapping[str, CutPoints]] = MappingProxyType(
    {
        "hildebrand-adult-wrist-actigraph": CutPoints(
            "enmo", 0.0448, 0.1006, 0.4288, "adults, non-dominant wrist, ActiGraph GT3X+", _HILDEBRAND
        ),
        "hildebrand-adult-wrist-geneactiv": CutPoints(
            "enmo", 0.0458, 0.0932, 0.4183, "adults, non-dominant wrist, GENEActiv", _HILDEBRAND
        ),
        "hildebrand-adult-hip-actigraph": CutPoints(
            "enmo", 0.0474, 0.0691, 0.2587, "adults, hip, ActiGraph GT3X+", _HILDEBRAND
        ),
        "hildebrand-adult-hip-geneactiv": CutPoints(
            "enmo", 0.0469, 0.0687, 0.2668, "adults, hip, GENEActiv", _HILDEBRAND
        ),
        "hildebrand-child-wrist-actigraph": CutPoints(
            "enmo", 0.0356, 0.2014, 0.7070, "children 7-11 y, non-dominant wrist, ActiGraph GT3X+", _HILDEBRAND
        ),
        "hildebrand-child-wrist-geneactiv": CutPoints(
            "enmo", 0.0563, 0.1916, 0.6958, "children 7-11 y, non-dominant wrist, GENEActiv", _HILDEBRAND
        ),
        "hildebrand-child-hip-actigraph": CutPoints(
            "enmo", 0.0633, 0.1426, 0.4646, "children 7-11 y, hip, ActiGraph GT3X+", _HILDEBRAND
        ),
        "hildebrand-child-hip-geneactiv": CutPoints(
            "enmo", 0.0641, 0.1528, 0.5143, "children 7-11 y, hip, GENEActiv", _HILDEBRAND
        ),
        "vaha-ypya-adult-hip": CutPoints(
            "mad", 0.0225, 0.0910, 0.4140, "adults, hip, 6-s epochs", "Vaha-Ypya 2015, doi 10.1371/journal.pone.0134813"
        ),
        "freedson-adult-hip": CutPoints(
            "counts", 100.0, 1952.0, 5725.0, "adults, hip, vertical axis, 60-s epochs",
            "Freedson 1998, doi 10.1097/00005768-199805000-00021",
        ),
        "troiano-adult-hip": CutPoints(
            "counts", 100.0, 2020.0, 5999.0, "adults, hip, vertical axis, 60-s epochs",
            "Troiano 2008, doi 10.1249/mss.0b013e31815a51b3",
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ActivityIntensity:
    """Levels by epoch and minutes in each."""

    level: NDArray[np.uint8]
    """(epochs,): 0 inactive, 1 light, 2 moderate, 3 vigorous, 255 missing."""
    minutes: Mapping[str, float]
    """inactive, light, moderate, vigorous, mvpa (moderate and vigorous), missing."""
    coverage: float
    """Share of epochs that are not missing; NaN without epochs."""
    cut_points: str


def activity_intensity(values: ArrayLike, epoch_s: float, cut_points: str) -> ActivityIntensity:
    """Intensity of epochs by published cut-points, a name of `CUT_POINTS`.

    `values`: (n,) of the metric that the cut-points are made for, ENMO or MAD in g, or counts of the vertical axis (any
    epoch: they are scaled to counts per minute); NaN where missing. Raises ValueError for an unknown name or epoch.
    """
    if cut_points not in CUT_POINTS:
        raise ValueError(f"cut_points must be one of {', '.join(CUT_POINTS)}, not {cut_points!r}")
    seconds = _checked_epoch(epoch_s)
    cut = CUT_POINTS[cut_points]
    x = np.asarray(values, np.float64).ravel()
    if cut.metric == "counts":
        x = x * (60.0 / seconds)
    known = np.isfinite(x)
    level = np.full(len(x), MISSING, np.uint8)
    level[known] = np.searchsorted([cut.light, cut.moderate, cut.vigorous], x[known], side="right")
    names = ("inactive", "light", "moderate", "vigorous")
    minutes = {name: float((level == k).sum()) * seconds / 60.0 for k, name in enumerate(names)}
    minutes["mvpa"] = minutes["moderate"] + minutes["vigorous"]
    minutes["missing"] = float((~known).sum()) * seconds / 60.0
    return ActivityIntensity(level, MappingProxyType(minutes), float(known.mean()) if len(x) else math.nan, cut_points)


def activity_bouts(
    active: ArrayLike, epoch_s: float, min_s: float, *, share: float = 0.8, longest_break_s: float = 60.0
) -> list[tuple[float, float]]:
    """Start and end, in seconds, of stretches of at least `min_s` of which `share` is active.

    `active`: (n,) booleans or numbers; NaN is a missing epoch and ends a bout. A bout begins and ends active, breaks
    off where it is inactive for more than `longest_break_s`, and is extended while its active share is at least
    `share`: the rule of GGIR (bout.metric 6). Bouts do not overlap; the first that is found stands. Raises ValueError.
    """
    seconds = _checked_epoch(epoch_s)
    if not (min_s > 0 and 0.0 < share <= 1.0 and longest_break_s >= 0):
        raise ValueError(f"min_s must be positive, share in (0, 1], longest_break_s not below 0, not {min_s}, {share}")
    x = np.asarray(active, np.float64).ravel()
    known, on = np.isfinite(x), np.nan_to_num(x) > 0
    least = math.ceil(min_s / seconds - 1e-9)
    bouts: list[tuple[float, float]] = []
    for first, last in runs(known):
        stretches = [(first + a, first + b) for a, b in runs(on[first:last])]
        k = 0
        while k < len(stretches):
            begin, end = stretches[k]
            total, best, after = end - begin, None, k + 1
            for j in range(k, len(stretches)):
                if j > k:
                    if (stretches[j][0] - stretches[j - 1][1]) * seconds > longest_break_s:
                        break
                    total += stretches[j][1] - stretches[j][0]
                length = stretches[j][1] - begin
                if length >= least and total >= share * length - 1e-9:
                    best, after = stretches[j][1], j + 1
            if best is not None:
                bouts.append((begin * seconds, best * seconds))
            k = after
    return bouts


@dataclass(frozen=True, slots=True)
class IntensityGradient:
    """Line through the logarithms of time against intensity."""

    gradient: float
    intercept: float
    r_squared: float
    bins: int
    reason: str | None


def intensity_gradient(enmo_g: ArrayLike, epoch_s: float) -> IntensityGradient:
    """How fast time falls with intensity: the slope of ln(minutes) over ln(mg) by least squares.

    `enmo_g`: (n,) in g by epoch, NaN where missing. Bins of 25 mg up to 4 g, by their middle; empty bins are left out.
    NaN and a reason with fewer than three bins. Always negative in a day of a person; nearer 0 is more time in vigorous
    activity. r_squared is 0 where time does not vary. Raises ValueError for a wrong epoch. Source: Rowlands et al.
    2018, doi 10.1249/MSS.0000000000001561.
    """
    seconds = _checked_epoch(epoch_s)
    x = np.asarray(enmo_g, np.float64).ravel() * 1000.0
    x = x[np.isfinite(x) & (x >= 0) & (x < 4000.0)]
    time = np.bincount((x / 25.0).astype(np.int64), minlength=160) * seconds / 60.0
    there = time > 0
    bins = int(there.sum())
    if bins < 3:
        return IntensityGradient(math.nan, math.nan, math.nan, bins, "too few intensities")
    a, b = np.log(np.arange(160)[there] * 25.0 + 12.5), np.log(time[there])
    da, db = a - a.mean(), b - b.mean()
    slope = float(da @ db / (da @ da))
    total = float(db @ db)
    r_squared = slope * float(da @ db) / total if total > 1e-12 else 0.0
    return IntensityGradient(slope, float(b.mean() - slope * a.mean()), r_squared, bins, None)


def _checked_epoch(epoch_s: float) -> float:
    if not (math.isfinite(epoch_s) and epoch_s > 0):
        raise ValueError(f"epoch_s must be positive and finite, not {epoch_s}")
    return float(epoch_s)
