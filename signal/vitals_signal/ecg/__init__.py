"""ECG: R peaks offline and live, quality, features of beats, breath, and the EC57 report on detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.ecg import ec57
    from vitals_signal.ecg.ec57_report import (
        BeatLabels,
        Ec57Report,
        RecordReport,
        aami_labels,
        beat_labels,
        compare_beats,
    )
    from vitals_signal.ecg.morphology import BEAT_FEATURES, BEAT_VERSION, BeatRow, BeatStream, beat_features
    from vitals_signal.ecg.r_peak_stream import RPeakStream, causal_r_peaks
    from vitals_signal.ecg.r_peaks import detect_r_peaks
    from vitals_signal.ecg.refinement import refine_r_peaks
    from vitals_signal.ecg.respiration_series import EcgRespiration, ecg_respiration
    from vitals_signal.ecg.rr_of_ecg import EcgBeat, EcgStream
    from vitals_signal.ecg.sqi import SQI_VERSION, EcgQuality, EcgQualityStream, ecg_quality, sqi_ecg

_HOME: Final[dict[str, str]] = {
    "BEAT_FEATURES": "morphology",
    "BEAT_VERSION": "morphology",
    "BeatLabels": "ec57_report",
    "BeatRow": "morphology",
    "BeatStream": "morphology",
    "Ec57Report": "ec57_report",
    "EcgBeat": "rr_of_ecg",
    "EcgQuality": "sqi",
    "EcgQualityStream": "sqi",
    "EcgRespiration": "respiration_series",
    "EcgStream": "rr_of_ecg",
    "RPeakStream": "r_peak_stream",
    "RecordReport": "ec57_report",
    "SQI_VERSION": "sqi",
    "aami_labels": "ec57_report",
    "beat_features": "morphology",
    "beat_labels": "ec57_report",
    "causal_r_peaks": "r_peak_stream",
    "compare_beats": "ec57_report",
    "detect_r_peaks": "r_peaks",
    "ec57": "",
    "ecg_quality": "sqi",
    "ecg_respiration": "respiration_series",
    "refine_r_peaks": "refinement",
    "sqi_ecg": "sqi",
}

__all__: list[str] = [
    "BEAT_FEATURES",
    "BEAT_VERSION",
    "BeatLabels",
    "BeatRow",
    "BeatStream",
    "Ec57Report",
    "EcgBeat",
    "EcgQuality",
    "EcgQualityStream",
    "EcgRespiration",
    "EcgStream",
    "RPeakStream",
    "RecordReport",
    "SQI_VERSION",
    "aami_labels",
    "beat_features",
    "beat_labels",
    "causal_r_peaks",
    "compare_beats",
    "detect_r_peaks",
    "ec57",
    "ecg_quality",
    "ecg_respiration",
    "refine_r_peaks",
    "sqi_ecg",
]

__getattr__, __dir__ = lazy("vitals_signal.ecg", _HOME)
