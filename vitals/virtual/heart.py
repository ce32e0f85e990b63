"""Heart Rate service of a virtual device: a heart that beats, heard once a second.

Laws of this file:
1. The heart beats whether or not anybody listens: what beats while nobody is subscribed is not heard later.
2. Once per second, at absolute deadlines that do not drift, subscribers get the RR intervals that ended in that second.
3. Beat times are rounded to 1/1024 s first and subtracted then: intervals sum to the played time, to the tick.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from vitals.decode import uuids
from vitals.errors import InputError
from vitals.virtual.encode import heart_rate_measurement, rr_per_notification
from vitals.virtual.gatt_device import Profile
from vitals.virtual.gatt_table import Characteristic, Connection, Service, refuse

HEART_RATE_SERVICE = uuids.sig(0x180D)
TICKS_PER_S = 1024
LONGEST_RR = 0xFFFF  # ticks; about 64 s
RESET_ENERGY = 1
CONTROL_POINT_NOT_SUPPORTED = 0x80
RATE_MEMORY_RR, RATE_MEMORY_S = 8, 10  # what the heart rate is averaged over


class HeartRate(Profile):
    """The service of a device that wears the heart `beats_s`, increasing beat times in seconds.

    `contact` of None means that contact is not sensed, `energy_kj` of None that energy is not sent; with `with_rr`
    False only rates are sent, as watches do. Its clock runs fast by `drift_ppm`: intervals come out longer by that
    much, and seconds shorter. Raises InputError where beat times do not increase by at least one tick of 1/1024 s, or
    are not finite.
    """

    def __init__(
        self,
        beats_s: Iterable[float],
        *,
        contact: bool | None,
        energy_kj: int | None = None,
        wide_rate: bool = False,
        with_rr: bool = True,
        location: int = 1,
        drift_ppm: float = 0.0,
    ) -> None:
        self._speed = 1 + drift_ppm * 1e-6
        self._at_ticks, self._rr = _intervals(beats_s, self._speed)
        self._recent: deque[tuple[int, int]] = deque(maxlen=RATE_MEMORY_RR)  # (tick at which it ended, RR)
        self._done = False
        self.contact = contact
        self.energy_kj = energy_kj
        self.wide_rate = wide_rate
        self.with_rr = with_rr
        self.location = location

    def services(self) -> Sequence[Service]:
        measurement = Characteristic(uuids.HEART_RATE_MEASUREMENT, notify=True)
        location = Characteristic(uuids.BODY_SENSOR_LOCATION, bytes([self.location]))
        control = Characteristic(uuids.HEART_RATE_CONTROL_POINT, write=self._on_control_point)
        return [Service(HEART_RATE_SERVICE, (measurement, location, control))]

    def _on_control_point(self, _: Connection, value: bytes) -> None:
        if value != bytes([RESET_ENERGY]):
            raise refuse(CONTROL_POINT_NOT_SUPPORTED)
        if self.energy_kj is not None:
            self.energy_kj = 0

    def subscribed(self, uuid: str) -> None:
        if uuid == uuids.HEART_RATE_MEASUREMENT:
            self.device.begin()

    def began(self) -> None:
        self.device.spawn(self._play())

    @property
    def done(self) -> bool:
        return self._done

    async def _play(self) -> None:
        second = sent = 0
        while sent < len(self._rr):
            second += 1
            await self.device.until(second / self._speed)
            now = second * TICKS_PER_S
            through = int(np.searchsorted(self._at_ticks, now, side="right"))
            rr: list[int] = self._rr[sent:through].tolist()
            self._recent.extend(zip(self._at_ticks[sent:through].tolist(), rr, strict=True))
            sent = through
            for connection in self.device.subscribers(uuids.HEART_RATE_MEASUREMENT):
                self._send(connection, self._heart_rate(now), rr if self.with_rr else [])
        self._done = True
        self.device.played()

    def _heart_rate(self, now: int) -> int:
        """Mean over recent intervals in bpm, 0 when there are none."""
        recent = [rr for at, rr in self._recent if at > now - RATE_MEMORY_S * TICKS_PER_S]
        return round(60 * TICKS_PER_S * len(recent) / sum(recent)) if recent else 0

    def _send(self, connection: Connection, heart_rate: int, rr: list[int]) -> None:
        energy = None if self.energy_kj is None else min(self.energy_kj, 0xFFFF)
        room = rr_per_notification(
            connection.att_mtu, heart_rate=heart_rate, energy=energy is not None, wide=self.wide_rate
        )
        for first in range(0, max(len(rr), 1), room):
            payload = heart_rate_measurement(
                heart_rate, rr[first : first + room], contact=self.contact, energy_kj=energy, wide=self.wide_rate
            )
            self.device.notify(uuids.HEART_RATE_MEASUREMENT, payload, connection)


def _intervals(beats_s: Iterable[float], speed: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ticks at which intervals end, and the intervals in ticks, both shape (n,).

    An interval longer than LONGEST_RR cannot be sent; like a sensor that has to find the rhythm again, the device
    leaves out the first interval after it, too.
    """
    beats = np.asarray(list(beats_s), dtype=np.float64)
    if beats.ndim != 1 or not np.isfinite(beats).all():
        raise InputError("beats_s must be a flat sequence of finite times in seconds")
    ticks = np.rint(beats * (speed * TICKS_PER_S)).astype(np.int64)
    rr = np.diff(ticks)
    if (rr < 1).any():
        raise InputError(
            f"beats_s must increase by at least 1/{TICKS_PER_S} s; beat {int(np.argmax(rr < 1)) + 1} does not"
        )
    gap = rr > LONGEST_RR
    kept = ~gap
    kept[1:] &= ~gap[:-1]
    return ticks[1:][kept], rr[kept]
