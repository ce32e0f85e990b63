"""The services of a virtual device as tables, and how bumble's GATT server gets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from bumble import att, core, gatt
from bumble import device as bumble_device

from vitals.decode import uuids
from vitals.decode.uuids import sig
from vitals.errors import InputError
from vitals.values import DeviceInfo

Connection = bumble_device.Connection
Write = Callable[[Connection, bytes], None]


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One row of a service table. `value` makes it readable, `write` writable; `write` may raise `refuse(code)`.

    `uuid` may be given short ("2a37"); it is kept as `full_uuid` says. Raises InputError where it is none.
    """

    uuid: str
    value: bytes | Callable[[], bytes] | None = None
    notify: bool = False
    indicate: bool = False
    write: Write | None = None
    unconfirmed: bool = False  # written without response only

    def __post_init__(self) -> None:
        object.__setattr__(self, "uuid", full_uuid(self.uuid))


@dataclass(frozen=True, slots=True)
class Service:
    """A primary service; `uuid` as for `Characteristic`."""

    uuid: str
    characteristics: tuple[Characteristic, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "uuid", full_uuid(self.uuid))


def full_uuid(uuid: str) -> str:
    """A UUID in 128 bits and lower case, given so or by the four hex digits of the Bluetooth SIG ("2a37", "0x2A37").

    Raises InputError.
    """
    short = uuid.lower().removeprefix("0x")
    try:
        return sig(int.from_bytes(bytes.fromhex(short))) if len(short) == 4 else str(UUID(uuid))
    except ValueError:
        raise InputError(f"{uuid!r} is no UUID; give four hex digits of the Bluetooth SIG (2a37) or all 32") from None


def refuse(code: int) -> att.ATT_Error:
    """The ATT error that answers a write or read (Core 5.4, Vol 3, Part F, 3.4.1.1)."""
    return att.ATT_Error(error_code=att.ErrorCode(code))


def merged(services: Sequence[Service]) -> list[Service]:
    """Services of the same UUID as one, in the order of their first appearance."""
    tables: dict[str, tuple[Characteristic, ...]] = {}
    for service in services:
        tables[service.uuid] = tables.get(service.uuid, ()) + service.characteristics
    return [Service(uuid, rows) for uuid, rows in tables.items()]


def bumble_characteristic(row: Characteristic) -> gatt.Characteristic[bytes]:
    """The attribute that bumble serves for a row."""
    kinds, permissions = gatt.Characteristic.Properties, gatt.Characteristic.Permissions
    properties, allowed = kinds(0), permissions(0)
    if row.value is not None:
        properties, allowed = properties | kinds.READ, allowed | permissions.READABLE
    if row.write is not None:
        written = kinds.WRITE_WITHOUT_RESPONSE if row.unconfirmed else kinds.WRITE
        properties, allowed = properties | written, allowed | permissions.WRITEABLE
    properties |= kinds.NOTIFY if row.notify else kinds(0)
    properties |= kinds.INDICATE if row.indicate else kinds(0)

    def read(_: Connection) -> bytes:
        if row.value is None:  # bumble's server does not look at permissions
            raise refuse(att.ErrorCode.READ_NOT_PERMITTED)
        return row.value() if callable(row.value) else row.value

    def write(connection: Connection, value: bytes) -> None:
        if row.write is None:
            raise refuse(att.ErrorCode.WRITE_NOT_PERMITTED)
        row.write(connection, value)

    return gatt.Characteristic(bumble_uuid(row.uuid), properties, allowed, gatt.CharacteristicValue(read, write))


def bumble_uuid(uuid: str) -> core.UUID:
    """A UUID in the short form that bumble compares and advertises, where it is one of the Bluetooth SIG."""
    return core.UUID.from_16_bits(int(uuid[4:8], 16)) if uuid == sig(int(uuid[4:8], 16)) else core.UUID(uuid)


def information(info: DeviceInfo) -> Service:
    """Device Information, with a row for every text that is not empty."""
    texts = (
        (uuids.MANUFACTURER_NAME, info.manufacturer),
        (uuids.MODEL_NUMBER, info.model),
        (uuids.SERIAL_NUMBER, info.serial),
        (uuids.FIRMWARE_REVISION, info.firmware),
        (uuids.HARDWARE_REVISION, info.hardware),
        (uuids.SOFTWARE_REVISION, info.software),
    )
    return Service(sig(0x180A), tuple(Characteristic(uuid, text.encode()) for uuid, text in texts if text))
