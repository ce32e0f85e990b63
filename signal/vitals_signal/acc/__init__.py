"""Accelerometer: calibration, activity metrics, counts, steps, gait, falls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.acc.step_detection import STEP_FEATURES, STEPS_VERSION, Steps, StepStream, steps

_HOME: Final[dict[str, str]] = {
    "STEPS_VERSION": "step_detection",
    "STEP_FEATURES": "step_detection",
    "StepStream": "step_detection",
    "Steps": "step_detection",
    "steps": "step_detection",
}

__all__: list[str] = [
    "STEPS_VERSION",
    "STEP_FEATURES",
    "StepStream",
    "Steps",
    "steps",
]

__getattr__, __dir__ = lazy("vitals_signal.acc", _HOME)
