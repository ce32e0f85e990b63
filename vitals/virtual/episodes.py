"""Services that speak when something was measured: a weighing, a temperature, a cuff that let go.

Laws of this file:
1. A reading is due at its body time, and body time 0 is the first subscription: a test knows when to expect what.
2. What is indicated is kept until somebody has confirmed it, as such devices do (unless `kept` is False); what is
   notified and not heard is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from vitals.virtual.gatt_device import Profile
from vitals.virtual.gatt_table import Characteristic, Service

Reading = tuple[float, bytes]  # body time in seconds, payload
RETRY_S = 1.0


class Episodes(Profile):
    """Readings of one characteristic, ascending in time; `beside` are the other rows of its service."""

    def __init__(
        self,
        service: str,
        uuid: str,
        readings: Iterable[Reading],
        *,
        beside: Sequence[Characteristic] = (),
        indicate: bool = True,
        kept: bool = True,
    ) -> None:
        self._service = service
        self._uuid = uuid
        self._readings = list(readings)
        self._beside = tuple(beside)
        self._indicate = indicate
        self._kept = kept
        self._done = False

    def services(self) -> Sequence[Service]:
        measurement = Characteristic(self._uuid, notify=not self._indicate, indicate=self._indicate)
        return [Service(self._service, (measurement, *self._beside))]

    def subscribed(self, uuid: str) -> None:
        if uuid == self._uuid:
            self.device.begin()

    def began(self) -> None:
        self.device.spawn(self._play())

    @property
    def done(self) -> bool:
        return self._done

    async def _play(self) -> None:
        for at, payload in self._readings:
            await self.device.until(at)
            if not self._indicate:
                self.device.notify(self._uuid, payload)
                continue
            while not await self.device.indicate(self._uuid, payload) and self._kept:
                await self.device.until(self.device.body_s + RETRY_S)
        self._done = True
        self.device.played()


class Ticker(Profile):
    """A characteristic that is notified every `every_s` with what `read` makes of the body time, until `duration_s`."""

    def __init__(
        self,
        service: str,
        uuid: str,
        read: Callable[[float], bytes],
        *,
        every_s: float,
        duration_s: float,
        readable: bool = False,
        beside: Sequence[Characteristic] = (),
    ) -> None:
        self._service = service
        self._uuid = uuid
        self._read = read
        self._every_s = every_s
        self._duration_s = duration_s
        self._readable = readable
        self._beside = tuple(beside)
        self._done = False

    def services(self) -> Sequence[Service]:
        value = (lambda: self._read(self.device.body_s)) if self._readable else None
        return [Service(self._service, (Characteristic(self._uuid, value, notify=True), *self._beside))]

    def subscribed(self, uuid: str) -> None:
        if uuid == self._uuid:
            self.device.begin()

    def began(self) -> None:
        self.device.spawn(self._play())

    @property
    def done(self) -> bool:
        return self._done

    async def _play(self) -> None:
        count, last = 0, int(self._duration_s / self._every_s + 1e-9)
        while count < last:
            # Nobody listens: look around once a second, not at every tick.
            step = 1 if self.device.subscribers(self._uuid) else max(1, round(1 / self._every_s))
            count = min(count + step, last)
            await self.device.until(count * self._every_s)
            if self.device.subscribers(self._uuid):
                self.device.notify(self._uuid, self._read(count * self._every_s))
        self._done = True
        self.device.played()
