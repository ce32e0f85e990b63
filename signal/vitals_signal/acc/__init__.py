"""Accelerometer: calibration, activity metrics, counts, steps, gait, falls."""

from __future__ import annotations

from typing import Final

from vitals_signal._lazy import lazy

_HOME: Final[dict[str, str]] = {}

__all__: list[str] = []

__getattr__, __dir__ = lazy("vitals_signal.acc", _HOME)
