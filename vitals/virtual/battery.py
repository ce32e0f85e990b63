"""Battery service of a virtual device."""

from __future__ import annotations

from collections.abc import Sequence

from vitals.decode import uuids
from vitals.virtual.gatt_device import Profile
from vitals.virtual.gatt_table import Characteristic, Service


class Battery(Profile):
    """A level in percent that is read, and notified when it changes."""

    def __init__(self, percent: int) -> None:
        self._percent = percent

    def services(self) -> Sequence[Service]:
        level = Characteristic(uuids.BATTERY_LEVEL, lambda: bytes([self._percent]), notify=True)
        return [Service(uuids.sig(0x180F), (level,))]

    @property
    def percent(self) -> int:
        """Setting it notifies whoever has subscribed."""
        return self._percent

    @percent.setter
    def percent(self, percent: int) -> None:
        self._percent = percent
        self.device.notify(uuids.BATTERY_LEVEL, bytes([percent]))
