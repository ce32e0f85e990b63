"""Characteristics that several vendors use for protocols of their own (the Nordic UART service and its look-alikes).

Whose protocol it is, is told by what the session wrote to the device and noted before the data.
"""

from __future__ import annotations

from vitals.decode import colmi
from vitals.intake.colmi import ColmiFeed
from vitals.intake.feed import Feed, Item
from vitals.values import Frame


class NordicUartFeed:
    """See `Feed`."""

    def __init__(self) -> None:
        self._feed: Feed | None = None

    def feed(self, frame: Frame) -> list[Item]:
        if self._feed is None and frame.uuid == colmi.WRITE:
            self._feed = ColmiFeed()
        return self._feed.feed(frame) if self._feed else []

    def end(self, reason: str) -> list[Item]:
        return self._feed.end(reason) if self._feed else []
