"""Connection events: packets of a link go out at fixed instants, a few per event; a bad packet ends its event.

Core 5.4, Vol 6, Part B, 4.5.1: an event closes when a packet is corrupt, and the link layer repeats it in the next. So
packet errors delay, and never lose or reorder.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable

PACKETS_PER_EVENT = 6  # what phones and computers commonly allow


class Lane:
    """One direction of one link; it costs nothing while nothing waits."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng
        self._waiting: deque[Callable[[], None]] = deque()
        self._anchor = asyncio.get_running_loop().time()
        self._timer: asyncio.TimerHandle | None = None
        self.interval_s = 0.0
        self.packet_errors = 0.0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, deliver: Callable[[], None]) -> None:
        """Queue a packet for the next connection event."""
        self._waiting.append(deliver)
        if self._timer is None:
            self._set_timer()

    def take_all(self) -> list[Callable[[], None]]:
        """What waits, oldest first; the lane is empty afterwards."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def _set_timer(self) -> None:
        loop = asyncio.get_running_loop()
        event = math.floor((loop.time() - self._anchor) / self.interval_s + 1e-6) + 1
        self._timer = loop.call_at(self._anchor + event * self.interval_s, self._event)

    def _event(self) -> None:
        self._timer = None
        for _ in range(PACKETS_PER_EVENT):
            if not self._waiting or (self.packet_errors and self._random.random() < self.packet_errors):
                break
            self._waiting.popleft()()
        if self._waiting:
            self._set_timer()
