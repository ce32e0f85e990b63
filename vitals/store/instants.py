"""Instants as callers write them, to UTC microseconds."""

from __future__ import annotations

import datetime as dt

from vitals.errors import InputError

Instant = dt.datetime | str | int
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def to_us(instant: Instant) -> int:
    """UTC microseconds of an aware datetime, an ISO 8601 text with zone, or an integer that is one already.

    Raises InputError where the zone is missing or the text is no instant.
    """
    if isinstance(instant, int):
        return instant
    if isinstance(instant, str):
        try:
            instant = dt.datetime.fromisoformat(instant)
        except ValueError:
            raise InputError(f"{instant!r} is not an ISO 8601 instant: write 2026-01-31T08:00:00Z") from None
    if instant.tzinfo is None:
        raise InputError(f"{instant.isoformat()} names no time zone: add one, as in {instant.isoformat()}Z")
    return (instant - _EPOCH) // dt.timedelta(microseconds=1)


def span_us(start: Instant | None, end: Instant | None) -> tuple[int, int]:
    """The half-open span [start, end) in UTC microseconds; None is open. Raises InputError where it ends before it
    starts."""
    low = -(1 << 62) if start is None else to_us(start)
    high = 1 << 62 if end is None else to_us(end)
    if high < low:
        raise InputError("the end of the span lies before its start: swap them")
    return low, high
