"""Viatom and Wellue O2Ring: a ring that says what it measures whenever it is asked.

Facts: ecostech/viatom-ble, which asks every two seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from vitals.decode.viatom import NOTIFY, SERVICE, WRITE, encode_request
from vitals.link import Link
from vitals.session.asking import Asking
from vitals.session.driver import Ear, Source
from vitals.session.repeated import Repeated
from vitals.values import Frame

READINGS = "READINGS"
EVERY_S = 2.0
SILENCE_US = 8_000_000
REPLY = b"\x55"


class ViatomDriver:
    """See the head of this file."""

    def __init__(self, link: Link, ear: Ear, _: Mapping[str, int]) -> None:
        self._link = link
        self._ear = ear
        self._asking = Asking(link, WRITE)
        self._repeated = Repeated(link, EVERY_S, lambda: link.write(WRITE, encode_request()))
        self.sources: tuple[Source, ...] = (Source(READINGS, ("spo2", "hr", "battery"), True, SILENCE_US),)

    @classmethod
    def matches(cls, uuids: frozenset[str]) -> bool:
        return {SERVICE, WRITE, NOTIFY} <= uuids

    async def prepare(self) -> None:
        await self._link.subscribe(NOTIFY, self._on_piece)

    async def start(self, source: str) -> None:
        await self.stop(source)
        await self._asking.ask(encode_request(), lambda piece: piece.startswith(REPLY), source)
        self._repeated.start()

    async def stop(self, source: str) -> None:
        await self._repeated.stop()

    def _on_piece(self, frame: Frame) -> None:
        self._ear.heard(READINGS, frame)
        self._asking.offer(frame)
