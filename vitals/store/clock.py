"""How a device's clock ran against UTC, as it is known later. Kept beside the samples, which are never rewritten.

A session's samples carry the UTC that was believed while it was recorded. A fit says what to add to it:

    better = believed + offset_us + (believed - reference_us) * drift_ppb / 1e9

An epoch is a stretch in which the device's clock ran without being set; the first is 0.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals.errors import InputError
from vitals.store import query
from vitals.store.chain import Ledger
from vitals.store.connection import Connection

_MOST_PPB = 100_000_000  # a tenth: no clock is that wrong


@dataclass(frozen=True, slots=True)
class ClockFit:
    """The clock of one session's device in one epoch."""

    epoch: int
    reference_us: int  # believed UTC at which the offset holds
    offset_us: int
    drift_ppb: int  # how much faster UTC ran than the device's clock
    error_us: int  # how far a corrected time may be off

    def correct(self, times_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Better times for believed ones, shape (n,), UTC microseconds."""
        drift = np.rint((times_us - self.reference_us) * (self.drift_ppb / 1e9)).astype(np.int64)
        better: NDArray[np.int64] = times_us + self.offset_us + drift
        return better


def add(connection: Connection, session_id: int, fit: ClockFit) -> None:
    """Append a fit to the log. Raises InputError."""
    if fit.epoch < 0 or fit.error_us < 0 or abs(fit.drift_ppb) > _MOST_PPB:
        raise InputError(
            f"the clock fit has epoch {fit.epoch}, error_us {fit.error_us}, drift_ppb {fit.drift_ppb}; the first two "
            f"must not be negative, the drift at most {_MOST_PPB} either way"
        )
    numbers = (fit.epoch, fit.reference_us, fit.offset_us, fit.drift_ppb, fit.error_us)
    ledger = Ledger(connection)
    ledger.add("clock_fit", session_id, *(int(number) for number in numbers), time.time_ns() // 1000)
    ledger.close()


def fits(connection: Connection, session_id: int | None) -> list[ClockFit]:
    """The last fit of each session and epoch, by session and epoch."""
    rows = query.fetch(
        connection,
        "SELECT session_id, epoch, reference_us, offset_us, drift_ppb, error_us FROM clock_fit "
        "WHERE ?1 IS NULL OR session_id = ?1 ORDER BY made_us, id",
        (session_id,),
    )
    last = {(row[0], row[1]): ClockFit(*row[1:]) for row in rows}
    return [last[key] for key in sorted(last)]
