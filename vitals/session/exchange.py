"""Talking to a device within limits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from vitals.errors import LinkError, LinkLost
from vitals.link import Link

T = TypeVar("T")


class NoAnswer(LinkError):
    """The device did not answer in time: it may be busy, or the link is dead; it did not say no."""


EXCHANGE_S = 6.0  # start or stop of one source, a read


async def bounded(exchange: Coroutine[Any, Any, T], link: Link) -> T:
    """An exchange that may take EXCHANGE_S at most. Raises LinkLost, NoAnswer, LinkError."""
    try:
        async with asyncio.timeout(EXCHANGE_S):
            return await exchange
    except TimeoutError as error:
        raise NoAnswer(f"{link.name} ({link.address}) did not answer within {EXCHANGE_S:g} s") from error


@contextmanager
def unless_refused() -> Iterator[None]:
    """Go on where the device refuses; a lost link is another matter."""
    try:
        yield
    except LinkLost:
        raise
    except LinkError:
        return


def now_us() -> int:
    """The event loop's clock in microseconds: the time of frames and events."""
    return round(asyncio.get_running_loop().time() * 1e6)
