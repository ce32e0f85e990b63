"""A virtual Bangle.js: a JavaScript console over the Nordic UART service, with the app that Gadgetbridge talks to.

Laws of this file:
1. What the watch prints goes out in pieces of the MTU, an empty line before every message, as its app does.
2. Activity in real time is a line every `int` seconds with the last rate and the steps since the line before; it ends
   when it is told to, or with the power. It does not end with the link: nobody tells the app.
3. Without a connection nothing is printed. Two seconds after a subscription the battery is told unasked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from vitals.decode.bangle import (
    NOTIFY,
    SERVICE,
    WRITE,
    BangleActivity,
    BangleStatus,
    LineAssembler,
    decode_call,
    encode_activity,
    encode_status,
)
from vitals.errors import DecodeError
from vitals.virtual.body import Body
from vitals.virtual.gatt_device import GattDevice, Profile
from vitals.virtual.gatt_table import Characteristic, Connection, Service, refuse
from vitals.virtual.spot_devices import info_of

GREETING_S = 2.0
TOO_LONG = 0x0D  # ATT: invalid attribute value length


class Console(Profile):
    """The console and the app behind it."""

    def __init__(self, body: Body, battery: int) -> None:
        self.battery = battery
        self.active = False
        self._body = body
        self._lines = LineAssembler()
        self._task: asyncio.Task[None] | None = None

    def services(self) -> Sequence[Service]:
        rows = (Characteristic(WRITE, write=self._on_piece), Characteristic(NOTIFY, notify=True))
        return [Service(SERVICE, rows)]

    def subscribed(self, uuid: str) -> None:
        if uuid == NOTIFY:
            self.device.begin()
            self.device.spawn(self._greet())

    def began(self) -> None:
        self.device.spawn(self._live())

    @property
    def done(self) -> bool:
        return self.device.body_s >= self._body.duration_s

    def rebooted(self) -> None:
        self._end()

    def print(self, line: bytes) -> None:
        """Print a line on the console, whatever it says."""
        for connection in self.device.subscribers(NOTIFY):
            room = connection.att_mtu - 3
            for first in range(0, len(line), room):
                self.device.notify(NOTIFY, line[first : first + room], connection)

    async def _live(self) -> None:
        await self.device.until(self._body.duration_s)
        self.device.played()

    async def _greet(self) -> None:
        await asyncio.sleep(GREETING_S)
        self._tell_status()

    def _tell_status(self) -> None:
        self.print(b"\r\n" + encode_status(BangleStatus(self.battery, None, False)))

    def _on_piece(self, connection: Connection, piece: bytes) -> None:
        if len(piece) > connection.att_mtu - 3:
            raise refuse(TOO_LONG)  # there are no long writes on a console
        for line in self._lines.feed(piece):
            try:
                call = decode_call(line)
            except DecodeError:
                self.print(b"Uncaught SyntaxError\r\n at line 1 col 1\r\n>")
                continue
            if call is not None and call.get("t") == "act":
                self._end()
                if call.get("hrm") or call.get("stp"):
                    self.active = True
                    self._task = self.device.spawn(self._play(float(call.get("int", 1))))
            elif call is None and b"E.getBattery()" in line:
                self._tell_status()
            else:
                self.print(b"=undefined\r\n>")

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task, self.active = None, False

    async def _play(self, every_s: float) -> None:
        began, count, told = self.device.body_s, 0, self._body.steps(self.device.body_s)
        while self.device.body_s < self._body.duration_s:
            count += 1
            await self.device.until(began + count * every_s)
            rate, steps = round(self._body.rate_bpm(self.device.body_s)), self._body.steps(self.device.body_s)
            self.print(b"\r\n" + encode_activity(BangleActivity(rate, steps - told, None, True, None)))
            told = steps


class BangleWatch(GattDevice):
    """A Bangle.js 2 on the wrist of `body`."""

    def __init__(
        self, body: Body, *, battery: int = 100, name: str = "Bangle.js 5f3a", mtu: int = 53, **options: Any
    ) -> None:
        self.console = Console(body, battery)
        super().__init__([self.console], info=info_of(name, "Bangle.js 2"), mtu=mtu, **options)
