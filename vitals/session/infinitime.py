"""InfiniTime on a PineTime: standard services that notify changes only.

Heart rate, steps and battery are notified when they change and at no other time (InfiniTime, HeartRateController and
MotionController), but can be read whenever one likes. So each is read at the start, and heart rate is read whenever it
has been silent for `ASK_S`: a steady pulse is no fault, a silent watch is one. Motion comes ten times a second while
the watch is awake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from vitals.decode import uuids as u
from vitals.decode.infinitime import STEP_COUNT
from vitals.link import Link
from vitals.session.driver import Ear, PlainDriver
from vitals.session.exchange import unless_refused
from vitals.session.repeated import Repeated
from vitals.values import Frame

ASK_S = 2.0  # the stream of rates counts as interrupted after 3


class InfiniTimeDriver(PlainDriver):
    """See the head of this file."""

    def __init__(self, link: Link, ear: Ear, rates: Mapping[str, int]) -> None:
        super().__init__(link, ear, rates)
        self._rate_at = 0.0  # event loop's time of the newest heart rate
        self._asking = Repeated(link, ASK_S / 4, self._ask_rate)

    @classmethod
    def matches(cls, uuids: frozenset[str]) -> bool:
        return STEP_COUNT in uuids

    async def prepare(self) -> None:
        await super().prepare()
        self.sources = tuple(
            replace(source, kinds=("hr",)) if source.name == u.HEART_RATE_MEASUREMENT else source  # it never sends RR
            for source in self.sources
        )

    async def start(self, source: str) -> None:
        await super().start(source)
        if source in (u.HEART_RATE_MEASUREMENT, STEP_COUNT):
            await self._read(source)
        if source == u.HEART_RATE_MEASUREMENT:
            self._asking.start()

    async def stop(self, source: str) -> None:
        if source == u.HEART_RATE_MEASUREMENT:
            await self._asking.stop()
        await super().stop(source)

    async def _ask_rate(self) -> None:
        if asyncio.get_running_loop().time() - self._rate_at >= ASK_S:
            await self._read(u.HEART_RATE_MEASUREMENT)

    async def _read(self, source: str) -> None:
        with unless_refused():  # a watch that only notifies: then its changes are all that there is
            self._heard(source, await self._link.read_frame(source))

    def _heard(self, source: str, frame: Frame) -> None:
        if source == u.HEART_RATE_MEASUREMENT:
            self._rate_at = frame.arrival_us / 1e6
        super()._heard(source, frame)
