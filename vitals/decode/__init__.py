"""Bytes in, frozen values out. Pure: no Bluetooth, no clock, no state.

A new characteristic is one file beside this one, one line in `registry.FILES`, and its foreign vectors in tests/decode.
The values that the rest of vitals uses are here; the others are in the file of their profile
(`vitals.decode.glucose`, ...).
"""

from __future__ import annotations

from vitals.decode.battery import BatteryLevel, decode_battery_level
from vitals.decode.device_information import (
    TEXT_FIELDS,
    PnpId,
    SystemId,
    decode_pnp_id,
    decode_system_id,
    decode_text,
    device_info,
)
from vitals.decode.heart_rate import (
    BodySensorLocation,
    HeartRateMeasurement,
    decode_body_sensor_location,
    decode_heart_rate,
)
from vitals.decode.ieee11073 import Special
from vitals.decode.registry import DECODERS, REQUESTS
from vitals.errors import InputError


def decode(uuid: str, payload: bytes) -> object:
    """Decode one value of a characteristic, as a device sends it: a measurement, or the answer of a control point.

    `uuid` is 128-bit, lower case. Raises DecodeError where the payload does not follow its specification, InputError
    for a characteristic that vitals does not know.
    """
    try:
        decoder = DECODERS[uuid]
    except KeyError:
        raise InputError(f"characteristic {uuid!r} is not known; known ones are in vitals.decode.DECODERS") from None
    return decoder(bytes(payload))


def decode_request(uuid: str, payload: bytes) -> object:
    """Decode what an application writes to a control point. Raises DecodeError and InputError as `decode` does."""
    try:
        decoder = REQUESTS[uuid]
    except KeyError:
        raise InputError(f"control point {uuid!r} is not known; known ones are in vitals.decode.REQUESTS") from None
    return decoder(bytes(payload))


__all__ = [
    "DECODERS",
    "REQUESTS",
    "BatteryLevel",
    "BodySensorLocation",
    "HeartRateMeasurement",
    "PnpId",
    "TEXT_FIELDS",
    "Special",
    "SystemId",
    "decode",
    "decode_battery_level",
    "decode_body_sensor_location",
    "decode_heart_rate",
    "decode_pnp_id",
    "decode_request",
    "decode_system_id",
    "decode_text",
    "device_info",
]
