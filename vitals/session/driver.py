"""How a device is brought to stream, and stopped again: one driver per vendor protocol.

A new protocol is a class with the shape of `Driver` and one line in `protocols.DRIVERS`.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from vitals.decode import uuids
from vitals.errors import LinkError, LinkLost
from vitals.intake import KINDS
from vitals.intake.health_readings import READINGS
from vitals.link import Link
from vitals.session.exchange import unless_refused
from vitals.values import Frame

STEADY = frozenset({uuids.HEART_RATE_MEASUREMENT, uuids.PLX_CONTINUOUS_MEASUREMENT})  # once a second, always
CLOCKS = (uuids.CURRENT_TIME, uuids.DATE_TIME)


@dataclass(frozen=True, slots=True)
class Source:
    """What can be started and stopped by itself."""

    name: str  # a characteristic, or a kind of measurement
    kinds: tuple[str, ...]  # kinds of stream that are decoded from it
    steady: bool  # it never falls silent by itself: silence is a fault
    silence_us: int = 0  # ... after this long; 0: after the usual 3 s


class Ear(Protocol):
    """What a driver tells while its sources stream; plain functions that may not wait."""

    def heard(self, source: str, frame: Frame) -> None:
        """A frame of a source arrived."""
        ...

    def noted(self, source: str, frame: Frame) -> None:
        """Listeners need this frame to read those of a source: what it was started with."""
        ...

    def stopped(self, source: str) -> None:
        """The device itself stopped a source."""
        ...

    @property
    def utc_us(self) -> int:
        """UTC now in microseconds, for devices whose clock is set."""
        ...

    @property
    def memory(self) -> MutableMapping[str, int]:
        """What drivers of this device keep over connections; empty again when a new listener comes."""
        ...


class Driver(Protocol):
    """A vendor protocol on one connection; made anew for each.

    `start` and `stop` raise LinkLost, NoAnswer, and LinkError where the device refuses; a source that did not start is
    stopped. Both may be called in any state: `start` of what streams already restarts it, `stop` of what does not is no
    error.
    """

    sources: tuple[Source, ...]  # known after `prepare`

    @classmethod
    def matches(cls, uuids: frozenset[str]) -> bool:
        """Whether a device with these services and characteristics (128-bit, lower case) speaks this protocol."""
        ...

    def __init__(self, link: Link, ear: Ear, rates: Mapping[str, int]) -> None:
        """`rates`: samples per second that are wanted, by kind of stream."""
        ...

    async def prepare(self) -> None:
        """Find out what there is to stream; nothing streams yet."""
        ...

    async def start(self, source: str) -> None:
        """Let a source stream."""
        ...

    async def stop(self, source: str) -> None:
        """Let it stream no more."""
        ...


class PlainDriver:
    """Characteristics that stream as soon as they are subscribed to: Heart Rate, Battery and the like.

    A battery level is also read at the start: it notifies only when it changes, and not every device lets it. What
    stamps its records is asked for its clock, where it shows it, so that its times can be placed.
    """

    def __init__(self, link: Link, ear: Ear, _: Mapping[str, int]) -> None:
        self._link = link
        self._ear = ear
        self._subscribed: set[str] = set()
        self.sources: tuple[Source, ...] = ()

    @classmethod
    def matches(cls, uuids: frozenset[str]) -> bool:
        return any(uuid in KINDS for uuid in uuids)

    async def prepare(self) -> None:
        usable = self._link.notifying | ({uuids.BATTERY_LEVEL} & self._link.characteristics)
        self.sources = tuple(Source(uuid, kinds, uuid in STEADY) for uuid, kinds in KINDS.items() if uuid in usable)

    async def start(self, source: str) -> None:
        await self.stop(source)
        if source in READINGS:
            await self._note_clock(source)
        if source in self._link.notifying:
            await self._link.subscribe(source, partial(self._heard, source))
            self._subscribed.add(source)
        if source == uuids.BATTERY_LEVEL:
            self._heard(source, await self._link.read_frame(source))

    async def _note_clock(self, source: str) -> None:
        """The best clock that the device shows."""
        for clock in CLOCKS:
            if clock in self._link.characteristics:
                with unless_refused():
                    self._ear.noted(source, await self._link.read_frame(clock))
                    return

    async def stop(self, source: str) -> None:
        if source in self._subscribed:
            self._subscribed.remove(source)
            try:
                await self._link.unsubscribe(source)
            except LinkLost:
                raise
            except LinkError:
                return  # the stack has no such subscription any more

    def _heard(self, source: str, frame: Frame) -> None:
        self._ear.heard(source, frame)
