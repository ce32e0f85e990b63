"""Viatom and Wellue O2Ring, SleepU: frames of the oximeter ring.

Request: 0xAA, command u8, ~command u8, block u16, size u16, `size` bytes, CRC-8 (polynomial 0x07).
Reply:   0x55, status u8, ~status u8, block u16, size u16, `size` bytes, CRC-8. Longer than 20 bytes: notifications.

Layouts from ecostech/viatom-ble (MIT) and public protocol notes. O2Ring-S (T8520) speaks another protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode.cursor import Cursor
from vitals.errors import InputError

SERVICE = "14839ac4-7d7e-415c-9a42-167340cf2339"
NOTIFY = "0734594a-a8e7-4b1a-a6b1-cd5243059a57"
WRITE = "8b00ace7-eb0b-49b0-bbe9-9aee0a26e1a3"

READ_SENSORS = 0x17
_REQUEST, _REPLY = 0xAA, 0x55
_HEAD = 7
_MAX_CONTENT = 2048  # file blocks are the longest
_READING = 12  # bytes of a reading that have a meaning; rings send 13


@dataclass(frozen=True, slots=True)
class OximeterReading:
    """One real-time reading. SpO2 and pulse are 0 while the ring calibrates."""

    spo2_percent: int
    pulse_bpm: int
    battery_percent: int
    charging: bool
    motion: int
    perfusion: int  # perfusion index in 0.1 %
    worn: bool


def _crc_table() -> bytes:
    table = bytearray()
    for value in range(256):
        for _ in range(8):
            value = (value << 1 ^ 0x07 if value & 0x80 else value << 1) & 0xFF
        table.append(value)
    return bytes(table)


_CRC = _crc_table()


def crc8(data: bytes) -> int:
    """CRC-8 with polynomial 0x07, no reflection, start value 0."""
    crc = 0
    for byte in data:
        crc = _CRC[crc ^ byte]
    return crc


class FrameAssembler:
    """Joins notifications to reply frames. `dropped` counts bytes that belong to no frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.dropped = 0

    def feed(self, notification: bytes) -> list[bytes]:
        """The frames that this notification completes, as sent; damaged ones too, for the decoder to refuse."""
        self._buffer += notification
        frames: list[bytes] = []
        while self._buffer:
            start = self._buffer.find(_REPLY)
            self._drop(len(self._buffer) if start < 0 else start)
            if len(self._buffer) < _HEAD:
                break
            size = int.from_bytes(self._buffer[5:7], "little")
            if self._buffer[1] ^ self._buffer[2] != 0xFF or size > _MAX_CONTENT:
                self._drop(1)
                continue
            end = _HEAD + size + 1
            if len(self._buffer) < end:
                break
            frames.append(bytes(self._buffer[:end]))
            del self._buffer[:end]
        return frames

    def _drop(self, count: int) -> None:
        self.dropped += count
        del self._buffer[:count]


def decode_reading(payload: bytes) -> OximeterReading:
    """A whole reply to READ_SENSORS. Raises DecodeError where it is cut off, damaged, or an error reply."""
    at = Cursor(NOTIFY, payload)
    if at.uint(1, "start") != _REPLY:
        at.offset = 0
        raise at.error(f"a reply begins with 0x55, not 0x{payload[0]:02x}")
    status, inverse = at.uint(1, "status"), at.uint(1, "inverted status")
    if status ^ inverse != 0xFF:
        at.offset = 1
        raise at.error("status and its inverse do not match")
    if status:
        at.offset = 1
        raise at.error(f"the ring refused: status {status}")
    at.uint(2, "block")
    size = at.uint(2, "size")
    if at.left != size + 1:
        raise at.error(f"{size} bytes and a checksum announced, {at.left} there")
    if crc8(payload[:-1]) != payload[-1]:
        at.offset = len(payload) - 1
        raise at.error("checksum does not match")
    if size < _READING:
        raise at.error(f"a reading has at least {_READING} bytes, this one {size}")
    b = payload[_HEAD:]
    return OximeterReading(b[0], b[1], b[7], b[8] != 0, b[9], b[10], b[11] != 0)


def encode_request(command: int = READ_SENSORS, content: bytes = b"") -> bytes:
    """What a host writes. Raises InputError for content that no ring takes."""
    if len(content) > _MAX_CONTENT:
        raise InputError(f"content has {len(content)} bytes; at most {_MAX_CONTENT} are possible")
    return _framed(_REQUEST, command, content)


def encode_reading(reading: OximeterReading) -> bytes:
    """The ring's reply. Raises InputError for a number that does not fit into a byte."""
    numbers = (
        reading.spo2_percent,
        reading.pulse_bpm,
        reading.battery_percent,
        reading.motion,
        reading.perfusion,
    )
    if any(not 0 <= number <= 255 for number in numbers):
        raise InputError(f"one of {numbers} does not fit; 0 to 255 do")
    spo2, pulse, battery, motion, perfusion = numbers
    tail = bytes((battery, reading.charging, motion, perfusion, reading.worn, 0))
    return _framed(_REPLY, 0, bytes((spo2, pulse)) + bytes(5) + tail)


def _framed(start: int, code: int, content: bytes) -> bytes:
    body = bytes((start, code, code ^ 0xFF, 0, 0)) + len(content).to_bytes(2, "little") + content
    return body + bytes((crc8(body),))


DECODERS: Mapping[str, Callable[[bytes], object]] = {NOTIFY: decode_reading}
