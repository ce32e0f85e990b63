"""Posture and orientation of a sensor from the direction of gravity.

Laws of this file:
1. Only what gravity shows is said: which way a body part points. A trunk sensor cannot tell sitting from standing, a
   thigh sensor not sitting from lying, a wrist neither; each placement has its own labels.
2. An epoch in motion has the posture of its mean vector only while that is between 0.8 and 1.2 g; else it is unknown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.windows.samples import checked_acc, present

Floats = NDArray[np.float64]
Placement = Literal["trunk", "thigh", "wrist"]

UNKNOWN_POSTURE: Final = "unknown"
_NORM_G: Final = (0.8, 1.2)
_UPRIGHT_DEG: Final = 45.0
_FOREARM_UP_DEG: Final = 15.0
_AXES: Final = {
    sign + name: (1.0 if sign != "-" else -1.0) * np.eye(3)[k]
    for sign in ("", "+", "-")
    for k, name in enumerate("xyz")
}


@dataclass(frozen=True, slots=True, eq=False)
class Posture:
    """Posture by epoch."""

    label: tuple[str, ...]
    tilt_deg: Floats
    """Angle between `up_axis` and the vertical, 0..180; NaN where unknown."""
    coverage: Floats
    epoch_s: float
    start_us: int
    method: str
    reason: str | None
    """Why every epoch is unknown; None if any is known."""

    def share(self, label: str) -> float:
        """Share of a label among the epochs that are known; NaN if none is."""
        known = sum(name != UNKNOWN_POSTURE for name in self.label)
        return sum(name == label for name in self.label) / known if known else math.nan


def posture(
    acc_g: ArrayLike,
    fs: float,
    placement: Placement,
    up_axis: str,
    front_axis: str | None = None,
    *,
    epoch_s: float = 5.0,
    start_us: int = 0,
) -> Posture:
    """Which way the body part under the sensor points, by epoch.

    `acc_g`: (n, 3) in g at `fs` Hz; an accelerometer at rest measures 1 g upwards. `up_axis`: the sensor's axis ("x",
    "-x", ... ) that points to the head (trunk), to the hip (thigh) or to the elbow (wrist) of someone who stands with
    hanging arms; `front_axis`: the one that points out of the chest, for the sides of lying.

    - trunk: "upright" (sitting or standing) with up_axis within 45 degrees of the vertical, "inverted" beyond 135, else
      "lying", or with `front_axis` "supine", "prone", "left side", "right side" (of the body lain upon)
    - thigh: "standing" (or walking) within 45 degrees, else "sitting or lying" (Grant 2006, doi
      10.1136/bjsm.2006.030262, who has the device's own threshold)
    - wrist: "arm down" or "arm raised", the forearm 15 degrees below the horizontal, as in the Sedentary Sphere
      (Rowlands 2014, doi 10.1249/MSS.0000000000000224), which takes a raised arm at rest for sitting or lying and a
      hanging one for standing; that conclusion is left to the reader

    "unknown" where less than half of an epoch is there or where its mean is not between 0.8 and 1.2 g. Raises
    ValueError for a wrong shape, rate, placement or axis.
    """
    acc = checked_acc(acc_g)
    if placement not in ("trunk", "thigh", "wrist"):
        raise ValueError(f"placement must be trunk, thigh or wrist, not {placement!r}")
    for name, axis in (("up_axis", up_axis), ("front_axis", front_axis)):
        if axis is not None and axis not in _AXES:
            raise ValueError(f"{name} must be x, y or z with or without a sign, not {axis!r}")
    up, front = _AXES[up_axis], None if front_axis is None else _AXES[front_axis]
    if front is not None and up @ front:
        raise ValueError(f"front_axis must be across up_axis, not {front_axis!r} to {up_axis!r}")
    mean, coverage = _means(acc, fs, epoch_s)
    norm = np.linalg.norm(mean, axis=1)
    known = (coverage >= 0.5) & (norm > _NORM_G[0]) & (norm < _NORM_G[1])
    unit = mean / np.where(known, norm, 1.0)[:, None]
    tilt = np.where(known, np.degrees(np.arccos(np.clip(unit @ up, -1.0, 1.0))), np.nan)
    label = np.full(len(mean), UNKNOWN_POSTURE, object)
    upright = tilt < _UPRIGHT_DEG
    if placement == "thigh":
        label[known] = np.where(upright[known], "standing", "sitting or lying")
    elif placement == "wrist":
        label[known] = np.where(tilt[known] < 90.0 - _FOREARM_UP_DEG, "arm down", "arm raised")
    else:
        label[known] = "lying" if front is None else _sides(unit[known], up, front)
        label[known & upright] = "upright"
        label[known & (tilt > 180.0 - _UPRIGHT_DEG)] = "inverted"
    reason = None if known.any() else "too little data"
    return Posture(tuple(label.tolist()), tilt, coverage, float(epoch_s), start_us, f"posture-{placement}-1", reason)


@dataclass(frozen=True, slots=True, eq=False)
class Orientation:
    """Attitude of the sensor by epoch; NaN where `coverage` is below a half or gravity is not seen."""

    roll_deg: Floats
    """atan2(y, z), -180..180."""
    pitch_deg: Floats
    """atan2(-x, sqrt(y^2 + z^2)), -90..90."""
    turn_deg: Floats
    """Angle to the attitude of the epoch before, 0..180; NaN for the first and next to an unknown one."""
    gravity_g: Floats
    """Mean vector, (epochs, 3)."""
    coverage: Floats
    epoch_s: float
    reason: str | None


def acc_orientation(acc_g: ArrayLike, fs: float, epoch_s: float = 5.0) -> Orientation:
    """Roll, pitch and change of attitude by epoch, from the mean vector (aerospace convention; yaw is not seen).

    `acc_g`: (n, 3) in g at `fs` Hz, NaN where missing. Values are unknown where the mean is not between 0.8 and 1.2 g.
    Raises ValueError for a wrong shape, rate or epoch.
    """
    mean, coverage = _means(checked_acc(acc_g), fs, epoch_s)
    norm = np.linalg.norm(mean, axis=1)
    lost = ~((coverage >= 0.5) & (norm > _NORM_G[0]) & (norm < _NORM_G[1]))
    roll = np.degrees(np.arctan2(mean[:, 1], mean[:, 2]))
    pitch = np.degrees(np.arctan2(-mean[:, 0], np.hypot(mean[:, 1], mean[:, 2])))
    unit = mean / np.where(lost, 1.0, norm)[:, None]
    turn = np.full(len(mean), np.nan)
    turn[1:] = np.degrees(np.arccos(np.clip(np.einsum("ea,ea->e", unit[1:], unit[:-1]), -1.0, 1.0)))
    turn[1:][lost[1:] | lost[:-1]] = np.nan
    for values in (roll, pitch, mean):
        values[lost] = np.nan
    return Orientation(roll, pitch, turn, mean, coverage, float(epoch_s), "too little data" if lost.all() else None)


def _sides(unit: Floats, up: Floats, front: Floats) -> NDArray[np.object_]:
    left = np.cross(up, front)
    forward, sideways = unit @ front, unit @ left
    return np.where(
        np.abs(forward) >= np.abs(sideways),
        np.where(forward > 0, "supine", "prone"),
        np.where(sideways > 0, "right side", "left side"),
    ).astype(object)


def _means(acc: Floats, fs: float, epoch_s: float) -> tuple[Floats, Floats]:
    """Mean vector, (epochs, 3), of the samples that are there, and their share."""
    if not (math.isfinite(fs) and fs > 0):
        raise ValueError(f"fs must be positive and finite, not {fs}")
    if not (math.isfinite(epoch_s) and epoch_s * fs >= 1):
        raise ValueError(f"epoch_s must span a sample at least, not {epoch_s} s at {fs:g} Hz")
    epochs = int(len(acc) / (epoch_s * fs) + 1e-9)
    edges = np.rint(np.arange(epochs + 1) * epoch_s * fs).astype(np.intp)
    if not epochs:
        return np.empty((0, 3)), np.empty(0)
    acc = acc[: edges[-1]]
    there = present(acc)
    count = np.add.reduceat(there.astype(np.float64), edges[:-1])
    sums = np.add.reduceat(np.where(there[:, None], acc, 0.0), edges[:-1], axis=0)
    return sums / np.maximum(count, 1.0)[:, None], count / np.diff(edges)
