"""A clock that can be read: Current Time (0x2A2B), as cuffs, meters and scales show it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from vitals.decode import uuids
from vitals.decode.uuids import sig
from vitals.virtual.gatt_device import Profile
from vitals.virtual.gatt_table import Characteristic, Service
from vitals.virtual.health_payloads import date_time

CURRENT_TIME_SERVICE = sig(0x1805)


class ShownClock(Profile):
    """Shows `zero` at body time 0, and before it; it may be as wrong as those of real devices."""

    def __init__(self, zero: dt.datetime) -> None:
        self.zero = zero

    def services(self) -> Sequence[Service]:
        return [Service(CURRENT_TIME_SERVICE, (Characteristic(uuids.CURRENT_TIME, self._read),))]

    def _read(self) -> bytes:
        now = self.zero + dt.timedelta(seconds=self.device.body_s)
        return date_time(now) + bytes([0, now.microsecond * 256 // 1_000_000, 0])  # which day of the week is not told
