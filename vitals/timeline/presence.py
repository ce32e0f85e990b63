"""Silence in a stream of single values."""

from __future__ import annotations

from vitals.values import Gap


class Presence:
    """Declares a gap in a stream of single values (heart rate, battery) that fell silent for longer than `limit_us`."""

    def __init__(self, kind: str, limit_us: int) -> None:
        self._kind = kind
        self._limit_us = limit_us
        self._last_us: int | None = None

    def push(self, time_us: int) -> list[Gap]:
        last, self._last_us = self._last_us, time_us
        if last is not None and time_us - last > self._limit_us:
            return [Gap(self._kind, last, time_us, "no data")]
        return []
