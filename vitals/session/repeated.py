"""What has to be asked again and again while a source streams: a reading, a sign of life.

The answer is a notification like any other. An answer that does not come is not told from here: the silence of the
source is found where all silences are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from vitals.link import Link
from vitals.session.exchange import unless_refused


class Repeated:
    """Calls `ask` every `every_s` seconds from the start on, until it is stopped or the link is lost."""

    def __init__(self, link: Link, every_s: float, ask: Callable[[], Awaitable[object]]) -> None:
        self._link = link
        self._every_s = every_s
        self._ask = ask
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, the first time in `every_s`; what runs goes on."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"asking {self._link.name}")

    async def stop(self) -> None:
        """Ask no more; returns when nothing of it runs any longer."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        task = self._task
        assert task is not None
        with self._link.when_lost(lambda: _cancel(task)):
            while self._link.is_up:
                await asyncio.sleep(self._every_s)
                with unless_refused():
                    await self._ask()


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
