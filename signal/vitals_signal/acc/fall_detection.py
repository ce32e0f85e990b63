"""Candidates for falls from an accelerometer at the wrist, what they look like, and a rule by published criteria.

Laws of this file:
1. `fall_candidates` is `FallStream` fed with everything at once: any split of the samples gives the same candidates.
2. A candidate is no fall: it is a blow of 1.8 g or more that a model, or the rule, may judge.
3. The features do not depend on how the sensor is turned.

Sources: phases of a fall (free fall, impact, rest): Noury et al. 2008, doi 10.1016/j.irbm.2008.08.002; upper and
lower threshold of the total vector: Bourke, O'Brien & Lyons 2007, doi 10.1016/j.gaitpost.2006.09.012; start below 0.6
g, impact above 2 g within 1 s, then posture, also for the wrist: Kangas et al. 2008, doi
10.1016/j.gaitpost.2008.01.003; velocity before the impact: Bourke, O'Donovan & O'Laighin 2008, Med Eng Phys 30:937;
feature sets for the wrist: Casilari, Santoyo-Ramon & Cano-Garcia 2017, doi 10.3390/s17071513; Palmerini et al. 2020,
doi 10.3390/s20226479.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal.windows.window import FeatureWindow

FALL_VERSION: Final = "fall-1"
FALL_FEATURES: Final = (
    "peak_g", "rise_g", "dynamic_peak_g", "jerk_g_s", "impact_s", "blows",
    "lowest_g", "low_s", "low_to_peak_s", "velocity_m_s",
    "before_sd_g", "before_mean_deviation_g", "around_mean_deviation_g",
    "after_sd_g", "after_mean_deviation_g", "after_range_g", "after_turn_deg",
    "turn_deg", "turn_at_impact_deg",
)  # fmt: skip

_TRIGGER_G: Final = 1.8
_BEFORE_S, _AFTER_S = 2.0, 3.5
_ALONE_S: Final = 1.0  # the largest blow of this time before and after
_LEAST_COVERAGE: Final = 0.8
_STANDARD_GRAVITY: Final = 9.80665
# The rule: Kangas 2008 for start and impact; rest after it by posture and by stillness
_RULE_LOW_G, _RULE_IMPACT_G, _RULE_TURN_DEG, _RULE_STILL_G = 0.6, 2.0, 30.0, 0.15


@dataclass(frozen=True, slots=True)
class FallCandidate:
    """One blow: when it came, what was around it, and what the rule makes of it."""

    time_s: float
    """Seconds since the first sample."""
    window: FeatureWindow
    """`FALL_FEATURES`; NaN where `reason` or `reasons` say why."""
    by_rule: bool
    """True where `fall_rule` holds."""


def fall_candidates(acc_g: ArrayLike, fs: float) -> list[FallCandidate]:
    """Blows in an acceleration in g, shape (n, 3), at `fs` Hz (15..1000), each with `fall_features`; NaN is missing.

    Raises ValueError for `fs` out of range or another shape.
    """
    stream = FallStream(fs)
    return stream.update(acc_g) + stream.end()


def fall_features(acc_g: ArrayLike, fs: float, impact: int) -> FeatureWindow:
    """Features of the blow at sample `impact` of an acceleration in g, shape (n, 3), at `fs` Hz.

    With v the total vector (magnitude) and t seconds from the impact:

    - peak_g v at the impact; rise_g largest less smallest v in -1..+0.5; dynamic_peak_g largest |a - mean of a over
      1 s around it| in -0.5..+0.5 (Kangas' dynamic sum vector); jerk_g_s largest |dv/dt| in -0.5..+0.5
    - impact_s time with v > 1.5 in -0.5..+1; blows rises of v above 1.8 in -1..+1
    - lowest_g smallest v in -1..0 and low_s time below 0.8 g in it; low_to_peak_s from there to the impact;
      velocity_m_s smallest sum of (v - 1) g dt from any moment of -1..0 to the impact's onset (v > 1)
    - before_*: deviation (ddof 0) of v, and mean |v - 1|, in -2..-1; around_mean_deviation_g mean |v - 1| in -1..+1
    - after_*: the same, and range, in +1..+3.5; after_turn_deg angle between the means of a in +1..+2 and +2.5..+3.5
    - turn_deg angle between the means of a in -2..-1 and +1.5..+3.5; turn_at_impact_deg -1..-0.3 and +0.3..+1

    A part of the window that is not there gives NaN and a reason; less than 80 % of -2..+3.5 s known gives none.
    Raises ValueError for `fs` outside 15..1000 Hz, another shape or an `impact` outside of it. Sources: top of this
    file.
    """
    x = _checked(acc_g, fs)
    if not 0 <= impact < len(x):
        raise ValueError(f"impact must be an index into {len(x)} samples, got {impact}")
    return _features(x, fs, impact, 0)


def fall_rule(window: FeatureWindow) -> bool:
    """Free fall, impact, another posture, stillness: lowest_g < 0.6, peak_g >= 2, turn_deg >= 30, after_sd_g < 0.15.

    What is unknown (NaN) does not hold. Thresholds of start and impact: Kangas 2008; posture and stillness: after
    Kangas' posture and Bourke's rest, in values fit for any place of the sensor; none was fitted to recordings.
    """
    v = window.values
    return bool(
        v["lowest_g"] < _RULE_LOW_G
        and v["peak_g"] >= _RULE_IMPACT_G
        and v["turn_deg"] >= _RULE_TURN_DEG
        and v["after_sd_g"] < _RULE_STILL_G
    )


class FallStream(Resumable):
    """Candidates as they become known, 3.5 s after the blow: `update` takes samples in g, shape (m, 3)."""

    def __init__(self, fs: float) -> None:
        """Raises ValueError for `fs` outside 15..1000 Hz."""
        _checked(np.empty((0, 3)), fs)
        self.fs = float(fs)
        self._kept = np.empty((0, 3))
        self._first = 0  # sample at which `_kept` begins
        self._next = 0  # sample to be looked at

    def update(self, acc_g: ArrayLike) -> list[FallCandidate]:
        """Take samples; NaN is missing. Raises ValueError for another shape than (m, 3)."""
        self._kept = np.concatenate((self._kept, _checked(acc_g, self.fs)))
        return self._look(self._first + len(self._kept) - _samples(_AFTER_S, self.fs))

    def gap(self, samples: int = 0) -> list[FallCandidate]:
        """`samples` are missing here (0: unknown, none are counted). Gives the candidates before, by what is known."""
        samples = lost(samples)
        end = self._first + len(self._kept)
        found = self._look(end)
        self._kept, self._first, self._next = np.empty((0, 3)), end + samples, end + samples
        return found

    def end(self) -> list[FallCandidate]:
        """No more samples."""
        return self.gap(0)

    def _look(self, stop: int) -> list[FallCandidate]:
        found: list[FallCandidate] = []
        if stop <= self._next:
            return found
        alone, before = _samples(_ALONE_S, self.fs), _samples(_BEFORE_S, self.fs)
        with np.errstate(invalid="ignore"):
            size = np.nan_to_num(np.sqrt(np.einsum("ij,ij->i", self._kept, self._kept)), nan=0.0)
        at = np.arange(self._next, stop) - self._first
        for k in at[size[at] >= _TRIGGER_G].tolist():
            near = size[max(k - alone, 0) : k + alone + 1]
            # Of equal blows the first stands.
            if size[k] < near.max() or (near[: min(k, alone)] >= size[k]).any():
                continue
            window = _features(self._kept, self.fs, k, self._first)
            found.append(FallCandidate((self._first + k) / self.fs, window, fall_rule(window)))
        self._next = stop
        drop = max(stop - before - alone - self._first, 0)
        self._kept, self._first = self._kept[drop:], self._first + drop
        return found


def _checked(acc_g: ArrayLike, fs: float) -> NDArray[np.float64]:
    if not 15 <= fs <= 1000:
        raise ValueError(f"fs must lie in 15..1000 Hz, got {fs}")
    x = np.asarray(acc_g, np.float64)
    if x.ndim != 2 or x.shape[1] != 3:
        raise ValueError(f"acc_g must have shape (n, 3), got {x.shape}")
    # Beyond 100 g it is no acceleration in g.
    inside = np.asarray((np.abs(x[:, 0]) <= 100.0) & (np.abs(x[:, 1]) <= 100.0) & (np.abs(x[:, 2]) <= 100.0))
    return np.where(inside[:, None], x, np.nan)


def _samples(seconds: float, fs: float) -> int:
    return round(seconds * fs)


def _features(x: NDArray[np.float64], fs: float, impact: int, first: int) -> FeatureWindow:
    n_before, n_after = _samples(_BEFORE_S, fs), _samples(_AFTER_S, fs)
    part = np.full((n_before + n_after + 1, 3), np.nan)
    low, high = max(impact - n_before, 0), min(impact + n_after + 1, len(x))
    part[low - impact + n_before : high - impact + n_before] = x[low:high]
    v = np.sqrt(np.einsum("ij,ij->i", part, part))
    t = np.arange(-n_before, n_after + 1) / fs
    known = np.asarray(np.isfinite(v))
    coverage = float(known.mean())
    start = round((first + impact - n_before) / fs * 1e6)
    span = (start, round((first + impact + n_after) / fs * 1e6))
    values = dict.fromkeys(FALL_FEATURES, float("nan"))
    if coverage < _LEAST_COVERAGE or not known[n_before]:
        return FeatureWindow(*span, values, coverage, 0.0, FALL_VERSION, "too little of the window is known", {})

    def cut(a: float, b: float) -> NDArray[np.bool_]:
        return np.asarray((t >= a - 1e-9) & (t <= b + 1e-9) & known)

    close, fall, shock = cut(-0.5, 0.5), cut(-1.0, 0.0), cut(-0.5, 1.0)
    rise, around, calm, rest = cut(-1.0, 0.5), cut(-1.0, 1.0), cut(-2.0, -1.0), cut(1.0, 3.5)
    values["peak_g"] = float(v[n_before])
    values["rise_g"] = float(np.ptp(v[rise]))
    values["dynamic_peak_g"] = _dynamic_peak(part, known, close, fs)
    step = np.abs(np.diff(v))[close[1:] & close[:-1]] * fs
    values["jerk_g_s"] = float(step.max()) if len(step) else float("nan")
    values["impact_s"] = float((v[shock] > 1.5).sum()) / fs
    loud = v[around] > _TRIGGER_G
    values["blows"] = float((loud[1:] & ~loud[:-1]).sum() + loud[0])
    values["lowest_g"] = float(v[fall].min())
    values["low_s"] = float((v[fall] < 0.8).sum()) / fs
    values["low_to_peak_s"] = float(-t[fall][np.argmin(v[fall])])
    push = (v[fall] - 1.0) * _STANDARD_GRAVITY / fs
    upward = np.flatnonzero(push < 0)
    falling = push[: upward[-1] + 1] if len(upward) else push[:0]
    values["velocity_m_s"] = float(min(np.cumsum(falling[::-1]).min(), 0.0)) if len(falling) else 0.0
    values["around_mean_deviation_g"] = float(np.abs(v[around] - 1.0).mean())
    reasons = {}
    for name, mask in (("before", calm), ("after", rest)):
        if mask.sum() < 0.5 * fs:
            reasons.update({f: f"nothing known {name} the blow" for f in FALL_FEATURES if f.startswith(f"{name}_")})
            continue
        values[f"{name}_sd_g"] = float(v[mask].std())
        values[f"{name}_mean_deviation_g"] = float(np.abs(v[mask] - 1.0).mean())
        if name == "after":
            values["after_range_g"] = float(np.ptp(v[mask]))
    for name, a, b in (
        ("after_turn_deg", (1.0, 2.0), (2.5, 3.5)),
        ("turn_deg", (-2.0, -1.0), (1.5, 3.5)),
        ("turn_at_impact_deg", (-1.0, -0.3), (0.3, 1.0)),
    ):
        values[name] = _turn(part[cut(*a)], part[cut(*b)])
        if np.isnan(values[name]):
            reasons[name] = "no posture known on one side of the blow"
    return FeatureWindow(*span, values, coverage, 0.0, FALL_VERSION, None, reasons)


def _dynamic_peak(part: NDArray[np.float64], known: NDArray[np.bool_], close: NDArray[np.bool_], fs: float) -> float:
    half = _samples(0.5, fs)
    filled = np.where(known[:, None], part, 0.0)
    total = np.vstack((np.zeros((1, 3)), np.cumsum(filled, axis=0)))
    count = np.concatenate(([0], np.cumsum(known)))
    k = np.flatnonzero(close)
    a, b = np.maximum(k - half, 0), np.minimum(k + half + 1, len(part))
    mean = (total[b] - total[a]) / (count[b] - count[a])[:, None]
    return float(np.sqrt(((part[k] - mean) ** 2).sum(axis=1)).max())


def _turn(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Angle in degrees between two mean directions; NaN where one is unknown or weightless."""
    if len(a) < 2 or len(b) < 2:
        return float("nan")
    one, other = a.mean(axis=0), b.mean(axis=0)
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip(one @ other / size, -1.0, 1.0)))) if size > 1e-6 else float("nan")
