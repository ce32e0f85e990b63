"""Bangle.js watches: JSON lines over the Nordic UART service, as Gadgetbridge speaks with their app "Android".

Many devices have that service; the name says which of them are watches. Lines come in pieces of the MTU and are passed
on whole, for each belongs to one source: activity in real time ("act"), or the battery ("status"). The watch answers
console commands too: so the battery is asked for. Facts: espruino/BangleApps apps/android, Gadgetbridge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from vitals.decode.bangle import (
    NOTIFY,
    SERVICE,
    WRITE,
    BangleActivity,
    BangleStatus,
    LineAssembler,
    decode_line,
    encode_battery_question,
    encode_call,
)
from vitals.errors import DecodeError
from vitals.link import Link
from vitals.session.asking import Asking
from vitals.session.driver import Ear, Source
from vitals.session.repeated import Repeated
from vitals.values import Frame

NAME = "Bangle.js"  # how they advertise
ACTIVITY, STATUS = "ACTIVITY", "STATUS"
EVERY_S = 1  # activity
SILENCE_US = 5_000_000
BATTERY_EVERY_S = 300.0


class BangleDriver:
    """See the head of this file."""

    def __init__(self, link: Link, ear: Ear, _: Mapping[str, int]) -> None:
        self._link = link
        self._ear = ear
        self._asking = Asking(link, WRITE, in_pieces=True)
        self._battery = Repeated(link, BATTERY_EVERY_S, self._ask_battery)
        self._lines = LineAssembler()
        self._active = False
        self.sources: tuple[Source, ...] = ()

    @classmethod
    def matches(cls, uuids: frozenset[str]) -> bool:
        return SERVICE in uuids

    async def prepare(self) -> None:
        if self._link.name.startswith(NAME):
            await self._link.subscribe(NOTIFY, self._on_piece)
            activity = Source(ACTIVITY, ("hr", "steps"), True, SILENCE_US)
            self.sources = (activity, Source(STATUS, ("battery",), False))

    async def start(self, source: str) -> None:
        await self.stop(source)
        if source == STATUS:
            await self._ask_battery()
            self._battery.start()
            return
        call = encode_call({"t": "act", "hrm": True, "stp": True, "int": EVERY_S})
        self._note(ACTIVITY, call)
        self._active = True
        await self._asking.ask(call, lambda line: isinstance(_read(line), BangleActivity), "act")

    async def stop(self, source: str) -> None:
        if source == STATUS:
            await self._battery.stop()
        elif self._active:
            self._active = False
            await self._asking.write(encode_call({"t": "act", "hrm": False, "stp": False, "int": EVERY_S}))

    async def _ask_battery(self) -> None:
        question = encode_battery_question()
        self._note(STATUS, question)
        await self._asking.ask(question, lambda line: isinstance(_read(line), BangleStatus), "status")

    def _note(self, source: str, written: bytes) -> None:
        self._ear.noted(source, Frame(round(asyncio.get_running_loop().time() * 1e6), WRITE, written))

    def _on_piece(self, piece: Frame) -> None:
        for line in self._lines.feed(piece.payload):
            frame = Frame(piece.arrival_us, NOTIFY, line + b"\n")
            self._asking.offer(frame)
            said = _read(frame.payload)
            if isinstance(said, BangleActivity | DecodeError):
                self._ear.heard(ACTIVITY, frame)
            elif isinstance(said, BangleStatus):
                self._ear.heard(STATUS, frame)


def _read(line: bytes) -> object:
    """What a line says; DecodeError where it is damaged, for whoever counts those."""
    try:
        return decode_line(line.rstrip(b"\n"))
    except DecodeError as error:
        return error
