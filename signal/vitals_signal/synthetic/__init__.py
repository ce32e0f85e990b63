"""Synthetic signals with known truth, for tests, documents and the virtual devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.synthetic.artefacts import Spoilt, add_dropouts, add_spikes, saturate, wandering_clock
    from vitals_signal.synthetic.heart import SyntheticWearer, ecg, wearer
    from vitals_signal.synthetic.motion_script import Bout, SyntheticMotion, motion
    from vitals_signal.synthetic.ppg import SyntheticPulse, pulse_wave
    from vitals_signal.synthetic.rr_autonomic import AutonomicRr, autonomic_rr

_HOME: Final[dict[str, str]] = {
    "AutonomicRr": "rr_autonomic",
    "Bout": "motion_script",
    "Spoilt": "artefacts",
    "SyntheticMotion": "motion_script",
    "SyntheticPulse": "ppg",
    "SyntheticWearer": "heart",
    "add_dropouts": "artefacts",
    "add_spikes": "artefacts",
    "autonomic_rr": "rr_autonomic",
    "ecg": "heart",
    "motion": "motion_script",
    "pulse_wave": "ppg",
    "saturate": "artefacts",
    "wandering_clock": "artefacts",
    "wearer": "heart",
}

__all__: list[str] = [
    "AutonomicRr",
    "Bout",
    "Spoilt",
    "SyntheticMotion",
    "SyntheticPulse",
    "SyntheticWearer",
    "add_dropouts",
    "add_spikes",
    "autonomic_rr",
    "ecg",
    "motion",
    "pulse_wave",
    "saturate",
    "wandering_clock",
    "wearer",
]

__getattr__, __dir__ = lazy("vitals_signal.synthetic", _HOME)
