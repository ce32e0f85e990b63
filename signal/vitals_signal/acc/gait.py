"""How regular a walk is, and which steps belong to one walk.

Laws of this file:
1. The magnitude of the acceleration is used, so that the sensor may sit in any way; figures from a waist or a chest
   along the vertical axis differ from these.
2. Where there is no walk, values are NaN and `reason` says so.

Sources: autocorrelation: Moe-Nilssen & Helbostad 2004, doi 10.1016/S0021-9290(03)00233-1; harmonic ratio: Menz, Lord &
Fitzpatrick 2003, doi 10.1016/S0966-6362(02)00159-5; bouts: Hickey et al. 2017, doi 10.1088/1361-6579/38/1/N1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._runs import runs
from vitals_signal.acc.gait_spectrum import magnitude, shaped

GAIT_VERSION: Final = "gait-1"

_SHORTEST_S, _LONGEST_S = 0.25, 0.90  # of a step: 67 to 240 steps per minute
_SMOOTH_S: Final = 0.02
_HARMONICS: Final = 10
_POINTS: Final = 64  # per stride


@dataclass(frozen=True, slots=True)
class GaitRegularity:
    """Regularity of one walk; NaN where `reason` says why."""

    step_s: float
    """Step time at which the autocorrelation peaks."""
    step_regularity: float
    """Autocorrelation at one step, -1..1."""
    stride_regularity: float
    """Autocorrelation at two steps, -1..1."""
    symmetry: float
    """Step over stride regularity: 1 where left equals right, lower (or, at the wrist, above 1) where not."""
    harmonic_ratio: float
    """Sum of the even over sum of the odd harmonics of the stride, 1 to 10: higher is smoother."""
    reason: str | None
    method: str = GAIT_VERSION


@dataclass(frozen=True, slots=True)
class WalkingBout:
    """Steps without a long pause between them."""

    start_s: float
    end_s: float
    steps: int
    cadence_spm: float
    """Steps per minute: 60 (steps - 1) / (end - start)."""
    step_time_cv: float
    """Deviation (ddof 1) over mean of the step times; NaN below three steps."""


def gait_regularity(acc_g: ArrayLike, fs: float) -> GaitRegularity:
    """Regularity, symmetry and harmonic ratio of a walk in g, shape (n, 3) (or its magnitude, (n,)), at `fs` Hz
    (15..1000).

    With y the magnitude smoothed by a Gaussian of 20 ms less its mean, the autocorrelation is unbiased, A(k) =
    sum(y_i y_(i+k)) / (n - k), over A(0), placed between samples by a parabola. The step time is the lag of 0.25 to
    0.90 s that maximises A(k) + A(2 k). The harmonic ratio takes the amplitude of harmonics 1 to 10 of each whole
    stride (two step times), sums even and odd ones over the strides and divides. A stretch with NaN is cut to its
    longest part without. Less than 4 s, no movement (below 0.01 g) or no lag at which the autocorrelation rises above
    0.2 give NaN and a `reason`. Raises ValueError for `fs` outside 15..1000 or a wrong shape.
    """
    if not 15 <= fs <= 1000:
        raise ValueError(f"fs must lie in 15..1000 Hz, got {fs}")
    y = _longest(magnitude(shaped(acc_g)))
    if len(y) < 4 * fs:
        return _none("less than 4 s in a row")
    half = int(np.ceil(3 * _SMOOTH_S * fs))
    weight = np.exp(-0.5 * (np.arange(-half, half + 1) / (_SMOOTH_S * fs)) ** 2)
    y = np.convolve(y, weight / weight.sum(), "valid")
    y = y - y.mean()
    if float(y.std()) < 0.01:
        return _none("no movement")
    shortest, longest = int(np.ceil(_SHORTEST_S * fs)), int(_LONGEST_S * fs)
    spectrum = np.fft.rfft(y, 1 << int(np.ceil(np.log2(2 * len(y)))))
    lags = np.fft.irfft(np.abs(spectrum) ** 2)[: 2 * longest + 3] / (len(y) - np.arange(2 * longest + 3))
    acf = lags / lags[0]
    k = np.arange(shortest, longest + 1)
    best = int(k[np.argmax(acf[k] + acf[2 * k])])
    step_lag, step = _peak(acf, best)
    _, stride = _peak(acf, round(2 * step_lag))
    if max(step, stride) < 0.2:
        return _none("no rhythm of steps")
    step_s = step_lag / fs
    return GaitRegularity(
        step_s, step, stride, step / stride if stride > 0 else float("nan"), _harmonic_ratio(y, 2 * step_lag), None
    )


def walking_bouts(times_s: ArrayLike, *, max_pause_s: float = 2.5, min_steps: int = 6) -> tuple[WalkingBout, ...]:
    """Bouts of steps with no pause above `max_pause_s`, of `min_steps` or more; `times_s` ascending, shape (k,).

    Raises ValueError for times that do not ascend, `max_pause_s` not above 0 or `min_steps` below 2.
    """
    t = np.asarray(times_s, np.float64).ravel()
    if not np.isfinite(t).all() or np.any(np.diff(t) < 0):
        raise ValueError("times_s must be finite and ascend")
    if not max_pause_s > 0 or min_steps < 2:
        raise ValueError(f"max_pause_s above 0 and min_steps from 2 are needed, got {max_pause_s} and {min_steps}")
    bouts = []
    for part in np.split(t, np.flatnonzero(np.diff(t) > max_pause_s) + 1):
        if len(part) < min_steps or part[-1] <= part[0]:
            continue
        apart = np.diff(part)
        cv = float(apart.std(ddof=1) / apart.mean()) if len(apart) > 1 else float("nan")
        cadence = 60.0 * len(apart) / float(part[-1] - part[0])
        bouts.append(WalkingBout(float(part[0]), float(part[-1]), len(part), cadence, cv))
    return tuple(bouts)


def _none(reason: str) -> GaitRegularity:
    nan = float("nan")
    return GaitRegularity(nan, nan, nan, nan, nan, reason)


def _longest(size: NDArray[np.float64]) -> NDArray[np.float64]:
    begin, end = max(runs(np.isfinite(size)), key=lambda run: run[1] - run[0], default=(0, 0))
    return size[begin:end]


def _peak(acf: NDArray[np.float64], near: int) -> tuple[float, float]:
    """Lag and height of the highest point within a tenth of `near`, between samples by a parabola."""
    a = max(1, near - max(1, near // 10))
    b = min(len(acf) - 1, near + max(1, near // 10) + 1)
    k = a + int(np.argmax(acf[a:b]))
    left, top, right = acf[k - 1 : k + 2].tolist() if k + 1 < len(acf) else (acf[k], acf[k], acf[k])
    bend = left - 2 * top + right
    shift = float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0
    return k + shift, float(top - 0.25 * (left - right) * shift)


def _harmonic_ratio(y: NDArray[np.float64], stride: float) -> float:
    count = int((len(y) - 1) / stride)
    if count < 2:
        return float("nan")
    at = (np.arange(count)[:, None] + np.arange(_POINTS) / _POINTS) * stride
    wave = np.interp(at.ravel(), np.arange(len(y)), y).reshape(count, _POINTS)
    amplitude = np.abs(np.fft.rfft(wave, axis=1))[:, 1 : _HARMONICS + 1].sum(axis=0)
    odd = float(amplitude[::2].sum())
    return float(amplitude[1::2].sum()) / odd if odd > 0 else float("nan")
