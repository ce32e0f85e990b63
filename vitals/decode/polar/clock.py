"""Polar's device clock: nanoseconds since 2000-01-01, in local time where a phone set it.

After a power-off H10 and H9 fall back to 2019-01-01 within about a minute (Polar SDK, TimeSystemExplained); a stream
that starts there has an honest rate but no date.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vitals.errors import InputError

EPOCH_UNIX_NS = 946_684_800_000_000_000  # 2000-01-01T00:00:00Z
FALLBACK_NS = 599_616_000_000_000_000  # 2019-01-01 on the Polar clock
_YEAR_NS = 366 * 86_400_000_000_000


def to_unix_ns(polar_ns: int) -> int:
    """Polar time stamp -> nanoseconds since 1970 on the same (possibly local) calendar."""
    return polar_ns + EPOCH_UNIX_NS


def from_unix_ns(unix_ns: int) -> int:
    """Nanoseconds since 1970 -> Polar time stamp."""
    return unix_ns - EPOCH_UNIX_NS


def is_unset(polar_ns: int) -> bool:
    """True where the clock was never set: zero, or less than a year after the 2019 fallback.

    A recording really made in 2019 looks the same; a live stream never does.
    """
    return polar_ns == 0 or FALLBACK_NS <= polar_ns < FALLBACK_NS + _YEAR_NS


def sample_times_ns(last_ns: int, n: int, *, previous_ns: int = 0, rate_hz: float = 0) -> NDArray[np.int64]:
    """Times of the `n` samples of a frame whose last sample is at `last_ns`, shape (n,), nanoseconds.

    With the time of the frame before (`previous_ns`, 0: unknown) the samples fill the time between; without it they
    are laid back from the end at `rate_hz`. This is Polar's own rule and only right where no frame is missing: for
    live streams use the timeline, which finds gaps. Raises InputError where neither is known, where time does not
    move forward, or where the frame would begin before the epoch.
    """
    if n <= 0:
        raise InputError(f"a frame of {n} samples has no times; pass the number of its samples")
    if previous_ns:
        if last_ns <= previous_ns:
            raise InputError(f"the frame at {last_ns} ns is not after the one at {previous_ns} ns; clock was reset")
        span = last_ns - previous_ns
        times = [round(Fraction(span * k, n) + previous_ns) for k in range(1, n + 1)]
    elif rate_hz > 0:
        step = 1e9 / rate_hz
        times = [last_ns - round(step * k) for k in range(n - 1, -1, -1)]
        if last_ns < step * n:
            raise InputError(f"{n} samples at {rate_hz} Hz do not fit before {last_ns} ns; the rate or clock is wrong")
    else:
        raise InputError("neither previous_ns nor rate_hz is given; one of them is needed")
    return np.array(times, dtype=np.int64)
