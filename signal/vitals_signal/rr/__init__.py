"""RR intervals: artefact correction, heart-rate variability, rhythm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.rr.nn import NN, Beat, nn_intervals
    from vitals_signal.rr.rhythm import RHYTHM_FEATURES, RHYTHM_VERSION, RhythmStream, RhythmWindow, rhythm_windows
    from vitals_signal.rr.time_domain import (
        HRV_TIME_FEATURES,
        HRV_VERSION,
        HrvTimeStream,
        HrvWindow,
        hrv_time,
        hrv_time_windows,
    )

_HOME: Final[dict[str, str]] = {
    "Beat": "nn",
    "HRV_TIME_FEATURES": "time_domain",
    "HRV_VERSION": "time_domain",
    "HrvTimeStream": "time_domain",
    "HrvWindow": "time_domain",
    "NN": "nn",
    "RHYTHM_FEATURES": "rhythm",
    "RHYTHM_VERSION": "rhythm",
    "RhythmStream": "rhythm",
    "RhythmWindow": "rhythm",
    "hrv_time": "time_domain",
    "hrv_time_windows": "time_domain",
    "nn_intervals": "nn",
    "rhythm_windows": "rhythm",
}

__all__: list[str] = [
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
    "hrv_time",
    "hrv_time_windows",
    "nn_intervals",
    "rhythm_windows",
]

__getattr__, __dir__ = lazy("vitals_signal.rr", _HOME)
