"""Pulse Oximeter Service (PLXS 1.0.1, 0x1822): spot check, continuous measurement, features.

Layouts (PLXS 1.0.1, sections 3.1 to 3.3, from memory and compared with real captures: the public supplement does not
have them; numbers are SFLOATs):
    spot check 0x2A5E  flags u8: bit 0 time stamp, 1 measurement status, 2 device and sensor status, 3 pulse amplitude
                       index, 4 the device's clock is not set
                       SpO2 [%], pulse rate [bpm], time stamp (7 bytes), measurement status u16, device status u24,
                       index [%]
    continuous 0x2A5F  flags u8: bit 0 fast averages, 1 slow averages, 2 measurement status, 3 device and sensor status,
                       4 pulse amplitude index
                       normal SpO2 and pulse rate, fast pair, slow pair, measurement status u16, device status u24,
                       index
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor
from vitals.decode.date_time import DateTime, time_stamp


class MeasurementStatus(enum.IntFlag):
    MEASUREMENT_ONGOING = 1 << 5
    EARLY_ESTIMATED_DATA = 1 << 6
    VALIDATED_DATA = 1 << 7
    FULLY_QUALIFIED_DATA = 1 << 8
    DATA_FROM_MEASUREMENT_STORAGE = 1 << 9
    DATA_FOR_DEMONSTRATION = 1 << 10
    DATA_FOR_TESTING = 1 << 11
    CALIBRATION_ONGOING = 1 << 12
    MEASUREMENT_UNAVAILABLE = 1 << 13
    QUESTIONABLE_MEASUREMENT_DETECTED = 1 << 14
    INVALID_MEASUREMENT_DETECTED = 1 << 15


class DeviceAndSensorStatus(enum.IntFlag):
    EXTENDED_DISPLAY_UPDATE_ONGOING = 1 << 0
    EQUIPMENT_MALFUNCTION_DETECTED = 1 << 1
    SIGNAL_PROCESSING_IRREGULARITY_DETECTED = 1 << 2
    INADEQUATE_SIGNAL_DETECTED = 1 << 3
    POOR_SIGNAL_DETECTED = 1 << 4
    LOW_PERFUSION_DETECTED = 1 << 5
    ERRATIC_SIGNAL_DETECTED = 1 << 6
    NONPULSATILE_SIGNAL_DETECTED = 1 << 7
    QUESTIONABLE_PULSE_DETECTED = 1 << 8
    SIGNAL_ANALYSIS_ONGOING = 1 << 9
    SENSOR_INTERFERENCE_DETECTED = 1 << 10
    SENSOR_UNCONNECTED_TO_USER = 1 << 11
    UNKNOWN_SENSOR_CONNECTED = 1 << 12
    SENSOR_DISPLACED = 1 << 13
    SENSOR_MALFUNCTIONING = 1 << 14
    SENSOR_DISCONNECTED = 1 << 15


class PlxFeature(enum.IntFlag):
    MEASUREMENT_STATUS = 1 << 0
    DEVICE_AND_SENSOR_STATUS = 1 << 1
    MEASUREMENT_STORAGE = 1 << 2
    TIME_STAMP = 1 << 3
    FAST_AVERAGES = 1 << 4
    SLOW_AVERAGES = 1 << 5
    PULSE_AMPLITUDE_INDEX = 1 << 6
    MULTIPLE_BONDS = 1 << 7


@dataclass(frozen=True, slots=True)
class SpO2PulseRate:
    """Oxygen saturation and pulse rate; either may be an `ieee11073.Special` where the device has no value."""

    spo2_percent: float
    pulse_rate_bpm: float


@dataclass(frozen=True, slots=True)
class PlxSpotCheck:
    """One finished measurement."""

    spo2_percent: float
    pulse_rate_bpm: float
    time: DateTime | None
    measurement_status: MeasurementStatus | None
    device_status: DeviceAndSensorStatus | None
    pulse_amplitude_index_percent: float | None
    clock_is_set: bool  # False: the time stamp counts from an arbitrary start


@dataclass(frozen=True, slots=True)
class PlxContinuous:
    """One notification of a running measurement."""

    spo2_percent: float
    pulse_rate_bpm: float
    fast: SpO2PulseRate | None  # quick averaging
    slow: SpO2PulseRate | None  # long averaging
    measurement_status: MeasurementStatus | None
    device_status: DeviceAndSensorStatus | None
    pulse_amplitude_index_percent: float | None


@dataclass(frozen=True, slots=True)
class PlxFeatures:
    features: PlxFeature
    measurement_status: MeasurementStatus | None  # bits that the device can set; None where it sends no status
    device_status: DeviceAndSensorStatus | None


def _pair(at: Cursor, which: str) -> SpO2PulseRate:
    return SpO2PulseRate(at.sfloat(f"{which} SpO2"), at.sfloat(f"{which} pulse rate"))


def _status(at: Cursor, measurement: int, device: int) -> tuple[MeasurementStatus | None, DeviceAndSensorStatus | None]:
    return (
        MeasurementStatus(at.uint(2, "measurement status")) if measurement else None,
        DeviceAndSensorStatus(at.uint(3, "device and sensor status")) if device else None,
    )


def decode_plx_spot_check(payload: bytes) -> PlxSpotCheck:
    """PLX Spot-Check Measurement (0x2A5E). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.PLX_SPOT_CHECK_MEASUREMENT, payload)
    flags = at.uint(1, "flags")
    spo2, pulse_rate = at.sfloat("SpO2"), at.sfloat("pulse rate")
    time = time_stamp(at, "time stamp") if flags & 0x01 else None
    measurement_status, device_status = _status(at, flags & 0x02, flags & 0x04)
    index = at.sfloat("pulse amplitude index") if flags & 0x08 else None
    at.end()
    return PlxSpotCheck(spo2, pulse_rate, time, measurement_status, device_status, index, not flags & 0x10)


def decode_plx_continuous(payload: bytes) -> PlxContinuous:
    """PLX Continuous Measurement (0x2A5F). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.PLX_CONTINUOUS_MEASUREMENT, payload)
    flags = at.uint(1, "flags")
    spo2, pulse_rate = at.sfloat("SpO2"), at.sfloat("pulse rate")
    fast = _pair(at, "fast") if flags & 0x01 else None
    slow = _pair(at, "slow") if flags & 0x02 else None
    measurement_status, device_status = _status(at, flags & 0x04, flags & 0x08)
    index = at.sfloat("pulse amplitude index") if flags & 0x10 else None
    at.end()
    return PlxContinuous(spo2, pulse_rate, fast, slow, measurement_status, device_status, index)


def decode_plx_features(payload: bytes) -> PlxFeatures:
    """PLX Features (0x2A60). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.PLX_FEATURES, payload)
    features = PlxFeature(at.uint(2, "features"))
    measurement_status, device_status = _status(
        at, features & PlxFeature.MEASUREMENT_STATUS, features & PlxFeature.DEVICE_AND_SENSOR_STATUS
    )
    at.end()
    return PlxFeatures(features, measurement_status, device_status)


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.PLX_SPOT_CHECK_MEASUREMENT: decode_plx_spot_check,
    uuids.PLX_CONTINUOUS_MEASUREMENT: decode_plx_continuous,
    uuids.PLX_FEATURES: decode_plx_features,
}
