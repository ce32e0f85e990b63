"""RR intervals: artefact correction, heart-rate variability, rhythm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.rr.conventions import CONVENTIONS, Convention, ConventionName
    from vitals_signal.rr.frequency_domain import HRV_FREQUENCY_FEATURES, hrv_frequency
    from vitals_signal.rr.lomb import lomb_scargle
    from vitals_signal.rr.named_values import HrvValues
    from vitals_signal.rr.nn import NN, Beat, nn_intervals
    from vitals_signal.rr.rhythm import RHYTHM_FEATURES, RHYTHM_VERSION, RhythmStream, RhythmWindow, rhythm_windows
    from vitals_signal.rr.time_domain import HRV_TIME_FEATURES, hrv_time
    from vitals_signal.rr.variability import HRV_CORE_FEATURES, hrv, hrv_core
    from vitals_signal.rr.variability_windows import HRV_VERSION, HrvStream, hrv_windows

_HOME: Final[dict[str, str]] = {
    "Beat": "nn",
    "CONVENTIONS": "conventions",
    "Convention": "conventions",
    "ConventionName": "conventions",
    "HRV_CORE_FEATURES": "variability",
    "HRV_FREQUENCY_FEATURES": "frequency_domain",
    "HRV_TIME_FEATURES": "time_domain",
    "HRV_VERSION": "variability_windows",
    "HrvStream": "variability_windows",
    "HrvValues": "named_values",
    "NN": "nn",
    "RHYTHM_FEATURES": "rhythm",
    "RHYTHM_VERSION": "rhythm",
    "RhythmStream": "rhythm",
    "RhythmWindow": "rhythm",
    "hrv": "variability",
    "hrv_core": "variability",
    "hrv_frequency": "frequency_domain",
    "hrv_time": "time_domain",
    "hrv_windows": "variability_windows",
    "lomb_scargle": "lomb",
    "nn_intervals": "nn",
    "rhythm_windows": "rhythm",
}

__all__: list[str] = [
    "Beat",
    "CONVENTIONS",
    "Convention",
    "ConventionName",
    "HRV_CORE_FEATURES",
    "HRV_FREQUENCY_FEATURES",
    "HRV_TIME_FEATURES",
    "HRV_VERSION",
    "HrvStream",
    "HrvValues",
    "NN",
    "RHYTHM_FEATURES",
    "RHYTHM_VERSION",
    "RhythmStream",
    "RhythmWindow",
    "hrv",
    "hrv_core",
    "hrv_frequency",
    "hrv_time",
    "hrv_windows",
    "lomb_scargle",
    "nn_intervals",
    "rhythm_windows",
]

__getattr__, __dir__ = lazy("vitals_signal.rr", _HOME)
