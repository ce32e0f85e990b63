"""Pictures of what a store holds: the only room that knows matplotlib (extra "plot")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vitals.report.page import overview

__all__ = ["overview"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vitals.report.page import overview

    return overview
