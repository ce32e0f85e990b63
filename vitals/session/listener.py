"""One reader of a device: what it wants, and the bounded queue that keeps its order."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from vitals.link import Inbox
from vitals.session.driver import Source
from vitals.values import Connected, Disconnected, Frame, LinkEvent, Overflow


class Listener:
    """Frames and link events for one reader; iterate `inbox`.

    A full inbox drops the newest frames; an Overflow stands where they are missing.
    """

    def __init__(self, sender: str, kinds: Collection[str], limit: int) -> None:
        self.kinds = kinds  # kinds of stream that it wants
        self.inbox: Inbox[Frame | LinkEvent] = Inbox(sender, limit)
        self.settled = asyncio.Event()  # its streams run, were refused, or have to wait for the link
        self.connected = False  # what it was told last
        self._missing = 0

    def wants(self, source: Source) -> bool:
        return not set(source.kinds).isdisjoint(self.kinds)

    def offer(self, frame: Frame) -> None:
        """A frame has come."""
        if self._missing and not self.inbox.is_full:
            self._own_up(frame.arrival_us)
        dropped = self.inbox.dropped
        self.inbox.offer(frame)
        self._missing += self.inbox.dropped - dropped

    def tell(self, event: LinkEvent) -> None:
        """Something happened to the link."""
        self._own_up(event.at_us)
        if isinstance(event, Connected):
            self.connected = True
        elif isinstance(event, Disconnected):
            self.connected = False
        self.inbox.put(event)

    def close(self, now_us: int, *, lost: bool = False, error: BaseException | None = None) -> None:
        """Nothing more will come."""
        self._own_up(now_us)
        self.inbox.close(lost=lost, error=error)
        self.settled.set()

    def _own_up(self, now_us: int) -> None:
        if self._missing:
            missing, self._missing = self._missing, 0
            self.inbox.put(Overflow(now_us, missing))
