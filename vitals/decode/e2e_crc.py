"""The end-to-end CRC of health services: CRC-16/MCRF4XX (CGMS 1.0.2, 3.11): x^16+x^12+x^5+1, LSB first, seed FFFF."""

from __future__ import annotations

from vitals.decode.cursor import Cursor


def crc16_mcrf4xx(data: bytes) -> int:
    """The checksum of `data`; that of b"123456789" is 0x6F91."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8408 if crc & 1 else crc >> 1
    return crc


def check_crc(at: Cursor, start: int) -> None:
    """Read a CRC and compare it with that of the bytes from `start` to it. Raises DecodeError where they differ."""
    covered = at.payload[start : at.offset]
    sent = at.uint(2, "E2E-CRC")
    right = crc16_mcrf4xx(covered)
    if sent != right:
        raise at.error(f"E2E-CRC is {sent:04x}, not {right:04x}", back=2)


def closing_crc(at: Cursor, start: int = 0) -> bool:
    """Whether a (right) CRC closes the payload. Raises DecodeError for a wrong one and for other bytes left over."""
    if at.left != 2:
        at.end()
        return False
    check_crc(at, start)
    return True
