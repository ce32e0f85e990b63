"""What a window of any signal gives: values by name, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeatureWindow:
    """Features of one window; a value that is NaN has its why in `reason`, or in `reasons` if the others stand."""

    start_us: int
    end_us: int
    values: Mapping[str, float]
    coverage: float
    """Share of the window that original data account for, 0..1."""
    corrected_share: float
    """Share of what went in that had to be corrected or replaced, 0..1."""
    method: str
    """Name and version of the feature set, e.g. "hrv-time-1"."""
    reason: str | None
    """Why all values are NaN; None if any stands."""
    reasons: Mapping[str, str]
    """Why a single value is NaN, by its name."""
