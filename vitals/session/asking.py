"""A request that is written, and the notification that answers it.

Laws of this file:
1. One request at a time; an answer is what fits the request, whatever else is notified meanwhile.
2. No request waits longer than ANSWER_S: a device that is not heard is an error, not a hang.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vitals.errors import LinkLost
from vitals.link import Link
from vitals.session.exchange import NoAnswer
from vitals.values import Frame

ANSWER_S = 3.0


class Asking:
    """Requests to the characteristic `uuid`; whoever receives its notifications passes them on to `offer`.

    `in_pieces`: it takes a stream of bytes, and what does not fit into one packet is written in several.
    """

    def __init__(self, link: Link, uuid: str, *, in_pieces: bool = False) -> None:
        self._link = link
        self._uuid = uuid
        self._in_pieces = in_pieces
        self._turn = asyncio.Lock()
        self._fits: Callable[[bytes], bool] | None = None
        self._answer: asyncio.Future[Frame] | None = None

    def offer(self, frame: Frame) -> None:
        """A notification came; it may be the answer."""
        if self._answer is None or self._fits is None or self._answer.done():
            return
        if self._fits(frame.payload):
            self._answer.set_result(frame)

    def _give_up(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(
                LinkLost(
                    f"the link to {self._link.name} ({self._link.address}) was lost; bring the device into reach and "
                    "connect again"
                )
            )

    async def write(self, request: bytes) -> None:
        """Write what is not answered. Raises LinkLost, LinkError."""
        room = self._link.mtu - 3 if self._in_pieces else len(request)
        for first in range(0, len(request), room):
            await self._link.write(self._uuid, request[first : first + room])

    async def ask(self, request: bytes, fits: Callable[[bytes], bool], what: str) -> Frame:
        """Write `request` and wait for the first notification that `fits`; `what` names it in the error.

        Raises LinkLost, NoAnswer, and LinkError where the device refuses the write.
        """
        async with self._turn:
            self._fits, self._answer = fits, asyncio.get_running_loop().create_future()
            try:
                with self._link.when_lost(self._give_up):
                    await self.write(request)
                    async with asyncio.timeout(ANSWER_S):
                        return await self._answer
            except TimeoutError as error:
                raise NoAnswer(
                    f"{self._link.name} ({self._link.address}) did not answer {what} within {ANSWER_S:g} s; "
                    "wear it (it may sleep), and see that no other program uses it"
                ) from error
            finally:
                if self._answer.done() and not self._answer.cancelled():
                    self._answer.exception()  # it is told by the write, or was told
                self._fits = self._answer = None
