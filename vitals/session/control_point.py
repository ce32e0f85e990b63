"""Requests and answers over Polar's control point (PMD): write, then wait for the indications that answer.

Laws of this file:
1. One exchange at a time; an answer counts only if it names the operation and the measurement that were asked for.
2. No exchange waits longer than ANSWER_S for the next indication: a device that is not heard is an error, not a hang.
3. What the device says unasked (streams that it stopped) goes to `stopped`, whenever it comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vitals.decode.polar import (
    PMD_CONTROL_POINT,
    ControlRequest,
    ControlResponse,
    StreamsStopped,
    decode_control_point,
    encode_request,
    join_responses,
)
from vitals.errors import DecodeError
from vitals.link import Link
from vitals.session.exchange import NoAnswer
from vitals.values import Frame

ANSWER_S = 3.0


class ControlPoint:
    """The control point of one connection; `open` it before the first exchange."""

    def __init__(self, link: Link, stopped: Callable[[int], None]) -> None:
        self._link = link
        self._stopped = stopped
        self._answers: asyncio.Queue[tuple[Frame, ControlResponse]] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._is_open = False

    async def open(self) -> None:
        """Let the device indicate: before that it answers nobody. Raises LinkLost, LinkError."""
        if not self._is_open:
            await self._link.subscribe(PMD_CONTROL_POINT, self._on_indication)
            self._is_open = True

    def _on_indication(self, frame: Frame) -> None:
        try:
            said = decode_control_point(frame.payload)
        except DecodeError:
            return  # the exchange that waits for an answer will say that none came
        if isinstance(said, StreamsStopped):
            for kind in said.kinds:
                self._stopped(kind)
        elif isinstance(said, ControlResponse):
            self._answers.put_nowait((frame, said))

    async def exchange(self, request: ControlRequest) -> tuple[Frame, ControlResponse]:
        """The whole answer to `request`, whatever its status, and the indication that began it.

        Raises LinkLost, NoAnswer, and LinkError where the device refuses the write.
        """
        async with self._turn:
            while not self._answers.empty():  # late answers to requests that were given up
                self._answers.get_nowait()
            await self._link.write(PMD_CONTROL_POINT, encode_request(request))
            frames: list[Frame] = []
            parts: list[ControlResponse] = []
            while not parts or parts[-1].more:
                frame, answer = await self._next(request)
                if (answer.operation, answer.kind) == (request.operation, request.kind):
                    frames.append(frame)
                    parts.append(answer)
            return frames[0], join_responses(parts)

    async def _next(self, request: ControlRequest) -> tuple[Frame, ControlResponse]:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._answers.get()
        except TimeoutError as error:
            what = request.operation.name + (f" {request.kind.name}" if request.kind is not None else "")
            raise NoAnswer(
                f"{self._link.name} ({self._link.address}) did not answer {what} within {ANSWER_S:g} s; "
                "put it on (it may sleep), and see that no other program uses it"
            ) from error
