"""Standing up and sitting down, from the push of the body in the magnitude of an accelerometer.

Laws of this file:
1. Only the magnitude counts: the sensor may sit in any way. A wrist that gesticulates while its wearer stays seated can
   look the same.
2. A transition is told by its push (up then down: standing up; down then up: sitting down) and by the rest beside it.
3. Nothing is bridged: a gap ends what can be told.

How it works. The magnitude, at 25 Hz and smoothed by 0.12 s, is compared with one cycle of a windowed sine of 1.2 to
2.8 s. A push of 0.05 g or more that correlates by 0.8 or more, with a quiet second before (standing up) or after
(sitting down), is a transition; of two within 2 s the stronger stands.

Sources: the pattern: Pham et al. 2018, doi 10.3389/fneur.2018.00652; rest beside it as a criterion: Adamowicz et al.
2020, doi 10.3390/s20226618. Thresholds were set by looking at all 12 wearers of a data set at
the wrist (Matey-Sanz 2023) at once; there, and so in sample, 65 of 116 rises and 25 of 116 descents are found with 2
false ones in 22 min, while eating and other work of the hands gives 60 to 170 false ones an hour: at the wrist it is a
hint, no count. At the waist or chest it has not been tried for lack of recordings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._runs import runs
from vitals_signal.acc.gait_spectrum import GRID_HZ, magnitude_25hz

SIT_STAND_VERSION: Final = "sit-stand-1"

_SMOOTH_S: Final = 0.12
_LENGTHS_S: Final = (1.2, 1.6, 2.0, 2.4, 2.8)
_LEAST_PUSH_G: Final = 0.05
_LEAST_R: Final = 0.8
_QUIET_SD_G: Final = 0.05
_APART_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Transition:
    """One rise from, or descent to, a seat."""

    time_s: float
    """Its middle, seconds since the first sample."""
    kind: Literal["stand_up", "sit_down"]
    duration_s: float
    """Length of the pattern that fits best."""
    push_g: float
    """Root mean square of the pattern in the signal, in g."""
    correlation: float
    """Of signal and pattern, 0..1."""


@dataclass(frozen=True, slots=True)
class SitStand:
    """Transitions of a recording."""

    transitions: tuple[Transition, ...]
    coverage: float
    """Share of the recording in which they could be told, 0..1."""
    reason: str | None
    """Why none could; None otherwise."""
    method: str = SIT_STAND_VERSION


def sit_stand(acc_g: ArrayLike, fs: float) -> SitStand:
    """Transitions in an acceleration in g, shape (n, 3) (or its magnitude, (n,)), at `fs` Hz (15..1000), NaN missing.

    Raises ValueError for `fs` out of range or another shape. Method and sources: top of this file.
    """
    grid = magnitude_25hz(acc_g, fs)
    known = np.isfinite(grid)
    found: list[Transition] = []
    told = 0
    for begin, end in runs(known):
        if end - begin >= int((_LENGTHS_S[0] + 1.0) * GRID_HZ):
            told += end - begin
            found += _in_stretch(grid[begin:end], begin)
    coverage = told / len(grid) if len(grid) else 0.0
    return SitStand(tuple(found), coverage, None if told else "no two seconds in a row")


def _in_stretch(y: NDArray[np.float64], first: int) -> list[Transition]:
    half = 12
    weight = np.exp(-0.5 * (np.arange(-half, half + 1) / (_SMOOTH_S * GRID_HZ)) ** 2)
    smooth = np.convolve(np.pad(y, half, mode="edge"), weight / weight.sum(), "valid")
    push, fit, length = (np.zeros(len(y)) for _ in range(3))
    for seconds in _LENGTHS_S:
        size = round(seconds * GRID_HZ)
        if len(y) < size:
            continue
        x = (np.arange(size) + 0.5) / size
        pattern = np.sin(2 * np.pi * x) * np.sin(np.pi * x)
        pattern /= np.linalg.norm(pattern)
        total = np.concatenate(([0.0], np.cumsum(smooth)))
        square = np.concatenate(([0.0], np.cumsum(smooth**2)))
        mean = (total[size:] - total[:-size]) / size
        energy = np.maximum(square[size:] - square[:-size] - size * mean**2, 0.0)
        # The pattern has no mean: the signal's need not be taken off.
        along = np.convolve(smooth, pattern[::-1], "valid")
        middle = slice(size // 2, size // 2 + len(along))
        r = np.where(energy > 1e-12, along / np.sqrt(np.maximum(energy, 1e-12)), 0.0)
        rms = along / np.sqrt(size)
        better = np.abs(rms) > np.abs(push[middle])
        push[middle] = np.where(better, rms, push[middle])
        fit[middle] = np.where(better, r, fit[middle])
        length[middle] = np.where(better, seconds, length[middle])
    found: list[Transition] = []
    strong = np.flatnonzero((np.abs(push) >= _LEAST_PUSH_G) & (np.abs(fit) >= _LEAST_R))
    for k in strong[np.argsort(-np.abs(push[strong]), kind="stable")].tolist():
        reach = round(length[k] * GRID_HZ / 2)
        beside = y[max(k - reach - GRID_HZ, 0) : k - reach] if push[k] > 0 else y[k + reach : k + reach + GRID_HZ]
        if len(beside) < GRID_HZ // 2 or float(beside.std()) > _QUIET_SD_G:
            continue
        at = (first + k) / GRID_HZ
        if all(abs(at - other.time_s) >= _APART_S for other in found):
            kind: Literal["stand_up", "sit_down"] = "stand_up" if push[k] > 0 else "sit_down"
            found.append(Transition(at, kind, float(length[k]), float(abs(push[k])), float(abs(fit[k]))))
    return sorted(found, key=lambda transition: transition.time_s)
