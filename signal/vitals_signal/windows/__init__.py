"""Windows of any signal and their versioned feature vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.windows.window import FeatureWindow

_HOME: Final[dict[str, str]] = {
    "FeatureWindow": "window",
}

__all__: list[str] = [
    "FeatureWindow",
]

__getattr__, __dir__ = lazy("vitals_signal.windows", _HOME)
