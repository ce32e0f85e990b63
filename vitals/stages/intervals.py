"""Intervals between beats as stages take them.

Pulse intervals of an optical sensor ("ppi") take the same way as those of the heart's own signal ("rr") and are never
mixed with them: they are off by ten milliseconds where those are by one, so what comes of them names them as its source
and in its maker, and what the sensor does not stand by lowers coverage and sqi.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitals.values import Block


class Intervals:
    """Leaves out intervals that do not advance (0 ticks from a confused sensor): they end at no new beat."""

    def __init__(self) -> None:
        self._last_us: int | None = None

    def take(self, block: Block) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Times of the beats that end intervals, increasing, and the intervals in ms, shapes (n,)."""
        times, rr_ms = block.times_us(), block.physical()
        floor = np.maximum.accumulate(
            np.concatenate(([self._last_us if self._last_us is not None else block.start_us], times))
        )
        advances = times > floor[:-1]
        times, rr_ms = times[advances], rr_ms[advances]
        if len(times):
            self._last_us = int(times[-1])
        return times, rr_ms


def interval_params(source: str) -> dict[str, str]:
    """What a maker says of intervals that are not those of the heart's own signal."""
    return {} if source == "rr" else {"intervals": source}
