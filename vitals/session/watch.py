"""How long a source may be silent before something is wrong with it."""

from __future__ import annotations

from collections import deque
from statistics import median

from vitals.session.driver import Driver, Source
from vitals.values import Frame

SILENCE_US = 3_000_000
STRIKES = 3  # restarts in vain before the link is given up
RHYTHM = 8  # intervals that the usual one is the median of
LATE = 2.5  # usual intervals


class Running:
    """A source that was started."""

    def __init__(self, driver: Driver, source: Source, now_us: int, patience: int) -> None:
        self.driver = driver
        self.source = source
        self.strikes = 0
        self.last_us = now_us  # of the newest frame, or of the first start
        self.tried_us = now_us  # of the newest frame or (re)start
        self.heard_any = False
        self.notes: list[Frame] = []  # what a listener needs that comes later
        self._patience = patience  # grows while even a new link brings nothing: the device may have nothing to say
        self._intervals: deque[int] = deque(maxlen=RHYTHM)
        self._stopped = False

    def heard(self, now_us: int) -> None:
        """A frame arrived."""
        if self.heard_any:
            self._intervals.append(now_us - self.last_us)
        self.heard_any = True
        self._stopped = False
        self.last_us = self.tried_us = now_us
        self.strikes = 0

    def restarted(self, now_us: int) -> None:
        self.tried_us = now_us
        self.strikes += 1
        self._stopped = False

    def stopped(self) -> None:
        """The device said that it stopped this source."""
        self._stopped = True

    @property
    def due_us(self) -> int | None:
        """When its silence has lasted too long; None where it may be silent for ever."""
        if self._stopped:
            return self.tried_us
        if not self.source.steady:
            return None
        usual = LATE * median(self._intervals) if len(self._intervals) == RHYTHM else 0
        return self.tried_us + max(self.source.silence_us or SILENCE_US, round(usual)) * (
            1 if self.heard_any else self._patience
        )
