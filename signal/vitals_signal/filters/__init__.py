"""Filters with causal and zero-phase twins, block by block or whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.filters.design import Sections, butterworth, notch
    from vitals_signal.filters.filter_stream import FilterStream
    from vitals_signal.filters.forward_backward import (
        powerline_notches,
        remove_baseline,
        remove_powerline,
        zero_phase,
    )

_HOME: Final[dict[str, str]] = {
    "FilterStream": "filter_stream",
    "Sections": "design",
    "butterworth": "design",
    "notch": "design",
    "powerline_notches": "forward_backward",
    "remove_baseline": "forward_backward",
    "remove_powerline": "forward_backward",
    "zero_phase": "forward_backward",
}

__all__: list[str] = [
    "FilterStream",
    "Sections",
    "butterworth",
    "notch",
    "powerline_notches",
    "remove_baseline",
    "remove_powerline",
    "zero_phase",
]

__getattr__, __dir__ = lazy("vitals_signal.filters", _HOME)
