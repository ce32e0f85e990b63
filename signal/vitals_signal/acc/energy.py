"""Energy expenditure from motion and heart rate, by published equations under their own names.

Laws of this file:
1. Each equation holds for the sensor, place and people it was fitted to; its name goes with the result.
2. NaN in, NaN out: nothing is filled.
3. None of it was fitted here, and no recording here can judge it. For a person alone, errors of 20 to 50 % are usual.

Sources: Freedson, Melanson & Sirard 1998, doi 10.1097/00005768-199805000-00021; Sasaki, John & Freedson 2011, doi
10.1016/j.jsams.2011.04.003; Hildebrand et al. 2014, doi 10.1249/MSS.0000000000000289; Ellingson et al. 2017, doi
10.1088/1361-6579/aa6d00; Keytel et al. 2005, doi 10.1080/02640410470001730089; Brage et al. 2004, doi
10.1152/japplphysiol.00703.2003.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

EnergyEquation: TypeAlias = Literal[
    "freedson-1998", "sasaki-2011", "hildebrand-2014-hip", "hildebrand-2014-wrist", "ellingson-2017-wrist"
]
_EQUATIONS: Final = (
    "freedson-1998", "sasaki-2011", "hildebrand-2014-hip", "hildebrand-2014-wrist", "ellingson-2017-wrist",
)  # fmt: skip
_ML_PER_MET: Final = 3.5  # ml O2 per kg and min


@dataclass(frozen=True, slots=True, eq=False)
class EnergyExpenditure:
    """Metabolic equivalents per epoch."""

    mets: NDArray[np.float64]
    """(n,), multiples of rest (3.5 ml O2 per kg and min); NaN where unknown."""
    coverage: float
    """Share of epochs that are known, 0..1."""
    reason: str | None
    """Why none is known; None otherwise."""
    method: str
    """Name of the equation."""


def energy_mets(activity: ArrayLike, equation: EnergyEquation) -> EnergyExpenditure:
    """METs per epoch, shape (n,), by a published equation; what `activity` must be depends on it.

    - "freedson-1998": 1.439008 + 0.000795 c, c vertical counts per minute at the hip (adults, treadmill)
    - "sasaki-2011": 0.668876 + 0.000863 c, c vector magnitude counts per minute at the hip (adults, treadmill)
    - "hildebrand-2014-hip": (6.67 + 0.0554 e) / 3.5, e ENMO in mg at the hip; 3 / 3.5 up to 44.8 mg, as Ellingson
      applies it
    - "hildebrand-2014-wrist": (7.28 + 0.0320 e) / 3.5, e ENMO in mg at the wrist: rest is overestimated
    - "ellingson-2017-wrist": max(3, 0.901 e^0.534) / 3.5, e ENMO in mg at the wrist

    Values below 0 or not finite are unknown. Raises ValueError for an unknown equation.
    """
    if equation not in _EQUATIONS:
        raise ValueError(f"equation must be one of {', '.join(_EQUATIONS)}, got {equation!r}")
    x = np.asarray(activity, np.float64).ravel()
    x = np.where((x >= 0) & np.isfinite(x), x, np.nan)
    if equation == "freedson-1998":
        mets = 1.439008 + 0.000795 * x
    elif equation == "sasaki-2011":
        mets = 0.668876 + 0.000863 * x
    elif equation == "hildebrand-2014-hip":
        mets = np.where(x <= 44.8, 3.0, 6.67 + 0.0554 * x) / _ML_PER_MET
        mets = np.where(np.isnan(x), np.nan, mets)
    elif equation == "hildebrand-2014-wrist":
        mets = (7.28 + 0.0320 * x) / _ML_PER_MET
    else:
        mets = np.maximum(3.0, 0.901 * x**0.534) / _ML_PER_MET
    coverage = float(np.isfinite(x).mean()) if len(x) else 0.0
    return EnergyExpenditure(np.asarray(mets), coverage, None if coverage > 0 else "no known epoch", equation)


def energy_kcal(mets: ArrayLike, weight_kg: float, epoch_s: float = 60.0) -> float:
    """Energy in kcal of epochs of METs, shape (n,): sum of METs x kg x hours (1 MET is 1 kcal per kg and hour).

    Unknown epochs count nothing, so that the sum is a lower bound; NaN where all are unknown. Raises ValueError for a
    weight outside 20..400 kg or `epoch_s` not above 0.
    """
    _person(weight_kg)
    if not epoch_s > 0:
        raise ValueError(f"epoch_s must be above 0, got {epoch_s}")
    x = np.asarray(mets, np.float64).ravel()
    known = x[np.isfinite(x)]
    return float(known.sum() * weight_kg * epoch_s / 3600.0) if len(known) else float("nan")


def keytel_kj_min(bpm: ArrayLike, *, weight_kg: float, age_years: float, female: bool) -> NDArray[np.float64]:
    """Energy expenditure in kJ/min from heart rate, shape (n,), in exercise (about 90 to 150 bpm), Keytel 2005
    without VO2max.

    Men -55.0969 + 0.6309 HR + 0.1988 kg + 0.2017 years; women -20.4022 + 0.4472 HR - 0.1263 kg + 0.074 years. What
    comes out below 0 (at rest the equation does not hold) is NaN, as are rates outside 30..250. Raises ValueError for
    a weight outside 20..400 kg or an age outside 10..110.
    """
    _person(weight_kg)
    if not 10 <= age_years <= 110:
        raise ValueError(f"age_years must lie in 10..110, got {age_years}")
    x = np.asarray(bpm, np.float64).ravel()
    x = np.where((x >= 30) & (x <= 250), x, np.nan)
    if female:
        out = -20.4022 + 0.4472 * x - 0.1263 * weight_kg + 0.074 * age_years
    else:
        out = -55.0969 + 0.6309 * x + 0.1988 * weight_kg + 0.2017 * age_years
    return np.where(out >= 0, out, np.nan)


def branched_energy(
    by_heart: ArrayLike,
    by_motion: ArrayLike,
    bpm: ArrayLike,
    counts: ArrayLike,
    *,
    flex_bpm: float,
    transition_bpm: float,
    least_counts: float = 5.0,
) -> NDArray[np.float64]:
    """Heart rate and motion joined by Brage's branches: share of the estimate by heart rate, the rest by motion.

    All inputs have shape (n,), one per minute: two estimates of energy in one unit, heart rate, and counts per minute
    at the hip. With motion (counts > `least_counts`): share 1 above `transition_bpm` (heart rate where the wearer
    begins to run), else 0.5; without: share 0.5 above `flex_bpm` (between rest and light work), else 0. These are the
    a-priori values of Brage 2004 (error -4.4 +- 29 % with individual, 3.5 +- 20 % with group calibration in its 12
    men). NaN where a rate, a count or an estimate that has a share is unknown. Raises ValueError for shapes that
    differ or a transition not above the flex point.
    """
    heart, motion, rate, count = (np.asarray(v, np.float64).ravel() for v in (by_heart, by_motion, bpm, counts))
    if not len(heart) == len(motion) == len(rate) == len(count):
        raise ValueError("by_heart, by_motion, bpm and counts must have one length")
    if not transition_bpm > flex_bpm:
        raise ValueError(f"transition_bpm must lie above flex_bpm, got {transition_bpm} and {flex_bpm}")
    moving = count > least_counts
    share = np.where(moving, np.where(rate > transition_bpm, 1.0, 0.5), np.where(rate > flex_bpm, 0.5, 0.0))
    with np.errstate(invalid="ignore"):
        out = np.where(share == 1, heart, np.where(share == 0, motion, share * heart + (1 - share) * motion))
    return np.where(np.isfinite(rate) & np.isfinite(count) & np.isfinite(out), out, np.nan)


def _person(weight_kg: float) -> None:
    if not 20 <= weight_kg <= 400:
        raise ValueError(f"weight_kg must lie in 20..400, got {weight_kg}")
