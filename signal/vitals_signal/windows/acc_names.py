"""Names of the accelerometer feature vector, in order, and why a value may be missing.

Laws of this file:
1. The vector has the same names, order, units and meaning at any sampling rate and window length; a change of any of
   them is a new `ACC_VECTOR_VERSION`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

ACC_VECTOR_VERSION: Final = "acc-window-1"

WHY: Final = (
    "",
    "too little data",
    "a gap inside the window",
    "no variation",
    "needs a higher sampling rate",
    "window too short",
    "no gravity",
)
TOO_LITTLE, GAP, FLAT, RATE, SHORT, NO_GRAVITY = range(1, len(WHY))

SIGNALS: Final = ("x", "y", "z", "vm")
BANDS_HZ: Final = ((0.25, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 5.0), (5.0, 10.0))
STATISTICS: Final = (
    "mean", "sd", "skewness", "kurtosis", "min", "p10", "p25", "median", "p75", "p90", "max", "mean_deviation",
    "entropy",
)  # fmt: skip
SEQUENCE: Final = ("crossing_hz", "jerk_rms", "jerk_mean")
SPECTRUM: Final = (
    "power", "dominant_hz", "dominant_share", "spectral_entropy", "flatness", "centroid_hz", "spread_hz", "edge_hz",
    "share_0_1", "share_1_2", "share_2_3", "share_3_5", "share_5_10",
)  # fmt: skip
AUTOCORRELATION: Final = ("acf_peak", "acf_peak_s", "acf_min")
WHOLE: Final = (
    "corr_xy", "corr_xz", "corr_yz", "angle_x_deg", "angle_y_deg", "angle_z_deg", "gravity_g", "sd_total",
    "axis_1_share", "axis_2_share", "sd_vertical", "sd_horizontal", "enmo",
)  # fmt: skip
WHOLE_SEQUENCE: Final = (
    "tilt_mean_deg", "tilt_max_deg", "still_share", "second_sd_median", "second_sd_max",
    "vertical_power", "vertical_dominant_hz", "vertical_dominant_share", "horizontal_power", "horizontal_dominant_hz",
    "horizontal_dominant_share",
)  # fmt: skip

PER_SIGNAL: Final = (*STATISTICS, *SEQUENCE, *SPECTRUM, *AUTOCORRELATION)
ACC_VECTOR: Final = (*(f"{signal}_{name}" for signal in SIGNALS for name in PER_SIGNAL), *WHOLE, *WHOLE_SEQUENCE)
_NEEDS_ORDER: Final = {*SEQUENCE, *SPECTRUM, *AUTOCORRELATION}
SEQUENCE_COLUMNS: Final = np.array(
    [name in WHOLE_SEQUENCE or name.partition("_")[2] in _NEEDS_ORDER for name in ACC_VECTOR]
)

FLAT_G: Final = 1e-6  # below any sensor's resolution
