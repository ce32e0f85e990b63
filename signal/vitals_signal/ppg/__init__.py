"""PPG: pulse beats, quality, pulse rate under motion, respiration, oxygen."""

from __future__ import annotations

from typing import Final

from vitals_signal._lazy import lazy

_HOME: Final[dict[str, str]] = {}

__all__: list[str] = []

__getattr__, __dir__ = lazy("vitals_signal.ppg", _HOME)
