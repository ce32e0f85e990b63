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
    from vitals_signal.sleep.heart_motion import (
        HEART_ACTIVITY_FEATURES,
        HEART_ACTIVITY_VERSION,
        HeartActivity,
        heart_activity,
    )
    from vitals_signal.sleep.lindert import LINDERT_EPOCH_S, lindert_counts
    from vitals_signal.sleep.metrics import (
        SLEEP_METRICS,
        SleepMetrics,
        SleepRegularity,
        sleep_metrics,
        sleep_regularity,
    )
    from vitals_signal.sleep.night_features import SLEEP_NIGHT_FEATURES, SLEEP_NIGHT_VERSION, sleep_night_features
    from vitals_signal.sleep.rhythm import (
        REST_ACTIVITY_FEATURES,
        REST_ACTIVITY_VERSION,
        Cosinor,
        RestActivity,
        cosinor,
        rest_activity,
    )
    from vitals_signal.sleep.scoring import SleepWake, SleepWakeStream, sleep_wake, webster_rules
    from vitals_signal.sleep.window import SleepWindow, inactivity_bouts, sleep_window

_HOME: Final[dict[str, str]] = {
    "Cosinor": "rhythm",
    "HEART_ACTIVITY_FEATURES": "heart_motion",
    "HEART_ACTIVITY_VERSION": "heart_motion",
    "HeartActivity": "heart_motion",
    "LINDERT_EPOCH_S": "lindert",
    "REST_ACTIVITY_FEATURES": "rhythm",
    "REST_ACTIVITY_VERSION": "rhythm",
    "RestActivity": "rhythm",
    "SLEEP_FEATURES": "epoch_features",
    "SLEEP_FEATURES_VERSION": "epoch_features",
    "SLEEP_METRICS": "metrics",
    "SLEEP_NIGHT_FEATURES": "night_features",
    "SLEEP_NIGHT_VERSION": "night_features",
    "SleepFeatures": "epoch_features",
    "SleepMetrics": "metrics",
    "SleepRegularity": "metrics",
    "SleepWake": "scoring",
    "SleepWakeStream": "scoring",
    "SleepWindow": "window",
    "cosinor": "rhythm",
    "heart_activity": "heart_motion",
    "inactivity_bouts": "window",
    "lindert_counts": "lindert",
    "rest_activity": "rhythm",
    "sleep_activity": "epoch_features",
    "sleep_features": "epoch_features",
    "sleep_hr_variation": "epoch_features",
    "sleep_metrics": "metrics",
    "sleep_night_features": "night_features",
    "sleep_regularity": "metrics",
    "sleep_wake": "scoring",
    "sleep_window": "window",
    "webster_rules": "scoring",
}

__all__: list[str] = [
    "Cosinor",
    "HEART_ACTIVITY_FEATURES",
    "HEART_ACTIVITY_VERSION",
    "HeartActivity",
    "LINDERT_EPOCH_S",
    "REST_ACTIVITY_FEATURES",
    "REST_ACTIVITY_VERSION",
    "RestActivity",
    "SLEEP_FEATURES",
    "SLEEP_FEATURES_VERSION",
    "SLEEP_METRICS",
    "SLEEP_NIGHT_FEATURES",
    "SLEEP_NIGHT_VERSION",
    "SleepFeatures",
    "SleepMetrics",
    "SleepRegularity",
    "SleepWake",
    "SleepWakeStream",
    "SleepWindow",
    "cosinor",
    "heart_activity",
    "inactivity_bouts",
    "lindert_counts",
    "rest_activity",
    "sleep_activity",
    "sleep_features",
    "sleep_hr_variation",
    "sleep_metrics",
    "sleep_night_features",
    "sleep_regularity",
    "sleep_wake",
    "sleep_window",
    "webster_rules",
]

__getattr__, __dir__ = lazy("vitals_signal.sleep", _HOME)
