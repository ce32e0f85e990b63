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
    from vitals_signal.rr.time_domain import (
        HRV_TIME_FEATURES,
        HRV_VERSION,
        HrvTimeStream,
        HrvWindow,
        hrv_time,
        hrv_time_windows,
    )

_HOME: Final[dict[str, str]] = {
    "CONVENTIONS": "conventions",
    "HRV_FREQUENCY_FEATURES": "frequency_domain",
    "HRV_TIME_FEATURES": "time_domain",
    "HRV_VERSION": "time_domain",
    "NN": "nn",
    "RHYTHM_FEATURES": "rhythm",
    "RHYTHM_VERSION": "rhythm",
    "Beat": "nn",
    "Convention": "conventions",
    "ConventionName": "conventions",
    "HrvTimeStream": "time_domain",
    "HrvValues": "named_values",
    "HrvWindow": "time_domain",
    "RhythmStream": "rhythm",
    "RhythmWindow": "rhythm",
    "hrv_frequency": "frequency_domain",
    "hrv_time": "time_domain",
    "hrv_time_windows": "time_domain",
    "lomb_scargle": "lomb",
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
    "CONVENTIONS",
    "Convention",
    "ConventionName",
    "HRV_FREQUENCY_FEATURES",
    "hrv_frequency",
    "HrvValues",
    "lomb_scargle",
]

__getattr__, __dir__ = lazy("vitals_signal.rr", _HOME)
