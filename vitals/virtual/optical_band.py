"""A virtual optical band in the way of a Polar Verity Sense: PPG, pulse intervals, acceleration, gyroscope,
magnetometer; and, as a Polar 360 has them, the temperatures of skin and device and the pressure of the air.

Its samples are delta compressed, and its rate is not quite the one that it tells: 55 Hz said, 55 Hz kept unless
`actual_hz` says otherwise (real ones said 135 and sent 55; facts in Polar's KnownIssues).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vitals.decode.polar.clock import FALLBACK_NS
from vitals.decode.polar.gatt import Measurement
from vitals.decode.polar.settings import Settings
from vitals.virtual.battery import Battery
from vitals.virtual.body import TRANSIT_S, Body
from vitals.virtual.device_clock import DeviceClock
from vitals.virtual.gatt_device import GattDevice
from vitals.virtual.heart import HEART_RATE_SERVICE, HeartRate
from vitals.virtual.pmd import Pmd, PulseIntervals, Stream
from vitals.virtual.spot_devices import info_of
from vitals.virtual.waveform import Waveform, given_or

WRIST = 2  # Body Sensor Location
ACC_FACTOR = float(np.float32(2.4414e-4))  # g per count: 8 g over 15 bits
GYRO_FACTOR = float(np.float32(0.06097))  # deg/s per count: 2000 deg/s over 15 bits
MAGNET_FACTOR = float(np.float32(0.0015258789))  # gauss per count: 50 gauss over 15 bits
PPG = Settings(sample_rate_hz=(55,), resolution_bits=(22,), channels=(4,))
ACC = Settings(sample_rate_hz=(52,), resolution_bits=(16,), full_scale=(8,), channels=(3,), factor=(ACC_FACTOR,))
GYRO = Settings(sample_rate_hz=(52,), resolution_bits=(16,), full_scale=(2000,), channels=(3,), factor=(GYRO_FACTOR,))
MAGNET = Settings(sample_rate_hz=(20,), resolution_bits=(16,), full_scale=(50,), channels=(3,), factor=(MAGNET_FACTOR,))
WARMTH = Settings(sample_rate_hz=(4,), resolution_bits=(32,), channels=(1,))
AIR = Settings(sample_rate_hz=(1,), resolution_bits=(32,), channels=(1,))
PER_FRAME = 36
FLOATS = 0.0  # step of what is sent as it is


class OpticalBand(GattDevice):
    """A band on the wrist of `body`.

    `ppg` (counts; three channels and ambient light), `acc_g` and `gyro_dps` (three channels) replace what the body
    shows. `actual_hz` is the rate that PPG keeps, whatever it says. `movement` are spans of body time in seconds in
    which pulse intervals carry the blocker bit and are not to be trusted.
    """

    def __init__(
        self,
        body: Body,
        *,
        ppg: Waveform | None = None,
        acc_g: Waveform | None = None,
        gyro_dps: Waveform | None = None,
        actual_hz: float | None = None,
        movement: Sequence[tuple[float, float]] = (),
        drift_ppm: float = 0.0,
        clock_ns: int = FALLBACK_NS,
        name: str = "Virtual Sense",
        **options: Any,
    ) -> None:
        self.clock = DeviceClock(clock_ns, drift_ppm)
        pulses = body.beats_s + TRANSIT_S
        kinds, compressed = Measurement, True
        streams: list[Stream | PulseIntervals] = [
            Stream(kinds.PPG, 0, PPG, given_or(ppg, body.ppg(), "ppg"), 1.0, PER_FRAME, compressed, actual_hz),
            Stream(kinds.ACC, 0, ACC, given_or(acc_g, body.acc_g(52.0), "acc_g"), ACC_FACTOR, PER_FRAME, compressed),
            Stream(
                kinds.GYRO, 0, GYRO, given_or(gyro_dps, body.gyro_dps(), "gyro_dps"), GYRO_FACTOR, PER_FRAME, compressed
            ),
            PulseIntervals(pulses, doubtful=movement),
            Stream(kinds.MAGNETOMETER, 0, MAGNET, body.magnetic_gauss(), MAGNET_FACTOR, 20, compressed),
            Stream(kinds.SKIN_TEMPERATURE, 0, WARMTH, body.warmth_c(), FLOATS, 8),
            Stream(kinds.PRESSURE, 0, AIR, body.air_bar(), FLOATS, 4, compressed),
            Stream(kinds.TEMPERATURE, 0, AIR, body.warmth_c(1.0, above_skin=1.5), FLOATS, 4, compressed),
        ]
        self.pmd = Pmd(streams, self.clock)
        heart = HeartRate(pulses, contact=None, with_rr=False, location=WRIST, drift_ppm=drift_ppm)
        super().__init__(
            [heart, Battery(100), self.pmd],
            info=info_of(name, "Virtual band"),
            advertised=[HEART_RATE_SERVICE],
            **options,
        )
