"""Bytes in, frozen values out. Pure: no Bluetooth, no clock, no state.

A new characteristic is one file beside this one, one line in `DECODERS`, and its foreign vectors in tests/decode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from vitals.decode import uuids
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
from vitals.errors import InputError

Reading = HeartRateMeasurement | BatteryLevel | BodySensorLocation | SystemId | PnpId | str | int

DECODERS: Mapping[str, Callable[[bytes], Reading]] = {
    uuids.HEART_RATE_MEASUREMENT: decode_heart_rate,
    uuids.BODY_SENSOR_LOCATION: decode_body_sensor_location,
    uuids.BATTERY_LEVEL: decode_battery_level,
    uuids.SYSTEM_ID: decode_system_id,
    uuids.PNP_ID: decode_pnp_id,
    **{uuid: partial(decode_text, uuid) for uuid in TEXT_FIELDS},
}


def decode(uuid: str, payload: bytes) -> Reading:
    """Decode one value of a characteristic.

    `uuid` is 128-bit, lower case. Raises DecodeError where the payload does not follow its specification, InputError
    for a characteristic that vitals does not know.
    """
    try:
        decoder = DECODERS[uuid]
    except KeyError:
        raise InputError(f"characteristic {uuid!r} is not known; known ones are in vitals.decode.DECODERS") from None
    return decoder(bytes(payload))


__all__ = [
    "DECODERS",
    "BatteryLevel",
    "BodySensorLocation",
    "HeartRateMeasurement",
    "PnpId",
    "TEXT_FIELDS",
    "Reading",
    "SystemId",
    "decode",
    "decode_battery_level",
    "decode_body_sensor_location",
    "decode_heart_rate",
    "decode_pnp_id",
    "decode_system_id",
    "decode_text",
    "device_info",
]
