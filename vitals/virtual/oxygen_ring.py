"""A virtual O2Ring: it says nothing unasked, and what it measures to whoever asks.

Laws of this file:
1. A request with a right checksum is answered with one frame, in pieces of the MTU; anything else with nothing.
2. Values are renewed once a second; for `SETTLE_S` after it was put on they are 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from vitals.decode.viatom import NOTIFY, SERVICE, WRITE, OximeterReading, encode_reading, encode_request
from vitals.virtual.body import Body
from vitals.virtual.gatt_device import GattDevice, Profile
from vitals.virtual.gatt_table import Characteristic, Connection, Service
from vitals.virtual.spot_devices import info_of

SETTLE_S = 5.0
PERFUSION = 62  # 6.2 %


class Readings(Profile):
    """The service. `battery` and `worn` may be changed while it plays."""

    def __init__(self, body: Body, battery: int) -> None:
        self.battery = battery
        self._body = body
        self._worn_since: float | None = 0.0

    def services(self) -> Sequence[Service]:
        write = Characteristic(WRITE, write=self._on_request, unconfirmed=True)
        return [Service(SERVICE, (write, Characteristic(NOTIFY, notify=True)))]

    @property
    def worn(self) -> bool:
        """Whether a finger is in it."""
        return self._worn_since is not None

    @worn.setter
    def worn(self, worn: bool) -> None:
        self._worn_since = self.device.body_s if worn else None

    def subscribed(self, uuid: str) -> None:
        if uuid == NOTIFY:
            self.device.begin()

    def began(self) -> None:
        self.device.spawn(self._live())

    @property
    def done(self) -> bool:
        return self.device.body_s >= self._body.duration_s

    async def _live(self) -> None:
        await self.device.until(self._body.duration_s)
        self.device.played()

    def _on_request(self, connection: Connection, request: bytes) -> None:
        if request != encode_request():
            return
        answer = encode_reading(self.reading(math.floor(self.device.body_s)))
        room = connection.att_mtu - 3
        for first in range(0, len(answer), room):
            self.device.notify(NOTIFY, answer[first : first + room], connection)

    def reading(self, body_s: float) -> OximeterReading:
        """What it shows at a body time."""
        settled = self._worn_since is not None and self.device.body_s - self._worn_since >= SETTLE_S
        spo2 = round(self._body.spo2_percent(body_s)) if settled else 0
        pulse = round(self._body.rate_bpm(body_s)) if settled else 0
        return OximeterReading(spo2, pulse, self.battery, False, 0, PERFUSION if settled else 0, self.worn)


class OxygenRing(GattDevice):
    """An O2Ring on the finger of `body`."""

    def __init__(
        self, body: Body, *, battery: int = 100, name: str = "O2Ring 1234", mtu: int = 23, **options: Any
    ) -> None:
        self.readings = Readings(body, battery)
        super().__init__([self.readings], info=info_of(name, "Oxygen ring"), mtu=mtu, **options)
