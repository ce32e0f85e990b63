"""Device Information Service (DIS 1.2, 0x180A): text fields, System ID, PnP ID."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from vitals.decode import uuids
from vitals.decode.cursor import Cursor
from vitals.errors import DecodeError
from vitals.values import DeviceInfo

TEXT_FIELDS: Mapping[str, str] = {
    uuids.MANUFACTURER_NAME: "manufacturer",
    uuids.MODEL_NUMBER: "model",
    uuids.SERIAL_NUMBER: "serial",
    uuids.FIRMWARE_REVISION: "firmware",
    uuids.HARDWARE_REVISION: "hardware",
    uuids.SOFTWARE_REVISION: "software",
}


@dataclass(frozen=True, slots=True)
class SystemId:
    manufacturer: int  # 40 bits
    organisation: int  # 24 bits, the OUI


@dataclass(frozen=True, slots=True)
class PnpId:
    vendor_source: int  # 1 Bluetooth SIG, 2 USB Implementers Forum
    vendor: int
    product: int
    version: int  # binary coded decimal: 0x0213 is 2.1.3


def decode_text(uuid: str, payload: bytes) -> str:
    """A UTF-8 field without the NULs and blanks that devices pad with. Raises DecodeError on other bytes."""
    try:
        return bytes(payload).decode("utf-8").rstrip("\0").strip()
    except UnicodeDecodeError as err:
        raise DecodeError("text is not UTF-8", uuid=uuid, payload=payload, offset=err.start) from None


def decode_system_id(payload: bytes) -> SystemId:
    """System ID (0x2A23). Raises DecodeError unless it has 8 bytes."""
    at = Cursor(uuids.SYSTEM_ID, payload)
    value = SystemId(at.uint(5, "manufacturer identifier"), at.uint(3, "organisationally unique identifier"))
    at.end()
    return value


def decode_pnp_id(payload: bytes) -> PnpId:
    """PnP ID (0x2A50). Raises DecodeError unless it has 7 bytes."""
    at = Cursor(uuids.PNP_ID, payload)
    value = PnpId(
        at.uint(1, "vendor ID source"), at.uint(2, "vendor ID"), at.uint(2, "product ID"), at.uint(2, "product version")
    )
    at.end()
    return value


def device_info(name: str, fields: Mapping[str, bytes]) -> DeviceInfo:
    """What the text fields (characteristic -> payload) say; a field that is not text stays empty."""
    info = DeviceInfo(name=name)
    for uuid, payload in fields.items():
        if uuid in TEXT_FIELDS:
            try:
                info = replace(info, **{TEXT_FIELDS[uuid]: decode_text(uuid, payload)})
            except DecodeError:
                continue
    return info


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.SYSTEM_ID: decode_system_id,
    uuids.PNP_ID: decode_pnp_id,
    **{uuid: partial(decode_text, uuid) for uuid in TEXT_FIELDS},
}
