"""Values longer than a notification: the segmentation header of newer health services, and joining the segments.

Layout (GATT Specification Supplement, Blood Pressure Record, segmentation header): bit 0 first segment, bit 1 last
segment, bits 2-7 a counter that rolls over at 64; the rest of the payload is a part of the value.
"""

from __future__ import annotations

from dataclasses import dataclass

from vitals.decode.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Segment:
    first: bool
    last: bool
    counter: int  # 0..63
    body: bytes


def read_segment(at: Cursor) -> Segment:
    """Read the header; the body is the whole rest. Raises DecodeError for an empty payload."""
    header = at.uint(1, "segmentation header")
    return Segment(bool(header & 1), bool(header & 2), header >> 2, at.take(at.left, "segment"))


class SegmentAssembler:
    """Joins the segments of one characteristic into whole values."""

    def __init__(self) -> None:
        self._parts: list[bytes] | None = None
        self._next = 0
        self.lost = 0  # values of which a segment is missing

    def feed(self, segment: Segment) -> bytes | None:
        """The whole value with its last segment; None before, and after a gap until the next first segment."""
        if segment.first:
            self.lost += self._parts is not None
            self._parts = []
        elif self._parts is None:
            return None
        elif segment.counter != self._next:
            self.lost += 1
            self._parts = None
            return None
        self._parts.append(segment.body)
        self._next = (segment.counter + 1) % 64
        if not segment.last:
            return None
        whole = b"".join(self._parts)
        self._parts = None
        return whole
