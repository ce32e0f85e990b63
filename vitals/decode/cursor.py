"""Reading a payload field by field, little endian, with an error that says where it ended too early."""

from __future__ import annotations

from vitals.errors import DecodeError


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
        if self.left < size:
            raise self.error(f"{what} needs {size} byte{'s' if size > 1 else ''}, {self.left} left")
        value = int.from_bytes(self.payload[self.offset : self.offset + size], "little")
        self.offset += size
        return value

    def end(self) -> None:
        """DecodeError if bytes are left over."""
        if self.left:
            raise self.error(f"{self.left} byte{'s' if self.left > 1 else ''} left over")

    def error(self, message: str) -> DecodeError:
        return DecodeError(message, uuid=self.uuid, payload=self.payload, offset=self.offset)
