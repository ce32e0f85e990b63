"""A virtual PineTime with InfiniTime: what it measures is notified when it changes, and read at any time.

Laws of this file:
1. Heart rate, steps and battery are notified when they change and at no other time, as in InfiniTime's
   HeartRateController and MotionController; reads answer with what is shown now.
2. Motion comes ten times a second while somebody listens; a sample equal to the one before is not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vitals.decode import infinitime, uuids
from vitals.virtual.battery import Battery
from vitals.virtual.body import Body
from vitals.virtual.gatt_device import GattDevice, Profile
from vitals.virtual.gatt_table import Characteristic, Service
from vitals.virtual.heart import HEART_RATE_SERVICE
from vitals.virtual.spot_devices import info_of
from vitals.virtual.waveform import Waveform, given_or

MOTION_HZ = 10


class OnChange(Profile):
    """A characteristic that is readable, looked at every `every_s`, and notified where it changed."""

    def __init__(
        self, service: str, uuid: str, read: Callable[[float], bytes], *, every_s: float, duration_s: float
    ) -> None:
        self._service = service
        self._uuid = uuid
        self._read = read
        self._every_s = every_s
        self._duration_s = duration_s
        self._done = False

    def services(self) -> Sequence[Service]:
        row = Characteristic(self._uuid, lambda: self._read(self.device.body_s), notify=True)
        return [Service(self._service, (row,))]

    def subscribed(self, uuid: str) -> None:
        if uuid == self._uuid:
            self.device.begin()

    def began(self) -> None:
        self.device.spawn(self._play())

    @property
    def done(self) -> bool:
        return self._done

    async def _play(self) -> None:
        shown = self._read(0.0)
        for count in range(1, int(self._duration_s / self._every_s + 1e-9) + 1):
            await self.device.until(count * self._every_s)
            now = self._read(count * self._every_s)
            if now != shown:
                shown = now
                self.device.notify(self._uuid, now)
        self._done = True
        self.device.played()


class PineTime(GattDevice):
    """A PineTime on the wrist of `body`; `acc_g` (three channels) replaces how it moves."""

    def __init__(
        self, body: Body, *, acc_g: Waveform | None = None, battery: int = 100, name: str = "InfiniTime", **options: Any
    ) -> None:
        moves = given_or(acc_g, body.acc_g(float(MOTION_HZ)), "acc_g")

        def motion(body_s: float) -> bytes:
            x, y, z = np.rint(moves.at(np.array([body_s]))[0] * infinitime.STEPS_PER_G).astype(int).tolist()
            return infinitime.encode_motion(infinitime.Motion(x, y, z))

        def steps(body_s: float) -> bytes:
            return infinitime.encode_step_count(infinitime.StepCount(body.steps(body_s)))

        def rate(body_s: float) -> bytes:
            return bytes((0, round(body.rate_bpm(body_s))))

        def changing(service: str, uuid: str, read: Callable[[float], bytes], every_s: float) -> OnChange:
            return OnChange(service, uuid, read, every_s=every_s, duration_s=body.duration_s)

        self._battery = Battery(battery)
        profiles = [
            changing(HEART_RATE_SERVICE, uuids.HEART_RATE_MEASUREMENT, rate, 1.0),
            changing(infinitime.SERVICE, infinitime.STEP_COUNT, steps, 1.0),
            changing(infinitime.SERVICE, infinitime.MOTION, motion, 1 / MOTION_HZ),
            self._battery,
        ]
        super().__init__(profiles, info=info_of(name, "PineTime"), advertised=[HEART_RATE_SERVICE], **options)

    @property
    def battery(self) -> int:
        """Battery level in percent; setting it notifies whoever has subscribed."""
        return self._battery.percent

    @battery.setter
    def battery(self, percent: int) -> None:
        self._battery.percent = percent
