"""Huami and Xiaomi bands: the standard heart rate, which streams only while it is asked for.

A request to the heart-rate control point begins a continuous measurement, and a sign of life every `ALIVE_S` keeps it
going. The first rate may take ten seconds. Bands since 2019 answer only to whoever proved to have the key of the
vendor's account; they refuse the request, and that is told. Facts: Gadgetbridge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vitals.decode import uuids as u
from vitals.decode.huami import KeepAlive, Mode, Request, Switch, decode_reply, encode_request
from vitals.errors import DecodeError, LinkError
from vitals.link import Link
from vitals.session.asking import Asking
from vitals.session.driver import Ear, PlainDriver
from vitals.session.exchange import NoAnswer, unless_refused
from vitals.session.repeated import Repeated

SERVICES = frozenset({u.sig(0xFEE0), u.sig(0xFEE1)})
CONTROL_POINT = u.HEART_RATE_CONTROL_POINT
ALIVE_S = 10.0  # bands stop after some 12 to 15
SILENCE_US = 20_000_000
REMEDY = "wear it, and see that it is not bound to an account (bands since 2019 need a key, which vitals does not use)"


class HuamiDriver(PlainDriver):
    """See the head of this file."""

    def __init__(self, link: Link, ear: Ear, rates: Mapping[str, int]) -> None:
        super().__init__(link, ear, rates)
        self._asking = Asking(link, CONTROL_POINT)
        self._alive = Repeated(link, ALIVE_S, lambda: link.write(CONTROL_POINT, encode_request(KeepAlive())))
        self._measuring = False

    @classmethod
    def matches(cls, uuids: frozenset[str]) -> bool:
        return bool(SERVICES & uuids) and {u.HEART_RATE_MEASUREMENT, CONTROL_POINT} <= uuids

    async def prepare(self) -> None:
        await super().prepare()
        self.sources = tuple(
            replace(source, kinds=("hr",), silence_us=SILENCE_US) if source.name == u.HEART_RATE_MEASUREMENT else source
            for source in self.sources
        )

    async def start(self, source: str) -> None:
        await super().start(source)
        if source != u.HEART_RATE_MEASUREMENT:
            return
        if CONTROL_POINT in self._link.notifying:
            await self._link.subscribe(CONTROL_POINT, self._asking.offer)
        for request in (Switch(Mode.MANUAL, False), Switch(Mode.CONTINUOUS, False), Switch(Mode.CONTINUOUS, True)):
            await self._ask(request)
        self._measuring = True
        self._alive.start()

    async def stop(self, source: str) -> None:
        if source == u.HEART_RATE_MEASUREMENT and self._measuring:
            self._measuring = False
            await self._alive.stop()
            with unless_refused():
                await self._link.write(CONTROL_POINT, encode_request(Switch(Mode.CONTINUOUS, False)))
            if CONTROL_POINT in self._link.notifying:
                with unless_refused():
                    await self._link.unsubscribe(CONTROL_POINT)
        await super().stop(source)

    async def _ask(self, request: Request) -> None:
        """Raises LinkLost, NoAnswer, and LinkError where the band refuses."""
        payload = encode_request(request)
        try:
            if CONTROL_POINT not in self._link.notifying:
                await self._link.write(CONTROL_POINT, payload)
                return
            answer = await self._asking.ask(payload, lambda said: said[1:2] == payload[:1], f"{request}")
            refused = not decode_reply(answer.payload).ok
        except NoAnswer:
            raise
        except DecodeError:
            refused = True
        if refused and request == Switch(Mode.CONTINUOUS, True):
            raise LinkError(f"{self._link.name} ({self._link.address}) refused to measure heart rate: {REMEDY}")
