"""What the activity model sees of a window, and how opinions of successive windows are put together.

Laws
1. `activity_vector` is made of `vitals_signal.windows.ACC_FEATURES`. All but three do not depend on how the sensor is
   turned; those three (posture of the arm) take z out of the watch's face, as Android and Apple watches do, and are the
   same for the left and the right wrist, crown in or out (half a turn about z).
2. Magnitudes (deviations, powers, jerks) come as logarithms: they span four decades.
3. `ActivityFilter` is causal and needs no training: groups last (a change every 100 s on average, a stay of 0.95 per
   window of 5 s), and windows that overlap by half count half.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.windows.acc_names import ACC_VECTOR, ACC_VECTOR_VERSION

Floats = NDArray[np.float64]

GROUPS: Final = ("walk", "jog", "stairs", "still", "hands")
ACTIVITY_VERSION: Final = f"activity-1 of {ACC_VECTOR_VERSION}"
WINDOW_S: Final = 10.0
HOP_S: Final = 5.0
LEAST_HZ: Final = 19.5
STAY: Final = 0.95
TEMPER: Final = 0.5

_LEAST_G: Final = 1e-3
_WHOLE: Final = ("enmo", "still_share", "gravity_g")
_PREFIXES: Final = ("vm_", "vertical_", "horizontal_", "sd_", "axis_", "tilt_", "second_")
_RATE_BOUND: Final = "share_5_10"  # NaN below 20 Hz exactly, and what is left of the other shares
_LOGARITHMIC: Final = ("sd", "power", "jerk", "enmo", "mean_deviation", "flatness", "tilt_")
_MIXED: Final = (
    "share_0_1", "share_1_2", "share_2_3", "share_3_5", "centroid_hz", "spread_hz", "spectral_entropy", "acf_peak",
    "acf_peak_s", "acf_min", "entropy", "kurtosis", "dominant_share",
)  # fmt: skip

_CHOSEN: Final = tuple(
    name for name in ACC_VECTOR if (name.startswith(_PREFIXES) or name in _WHOLE) and not name.endswith(_RATE_BOUND)
)
_LOGS: Final = np.array([any(part in name for part in _LOGARITHMIC) for name in _CHOSEN])
_AT: Final = {name: index for index, name in enumerate(ACC_VECTOR)}
_COLUMNS: Final = np.array([_AT[name] for name in _CHOSEN])
_AXES: Final = ("x", "y", "z")

ACTIVITY_FEATURES: Final = (
    *(f"log_{name}" if log else name for name, log in zip(_CHOSEN, _LOGS, strict=True)),
    "log_xyz_jerk_rms",
    *(f"xyz_{name}" for name in _MIXED),
    "angle_x_abs_deg", "angle_y_abs_deg", "angle_z_deg",
)  # fmt: skip


def activity_vector(values: ArrayLike) -> Floats:
    """(W, F) features of `ACTIVITY_FEATURES` from (W, len(ACC_FEATURES)) of `acc_window_features`; NaN stays NaN.

    "xyz_": mean over the three axes, weighted by their power, so that it does not depend on which axis moves.
    Raises ValueError for another width.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != len(ACC_VECTOR):
        raise ValueError(f"values must have the shape (windows, {len(ACC_VECTOR)}), not {x.shape}")
    chosen = x[:, _COLUMNS]
    chosen[:, _LOGS] = np.log(np.maximum(chosen[:, _LOGS], 0.0) + _LEAST_G)
    power = _axes(x, "power")
    weight = power / (power.sum(axis=1, keepdims=True) + 1e-12)
    jerk = np.log(np.sqrt((_axes(x, "jerk_rms") ** 2).sum(axis=1)) + _LEAST_G)
    mixed = [(weight * _axes(x, name)).sum(axis=1) for name in _MIXED]
    angles = (np.abs(x[:, _AT["angle_x_deg"]]), np.abs(x[:, _AT["angle_y_deg"]]), x[:, _AT["angle_z_deg"]])
    return np.column_stack((chosen, jerk, *mixed, *angles))


def _axes(x: Floats, name: str) -> Floats:
    return np.stack([x[:, _AT[f"{axis}_{name}"]] for axis in _AXES], axis=1)


class ActivityFilter:
    """The forward pass of a hidden Markov model over the probabilities of windows `HOP_S` apart (Rabiner 1989, III.A).

    Every change of group is equally likely; the prior of the classifier is kept as it is.
    """

    def __init__(self) -> None:
        self._belief: Floats | None = None

    def push(self, p: Floats) -> Floats:
        """(K,) probabilities of a window, NaN where it was not scored; returns what is believed after it, (K,)."""
        k = len(p)
        before = np.full(k, 1.0 / k) if self._belief is None else self._belief
        before = (1.0 - STAY) / (k - 1) * (1.0 - before) + STAY * before
        after = before * np.maximum(p, 1e-6) ** TEMPER if np.isfinite(p).all() else before
        self._belief = after / after.sum()
        return self._belief

    def reset(self) -> None:
        """What comes next does not continue what came before."""
        self._belief = None
