"""The raw journal: what arrived and when, so that a better decoder can decode it again.

Laws of this file:
1. Replaying a journal gives the frames and link events that went in, bit for bit, however they were split into chunks.
2. Chunks are appended, never changed; a chunk needs no other. Joined bytes of chunks are a journal.
3. Every record has its checksum. What a crash or a bad disk left is reported as Damage; reading goes on at the next
   chunk. Nothing is made up.
4. Pure functions of bytes: keeping them, and encrypting them, is the store's business. They are health data.

    chunk     head record, then other records
    record    size of body (varint), body, CRC-32 of body (u32, little endian)
    body      kind (u8), then
              0 head:  "VJ", version u8        times and characteristics start anew
              1 frame: time, characteristic (varint, an index), payload
              2 characteristic: UUID (16 bytes, big endian)
              3 characteristic: its name, where that is not a UUID (UTF-8)
              from 16 on: link events: time, then their fields: numbers as zigzag varints, text as size and UTF-8
    time      microseconds since the record before (zigzag varint); since 0 in the first of a chunk

Records of a kind from 16 on that this version does not know are skipped.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import get_type_hints
from uuid import UUID

import numpy as np

from vitals.errors import FormatError
from vitals.values import (
    BatteryLow,
    Block,
    ClockReset,
    Connected,
    ContactChange,
    Disconnected,
    Frame,
    LinkEvent,
    Overflow,
    Stall,
    StreamRefused,
    Timing,
)

VERSION = 1
_MAGIC = b"VJ"
_HEAD, _FRAME, _UUID, _NAME, _FIRST_EVENT = 0, 1, 2, 3, 16
# The number of an event is its place here: append only.
_EVENTS: tuple[type[LinkEvent | ClockReset], ...] = (
    Connected,
    Disconnected,
    Stall,
    Overflow,
    StreamRefused,
    ContactChange,
    BatteryLow,
    ClockReset,  # of "link" only: a time line finds it again in the frames
)
_SHAPES = [(made, [get_type_hints(made)[f.name] for f in fields(made)[1:]]) for made in _EVENTS]  # at_us comes first
_LONGEST = 1 << 20  # bytes of a body; a notification has at most 512

Entry = Frame | LinkEvent | ClockReset


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a journal that cannot be read: torn by a crash, or changed."""

    offset: int
    size: int


class Journal:
    """Encodes a journal record by record, in chunks of any length.

    The bytes that `append` returns belong behind those that it returned before; `cut` begins a new chunk.
    """

    def __init__(self) -> None:
        self.cut()

    def cut(self) -> None:
        """What follows is a chunk of its own."""
        self._begun = False
        self._time = 0
        self._known: dict[str, int] = {}

    def append(self, entry: Entry) -> bytes:
        """The bytes of one more frame or link event."""
        parts: list[bytes] = []
        if not self._begun:
            self._begun = True
            parts.append(_HEAD_RECORD)
        if isinstance(entry, Frame):
            index = self._known.get(entry.uuid)
            if index is None:
                index = self._known[entry.uuid] = len(self._known)
                parts.append(_record(_characteristic(entry.uuid)))
            parts.append(_record(bytes([_FRAME]) + self._since(entry.arrival_us) + _varint(index) + entry.payload))
        else:
            parts.append(_record(self._event(entry)))
        return b"".join(parts)

    def _since(self, time_us: int) -> bytes:
        step, self._time = time_us - self._time, time_us
        return _zigzag(step)

    def _event(self, event: LinkEvent | ClockReset) -> bytes:
        number = _EVENTS.index(type(event))
        body = bytes([_FIRST_EVENT + number]) + self._since(event.at_us)
        for field in fields(event)[1:]:
            value = getattr(event, field.name)
            if isinstance(value, str):
                text = value.encode()
                body += _varint(len(text)) + text
            else:
                body += _zigzag(int(value))
        return body


def pack(entries: Iterable[Entry]) -> bytes:
    """One chunk of these frames and link events; empty for none."""
    journal = Journal()
    return b"".join(map(journal.append, entries))


