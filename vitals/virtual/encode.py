"""Payloads that virtual devices send, written from the specifications.

The decoders in `vitals.decode` share no code with them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from vitals.errors import InputError

_RATE_16_BIT, _IN_CONTACT, _CONTACT_SUPPORTED, _ENERGY, _RR = 0x01, 0x02, 0x04, 0x08, 0x10


def heart_rate_measurement(
    heart_rate: int,
    rr_ticks: Sequence[int] = (),
    *,
    contact: bool | None = None,
    energy_kj: int | None = None,
    wide: bool = False,
) -> bytes:
    """Heart Rate Measurement, characteristic 0x2A37 (GATT Specification Supplement, 3.113; little endian).

    `heart_rate` in bpm is sent in 8 bits, in 16 where it needs them or `wide` is set; `rr_ticks` are intervals in
    1/1024 s, oldest first; `contact` and `energy_kj` of None mean that the sensor does not support them.

    Raises InputError for a value that its field cannot hold.
    """
    wide = wide or heart_rate > 0xFF
    for name, value in (
        ("heart_rate", heart_rate),
        ("energy_kj", energy_kj or 0),
        *(("rr_ticks", rr) for rr in rr_ticks),
    ):
        if not 0 <= value <= 0xFFFF:
            raise InputError(f"{name} = {value} does not fit its 16-bit field; give 0 to 65535")
    flags = _RATE_16_BIT if wide else 0
    if contact is not None:
        flags |= _CONTACT_SUPPORTED | (_IN_CONTACT if contact else 0)
    payload = struct.pack("<H" if wide else "<B", heart_rate)
    if energy_kj is not None:
        flags |= _ENERGY
        payload += struct.pack("<H", energy_kj)
    if rr_ticks:
        flags |= _RR
        payload += struct.pack(f"<{len(rr_ticks)}H", *rr_ticks)
    return bytes([flags]) + payload


def rr_per_notification(mtu: int, *, heart_rate: int, energy: bool, wide: bool = False) -> int:
    """How many RR intervals fit one notification at ATT MTU `mtu` (Core 5.4, Vol 3, Part F, 3.4.7.1: MTU - 3 bytes)."""
    fixed = 1 + (2 if wide or heart_rate > 0xFF else 1) + (2 if energy else 0)
    return (mtu - 3 - fixed) // 2
