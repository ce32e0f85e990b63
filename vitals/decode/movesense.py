"""Movesense GATT SensorData Protocol (GSP 1): commands, responses, data of subscriptions.

    command   code u8, reference u8, parameters
    notified  code u8 (1 response, 2 data, 3 second part of data), reference u8, content

A reference is the host's choice and ties data to the path that was subscribed with it, e.g. "/Meas/Acc/52". Data has
no type of its own: decode it with that path. Source: Movesense, "GATT SensorData Protocol specification" 1.0, and
sensein/movesense-py. ECG in mV comes as 16-bit microvolts although the API description says float.
"""

from __future__ import annotations

import enum
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals.decode.cursor import Cursor
from vitals.errors import DecodeError, InputError

SERVICE = "34802252-7185-4d5d-b431-630e7050e8f0"
WRITE = "34800001-7185-4d5d-b431-630e7050e8f0"
NOTIFY = "34800002-7185-4d5d-b431-630e7050e8f0"

OK = 200  # statuses are those of HTTP


class Command(enum.IntEnum):
    """First byte of what a host writes."""

    HELLO = 0
    SUBSCRIBE = 1
    UNSUBSCRIBE = 2
    FETCH_LOG = 3
    GET = 4
    CLEAR_LOGBOOK = 5
    PUT_DATALOGGER_CONFIG = 6
    PUT_SYSTEM_MODE = 7
    PUT_UTC_TIME = 8
    PUT_DATALOGGER_STATE = 9


class MessageCode(enum.IntEnum):
    """First byte of a notification."""

    RESPONSE = 1
    DATA = 2
    DATA_PART_2 = 3


@dataclass(frozen=True, slots=True)
class GspMessage:
    """One notification."""

    code: MessageCode
    reference: int
    content: bytes

    @property
    def status(self) -> int | None:
        """Status of a response; None where it has none (HELLO has none: ask its reference, not this)."""
        whole = self.code is MessageCode.RESPONSE and len(self.content) >= 2
        return int.from_bytes(self.content[:2], "little") if whole else None


@dataclass(frozen=True, slots=True)
class GspCommand:
    """What a host wrote."""

    command: Command
    reference: int
    parameters: bytes


@dataclass(frozen=True, slots=True)
class Hello:
    """Answer to HELLO."""

    protocol: int
    serial: str
    product: str
    dfu_address: str
    app: str
    app_version: str


@dataclass(frozen=True, slots=True, eq=False)
class GspSamples:
    """Samples of a subscription."""

    path: str
    timestamp_ms: int | None  # of the first sample, since power-on; None where the resource sends none
    samples: NDArray[Any]  # (n, channels): int16, int32 or float32 as sent; RR u16 [ms] are in `rr_ms`
    channels: tuple[str, ...]
    scale: float  # samples * scale is in `units`
    units: tuple[str, ...]  # one per channel
    rr_ms: tuple[int, ...] = ()


_ACC, _GYRO, _MAGN = ("acc", "m/s2"), ("gyro", "deg/s"), ("magn", "uT")
_MOTION: dict[str, tuple[tuple[str, str], ...]] = {
    "acc": (_ACC,),
    "gyro": (_GYRO,),
    "magn": (_MAGN,),
    "imu6": (_ACC, _GYRO),
    "imu6m": (_ACC, _MAGN),
    "imu9": (_ACC, _GYRO, _MAGN),
}


def decode_message(payload: bytes) -> GspMessage:
    """One notification. Raises DecodeError where it is cut off or of a code that is not known."""
    at = Cursor(NOTIFY, payload)
    code = at.uint(1, "code")
    if not MessageCode.RESPONSE <= code <= MessageCode.DATA_PART_2:
        at.offset = 0
        raise at.error(f"message code {code} is not known")
    return GspMessage(MessageCode(code), at.uint(1, "reference"), bytes(payload[at.offset :]))


def join_parts(first: GspMessage, second: GspMessage) -> GspMessage:
    """DATA and the DATA_PART_2 that follows it as one message. Raises InputError unless they belong together."""
    codes = (first.code, second.code)
    if codes != (MessageCode.DATA, MessageCode.DATA_PART_2) or first.reference != second.reference:
        raise InputError("parts do not belong together: data and its second part of one reference are needed")
    return GspMessage(MessageCode.DATA, first.reference, first.content + second.content)


def decode_hello(message: GspMessage) -> Hello:
    """Content of the response to HELLO: version u8, five texts that end with NUL. Raises DecodeError."""
    at = Cursor(NOTIFY, message.content)
    version = at.uint(1, "protocol version")
    texts = message.content[1:].split(b"\0")
    if len(texts) < 6:
        at.offset = len(message.content)
        raise at.error(f"five texts are needed, {len(texts) - 1} there")
    try:
        return Hello(version, *(text.decode("utf-8") for text in texts[:5]))
    except UnicodeDecodeError:
        raise at.error("a text is not UTF-8") from None


