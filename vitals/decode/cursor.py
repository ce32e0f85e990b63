"""Reading a payload field by field, little endian, with an error that says where it ended too early."""

from __future__ import annotations

import enum
from typing import TypeVar

from vitals.decode.ieee11073 import decode_float, decode_sfloat
from vitals.errors import DecodeError

Named = TypeVar("Named", bound=enum.IntEnum)


def named(kind: type[Named], value: int) -> Named | int:
    """The member of an enumeration; a value that is reserved today stays a plain integer."""
    try:
        return kind(value)
    except ValueError:
        return value


class Cursor:
    """A position in the payload of one characteristic."""

    __slots__ = ("offset", "payload", "uuid")

    def __init__(self, uuid: str, payload: bytes) -> None:
        self.uuid = uuid
        self.payload = payload
        self.offset = 0

    @property
    def left(self) -> int:
        return len(self.payload) - self.offset

    def uint(self, size: int, what: str) -> int:
        """The next `size` bytes as an unsigned integer; DecodeError names `what` where they are missing."""
        return int.from_bytes(self.take(size, what), "little")

    def sint(self, size: int, what: str) -> int:
        """The next `size` bytes as a two's complement integer."""
        return int.from_bytes(self.take(size, what), "little", signed=True)

    def sfloat(self, what: str, shift: int = 0) -> float:
        """An IEEE 11073 SFLOAT times 10 ** `shift`; a special value is a member of `ieee11073.Special`."""
        return decode_sfloat(self.uint(2, what), shift)

    def float32(self, what: str, shift: int = 0) -> float:
        """An IEEE 11073 FLOAT times 10 ** `shift`; a special value is a member of `ieee11073.Special`."""
        return decode_float(self.uint(4, what), shift)

    def take(self, size: int, what: str) -> bytes:
        """The next `size` bytes as they are."""
        if self.left < size:
            raise self.error(f"{what} needs {size} byte{'s' if size > 1 else ''}, {self.left} left")
        self.offset += size
        return self.payload[self.offset - size : self.offset]

    def end(self) -> None:
        """DecodeError if bytes are left over."""
        if self.left:
            raise self.error(f"{self.left} byte{'s' if self.left > 1 else ''} left over")

    def error(self, message: str, back: int = 0) -> DecodeError:
        """An error at the current offset, or `back` bytes before it (where the refused field began)."""
        return DecodeError(message, uuid=self.uuid, payload=self.payload, offset=self.offset - back)
