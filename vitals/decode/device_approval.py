"""What a medical device shows of its approval (DIS 1.2): UDI, and the certification list of IEEE 11073-20601.

Layouts:
    UDI 0x2BFF   flags u8: bit 0 label, 1 device identifier, 2 issuer, 3 authority; then those that are present, as
                 UTF-8 ended by a NUL (GATT Specification Supplement, UDI for Medical Devices; as Zephyr's service
                 sends it)
    list 0x2A2A  big endian as all of 11073-20601 (Personal Health Devices Transcoding White Paper, V13): count u16,
                 length u16 of all entries, and each: body u8, structure u8, length u16, content.
                 Of Continua (body 2): structure 1 is version u8 and u8, count u16, length u16 and the certified device
                 classes u16; structure 2 is a status u16
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor, named

_NAMES = ("label", "device identifier", "issuer", "authority")


class AuthorizationBody(enum.IntEnum):
    EMPTY = 0
    IEEE_11073 = 1
    CONTINUA = 2
    EXPERIMENTAL = 254
    RESERVED = 255


@dataclass(frozen=True, slots=True)
class UniqueDeviceIdentifier:
    """Parts that the device does not tell are None."""

    label: str | None  # the whole UDI as people read it
    device_identifier: str | None  # its part that names maker and model
    issuer: str | None  # object identifiers (OID)
    authority: str | None


@dataclass(frozen=True, slots=True)
class ContinuaCertificate:
    version: tuple[int, int]  # of the design guidelines
    device_classes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ContinuaRegulation:
    status: int
    is_regulated: bool  # bit 0 says "unregulated"


@dataclass(frozen=True, slots=True)
class OtherCertificate:
    """Of a body or structure whose content is not known."""

    body: AuthorizationBody | int
    structure: int
    content: bytes


Certificate = ContinuaCertificate | ContinuaRegulation | OtherCertificate


def decode_udi(payload: bytes) -> UniqueDeviceIdentifier:
    """UDI for Medical Devices (0x2BFF). Raises DecodeError for text without an end, or that is not UTF-8."""
    at = Cursor(uuids.UDI_FOR_MEDICAL_DEVICES, payload)
    flags = at.uint(1, "flags")
    parts: list[str | None] = [None] * len(_NAMES)
    for bit, what in enumerate(_NAMES):
        if not flags >> bit & 1:
            continue
        end = at.payload.find(b"\0", at.offset)
        if end < 0:
            raise at.error(f"{what} has no end")
        text = at.take(end - at.offset, what)
        try:
            parts[bit] = text.decode("utf-8")
        except UnicodeDecodeError:
            raise at.error(f"{what} is not UTF-8", back=len(text)) from None
        at.take(1, "end of text")
    at.end()
    return UniqueDeviceIdentifier(*parts)


def _big(at: Cursor, what: str) -> int:
    return int.from_bytes(at.take(2, what), "big")


def _ends(at: Cursor, length: int, what: str) -> int:
    if length > at.left:
        raise at.error(f"{what} of {length} bytes, {at.left} left", back=2)
    return at.offset + length


def _certificate(at: Cursor) -> Certificate:
    body, structure = named(AuthorizationBody, at.uint(1, "authorization body")), at.uint(1, "structure")
    end = _ends(at, _big(at, "length of an entry"), "entry")
    if (body, structure) == (AuthorizationBody.CONTINUA, 1):
        version = at.uint(1, "version"), at.uint(1, "version")
        count = _big(at, "count of device classes")
        if _big(at, "length of device classes") != 2 * count:
            raise at.error(f"{count} device classes do not take that many bytes", back=2)
        classes = tuple(_big(at, "device class") for _ in range(count))
        value: Certificate = ContinuaCertificate(version, classes)
    elif (body, structure) == (AuthorizationBody.CONTINUA, 2):
        status = _big(at, "regulation status")
        value = ContinuaRegulation(status, not status & 0x8000)
    else:
        value = OtherCertificate(body, structure, at.take(end - at.offset, "content"))
    if at.offset != end:
        raise at.error("an entry has another length than it says")
    return value


def decode_certification_list(payload: bytes) -> tuple[Certificate, ...]:
    """IEEE 11073-20601 Regulatory Certification Data List (0x2A2A). Raises DecodeError for lengths that disagree."""
    at = Cursor(uuids.REGULATORY_CERTIFICATION_LIST, payload)
    count = _big(at, "count of entries")
    _ends(at, _big(at, "length of the list"), "list")
    found = tuple(_certificate(at) for _ in range(count))
    at.end()
    return found


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.UDI_FOR_MEDICAL_DEVICES: decode_udi,
    uuids.REGULATORY_CERTIFICATION_LIST: decode_certification_list,
}
