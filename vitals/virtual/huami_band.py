"""A virtual band in the way of a Mi Band 2 or 3: heart rate only while it is asked to measure, and kept going.

Laws of this file:
1. A request to the control point is answered by a notification of it: 0x10, first byte of the request, 1.
2. A continuous measurement begins to tell rates after `SETTLE_S`, one every `EVERY_S`, and ends `ALIVE_S` after the
   last sign of life. It ends with the link.
3. A band that is bound to an account (`needs_key`) refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from vitals.decode import uuids
from vitals.decode.huami import Interval, KeepAlive, Mode, Switch, decode_request, encode_reply
from vitals.errors import DecodeError
from vitals.virtual.body import Body
from vitals.virtual.gatt_device import GattDevice, Profile
from vitals.virtual.gatt_table import Characteristic, Connection, Service, refuse
from vitals.virtual.heart import HEART_RATE_SERVICE
from vitals.virtual.spot_devices import info_of

BAND_SERVICE, KEY_SERVICE = uuids.sig(0xFEE0), uuids.sig(0xFEE1)
KEY = "00000009-0000-3512-2118-0009af100700"  # where a host proves that it has the key
SETTLE_S, EVERY_S, ALIVE_S = 8.0, 2.0, 14.0
VALUE_NOT_ALLOWED = 0x13  # ATT


class BandHeart(Profile):
    """The heart rate of a band."""

    def __init__(self, body: Body, needs_key: bool) -> None:
        self.running = False
        self.alive: list[float] = []  # body times of the signs of life
        self._body = body
        self._needs_key = needs_key
        self._task: asyncio.Task[None] | None = None
        self._until_s = 0.0

    def services(self) -> Sequence[Service]:
        measurement = Characteristic(uuids.HEART_RATE_MEASUREMENT, notify=True)
        control = Characteristic(uuids.HEART_RATE_CONTROL_POINT, b"", notify=True, write=self._on_request)
        key = Characteristic(KEY, notify=True, write=lambda *_: None)
        return [
            Service(HEART_RATE_SERVICE, (measurement, control)),
            Service(BAND_SERVICE, ()),
            Service(KEY_SERVICE, (key,)),
        ]

    def subscribed(self, uuid: str) -> None:
        if uuid == uuids.HEART_RATE_MEASUREMENT:
            self.device.begin()

    def began(self) -> None:
        self.device.spawn(self._live())

    @property
    def done(self) -> bool:
        return self.device.body_s >= self._body.duration_s

    def rebooted(self) -> None:
        self._end()

    async def _live(self) -> None:
        await self.device.until(self._body.duration_s)
        self.device.played()

    def _on_request(self, connection: Connection, value: bytes) -> None:
        try:
            request = decode_request(value)
        except DecodeError:
            raise refuse(VALUE_NOT_ALLOWED) from None
        if isinstance(request, KeepAlive):
            self.alive.append(self.device.body_s)
            self._until_s = self.device.body_s + ALIVE_S
            return
        ok = not self._needs_key
        if ok and isinstance(request, Switch) and request.mode is Mode.CONTINUOUS:
            self._end()
            if request.on:
                self.running = True
                self._until_s = self.device.body_s + ALIVE_S
                self._task = self.device.spawn(self._play())
        elif ok and isinstance(request, Interval):
            self._end()
        self.device.notify(uuids.HEART_RATE_CONTROL_POINT, encode_reply(value[0], ok=ok), connection)

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task, self.running = None, False

    async def _play(self) -> None:
        began, count = self.device.body_s + SETTLE_S - EVERY_S, 0
        while self.device.body_s < min(self._until_s, self._body.duration_s) and self.device.device.connections:
            count += 1
            await self.device.until(began + count * EVERY_S)
            rate = round(self._body.rate_bpm(self.device.body_s))
            self.device.notify(uuids.HEART_RATE_MEASUREMENT, bytes((0, rate)))
        self._task, self.running = None, False


class HuamiBand(GattDevice):
    """A band on the wrist of `body`; `needs_key`: it is bound to an account, and refuses everybody else."""

    def __init__(self, body: Body, *, needs_key: bool = False, name: str = "Mi Band 3", **options: Any) -> None:
        self.heart = BandHeart(body, needs_key)
        super().__init__([self.heart], info=info_of(name, "Band"), advertised=[HEART_RATE_SERVICE], **options)
