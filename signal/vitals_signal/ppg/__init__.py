"""PPG: pulse beats, quality, pulse rate under motion, respiration, oxygen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.ppg.motion_rate import PulseRateStream, pulse_rate
    from vitals_signal.ppg.pulse_detection import (
        PulseBeat,
        PulseBeats,
        PulsePeakStream,
        detect_pulse_peaks,
        pulse_beats,
    )

_HOME: Final[dict[str, str]] = {
    "PulseBeat": "pulse_detection",
    "PulseBeats": "pulse_detection",
    "PulsePeakStream": "pulse_detection",
    "PulseRateStream": "motion_rate",
    "detect_pulse_peaks": "pulse_detection",
    "pulse_beats": "pulse_detection",
    "pulse_rate": "motion_rate",
}

__all__: list[str] = [
    "PulseBeat",
    "PulseBeats",
    "PulsePeakStream",
    "PulseRateStream",
    "detect_pulse_peaks",
    "pulse_beats",
    "pulse_rate",
]

__getattr__, __dir__ = lazy("vitals_signal.ppg", _HOME)
