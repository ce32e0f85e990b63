"""Windows of any signal and their versioned feature vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.windows.acc_features import ACC_FEATURES, WindowFeatureStream, acc_window_features
    from vitals_signal.windows.grid import WindowGrid
    from vitals_signal.windows.table import FeatureTable
    from vitals_signal.windows.window import FeatureWindow

_HOME: Final[dict[str, str]] = {
    "ACC_FEATURES": "acc_features",
    "FeatureTable": "table",
    "FeatureWindow": "window",
    "WindowFeatureStream": "acc_features",
    "WindowGrid": "grid",
    "acc_window_features": "acc_features",
}

__all__: list[str] = [
    "ACC_FEATURES",
    "FeatureTable",
    "FeatureWindow",
    "WindowFeatureStream",
    "WindowGrid",
    "acc_window_features",
]

__getattr__, __dir__ = lazy("vitals_signal.windows", _HOME)
