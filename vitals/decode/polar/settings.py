"""Settings of a measurement: type u8, count u8, values; the same list is asked for, chosen from and confirmed.

A device answers a settings request with everything it can do (several values each) and a start request with what
the host must know, the factor above all.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Any

from vitals.decode.cursor import Cursor
from vitals.decode.polar.gatt import PMD_CONTROL_POINT
from vitals.errors import InputError

SECURITY = 6  # the type that carries a key
_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """Values by type, in the order of the type numbers; an empty tuple where a type is absent."""

    sample_rate_hz: tuple[int, ...] = ()
    resolution_bits: tuple[int, ...] = ()
    full_scale: tuple[int, ...] = ()  # of ACC in g, of GYRO in deg/s, of MAGNETOMETER in gauss
    full_scale_milli: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    factor: tuple[float, ...] = ()  # multiplies the numbers of compressed frames
    security: tuple[bytes, ...] = ()  # 16 bytes each

    @property
    def scale(self) -> float:
        """The factor for `decode_frame`; 1 where the device gave none."""
        return self.factor[0] if self.factor else 1.0


_NAMES = tuple(field.name for field in fields(Settings))
_SIZES = (2, 2, 2, 4, 1, 4, _KEY_BYTES)
_FACTOR = 5


def decode_settings(payload: bytes, *, uuid: str = PMD_CONTROL_POINT) -> Settings:
    """A whole settings list. Raises DecodeError where it is cut off or has a type that is not known.

    A single byte is an empty list: devices without settings answer a start request so. Of a type given twice the
    later values count.
    """
    return read_settings(Cursor(uuid, payload), len(payload))


def read_settings(at: Cursor, end: int, *, until: int | None = None) -> Settings:
    """The settings from the cursor to `end`, or to the first entry of type `until`. Raises DecodeError."""
    found: dict[str, tuple[Any, ...]] = {}
    if end - at.offset == 1:
        at.offset = end
    while at.offset < end and at.payload[at.offset] != until:
        kind = at.uint(1, "setting type")
        if kind >= len(_SIZES):
            at.offset -= 1
            raise at.error(f"setting type {kind} is not known")
        size = _SIZES[kind]
        raw = [
            at.uint(size, _NAMES[kind].replace("_", " ")).to_bytes(size, "little")
            for _ in range(at.uint(1, "setting count"))
        ]
        found[_NAMES[kind]] = tuple(_value(kind, item) for item in raw)
    if at.offset > end:
        at.offset = end
        raise at.error("settings reach beyond their size")
    return Settings(**found)


def _value(kind: int, raw: bytes) -> int | float | bytes:
    if kind == SECURITY:
        return raw
    return float(struct.unpack("<f", raw)[0]) if kind == _FACTOR else int.from_bytes(raw, "little")


def encode_settings(settings: Settings) -> bytes:
    """The list as a device or host would write it. Raises InputError for a value that does not fit its field."""
    out = bytearray()
    for kind, (name, size) in enumerate(zip(_NAMES, _SIZES, strict=True)):
        values = getattr(settings, name)
        if not values:
            continue
        out += bytes((kind, len(values)))
        for value in values:
            try:
                if kind == SECURITY:
                    raw = bytes(value)
                else:
                    raw = struct.pack("<f", value) if kind == _FACTOR else value.to_bytes(size, "little")
            except (OverflowError, struct.error):
                raise InputError(f"{name} {value} does not fit into {size} bytes") from None
            if len(raw) != size:
                raise InputError(f"{name} needs {size} bytes, {len(raw)} given")
            out += raw
    return bytes(out)
