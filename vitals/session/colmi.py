"""Colmi R02 to R10 rings: a clock that is set, one measurement at a time, and questions that are asked again.

The ring answers on one characteristic for everything, so what a packet is for is told by its command. Its clock is set
(to UTC) when it is connected; what the ring logged by itself is placed by that. Of heart rate and oxygen it measures
one at a time: where both are wanted they take turns of `TURN_S`. Facts: tahnok/colmi_r02_client, Gadgetbridge.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial

from vitals.decode import colmi
from vitals.decode.colmi import Command, RealTimeKind
from vitals.errors import DecodeError
from vitals.link import Link
from vitals.session.asking import Asking
from vitals.session.driver import Ear, Source
from vitals.session.exchange import NoAnswer
from vitals.session.repeated import Repeated
from vitals.values import Frame

TURN_S = 30.0  # of a measurement, where another one waits
PAUSE_S = 2.0  # without a reading until the ring is told to go on ...
CONTINUE_S = 20.0  # ... and with readings, for it ends a measurement by itself
SILENCE_US = 75_000_000  # two turns and a start
DAY_S = 86_400
_MEASURED = {"HEART_RATE": RealTimeKind.HEART_RATE, "SPO2": RealTimeKind.SPO2}
_EVERY_S = {"BATTERY": 300.0, "STEPS": 60.0, "HEART_RATE_LOG": 300.0}
_KINDS = {"HEART_RATE": "hr", "SPO2": "spo2", "BATTERY": "battery", "STEPS": "steps", "HEART_RATE_LOG": "hr_log"}


class ColmiDriver:
    """See the head of this file."""

    def __init__(self, link: Link, ear: Ear, _: Mapping[str, int]) -> None:
        self._link = link
        self._ear = ear
        self._asking = Asking(link, colmi.WRITE)
        self._attending = Repeated(link, PAUSE_S / 2, self._attend)
        self._polls = {name: Repeated(link, every_s, partial(self._poll, name)) for name, every_s in _EVERY_S.items()}
        self._wanted: list[str] = []  # measurements, the first one is under way
        # When its turn began, when it was last heard, and when it was last told to go on
        self._began = self._heard = self._continued = 0.0
        self._set_time = Frame(0, colmi.WRITE, b"")  # what ties its clock to ours
        self.sources: tuple[Source, ...] = ()

    @classmethod
    def matches(cls, uuids: frozenset[str]) -> bool:
        return colmi.SERVICE in uuids

    async def prepare(self) -> None:
        await self._link.subscribe(colmi.NOTIFY, self._on_packet)
        try:
            measures_oxygen = (await self._set_clock()).blood_oxygen
        except NoAnswer:
            measures_oxygen = True  # the start of the measurement will tell
        self.sources = tuple(
            Source(name, (kind,), name in _MEASURED, SILENCE_US)
            for name, kind in _KINDS.items()
            if name != "SPO2" or measures_oxygen
        )

    async def start(self, source: str) -> None:
        await self.stop(source)
        self._ear.noted(source, self._set_time)
        if source in _MEASURED:
            self._wanted.append(source)
            if self._wanted[0] == source:
                await self._begin(source)
            self._attending.start()
        else:
            await self._poll(source)
            self._polls[source].start()

    async def stop(self, source: str) -> None:
        if source in _MEASURED:
            if source in self._wanted:
                under_way = self._wanted[0] == source
                self._wanted.remove(source)
                if under_way:
                    await self._end(source)
            if not self._wanted:
                await self._attending.stop()
        else:
            await self._polls[source].stop()

    # The clock

    async def _set_clock(self) -> colmi.Capabilities:
        now = dt.datetime.fromtimestamp(self._ear.utc_us // 1_000_000, dt.UTC)
        request = colmi.encode_set_time(now)
        self._set_time = Frame(round(asyncio.get_running_loop().time() * 1e6), colmi.WRITE, request)
        answer = await self._asking.ask(request, _of(Command.SET_TIME), "SET_TIME")
        said = _packet(answer.payload)
        return said if isinstance(said, colmi.Capabilities) else colmi.Capabilities(*[True] * 8)

    # Measurements

    async def _begin(self, source: str) -> None:
        kind = _MEASURED[source]
        self._began = self._heard = self._continued = asyncio.get_running_loop().time()
        request = colmi.encode_real_time_request(kind, start=True)
        await self._asking.ask(request, lambda answer: _source(answer) == source, f"REAL_TIME_START {source}")

    async def _end(self, source: str) -> None:
        request = colmi.encode_real_time_request(_MEASURED[source], start=False)
        await self._link.write(colmi.WRITE, request)

    async def _attend(self) -> None:
        """Whoever waits gets a turn; a ring that pauses is told to go on."""
        if not self._wanted:
            return
        now = asyncio.get_running_loop().time()
        if len(self._wanted) > 1 and now - self._began >= TURN_S:
            first = self._wanted.pop(0)
            self._wanted.append(first)
            await self._end(first)
            await self._begin(self._wanted[0])
        elif now - self._heard >= PAUSE_S or now - self._continued >= CONTINUE_S:
            self._continued = now
            going_on = colmi.encode_real_time_continue(_MEASURED[self._wanted[0]])
            await self._link.write(colmi.WRITE, going_on)

    # Questions

    async def _poll(self, source: str) -> None:
        if source == "BATTERY":
            await self._asking.ask(colmi.encode_battery_request(), _of(Command.BATTERY), source)
        elif source == "STEPS":
            await self._asking.ask(colmi.encode_steps_request(), _of(Command.STEPS), source)
        else:
            now_s = self._ear.utc_us // 1_000_000
            for day in sorted({(now_s - round(_EVERY_S[source])) // DAY_S, now_s // DAY_S}):  # around midnight: both
                request = colmi.encode_heart_rate_log_request(day * DAY_S)
                await self._asking.ask(request, _of(Command.HEART_RATE_LOG), source)

    def _on_packet(self, frame: Frame) -> None:
        source = _source(frame.payload)
        if source:
            if self._wanted and source == self._wanted[0]:
                self._heard = frame.arrival_us / 1e6
            self._ear.heard(source, frame)
        self._asking.offer(frame)


def _of(command: Command) -> Callable[[bytes], bool]:
    """Packets of a command, also those that refuse it."""
    return lambda packet: len(packet) == colmi.SIZE and packet[0] & 0x7F == command


def _source(packet: bytes) -> str:
    """Which source a packet belongs to; "" for none."""
    command = packet[0] & 0x7F if packet else 0
    if command == Command.REAL_TIME_START:
        return next((name for name, kind in _MEASURED.items() if packet[1:2] == bytes((kind,))), "")
    return Command(command).name if command in (Command.BATTERY, Command.STEPS, Command.HEART_RATE_LOG) else ""


def _packet(payload: bytes) -> colmi.Packet | None:
    try:
        return colmi.decode_packet(payload)
    except DecodeError:
        return None
