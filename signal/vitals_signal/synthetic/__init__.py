"""Synthetic signals with known truth, for tests, documents and the virtual devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.synthetic.heart import SyntheticWearer, ecg, wearer

_HOME: Final[dict[str, str]] = {
    "SyntheticWearer": "heart",
    "ecg": "heart",
    "wearer": "heart",
}

__all__: list[str] = [
    "SyntheticWearer",
    "ecg",
    "wearer",
]

__getattr__, __dir__ = lazy("vitals_signal.synthetic", _HOME)