def decode_samples(message: GspMessage, path: str) -> GspSamples:
    """Data of the subscription to `path`.

    Raises DecodeError where the content does not fit the resource, InputError for a resource that is not known.
    """
    resource = re.fullmatch(r"/?meas/(ecg|acc|gyro|magn|imu6m?|imu9|hr|temp)((?:/.*)?)", path, re.IGNORECASE)
    if resource is None:
        raise InputError(f"path {path!r} is not known; /Meas/ECG, Acc, Gyro, Magn, IMU6, IMU6m, IMU9, HR, Temp are")
    name, rest = resource[1].lower(), resource[2].lower()
    if name == "hr":
        return _heart_rate(message.content, path)
    if name == "temp":
        return _temperature(message.content, path)
    at = Cursor(NOTIFY, message.content)
    time = at.uint(4, "time stamp")
    if name == "ecg":
        millivolts = "/mv" in rest
        samples = _numbers(at, "<i2" if millivolts else "<i4", 1)
        unit, scale = ("mV", 0.001) if millivolts else ("", 1.0)
        return GspSamples(path, time, samples, ("ecg",), scale, (unit,))
    parts = _MOTION[name]
    flat = _numbers(at, "<f4", 3 * len(parts))
    # One array of vectors after the other, not interleaved.
    samples = flat.reshape(len(parts), -1, 3).transpose(1, 0, 2).reshape(-1, 3 * len(parts))
    channels = tuple(f"{part}_{axis}" for part, _ in parts for axis in "xyz")
    return GspSamples(path, time, samples, channels, 1.0, tuple(unit for _, unit in parts for _ in "xyz"))


def _heart_rate(content: bytes, path: str) -> GspSamples:
    at = Cursor(NOTIFY, content)
    rate = struct.unpack("<f", at.uint(4, "average heart rate").to_bytes(4, "little"))[0]
    rr = []
    while at.left:
        rr.append(at.uint(2, "RR interval"))
    return GspSamples(path, None, np.array([[rate]], np.float32), ("hr",), 1.0, ("bpm",), tuple(rr))


def _temperature(content: bytes, path: str) -> GspSamples:
    """Firmware sends a time stamp or not; the length tells."""
    at = Cursor(NOTIFY, content)
    time = at.uint(4, "time stamp") if len(content) == 8 else None
    kelvin = struct.unpack("<f", at.uint(4, "temperature").to_bytes(4, "little"))[0]
    at.end()
    return GspSamples(path, time, np.array([[kelvin]], np.float32), ("temperature",), 1.0, ("K",))


def _numbers(at: Cursor, dtype: str, channels: int) -> NDArray[Any]:
    size = np.dtype(dtype).itemsize * channels
    if at.left == 0 or at.left % size:
        raise DecodeError(
            f"samples of {size} bytes do not fill {at.left}", uuid=at.uuid, payload=at.payload, offset=at.offset
        )
    return np.frombuffer(at.payload, dtype, offset=at.offset).reshape(-1, channels)


def decode_command(payload: bytes) -> GspCommand:
    """What a host wrote, for a virtual sensor. Raises DecodeError."""
    at = Cursor(WRITE, payload)
    code = at.uint(1, "command")
    if code > Command.PUT_DATALOGGER_STATE:
        at.offset = 0
        raise at.error(f"command {code} is not known")
    return GspCommand(Command(code), at.uint(1, "reference"), bytes(payload[at.offset :]))


def encode_command(command: Command, reference: int, parameters: bytes = b"") -> bytes:
    """A command: a path (ASCII) for SUBSCRIBE and GET, u32 for FETCH_LOG, u64 microseconds for PUT_UTC_TIME.

    Raises InputError for a reference that does not fit into a byte.
    """
    if not 0 <= reference <= 255:
        raise InputError(f"reference is {reference}; 0 to 255 are possible")
    return bytes((command, reference)) + parameters


def encode_response(reference: int, status: int, content: bytes = b"") -> bytes:
    """A response with its status, as a sensor sends it."""
    return bytes((MessageCode.RESPONSE, reference)) + status.to_bytes(2, "little") + content


def encode_data(reference: int, timestamp_ms: int, samples: NDArray[Any]) -> bytes:
    """Data of a subscription: `samples` (n, channels), int16 or int32 for ECG, float32 for one motion sensor."""
    little = np.ascontiguousarray(samples, samples.dtype.newbyteorder("<"))
    return bytes((MessageCode.DATA, reference)) + timestamp_ms.to_bytes(4, "little") + little.tobytes()


DECODERS: Mapping[str, Callable[[bytes], object]] = {NOTIFY: decode_message}
REQUESTS: Mapping[str, Callable[[bytes], object]] = {WRITE: decode_command}
