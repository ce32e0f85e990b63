"""Words for kinds of event: neutral ones by default, clinical ones where a clinician asks for them.

A clinical word names what such a signal is looked at for, never a finding. No machine-readable field changes: `kind`
stays what the store holds.
"""

from __future__ import annotations

from typing import Final

MODES: Final = ("neutral", "clinical")
_CLINICAL: Final = {
    "irregular_rhythm": "possible atrial fibrillation",
    "ectopy": "possible frequent premature beats",
    "ectopic_run": "possible run of premature beats",
    "pause": "possible pause (asystole or sinus arrest)",
    "high_heart_rate_at_rest": "possible tachycardia at rest",
    "low_heart_rate": "possible bradycardia",
    "low_oxygen": "possible hypoxaemia",
    "fall": "possible fall",
    "unusual_for_you": "deviation from the personal baseline",
    "poor_signal": "signal not assessable",
}


def worded(kind: str, mode: str) -> str:
    """How people are told of an event of this kind. `mode`: one of MODES."""
    neutral = kind.replace("_", " ")
    return _CLINICAL.get(kind, neutral) if mode == "clinical" else neutral
