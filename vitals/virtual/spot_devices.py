"""Devices that measure now and then: oximeter, thermometer, scale, blood-pressure cuff. Each is a table of `Episodes`.

Readings are (body time in seconds, value ...), and body time 0 is the first subscription.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from vitals.decode import uuids
from vitals.decode.uuids import sig
from vitals.values import DeviceInfo
from vitals.virtual import health_payloads as payloads
from vitals.virtual.battery import Battery
from vitals.virtual.episodes import Episodes
from vitals.virtual.gatt_device import GattDevice, Profile
from vitals.virtual.gatt_table import Characteristic

PULSE_OXIMETER, THERMOMETER, BLOOD_PRESSURE = sig(0x1822), sig(0x1809), sig(0x1810)
WEIGHT_SCALE, BODY_COMPOSITION = sig(0x181D), sig(0x181B)
ORAL = 6  # Temperature Type: mouth
Pairs = Iterable[tuple[float, float]]


def info_of(name: str, model: str) -> DeviceInfo:
    """What a virtual device says of itself."""
    return DeviceInfo(
        name=name, manufacturer="vitals", model=model, serial="0001", firmware="1.0", hardware="1", software="1.0"
    )


class Oximeter(GattDevice):
    """A finger oximeter: (t, SpO2 in %, pulse in bpm), notified (PLX Continuous) or, `spot_checks`, indicated."""

    def __init__(
        self,
        spo2_and_pulse: Iterable[tuple[float, float, float]],
        *,
        spot_checks: Iterable[tuple[float, float, float]] = (),
        name: str = "Virtual oximeter",
        **options: Any,
    ) -> None:
        features = Characteristic(uuids.PLX_FEATURES, struct.pack("<H", 0))
        spots = [(t, payloads.spot_check(spo2, pulse)) for t, spo2, pulse in spot_checks]
        values = [(t, payloads.continuous(spo2, pulse)) for t, spo2, pulse in spo2_and_pulse]
        profiles = [
            Episodes(PULSE_OXIMETER, uuids.PLX_SPOT_CHECK_MEASUREMENT, spots, beside=[features]),
            Episodes(PULSE_OXIMETER, uuids.PLX_CONTINUOUS_MEASUREMENT, values, indicate=False),
            Battery(100),
        ]
        super().__init__(profiles, info=info_of(name, "Virtual oximeter"), advertised=[PULSE_OXIMETER], **options)


class Thermometer(GattDevice):
    """A clinical thermometer: (t, degrees Celsius), taken in the mouth."""

    def __init__(
        self, celsius: Pairs, *, fahrenheit: bool = False, name: str = "Virtual thermometer", **options: Any
    ) -> None:
        readings = [(t, payloads.temperature(value, site=ORAL, fahrenheit=fahrenheit)) for t, value in celsius]
        site = Characteristic(uuids.TEMPERATURE_TYPE, bytes([ORAL]))
        profiles = [Episodes(THERMOMETER, uuids.TEMPERATURE_MEASUREMENT, readings, beside=[site]), Battery(100)]
        super().__init__(profiles, info=info_of(name, "Virtual thermometer"), advertised=[THERMOMETER], **options)


class Scale(GattDevice):
    """A body scale: (t, kg); with `height_m` it sends the body mass index, with `fat_percent` the body composition."""

    def __init__(
        self,
        kg: Pairs,
        *,
        height_m: float | None = None,
        fat_percent: float | None = None,
        imperial: bool = False,
        name: str = "Virtual scale",
        **options: Any,
    ) -> None:
        weighed = list(kg)
        readings = [(t, payloads.weight(value, height_m=height_m, imperial=imperial)) for t, value in weighed]
        feature = Characteristic(uuids.WEIGHT_SCALE_FEATURE, struct.pack("<I", 0x04 if height_m else 0))
        profiles: list[Profile] = [Episodes(WEIGHT_SCALE, uuids.WEIGHT_MEASUREMENT, readings, beside=[feature])]
        if fat_percent is not None:
            fat = [(t, payloads.body_composition(fat_percent, kg=value)) for t, value in weighed]
            features = Characteristic(uuids.BODY_COMPOSITION_FEATURE, struct.pack("<I", 1 << 9))
            profiles.append(Episodes(BODY_COMPOSITION, uuids.BODY_COMPOSITION_MEASUREMENT, fat, beside=[features]))
        super().__init__(
            [*profiles, Battery(100)], info=info_of(name, "Virtual scale"), advertised=[WEIGHT_SCALE], **options
        )


class Cuff(GattDevice):
    """A blood-pressure cuff: (t, systolic, diastolic, pulse rate), in mmHg and bpm."""

    def __init__(
        self,
        readings: Iterable[tuple[float, float, float, float]],
        *,
        name: str = "Virtual cuff",
        **options: Any,
    ) -> None:
        sent = [(t, payloads.blood_pressure(high, low, pulse_bpm=pulse)) for t, high, low, pulse in readings]
        feature = Characteristic(uuids.BLOOD_PRESSURE_FEATURE, struct.pack("<H", 0))
        profiles = [Episodes(BLOOD_PRESSURE, uuids.BLOOD_PRESSURE_MEASUREMENT, sent, beside=[feature]), Battery(100)]
        super().__init__(profiles, info=info_of(name, "Virtual cuff"), advertised=[BLOOD_PRESSURE], **options)
