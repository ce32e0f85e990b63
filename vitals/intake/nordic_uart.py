"""Characteristics that several vendors use for protocols of their own (the Nordic UART service and its look-alikes).

Whose protocol it is, is told by what the session wrote to the device and noted before the data.
"""

from __future__ import annotations

from vitals.decode import bangle
from vitals.intake.bangle import BangleFeed
from vitals.intake.colmi import ColmiFeed
from vitals.intake.feed import Feed, Item
from vitals.values import Frame

CONSOLE = b"\x10"  # "echo off", with which every line to a Bangle.js begins; no command of a ring


class NordicUartFeed:
    """See `Feed`."""

    def __init__(self) -> None:
        self._feed: Feed | None = None

    def feed(self, frame: Frame) -> list[Item]:
        if self._feed is None and frame.uuid == bangle.WRITE:
            self._feed = BangleFeed() if frame.payload.startswith(CONSOLE) else ColmiFeed()
        return self._feed.feed(frame) if self._feed else []

    def end(self, reason: str) -> list[Item]:
        return self._feed.end(reason) if self._feed else []
