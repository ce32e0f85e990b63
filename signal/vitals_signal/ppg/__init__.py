"""PPG: pulse beats, quality, pulse rate under motion, respiration, oxygen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.ppg.beat_intervals import PulseInterval, PulseIntervals, PulseIntervalStream, pulse_intervals
    from vitals_signal.ppg.motion_rate import PulseRateStream, pulse_rate
    from vitals_signal.ppg.oxygen import Spo2Calibration, Spo2Stream, perfusion_index, spo2
    from vitals_signal.ppg.pulse_detection import (
        PulseBeat,
        PulseBeats,
        PulsePeakStream,
        detect_pulse_peaks,
        pulse_beats,
    )
    from vitals_signal.ppg.quality import PpgQualityStream, sqi_ppg
    from vitals_signal.ppg.respiration import RespiratoryRateStream, respiratory_rate
    from vitals_signal.ppg.wave_features import PULSE_WAVE_FEATURES, PulseWaves, PulseWaveStream, pulse_wave_features

_HOME: Final[dict[str, str]] = {
    "PULSE_WAVE_FEATURES": "wave_features",
    "PpgQualityStream": "quality",
    "PulseBeat": "pulse_detection",
    "PulseBeats": "pulse_detection",
    "PulseInterval": "beat_intervals",
    "PulseIntervalStream": "beat_intervals",
    "PulseIntervals": "beat_intervals",
    "PulsePeakStream": "pulse_detection",
    "PulseRateStream": "motion_rate",
    "PulseWaveStream": "wave_features",
    "PulseWaves": "wave_features",
    "RespiratoryRateStream": "respiration",
    "Spo2Calibration": "oxygen",
    "Spo2Stream": "oxygen",
    "detect_pulse_peaks": "pulse_detection",
    "perfusion_index": "oxygen",
    "pulse_beats": "pulse_detection",
    "pulse_intervals": "beat_intervals",
    "pulse_rate": "motion_rate",
    "pulse_wave_features": "wave_features",
    "respiratory_rate": "respiration",
    "spo2": "oxygen",
    "sqi_ppg": "quality",
}

__all__: list[str] = [
    "PULSE_WAVE_FEATURES",
    "PpgQualityStream",
    "PulseBeat",
    "PulseBeats",
    "PulseInterval",
    "PulseIntervalStream",
    "PulseIntervals",
    "PulsePeakStream",
    "PulseRateStream",
    "PulseWaveStream",
    "PulseWaves",
    "RespiratoryRateStream",
    "Spo2Calibration",
    "Spo2Stream",
    "detect_pulse_peaks",
    "perfusion_index",
    "pulse_beats",
    "pulse_intervals",
    "pulse_rate",
    "pulse_wave_features",
    "respiratory_rate",
    "spo2",
    "sqi_ppg",
]

__getattr__, __dir__ = lazy("vitals_signal.ppg", _HOME)
