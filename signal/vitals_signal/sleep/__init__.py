"""Sleep and rest-activity rhythm from epochs of activity and heart rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.sleep.epoch_features import (
        SLEEP_FEATURES,
        SLEEP_FEATURES_VERSION,
        SleepFeatures,
        sleep_activity,
        sleep_features,
        sleep_hr_variation,
    )

_HOME: Final[dict[str, str]] = {
    "SLEEP_FEATURES": "epoch_features",
    "SLEEP_FEATURES_VERSION": "epoch_features",
    "SleepFeatures": "epoch_features",
    "sleep_activity": "epoch_features",
    "sleep_features": "epoch_features",
    "sleep_hr_variation": "epoch_features",
}

__all__: list[str] = [
    "SLEEP_FEATURES",
    "SLEEP_FEATURES_VERSION",
    "SleepFeatures",
    "sleep_activity",
    "sleep_features",
    "sleep_hr_variation",
]

__getattr__, __dir__ = lazy("vitals_signal.sleep", _HOME)
