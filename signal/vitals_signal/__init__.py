"""Arrays in, arrays out: DSP for heart rate and motion; numpy and SciPy only.

Laws of this package:
1. Names carry their units (`ecg_mv`, `rr_ms`, `fs` in Hz). NaN is missing, never zero.
2. No function raises on what a sensor may send: noise, flat line, saturation, NaN, nothing. Wrong arguments raise
   ValueError.
3. Importing it loads numpy only; each name is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vitals_signal import ec57, synthetic
    from vitals_signal.ecg import detect_r_peaks, refine_r_peaks
    from vitals_signal.hrv import HRV_TIME_FEATURES, HRV_VERSION, HrvTimeStream, HrvWindow, hrv_time, hrv_time_windows
    from vitals_signal.nn import NN, Beat, nn_intervals
    from vitals_signal.rhythm import RHYTHM_FEATURES, RHYTHM_VERSION, RhythmStream, RhythmWindow, rhythm_windows
    from vitals_signal.sqi import sqi_ecg

_HOME = {
    "Beat": "nn",
    "HRV_TIME_FEATURES": "hrv",
    "HRV_VERSION": "hrv",
    "HrvTimeStream": "hrv",
    "HrvWindow": "hrv",
    "NN": "nn",
    "RHYTHM_FEATURES": "rhythm",
    "RHYTHM_VERSION": "rhythm",
    "RhythmStream": "rhythm",
    "RhythmWindow": "rhythm",
    "detect_r_peaks": "ecg",
    "hrv_time": "hrv",
    "hrv_time_windows": "hrv",
    "nn_intervals": "nn",
    "refine_r_peaks": "ecg",
    "rhythm_windows": "rhythm",
    "sqi_ecg": "sqi",
}
_MODULES = ("ec57", "synthetic")

__all__ = [
    "Beat",
    "HRV_TIME_FEATURES",
    "HRV_VERSION",
    "HrvTimeStream",
    "HrvWindow",
    "NN",
    "RHYTHM_FEATURES",
    "RHYTHM_VERSION",
    "RhythmStream",
    "RhythmWindow",
    "detect_r_peaks",
    "ec57",
    "hrv_time",
    "hrv_time_windows",
    "nn_intervals",
    "refine_r_peaks",
    "rhythm_windows",
    "sqi_ecg",
    "synthetic",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"vitals_signal.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'vitals_signal' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"vitals_signal.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