def unpack(data: bytes) -> Iterator[Entry | Damage]:
    """What a journal (any number of chunks) holds, in order; Damage stands for bytes that cannot be read.

    Raises FormatError where the bytes are no journal, or of a later version.
    """
    if data and not data.startswith(_HEAD_RECORD[: len(data)]) and _HEAD_RECORD not in data:
        raise FormatError(
            f"these {len(data)} bytes are not a journal of version {VERSION}, which begins with {_HEAD_RECORD.hex()}; "
            "pass the bytes of whole chunks in order, or update vitals"
        )
    at, chunk = 0, _Chunk()
    while at < len(data):
        end, body = _body(data, at)
        if body is not None and body.startswith(_HEAD_BODY[:-1]):
            if body != _HEAD_BODY:
                raise FormatError(f"the journal's chunk at byte {at} is not of version {VERSION}; update vitals")
            at, chunk = end, _Chunk()
            continue
        try:
            if body is None:
                raise ValueError
            entry = chunk.read(body)
        except (ValueError, IndexError):
            found = data.find(_HEAD_RECORD, at + 1)
            end = len(data) if found < 0 else found
            yield Damage(at, end - at)
        else:
            if entry is not None:
                yield entry
        at = end


def replay_frames(data: bytes) -> Iterator[Frame]:
    """The frames of a journal in order of arrival, without those that are damaged.

    Raises FormatError where the bytes are no journal, or of a later version.
    """
    return (entry for entry in unpack(data) if isinstance(entry, Frame))


class _Chunk:
    """What the records of one chunk build upon."""

    def __init__(self) -> None:
        self._time = 0
        self._uuids: list[str] = []

    def read(self, body: bytes) -> Entry | None:
        """The entry that a body holds; None for those that only prepare others. Raises ValueError, IndexError."""
        kind = body[0]
        if kind == _UUID:
            self._uuids.append(str(UUID(bytes=body[1:])))
            return None
        if kind == _NAME:
            self._uuids.append(body[1:].decode())
            return None
        step, at = _read_zigzag(body, 1)
        if kind == _FRAME:
            index, at = _read_varint(body, at)
            uuid = self._uuids[index]
            self._time += step
            return Frame(self._time, uuid, body[at:])
        if kind < _FIRST_EVENT:
            raise ValueError
        self._time += step
        return self._event(kind - _FIRST_EVENT, body, at) if kind - _FIRST_EVENT < len(_EVENTS) else None

    def _event(self, number: int, body: bytes, at: int) -> LinkEvent | ClockReset:
        made, types = _SHAPES[number]
        values: list[object] = [self._time]
        for kind in types:
            if issubclass(kind, str):
                size, at = _read_varint(body, at)
                if at + size > len(body):
                    raise ValueError
                values.append(kind(body[at : at + size].decode()))
                at += size
            else:
                integer, at = _read_zigzag(body, at)
                values.append(kind(integer))
        return made(*values)  # type: ignore[arg-type]


def _characteristic(uuid: str) -> bytes:
    try:
        plain = UUID(uuid)
    except ValueError:
        plain = None
    if plain is not None and str(plain) == uuid:
        return bytes([_UUID]) + plain.bytes
    return bytes([_NAME]) + uuid.encode()


def _record(body: bytes) -> bytes:
    return _varint(len(body)) + body + zlib.crc32(body).to_bytes(4, "little")


def _body(data: bytes, at: int) -> tuple[int, bytes | None]:
    """Where the record at `at` ends and its body; None where it is torn or changed."""
    try:
        size, at = _read_varint(data, at)
    except IndexError:
        return at, None
    body = data[at : at + size]
    end = at + size + 4
    if not 0 < size <= _LONGEST or end > len(data):
        return at, None
    return end, body if zlib.crc32(body) == int.from_bytes(data[end - 4 : end], "little") else None


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 77:  # ten bytes hold every 64-bit number
            raise IndexError


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _read_zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _read_varint(data, at)
    return (value >> 1) ^ -(value & 1), at


_HEAD_BODY = bytes([_HEAD]) + _MAGIC + bytes([VERSION])
_HEAD_RECORD = _record(_HEAD_BODY)


def journal_block(at_us: int, data: bytes, kind: str = "journal") -> Block:
    """Bytes of a journal as a block of the stream `kind`, which came at `at_us`: "journal" holds what arrived, "link"
    only what happened to the link."""
    values = np.frombuffer(data, dtype=np.uint8)
    return Block(kind, at_us, Timing.STAMPED, 0.0, values, 1.0, "", np.zeros(len(values), dtype=np.int64))


def journal_bytes(blocks: Iterable[Block]) -> bytes:
    """The journal that blocks of a stream "journal" or "link" hold, in order of time."""
    return b"".join(block.values.astype(np.uint8).tobytes() for block in blocks)
