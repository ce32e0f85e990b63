"""The raw journal: what arrived and when, so that a better decoder can decode it again.

Laws of this file:
1. Replaying a journal gives the frames and link events that went in, bit for bit.
2. Records are appended, never changed. A chunk needs no other, and ends after a minute, at 64 KiB, or where a link
   comes up: no damage costs more than that. Any run of whole chunks is a journal, and so are joined journals.
3. Every record has a checksum that goes on from the record before it, and a chunk says with which one the chunk before
   it ended. What a crash or a bad disk left, and what is missing between two records, is reported as Damage; reading
   goes on at the next chunk, whose times are absolute. Nothing is made up. What is missing behind the last record, or
   before the first, cannot be seen.
4. Pure functions of bytes: keeping them, and encrypting them, is the store's business. They are health data.

    chunk     head record, then other records
    record    size of body (varint), body, CRC-32 of all bodies of the chunk up to this one (u32, little endian)
    body      kind (u8), then
              0 head:  "VJ", version u8, last CRC-32 of the chunk before (u32; 0: a journal begins), time
              1 frame: time, characteristic (varint, an index), payload
              2 characteristic: UUID (16 bytes, big endian)
              3 characteristic: its name, where that is not a UUID (UTF-8)
              from 16 on: link events: time, then their fields: numbers as zigzag varints, text as size and UTF-8
    time      microseconds since the record before (zigzag varint); in a head since 0

Records of a kind from 16 on that this version does not know are skipped.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple, get_type_hints
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

VERSION = 2
CHUNK_US, CHUNK_BYTES = 60_000_000, 1 << 16  # no more than this hangs together
_HEAD = b"\0VJ" + bytes([VERSION])  # the first three bytes are those of every version, and so is the plain CRC-32
_FRAME, _UUID, _NAME, _FIRST_EVENT = 1, 2, 3, 16
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
    """Bytes of a journal that cannot be read: torn by a crash, or changed; none where records are missing."""

    offset: int
    size: int


class Journal:
    """Encodes a journal record by record; what `append` returns belongs behind what it returned before."""

    def __init__(self) -> None:
        self._crc = 0
        self.cut()

    def cut(self) -> None:
        """What follows is a chunk of its own."""
        self._size = 0  # of the chunk
        self._begun_us = self._time = 0
        self._known: dict[str, int] = {}

    def append(self, entry: Entry) -> bytes:
        """The bytes of one more frame or link event."""
        at_us = entry.arrival_us if isinstance(entry, Frame) else entry.at_us
        full = self._size >= CHUNK_BYTES or abs(at_us - self._begun_us) >= CHUNK_US
        if self._size and (full or isinstance(entry, Connected)):
            self.cut()
        parts: list[bytes] = []
        if not self._size:
            self._begun_us = at_us
            head = _HEAD + self._crc.to_bytes(4, "little") + self._since(at_us)
            self._crc = 0
            parts.append(self._record(head))
        if isinstance(entry, Frame):
            index = self._known.get(entry.uuid)
            if index is None:
                index = self._known[entry.uuid] = len(self._known)
                parts.append(self._record(_characteristic(entry.uuid)))
            parts.append(self._record(bytes([_FRAME]) + self._since(at_us) + _varint(index) + entry.payload))
        else:
            parts.append(self._record(self._event(entry)))
        data = b"".join(parts)
        self._size += len(data)
        return data

    def _record(self, body: bytes) -> bytes:
        self._crc = zlib.crc32(body, self._crc)
        return _varint(len(body)) + body + self._crc.to_bytes(4, "little")

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
    """The journal of these frames and link events; empty for none."""
    journal = Journal()
    return b"".join(map(journal.append, entries))


def unpack(data: bytes) -> Iterator[Entry | Damage]:
    """What a journal (any run of its bytes) holds, in order; Damage stands for bytes that cannot be read, and for
    records that are missing.

    Raises FormatError where the bytes hold no beginning of a chunk, or one of another version.
    """
    if data and data[1:4] != _HEAD[: min(3, len(data) - 1)] and _next_head(data, 0) == len(data):
        raise FormatError(
            f"these {len(data)} bytes hold no beginning of a chunk of a journal of version {VERSION}; pass a span that "
            f"begins a minute earlier, or update vitals"
        )
    at, crc = 0, 0
    chunk: _Chunk | None = None
    while at < len(data):
        head = _head_at(data, at)
        if head is not None:
            if chunk is not None and head.before not in (0, crc):
                yield Damage(at, 0)
            at, crc, chunk = head.end, head.crc, _Chunk(head.time_us)
            continue
        try:
            if chunk is None:
                raise ValueError
            end, body, crc = _body(data, at, crc)
            entry = chunk.read(body)
        except (ValueError, IndexError):
            end, chunk = _next_head(data, at + 1), None
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

    def __init__(self, time_us: int) -> None:
        self._time = time_us
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


def _body(data: bytes, at: int, crc: int) -> tuple[int, bytes, int]:
    """Where the record at `at` ends, its body and its checksum, which goes on from `crc`. Raises ValueError, IndexError
    where it is torn, changed, or not the next one."""
    size, at = _read_varint(data, at)
    body = data[at : at + size]
    end = at + size + 4
    crc = zlib.crc32(body, crc)
    if not 0 < size <= _LONGEST or end > len(data) or crc != int.from_bytes(data[end - 4 : end], "little"):
        raise ValueError
    return end, body, crc


class _Head(NamedTuple):
    end: int  # where the record ends
    crc: int  # its checksum
    before: int  # the checksum at the end of the chunk before
    time_us: int


def _head_at(data: bytes, at: int) -> _Head | None:
    """The head that begins at `at`. Raises FormatError for one of another version."""
    if data[at + 1 : at + 4] != _HEAD[:3]:
        return None
    try:
        end, body, crc = _body(data, at, 0)
        version = body[3]
        time_us, size = _read_zigzag(body, 8) if version == VERSION else (0, 0)
    except (ValueError, IndexError):
        return None
    if version != VERSION:
        raise FormatError(f"the journal's chunk at byte {at} is of version {version}, not {VERSION}; update vitals")
    return _Head(end, crc, int.from_bytes(body[4:8], "little"), time_us) if size == len(body) else None


def _next_head(data: bytes, at: int) -> int:
    """Where the first head of this version from `at` on begins; the end of the data for none."""
    found = data.find(_HEAD, at + 1)
    while found > 0 and _head_at(data, found - 1) is None:
        found = data.find(_HEAD, found + 1)
    return found - 1 if found > 0 else len(data)


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


def journal_block(at_us: int, data: bytes, kind: str = "journal") -> Block:
    """Bytes of a journal as a block of the stream `kind`, which came at `at_us`: "journal" holds what arrived, "link"
    only what happened to the link."""
    values = np.frombuffer(data, dtype=np.uint8)
    return Block(kind, at_us, Timing.STAMPED, 0.0, values, 1.0, "", np.zeros(len(values), dtype=np.int64))


def journal_bytes(blocks: Iterable[Block]) -> bytes:
    """The journal that blocks of a stream "journal" or "link" hold, in order of time."""
    return b"".join(block.values.astype(np.uint8).tobytes() for block in blocks)
