"""A virtual watch: heart rate without RR, steps and acceleration as InfiniTime sends them, oxygen, skin temperature."""

from __future__ import annotations

from typing import Any

import numpy as np

from vitals.decode import infinitime, uuids
from vitals.virtual import health_payloads as payloads
from vitals.virtual.battery import Battery
from vitals.virtual.body import Body
from vitals.virtual.episodes import Episodes, Ticker
from vitals.virtual.gatt_device import GattDevice
from vitals.virtual.heart import HEART_RATE_SERVICE, HeartRate
from vitals.virtual.optical_band import WRIST
from vitals.virtual.spot_devices import PULSE_OXIMETER, THERMOMETER, info_of
from vitals.virtual.waveform import Waveform, given_or

MOTION_HZ = 10
BODY_GENERAL = 2  # Temperature Type
TEMPERATURE_EVERY_S = 60.0


class Watch(GattDevice):
    """A watch on the wrist of `body`; `acc_g` (three channels) replaces how it moves.

    Motion comes ten times a second with 1 g = 1024, steps once a second, oxygen once a second (PLX Continuous), the
    temperature of the skin once a minute, indicated.
    """

    def __init__(
        self,
        body: Body,
        *,
        acc_g: Waveform | None = None,
        name: str = "Virtual watch",
        **options: Any,
    ) -> None:
        moves = given_or(acc_g, body.acc_g(float(MOTION_HZ)), "acc_g")

        def motion(body_s: float) -> bytes:
            x, y, z = np.rint(moves.at(np.array([body_s]))[0] * infinitime.STEPS_PER_G).astype(int).tolist()
            return infinitime.encode_motion(infinitime.Motion(x, y, z))

        def steps(body_s: float) -> bytes:
            return infinitime.encode_step_count(infinitime.StepCount(body.steps(body_s)))

        def oxygen(body_s: float) -> bytes:
            return payloads.continuous(round(body.spo2_percent(body_s), 1), round(body.rate_bpm(body_s)))

        def ticker(service: str, uuid: str, read: Any, every_s: float, readable: bool = False) -> Ticker:
            return Ticker(service, uuid, read, every_s=every_s, duration_s=body.duration_s, readable=readable)

        warm = [
            (t, payloads.temperature(round(body.skin_c(t), 2), site=BODY_GENERAL))
            for t in np.arange(TEMPERATURE_EVERY_S, body.duration_s, TEMPERATURE_EVERY_S).tolist()
        ]
        profiles = [
            HeartRate(body.beats_s, contact=None, with_rr=False, location=WRIST),
            ticker(infinitime.SERVICE, infinitime.STEP_COUNT, steps, 1.0, readable=True),
            ticker(infinitime.SERVICE, infinitime.MOTION, motion, 1 / MOTION_HZ, readable=True),
            ticker(PULSE_OXIMETER, uuids.PLX_CONTINUOUS_MEASUREMENT, oxygen, 1.0),
            Episodes(THERMOMETER, uuids.TEMPERATURE_MEASUREMENT, warm, kept=False),
            Battery(100),
        ]
        super().__init__(profiles, info=info_of(name, "Virtual watch"), advertised=[HEART_RATE_SERVICE], **options)
