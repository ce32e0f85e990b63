"""Accelerometer: calibration, activity metrics, counts, steps, gait, falls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.acc.actigraph import ACTIGRAPH_RATES, ActivityCountsStream, activity_counts
    from vitals_signal.acc.activity_metrics import ACC_METRICS, AccMetricsStream, acc_metrics, enmo, mad
    from vitals_signal.acc.body_posture import Orientation, Posture, acc_orientation, posture
    from vitals_signal.acc.calibration import AccCalibration, AccCalibrator, calibrate_acc
    from vitals_signal.acc.energy import EnergyExpenditure, branched_energy, energy_kcal, energy_mets, keytel_kj_min
    from vitals_signal.acc.epochs import EpochSeries
    from vitals_signal.acc.fall_detection import (
        FALL_FEATURES,
        FALL_VERSION,
        FallCandidate,
        FallStream,
        fall_candidates,
        fall_features,
        fall_rule,
    )
    from vitals_signal.acc.gait import GAIT_VERSION, GaitRegularity, WalkingBout, gait_regularity, walking_bouts
    from vitals_signal.acc.intensity import (
        CUT_POINTS,
        ActivityIntensity,
        CutPoints,
        IntensityGradient,
        activity_bouts,
        activity_intensity,
        intensity_gradient,
    )
    from vitals_signal.acc.mims import mims_units
    from vitals_signal.acc.resample import ResampledAcc, even_times, resample_acc
    from vitals_signal.acc.sit_stand_detection import SIT_STAND_VERSION, SitStand, Transition, sit_stand
    from vitals_signal.acc.step_detection import STEP_FEATURES, STEPS_VERSION, Steps, StepStream, steps
    from vitals_signal.acc.tremor_band import TREMOR_FEATURES, TremorStream, tremor_power
    from vitals_signal.acc.wear_time import WearTime, non_wear

_HOME: Final[dict[str, str]] = {
    "ACC_METRICS": "activity_metrics",
    "ACTIGRAPH_RATES": "actigraph",
    "AccCalibration": "calibration",
    "AccCalibrator": "calibration",
    "AccMetricsStream": "activity_metrics",
    "ActivityCountsStream": "actigraph",
    "ActivityIntensity": "intensity",
    "CUT_POINTS": "intensity",
    "CutPoints": "intensity",
    "EnergyExpenditure": "energy",
    "EpochSeries": "epochs",
    "FALL_FEATURES": "fall_detection",
    "FALL_VERSION": "fall_detection",
    "FallCandidate": "fall_detection",
    "FallStream": "fall_detection",
    "GAIT_VERSION": "gait",
    "GaitRegularity": "gait",
    "IntensityGradient": "intensity",
    "Orientation": "body_posture",
    "Posture": "body_posture",
    "ResampledAcc": "resample",
    "SIT_STAND_VERSION": "sit_stand_detection",
    "STEPS_VERSION": "step_detection",
    "STEP_FEATURES": "step_detection",
    "SitStand": "sit_stand_detection",
    "StepStream": "step_detection",
    "Steps": "step_detection",
    "TREMOR_FEATURES": "tremor_band",
    "Transition": "sit_stand_detection",
    "TremorStream": "tremor_band",
    "WalkingBout": "gait",
    "WearTime": "wear_time",
    "acc_metrics": "activity_metrics",
    "acc_orientation": "body_posture",
    "activity_bouts": "intensity",
    "activity_counts": "actigraph",
    "activity_intensity": "intensity",
    "branched_energy": "energy",
    "calibrate_acc": "calibration",
    "energy_kcal": "energy",
    "energy_mets": "energy",
    "enmo": "activity_metrics",
    "even_times": "resample",
    "fall_candidates": "fall_detection",
    "fall_features": "fall_detection",
    "fall_rule": "fall_detection",
    "gait_regularity": "gait",
    "intensity_gradient": "intensity",
    "keytel_kj_min": "energy",
    "mad": "activity_metrics",
    "mims_units": "mims",
    "non_wear": "wear_time",
    "posture": "body_posture",
    "resample_acc": "resample",
    "sit_stand": "sit_stand_detection",
    "steps": "step_detection",
    "tremor_power": "tremor_band",
    "walking_bouts": "gait",
}

__all__: list[str] = [
    "ACC_METRICS",
    "ACTIGRAPH_RATES",
    "AccCalibration",
    "AccCalibrator",
    "AccMetricsStream",
    "ActivityCountsStream",
    "ActivityIntensity",
    "CUT_POINTS",
    "CutPoints",
    "EnergyExpenditure",
    "EpochSeries",
    "FALL_FEATURES",
    "FALL_VERSION",
    "FallCandidate",
    "FallStream",
    "GAIT_VERSION",
    "GaitRegularity",
    "IntensityGradient",
    "Orientation",
    "Posture",
    "ResampledAcc",
    "SIT_STAND_VERSION",
    "STEPS_VERSION",
    "STEP_FEATURES",
    "SitStand",
    "StepStream",
    "Steps",
    "TREMOR_FEATURES",
    "Transition",
    "TremorStream",
    "WalkingBout",
    "WearTime",
    "acc_metrics",
    "acc_orientation",
    "activity_bouts",
    "activity_counts",
    "activity_intensity",
    "branched_energy",
    "calibrate_acc",
    "energy_kcal",
    "energy_mets",
    "enmo",
    "even_times",
    "fall_candidates",
    "fall_features",
    "fall_rule",
    "gait_regularity",
    "intensity_gradient",
    "keytel_kj_min",
    "mad",
    "mims_units",
    "non_wear",
    "posture",
    "resample_acc",
    "sit_stand",
    "steps",
    "tremor_power",
    "walking_bouts",
]

__getattr__, __dir__ = lazy("vitals_signal.acc", _HOME)
