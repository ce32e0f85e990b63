"""Words to stderr, results to stdout."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

NOT_MEDICAL = "Not a medical device: events are hints to look closer, not diagnoses."


def say(text: str = "") -> None:
    """Progress, advice, errors."""
    print(text, file=sys.stderr, flush=True)


def emit(row: Mapping[str, Any]) -> None:
    """One JSON line; NaN becomes null, for JSON has none."""
    print(json.dumps({k: _plain(v) for k, v in row.items()}, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return value


def iso(utc_us: int) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(utc_us // 1_000_000, UTC).replace(microsecond=utc_us % 1_000_000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(seconds: float) -> str:
    """A duration for people: "2 h 05 min", "12 min", "40 s"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 120 else f"{minutes} min"
