"""A bounded queue between callbacks, which cannot wait, and one reader, who can."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from vitals.errors import LinkLost
from vitals.values import Frame

T = TypeVar("T")


class Inbox(Generic[T]):
    """What callbacks left, in order; iterate it with `async for`.

    The iteration ends, or raises what it was closed with, when everything that came before is delivered.
    `dropped` counts items that found the inbox full: the oldest stay, newer ones are lost.
    """

    def __init__(self, sender: str, limit: int) -> None:
        self.dropped = 0
        self._sender = sender
        self._limit = limit
        self._items: deque[T] = deque()
        self._end: BaseException | None = None
        self._changed = asyncio.Event()

    def offer(self, item: T) -> bool:
        """Leave an item; False where the inbox is full or closed."""
        if self._end is not None:
            return False
        if self.is_full:
            self.dropped += 1
            return False
        self.put(item)
        return True

    def put(self, item: T) -> None:
        """Leave an item that must not be lost, however full the inbox is."""
        if self._end is None:
            self._items.append(item)
            self._changed.set()

    def close(self, *, lost: bool = False, error: BaseException | None = None) -> None:
        """No more will come: the link was `lost`, an `error` ended it, or there is nothing more to say."""
        if self._end is None:
            words = f"the link to {self._sender} was lost; bring the device into reach and connect again"
            self._end = error or (LinkLost(words) if lost else StopAsyncIteration())
            self._changed.set()

    @property
    def is_full(self) -> bool:
        """True where the next `offer` would be dropped."""
        return len(self._items) >= self._limit

    def __aiter__(self) -> Inbox[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._end is not None:
                raise self._end
            self._changed.clear()
            await self._changed.wait()
        return self._items.popleft()


def stamp(clock_s: float, uuid: str, data: bytearray) -> Frame:
    """A notification with its time of arrival; a copy, because the stack may reuse its buffer."""
    return Frame(round(clock_s * 1e6), uuid, bytes(data))
