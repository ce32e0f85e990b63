"""ECG: R peaks, quality, and scores of beat detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.ecg import ec57
    from vitals_signal.ecg.morphology import BEAT_FEATURES, BEAT_VERSION, BeatRow, BeatStream, beat_features
    from vitals_signal.ecg.r_peak_stream import EcgBeat, EcgStream, RPeakStream, causal_r_peaks
    from vitals_signal.ecg.r_peaks import detect_r_peaks
    from vitals_signal.ecg.refinement import refine_r_peaks
    from vitals_signal.ecg.sqi import SQI_VERSION, EcgQuality, EcgQualityStream, ecg_quality, sqi_ecg

_HOME: Final[dict[str, str]] = {
    "BEAT_FEATURES": "morphology",
    "BEAT_VERSION": "morphology",
    "BeatRow": "morphology",
    "BeatStream": "morphology",
    "EcgBeat": "r_peak_stream",
    "EcgQuality": "sqi",
    "EcgQualityStream": "sqi",
    "EcgStream": "r_peak_stream",
    "RPeakStream": "r_peak_stream",
    "beat_features": "morphology",
    "SQI_VERSION": "sqi",
    "causal_r_peaks": "r_peak_stream",
    "detect_r_peaks": "r_peaks",
    "ecg_quality": "sqi",
    "ec57": "",
    "refine_r_peaks": "refinement",
    "sqi_ecg": "sqi",
}

__all__: list[str] = [
    "BEAT_FEATURES",
    "BEAT_VERSION",
    "BeatRow",
    "BeatStream",
    "EcgBeat",
    "EcgQuality",
    "EcgQualityStream",
    "EcgStream",
    "RPeakStream",
    "SQI_VERSION",
    "beat_features",
    "causal_r_peaks",
    "detect_r_peaks",
    "ec57",
    "ecg_quality",
    "refine_r_peaks",
    "sqi_ecg",
]

__getattr__, __dir__ = lazy("vitals_signal.ecg", _HOME)
