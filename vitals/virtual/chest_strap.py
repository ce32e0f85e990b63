"""A virtual chest strap in the way of a Polar H10: heart rate with RR, battery, ECG and acceleration.

Body time 0 is the first subscription to Heart Rate Measurement or the first start of a stream.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vitals.decode.polar.clock import FALLBACK_NS
from vitals.decode.polar.gatt import Measurement
from vitals.decode.polar.settings import Settings
from vitals.values import DeviceInfo
from vitals.virtual.battery import Battery
from vitals.virtual.body import Body
from vitals.virtual.device_clock import DeviceClock
from vitals.virtual.gatt_device import GattDevice
from vitals.virtual.heart import HEART_RATE_SERVICE, HeartRate
from vitals.virtual.pmd import Pmd, Stream
from vitals.virtual.security import Security
from vitals.virtual.waveform import Waveform, given_or

DEFAULT_INFO = DeviceInfo(
    name="Virtual H10",
    manufacturer="vitals",
    model="Virtual strap",
    serial="0001",
    firmware="1.0",
    hardware="1",
    software="1.0",
)
CHEST = 1  # Body Sensor Location
ECG = Settings(sample_rate_hz=(130,), resolution_bits=(14,))
ACC = Settings(sample_rate_hz=(25, 50, 100, 200), resolution_bits=(16,), full_scale=(2, 4, 8))
ECG_PER_FRAME, ACC_PER_FRAME = 73, 36


class Strap(GattDevice):
    """A chest strap that wears the heart `beats_s`: increasing beat times in seconds.

    ECG and acceleration are those of the synthetic body with these beats, or the waveforms `ecg_mv` (one channel) and
    `acc_g` (three). `drift_ppm` is how much its clock runs fast, `clock_ns` what it shows at body time 0 (nanoseconds
    since 2000-01-01). With `compressed` acceleration is sent delta compressed. `finished` is set one second after the
    last interval was sent, or went by unheard, and every started stream has ended.

    Attributes that a test may change while it plays: `battery`, `contact` (None: not supported), `energy_kj` (None: not
    sent), and those of `GattDevice`.

    Raises InputError where beat times do not increase by at least one tick of 1/1024 s, or are not finite.
    """

    def __init__(
        self,
        beats_s: Iterable[float],
        *,
        info: DeviceInfo = DEFAULT_INFO,
        battery: int = 100,
        contact: bool | None = True,
        energy_kj: int | None = None,
        wide_rate: bool = False,
        ecg_mv: Waveform | None = None,
        acc_g: Waveform | None = None,
        compressed: bool = False,
        drift_ppm: float = 0.0,
        clock_ns: int = FALLBACK_NS,
        mtu: int = 247,
        security: Security | None = None,
    ) -> None:
        beats = np.asarray(list(beats_s), np.float64)
        self._heart = HeartRate(
            beats, contact=contact, energy_kj=energy_kj, wide_rate=wide_rate, location=CHEST, drift_ppm=drift_ppm
        )
        body = Body(beats)
        self.clock = DeviceClock(clock_ns, drift_ppm)
        self.pmd = Pmd(
            [
                Stream(Measurement.ECG, 0, ECG, given_or(ecg_mv, body.ecg_mv(), "ecg_mv"), 0.001, ECG_PER_FRAME),
                Stream(
                    Measurement.ACC, 1, ACC, given_or(acc_g, body.acc_g(), "acc_g"), 0.001, ACC_PER_FRAME, compressed
                ),
            ],
            self.clock,
        )
        self._battery = Battery(battery)
        super().__init__(
            [self._heart, self._battery, self.pmd],
            info=info,
            advertised=[HEART_RATE_SERVICE],
            mtu=mtu,
            security=security,
        )

    @property
    def battery(self) -> int:
        """Battery level in percent; setting it notifies whoever has subscribed."""
        return self._battery.percent

    @battery.setter
    def battery(self, percent: int) -> None:
        self._battery.percent = percent

    @property
    def contact(self) -> bool | None:
        """Skin contact as it is sent."""
        return self._heart.contact

    @contact.setter
    def contact(self, contact: bool | None) -> None:
        self._heart.contact = contact

    @property
    def energy_kj(self) -> int | None:
        """Energy expended as it is sent."""
        return self._heart.energy_kj

    @energy_kj.setter
    def energy_kj(self, energy_kj: int | None) -> None:
        self._heart.energy_kj = energy_kj
