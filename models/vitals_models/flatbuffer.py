"""Reading FlatBuffers without trusting them.

Laws
1. Every read is checked against the buffer; whatever the bytes are, the only exception is ModelFileError.
2. A vector is never longer than the buffer that holds it, so that no length field can make us allocate.

Format: FlatBuffers internals (flatbuffers.dev, "Internals"): little-endian; a table begins with a signed offset back to
its vtable; a vtable holds its own size, the table's size, then one 16-bit field offset per field id, 0 for absent.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals_models.errors import ModelFileError


@dataclass(frozen=True, slots=True)
class Table:
    """One table inside `data`, at byte `at`."""

    data: bytes
    at: int

    def _field(self, field: int) -> int:
        """Absolute position of a field, or 0 where it is absent."""
        vtable = self.at - _number(self.data, "<i", self.at)
        size = _number(self.data, "<H", vtable)
        slot = 4 + 2 * field
        if slot + 2 > size:
            return 0
        offset = _number(self.data, "<H", vtable + slot)
        return self.at + offset if offset else 0

    def int8(self, field: int, default: int = 0) -> int:
        at = self._field(field)
        return _number(self.data, "<b", at) if at else default

    def uint8(self, field: int, default: int = 0) -> int:
        at = self._field(field)
        return _number(self.data, "<B", at) if at else default

    def int32(self, field: int, default: int = 0) -> int:
        at = self._field(field)
        return _number(self.data, "<i", at) if at else default

    def uint32(self, field: int, default: int = 0) -> int:
        at = self._field(field)
        return _number(self.data, "<I", at) if at else default

    def table(self, field: int) -> Table | None:
        at = self._field(field)
        return Table(self.data, _follow(self.data, at)) if at else None

    def tables(self, field: int) -> list[Table]:
        start, count = self._vector(field, 4)
        return [Table(self.data, _follow(self.data, start + 4 * i)) for i in range(count)]

    def array(self, field: int, dtype: str) -> NDArray[np.generic]:
        """A vector of numbers; `dtype` is a little-endian numpy code such as "<f4". Empty where absent."""
        kind = np.dtype(dtype)
        start, count = self._vector(field, kind.itemsize)
        return np.frombuffer(self.data, kind, count, start) if count else np.empty(0, kind)

    def _vector(self, field: int, item: int) -> tuple[int, int]:
        at = self._field(field)
        if not at:
            return 0, 0
        start = _follow(self.data, at)
        count = _number(self.data, "<I", start)
        if start + 4 + count * item > len(self.data):
            raise ModelFileError(f"model file: a vector of {count} items at byte {start} runs past the end")
        return start + 4, count


def root(data: bytes, identifier: bytes) -> Table:
    """The root table of a buffer that carries a 4-byte file identifier."""
    if len(data) < 8 or data[4:8] != identifier:
        raise ModelFileError(f"model file: no {identifier.decode()} identifier at byte 4; this is not such a file")
    return Table(data, _follow(data, 0))


def _number(data: bytes, code: str, at: int) -> int:
    if at < 0 or at + struct.calcsize(code) > len(data):
        raise ModelFileError(f"model file: an offset points to byte {at} of {len(data)}")
    value: int = struct.unpack_from(code, data, at)[0]
    return value


def _follow(data: bytes, at: int) -> int:
    return at + _number(data, "<I", at)
