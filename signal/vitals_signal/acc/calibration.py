"""Auto-calibration of an accelerometer from its own rest: at rest it must measure 1 g, whatever way it lies.

The method of van Hees et al. 2014 (J Appl Physiol 117:738, doi 10.1152/japplphysiol.00421.2014): means of windows of
10 s in which no axis has a standard deviation of 13 mg are points that should lie on the unit sphere; gains and offsets
by axis are fitted by weighted least squares to the closest points of the sphere, again and again, until nothing moves.

Laws of this file:
1. What was not fitted is not applied: too few points, too few attitudes or no gain in error give gain 1, offset 0 and
   the reason.
2. The accumulator keeps the means of windows at rest and one window of samples, never the recording.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._resume import Resumable
from vitals_signal.windows.samples import checked_acc, present

Floats = NDArray[np.float64]

CALIBRATION_METHOD: Final = "van-hees-2014"
_WINDOW_S: Final = 10.0
_STILL_SD_G: Final = 0.013
_NORM_G: Final = (0.5, 1.5)  # a sensor this far off is broken, not miscalibrated
_SPHERE_G: Final = 0.3  # points are needed beyond +-0.3 g on every axis
_MIN_POINTS: Final = 10
_MOST_POINTS: Final = 20_000  # two days and more of rest: beyond, the oldest attitudes are thinned
_ITERATIONS: Final = 1000
_TOLERANCE: Final = 1e-10
_GOOD_ERROR_G: Final = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class AccCalibration:
    """Gains and offsets by axis: calibrated = gain acc + offset_g (+ per_deg_c (temperature - reference_deg_c))."""

    gain: Floats
    offset_g: Floats
    per_deg_c: Floats
    """g per degree, (3,); zeros without temperatures."""
    reference_deg_c: float
    """Mean temperature of the points; 0 without temperatures."""
    points: int
    """Windows at rest that were used."""
    spread_g: tuple[Floats, Floats]
    """Least and greatest value of each axis at rest: the share of the sphere that was seen."""
    error_before_g: float
    """Mean distance of the points from 1 g; NaN without points."""
    error_after_g: float
    reason: str | None
    """Why nothing was fitted; None if it was."""
    method: str = CALIBRATION_METHOD

    def apply(self, acc_g: ArrayLike, temperature_c: ArrayLike | None = None) -> Floats:
        """Calibrated samples, (n, 3) in g. `temperature_c`: (n,), used if the fit used it.

        Raises ValueError for a wrong shape.
        """
        acc = checked_acc(acc_g).astype(np.float64)
        acc = acc * self.gain + self.offset_g
        if temperature_c is not None and self.per_deg_c.any():
            temperature = np.asarray(temperature_c, np.float64)
            if temperature.shape != (len(acc),):
                raise ValueError(f"temperature_c must have the shape ({len(acc)},), not {temperature.shape}")
            acc += (temperature - self.reference_deg_c)[:, None] * self.per_deg_c
        return acc


def calibrate_acc(acc_g: ArrayLike, fs: float, temperature_c: ArrayLike | None = None) -> AccCalibration:
    """Gains and offsets that put the recording's moments of rest on the unit sphere.

    `acc_g`: (n, 3) in g at `fs` Hz, NaN where a sample is missing; `temperature_c`: (n,), at the same instants, to fit
    a drift with temperature too. Wants hours: every axis must have lain beyond +0.3 g and -0.3 g. Raises ValueError for
    a wrong shape or rate. Source: van Hees et al. 2014, doi 10.1152/japplphysiol.00421.2014.
    """
    fit = AccCalibrator(fs)
    fit.update(acc_g, temperature_c)
    return fit.result()


class AccCalibrator(Resumable):
    """`calibrate_acc` of blocks as they come: `update` takes samples, `result` fits what was seen so far."""

    def __init__(self, fs: float) -> None:
        if not (math.isfinite(fs) and fs * _WINDOW_S >= 2):
            raise ValueError(f"fs must be finite and at least {2 / _WINDOW_S} Hz, not {fs}")
        self._n = round(_WINDOW_S * fs)
        self._kept = np.empty((0, 4))
        self._points = np.empty((0, 4))

    def update(self, acc_g: ArrayLike, temperature_c: ArrayLike | None = None) -> None:
        """Takes the next samples, (n, 3) in g, and their temperatures, (n,), if there are any."""
        acc = checked_acc(acc_g)
        if temperature_c is not None and np.shape(temperature_c) != (len(acc),):
            raise ValueError(f"temperature_c must have the shape ({len(acc)},), not {np.shape(temperature_c)}")
        step = 256 * self._n
        for begin in range(0, len(acc), step):
            block = np.empty((len(acc[begin : begin + step]), 4))
            block[:, :3] = acc[begin : begin + step]
            block[:, 3] = np.nan if temperature_c is None else np.asarray(temperature_c)[begin : begin + step]
            self._take(block)

    def gap(self) -> None:
        """Samples are missing here: the window that they interrupt is dropped."""
        self._kept = self._kept[:0]

    def result(self) -> AccCalibration:
        """The fit over all rest so far."""
        return _fit(self._points[:, :3], self._points[:, 3])

    def _take(self, block: Floats) -> None:
        block = np.concatenate((self._kept, block))
        windows = len(block) // self._n
        self._kept = block[windows * self._n :].copy()
        if not windows:
            return
        samples = block[: windows * self._n]
        whole = present(samples[:, :3]).reshape(windows, self._n).all(1)
        rows = samples.reshape(windows, self._n, 4)[whole]
        mean = rows.mean(1)
        sd = np.sqrt(np.maximum(((rows[:, :, :3] - mean[:, None, :3]) ** 2).mean(1), 0.0))
        norm = np.linalg.norm(mean[:, :3], axis=1)
        rest = (sd < _STILL_SD_G).all(1) & (norm > _NORM_G[0]) & (norm < _NORM_G[1])
        # A flat line of zeros is no rest; repeats of one attitude carry no news but weigh in as they last.
        self._points = np.concatenate((self._points, mean[rest]))
        if len(self._points) > _MOST_POINTS:
            self._points = np.concatenate((self._points[: _MOST_POINTS // 2 : 2], self._points[_MOST_POINTS // 2 :]))


def _fit(points: Floats, temperature_c: Floats) -> AccCalibration:
    warm = len(points) > 0 and bool(np.isfinite(temperature_c).all()) and float(np.ptp(temperature_c)) > 0.5
    reference = float(temperature_c.mean()) if warm else 0.0
    low, high = (points.min(0), points.max(0)) if len(points) else (np.full(3, np.nan), np.full(3, np.nan))
    before = float(np.abs(np.linalg.norm(points, axis=1) - 1.0).mean()) if len(points) else math.nan
    reason = None
    if len(points) < _MIN_POINTS:
        reason = "too little rest"
    elif not ((low < -_SPHERE_G) & (high > _SPHERE_G)).all():
        reason = "too few attitudes"
    gain, offset, slope, after = np.ones(3), np.zeros(3), np.zeros(3), before
    if reason is None:
        found = _iterate(points, temperature_c - reference if warm else np.zeros(len(points)), warm)
        error = float(np.abs(np.linalg.norm(_applied(points, temperature_c - reference, *found), axis=1) - 1.0).mean())
        if not np.isfinite(error) or error >= before or error > _GOOD_ERROR_G:
            reason = "no fit to the sphere"
        else:
            gain, offset, slope = found
            after = error
    return AccCalibration(gain, offset, slope, reference, len(points), (low, high), before, after, reason)


def _applied(points: Floats, degrees: Floats, gain: Floats, offset: Floats, slope: Floats) -> Floats:
    drift = np.where(np.isfinite(degrees), degrees, 0.0)[:, None] * slope
    applied: Floats = points * gain + offset + drift
    return applied


def _iterate(points: Floats, degrees: Floats, warm: bool) -> tuple[Floats, Floats, Floats]:
    gain, offset, slope = np.ones(3), np.zeros(3), np.zeros(3)
    weight = np.ones(len(points))
    last = math.inf
    for _ in range(_ITERATIONS):
        current = _applied(points, degrees, gain, offset, slope)
        norm = np.linalg.norm(current, axis=1)
        closest = current / np.maximum(norm, 1e-12)[:, None]
        error = float(np.sqrt(np.average((norm - 1.0) ** 2, weights=weight)))
        if abs(last - error) < _TOLERANCE:
            break
        last = error
        # Points far from the sphere were no rest: van Hees weighs by the inverse of the distance, at most 100.
        weight = np.minimum(1.0 / np.maximum(np.linalg.norm(current - closest, axis=1), 1e-12), 100.0)
        root = np.sqrt(weight)
        for axis in range(3):
            columns = [points[:, axis], np.ones(len(points)), *([degrees] if warm else [])]
            design = np.stack(columns, 1) * root[:, None]
            solved = np.linalg.lstsq(design, closest[:, axis] * root, rcond=None)[0]
            gain[axis], offset[axis] = solved[:2]
            if warm:
                slope[axis] = solved[2]
    return gain, offset, slope
