"""Polar offline recordings (.REC files of Verity Sense, Polar 360 and watches).

    strategy u8 (see `security`); everything after it is encrypted so, up to the frames
    magic u32 0x3D7C4C2B, version u32, free u32, firmware hash u32
    start, 20 bytes "YYYY-MM-DD HH:MM:SS" and NUL
    size u8, settings; size u8, security of the frames: strategy u8, for XOR the index of its key byte u8
    AES: filled up to 16 bytes; size of the first frame u16; AES: filled up to 16 bytes
    frames, encrypted by their own strategy: frame, size u16 of the next, frame, ...

Where a file is malformed, the error holds the bytes of one frame or of the head as they lie in the file, encrypted
where the file is: no decrypted data and no key reaches a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from vitals.decode.polar.clock import sample_times_ns
from vitals.decode.polar.frame import PmdFrame, decode_frame
from vitals.decode.polar.gatt import FILE_TRANSFER, Measurement
from vitals.decode.polar.gnss import GnssFrame
from vitals.decode.polar.security import KEY_BYTES, Strategy, decrypt
from vitals.decode.polar.settings import Settings, decode_settings
from vitals.errors import DecodeError

MAGIC = 0x3D7C4C2B
_START = 16  # of the start time, counted after the strategy byte
_SETTINGS = 36


@dataclass(frozen=True, slots=True)
class OfflineRecording:
    """A whole file."""

    strategy: Strategy
    version: int
    firmware_hash: int
    start: datetime  # local time of the device, without a zone
    settings: Settings
    frames: tuple[PmdFrame | GnssFrame, ...]

    @property
    def kind(self) -> Measurement | None:
        """What was recorded; None for a file without frames."""
        return self.frames[0].kind if self.frames else None

    def times_ns(self, *, previous_ns: int = 0) -> Iterator[NDArray[np.int64]]:
        """Sample times of each frame on the device clock, nanoseconds, by Polar's rule (see `sample_times_ns`).

        `previous_ns`: last time stamp of the file before, where the recording was split. Raises InputError for a
        first frame whose rate is not in the settings, and where time does not move forward (PPI frames have no time).
        """
        rate = self.settings.sample_rate_hz[0] if self.settings.sample_rate_hz else 0
        for frame in self.frames:
            yield sample_times_ns(frame.timestamp_ns, len(frame.samples), previous_ns=previous_ns, rate_hz=rate)
            previous_ns = frame.timestamp_ns


def decode_recording(data: bytes, *, key: bytes = b"") -> OfflineRecording:
    """A .REC file. `key`: 16 bytes for AES-128, 32 for AES-256, any for XOR.

    A file that ends after its head has no frames. Raises DecodeError where the file is malformed, its frames are of
    different kinds, or the key is missing or does not open it; nothing else.
    """
    if not data:
        raise _error("recording is empty", data, 0)
    try:
        strategy = Strategy(data[0])
    except ValueError:
        raise _error(f"encryption {data[0]} is not known", data, 0) from None
    _need_key(strategy, key, data, 0)
    head = _Head(decrypt(strategy, key, data[1:]), data)
    magic, version, _, firmware = (head.uint(4, "file header") for _ in range(4))
    if magic != MAGIC:
        why = "is not a Polar offline recording" if strategy is Strategy.NONE else "is not opened by this key"
        raise _error(f"file {why}: magic number is wrong", data, 1)
    start = _start_time(head, data)
    at = head.at
    plain_settings = head.take(head.uint(1, "settings size"), "settings")
    try:
        settings = decode_settings(plain_settings, uuid=FILE_TRANSFER)
    except DecodeError:
        raise _error("settings are malformed", data, 1 + at) from None
    inner, inner_key = _frame_security(head, strategy, key, data)
    frames: tuple[PmdFrame | GnssFrame, ...] = ()
    if head.left:
        padded = strategy in KEY_BYTES and strategy is not Strategy.NONE
        head.fill(padded)
        size = head.uint(2, "size of the first frame")
        head.fill(padded)
        frames = tuple(_frames(data, 1 + head.at, size, inner, inner_key, settings.scale))
    return OfflineRecording(strategy, version, firmware, start, settings, frames)


class _Head:
    """A position in the decrypted head, with errors that show the file as it is."""

    __slots__ = ("at", "data", "plain")

    def __init__(self, plain: bytes, data: bytes) -> None:
        self.plain = plain
        self.data = data
        self.at = 0

    @property
    def left(self) -> int:
        return len(self.plain) - self.at

    def take(self, size: int, what: str) -> bytes:
        if self.left < size:
            raise _error(f"{what} needs {size} bytes, {self.left} left", self.data, 1 + self.at)
        self.at += size
        return self.plain[self.at - size : self.at]

    def uint(self, size: int, what: str) -> int:
        return int.from_bytes(self.take(size, what), "little")

    def fill(self, padded: bool) -> None:
        if padded:
            self.take(16 - self.at % 16, "padding")


def _need_key(strategy: Strategy, key: bytes, data: bytes, offset: int) -> None:
    needed = KEY_BYTES.get(strategy)
    if strategy is not Strategy.NONE and (len(key) != needed if needed is not None else not key):
        what = "a key" if needed is None else f"a key of {needed} bytes"
        raise _error(f"recording is encrypted ({strategy.name}): pass {what}, {len(key)} bytes given", data, offset)


def _start_time(head: _Head, data: bytes) -> datetime:
    raw = head.take(_SETTINGS - _START, "start time")
    try:
        return datetime.strptime(raw.rstrip(b"\0").decode("ascii"), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise _error("start time is not YYYY-MM-DD HH:MM:SS", data, 1 + _START) from None


def _frame_security(head: _Head, strategy: Strategy, key: bytes, data: bytes) -> tuple[Strategy, bytes]:
    """How the frames are encrypted; as the head is where the file does not say."""
    size = head.uint(1, "security size")
    at = head.at
    info = head.take(size, "security")
    if not info:
        return strategy, key
    try:
        inner = Strategy(info[0])
    except ValueError:
        raise _error(f"encryption {info[0]} is not known", data, 1 + at) from None
    if inner is not Strategy.XOR:
        _need_key(inner, key, data, 1 + at)
        return inner, key
    if len(info) < 2 or info[1] >= len(key):
        raise _error("recording is encrypted (XOR): pass the key that has its byte", data, 1 + at)
    return inner, key[info[1] : info[1] + 1]


def _frames(
    data: bytes, start: int, size: int, strategy: Strategy, key: bytes, factor: float
) -> Iterator[PmdFrame | GnssFrame]:
    plain = decrypt(strategy, key, data[start:])
    at, kind = 0, None
    while True:
        stop = at + size
        window = data[start + at : start + stop]
        if size == 0 or stop > len(plain):
            raise _error(f"frame needs {size} bytes, {len(plain) - at} left", window, 0)
        try:
            frame = decode_frame(plain[at:stop], factor=factor)
        except DecodeError as err:
            if strategy is Strategy.NONE:
                raise
            raise DecodeError(
                "decrypted frame is malformed", uuid=err.uuid, payload=window, offset=err.offset
            ) from None
        if kind is not None and frame.kind is not kind:
            raise _error(f"frame of {frame.kind.name} in a recording of {kind.name}", window, 0)
        kind = frame.kind
        yield frame
        if stop == len(plain):
            return
        if stop + 2 > len(plain):
            raise _error("size of a frame needs 2 bytes, 1 left", data[start + stop :], 0)
        size = int.from_bytes(plain[stop : stop + 2], "little")
        at = stop + 2


def _error(message: str, data: bytes, offset: int) -> DecodeError:
    return DecodeError(message, uuid=FILE_TRANSFER, payload=data[: offset + 64], offset=offset)
