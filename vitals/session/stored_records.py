"""Devices that keep what they measured (glucose meters and monitors, oximeters): asked for it over their Record Access
Control Point, at the start and every `POLL_S`.

Laws of this file:
1. One request at a time. All records are asked for first, then those since the last one; where the device cannot
   choose, all again: whoever decodes knows them (`vitals.intake.health_records`).
2. A last record counts as fetched when the device said that its report is complete: what a lost link cut off is asked
   for again on the next one.
3. A report in which nothing comes for `QUIET_S` is given up and aborted, and asked for again; so is one that streams
   when its source is stopped. A device that still reports for an earlier link is told to abort.
4. Request and answer go to listeners as frames, in their order among the records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vitals.decode import DECODERS
from vitals.decode import uuids as u
from vitals.decode.record_access import (
    RecordFilter,
    RecordOperation,
    RecordOperator,
    RecordRequest,
    RecordResponse,
    RecordResult,
    decode_record_response,
    encode_record_request,
)
from vitals.errors import DecodeError, LinkError, LinkLost
from vitals.link import Link
from vitals.session.driver import Ear, PlainDriver
from vitals.session.exchange import NoAnswer, now_us, unless_refused
from vitals.values import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

CONTROL = u.RECORD_ACCESS_CONTROL_POINT
QUIET_S = 30.0  # GLS 1.0.1: the procedure has failed after an ATT transaction time-out without a record or an answer
ABORT_S = 3.0
RETRY_S = 30.0
POLL_S = 300.0
LOOK_S = 2.0
ALREADY_IN_PROGRESS = "(ATT error 0xfe)"
MOST = 0xFFFF

# The number by which each names its records; None where it cannot be asked for some of them only.
NUMBERS: Mapping[str, Callable[[Any], int] | None] = {
    u.GLUCOSE_MEASUREMENT: lambda said: said.sequence,
    u.CGM_MEASUREMENT: lambda said: max(record.time_offset_min for record in said.records),
    u.PLX_SPOT_CHECK_MEASUREMENT: None,
}
CANNOT_CHOOSE = frozenset(
    {
        RecordResult.OP_CODE_NOT_SUPPORTED,
        RecordResult.INVALID_OPERATOR,
        RecordResult.OPERATOR_NOT_SUPPORTED,
        RecordResult.INVALID_OPERAND,
        RecordResult.OPERAND_NOT_SUPPORTED,
    }
)
ALL = RecordRequest(RecordOperation.REPORT_RECORDS, RecordOperator.ALL)
ABORT = RecordRequest(RecordOperation.ABORT, RecordOperator.NULL)


class StoredRecordsDriver(PlainDriver):
    """See the head of this file."""

    def __init__(self, link: Link, ear: Ear, rates: Mapping[str, int]) -> None:
        super().__init__(link, ear, rates)
        self._recorded = ""  # the characteristic whose records are stored
        self._task: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[RecordResponse] | None = None
        self._asked: RecordOperation | int = ALL.operation
        self._heard_s = 0.0  # event loop's time of the newest record or request
        self._newest: int | None = None  # number of a record
        self._session = b""  # start of a monitor's session, in which its minutes count
        self._is_subscribed = False

    @classmethod
    def matches(cls, uuids: frozenset[str]) -> bool:
        return CONTROL in uuids and not uuids.isdisjoint(NUMBERS)

    async def prepare(self) -> None:
        await super().prepare()
        self._recorded = next((uuid for uuid in NUMBERS if uuid in self._link.notifying), "")

    async def start(self, source: str) -> None:
        await super().start(source)
        if source != self._recorded:
            return
        await self._link.subscribe(CONTROL, self._on_indication)
        self._is_subscribed = True
        request = await self._next_request()
        try:
            await self._write(request)
        except LinkLost:
            raise
        except LinkError as error:
            if ALREADY_IN_PROGRESS not in str(error):
                raise
            await self._abort()
            await self._write(request)
        self._task = asyncio.create_task(self._fetch(request), name=f"records of {self._link.name}")

    async def stop(self, source: str) -> None:
        if source == self._recorded:
            task, self._task = self._task, None
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
            if self._is_subscribed:
                self._is_subscribed = False
                if self._answer is not None and not self._answer.done():
                    with unless_refused():
                        await self._abort()
                with unless_refused():
                    await self._link.unsubscribe(CONTROL)
        await super().stop(source)

    async def _fetch(self, request: RecordRequest) -> None:
        """The report that was asked for, and those after it, until the link is lost."""
        task = asyncio.current_task()
        assert task is not None
        with suppress(LinkLost), self._link.when_lost(lambda: _cancel(task)):
            pause_s = RETRY_S
            with unless_refused():
                pause_s = await self._report(request)
            while self._link.is_up:
                await self._pause(pause_s)
                pause_s = RETRY_S
                with unless_refused():
                    request = await self._next_request()
                    await self._write(request)
                    pause_s = await self._report(request)

    async def _pause(self, seconds: float) -> None:
        """Until it is time to ask again, or somebody listens who has not been told what was fetched before."""
        fetched = self._name in self._ear.memory
        for _ in range(round(seconds / LOOK_S)):
            if fetched != (self._name in self._ear.memory):
                return
            await asyncio.sleep(LOOK_S)

    async def _report(self, request: RecordRequest) -> float:
        """Wait for the end of a report; how long to pause then. Raises LinkLost, NoAnswer, LinkError."""
        result = (await self._answered()).result
        if result == RecordResult.SUCCESS:
            self._ear.memory[self._name] = self._newest or 0
        if request is not ALL and result in CANNOT_CHOOSE:
            self._ear.memory.pop(self._name, None)
            await self._write(ALL)
            return await self._report(ALL)
        return POLL_S if result in (RecordResult.SUCCESS, RecordResult.NO_RECORDS_FOUND) else RETRY_S

    async def _answered(self) -> RecordResponse:
        loop, answer = asyncio.get_running_loop(), self._answer
        assert answer is not None
        while not answer.done():
            left_s = self._heard_s + QUIET_S - loop.time()
            if left_s <= 0:
                await self._abort()
                raise NoAnswer(f"{self._link.name} ({self._link.address}) stopped reporting its records")
            await asyncio.wait([answer], timeout=left_s)
        return answer.result()

    async def _write(self, request: RecordRequest) -> None:
        payload = encode_record_request(request)
        self._asked, self._answer = request.operation, asyncio.get_running_loop().create_future()
        self._heard_s = asyncio.get_running_loop().time()
        self._ear.heard(self._recorded, Frame(now_us(), CONTROL, payload))
        try:
            await self._link.write(CONTROL, payload)
        except LinkError:
            self._answer = None
            raise

    async def _abort(self) -> None:
        await self._write(ABORT)
        assert self._answer is not None
        await asyncio.wait([self._answer], timeout=ABORT_S)
        self._answer = None

    # What to ask for

    @property
    def _name(self) -> str:
        return f"{self._recorded} {self._session.hex()}"

    async def _next_request(self) -> RecordRequest:
        if self._recorded == u.CGM_MEASUREMENT:
            await self._look_at_the_session()
        last = self._ear.memory.get(self._name)
        if last is None or last >= MOST or NUMBERS[self._recorded] is None:
            return ALL
        return RecordRequest(
            RecordOperation.REPORT_RECORDS, RecordOperator.GREATER_OR_EQUAL, RecordFilter.SEQUENCE_NUMBER, last + 1
        )

    async def _look_at_the_session(self) -> None:
        """Which session it is, and how many minutes it has lasted."""
        for uuid in (u.CGM_SESSION_START_TIME, u.CGM_STATUS):
            with unless_refused():
                frame = await self._link.read_frame(uuid)
                self._ear.heard(self._recorded, frame)
                if uuid == u.CGM_SESSION_START_TIME and frame.payload != self._session:
                    self._session, self._newest = frame.payload, None

    # What comes

    def _on_indication(self, frame: Frame) -> None:
        self._ear.heard(self._recorded, frame)
        try:
            said = decode_record_response(frame.payload)
        except DecodeError:
            return
        waiting = self._answer is not None and not self._answer.done()
        if waiting and isinstance(said, RecordResponse) and said.request == self._asked:
            assert self._answer is not None
            self._answer.set_result(said)

    def _heard(self, source: str, frame: Frame) -> None:
        if source == self._recorded:
            self._heard_s = frame.arrival_us / 1e6
            number = NUMBERS[source]
            if number is not None:
                with suppress(DecodeError):  # it is counted by whoever keeps what it holds
                    self._newest = max(self._newest or 0, number(DECODERS[source](frame.payload)))
        super()._heard(source, frame)


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
