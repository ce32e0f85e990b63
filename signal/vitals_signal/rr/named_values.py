"""Values by their standard names, and why one of them is NaN."""

from __future__ import annotations

from collections.abc import Mapping


class HrvValues(dict[str, float]):
    """A `dict` from standard names to numbers; `reasons` says for each NaN among them why it is one."""

    __slots__ = ("reasons",)

    def __init__(self, values: Mapping[str, float], reasons: Mapping[str, str] | None = None) -> None:
        """`values` by name; `reasons` for (at least) all of them that are NaN."""
        super().__init__(values)
        known = reasons or {}
        self.reasons: dict[str, str] = {
            name: known.get(name, "not defined for these intervals") for name, value in self.items() if value != value
        }
