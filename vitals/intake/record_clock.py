"""When a device says that it measured, on the clock of the session.

Laws of this file (the rule for every record that carries a time of its own device):
1. That time counts on a clock that may be years off, in a zone that nobody states. It is never taken for UTC.
2. A tie puts it on the session's clock: what the device's clock showed when its value arrived (Current Time or Date
   Time that was read, the pressure of a cuff at work, the status of a glucose sensor). Records are placed by the newest
   tie, and may be off by its error, as long as nobody set the clock in between.
3. Without a tie nothing was taken later than it arrived: the newest time seen counts as that of its arrival, and what
   is older lies as much before it as the device says. How far all of them are off is not known (`UNBOUNDED_S`).
4. A tie that would put a record into the future is no longer true, and times further apart than `MOST_US` are those of
   a clock that was set: such a record is placed by its arrival.
5. No record is placed in silence: whoever places one says by how many seconds it may be off. A record without a time
   of its own is placed by its arrival as any live value is.
6. The link's end ends the tie: a battery may be changed meanwhile.
"""

from __future__ import annotations

import datetime as dt

UNBOUNDED_S = 2**31 - 1  # no bound is known; as a number it fails every test of "close enough"
TIE_ERROR_S = 2  # two times without fractions of a second, and the way of the value that was read
MOST_US = 3 * 366 * 86_400_000_000
_ZERO = dt.datetime(1970, 1, 1)


def civil_us(when: dt.datetime) -> int:
    """A date and time without a zone as microseconds since 1970-01-01 of the same clock."""
    return (when - _ZERO) // dt.timedelta(microseconds=1)


class RecordClock:
    """The clock by which a device stamps its records; `device_us` are microseconds on it, from any zero."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing is known any more."""
        self._zero_us: int | None = None  # session time of device time 0, by a tie
        self._error_s = UNBOUNDED_S
        self._latest_us: int | None = None  # the same, no later than which it must be

    @property
    def zero_us(self) -> int | None:
        """Session time of device time 0; None without a tie."""
        return self._zero_us

    def tie(self, device_us: int, at_us: int, error_s: int = TIE_ERROR_S) -> None:
        """It showed `device_us` at the session time `at_us`, give or take `error_s`."""
        self._zero_us, self._error_s = at_us - device_us, error_s

    def see(self, device_us: int, arrival_us: int) -> None:
        """A record of that time arrived."""
        latest = arrival_us - device_us
        self._latest_us = latest if self._latest_us is None else min(self._latest_us, latest)

    def place(self, device_us: int, arrival_us: int) -> tuple[int, int]:
        """Session time of a record, microseconds, and by how many seconds it may be off."""
        self.see(device_us, arrival_us)
        if self._zero_us is not None:
            at = self._zero_us + device_us
            if at <= arrival_us + self._error_s * 1_000_000:
                return min(at, arrival_us), self._error_s
            return arrival_us, UNBOUNDED_S
        assert self._latest_us is not None
        at = self._latest_us + device_us
        return (at if arrival_us - at <= MOST_US else arrival_us), UNBOUNDED_S
