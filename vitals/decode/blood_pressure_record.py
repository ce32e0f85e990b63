"""Blood Pressure Record (0x2B36): a stored measurement, sent in one or more notifications after a record request.

Layout (GATT Specification Supplement, Blood Pressure Record): segmentation header u8 (bit 0 first, bit 1 last segment,
bits 2-7 a counter that rolls over at 64), sequence number u16, UUID u16 of the characteristic that was recorded, a part
of its value; a CRC u16 at the end of the last segment where the service has E2E-CRC (bit 6 of its features), over all
fields of all segments but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor
from vitals.decode.e2e_crc import crc16_mcrf4xx
from vitals.errors import DecodeError


@dataclass(frozen=True, slots=True)
class BloodPressureRecordPart:
    """One notification."""

    first: bool
    last: bool
    counter: int  # 0..63
    sequence: int  # per user; rolls over at 65536
    characteristic: str  # 128-bit UUID of what was recorded
    body: bytes  # a part of its value; in the last one a CRC behind it, where the service has it


@dataclass(frozen=True, slots=True)
class BloodPressureRecord:
    """A whole record; `vitals.decode.decode(characteristic, value)` says what was measured."""

    sequence: int
    characteristic: str
    value: bytes


def decode_blood_pressure_record(payload: bytes) -> BloodPressureRecordPart:
    """Blood Pressure Record (0x2B36), for `RecordJoiner`. Raises DecodeError where its head is cut off."""
    at = Cursor(uuids.BLOOD_PRESSURE_RECORD, payload)
    header, sequence = at.uint(1, "segmentation header"), at.uint(2, "sequence number")
    characteristic = uuids.sig(at.uint(2, "UUID"))
    return BloodPressureRecordPart(
        bool(header & 1), bool(header & 2), header >> 2, sequence, characteristic, at.take(at.left, "value")
    )


def encode_blood_pressure_record(record: BloodPressureRecord, *, room: int, crc: bool) -> list[bytes]:
    """The notifications of a record, of at most `room` (8 or more) bytes each; with a CRC where `crc`."""
    head = record.sequence.to_bytes(2, "little") + int(record.characteristic[:8], 16).to_bytes(2, "little")
    size = room - 1 - len(head) - 2 * crc
    pieces = [record.value[k : k + size] for k in range(0, len(record.value), size)] or [b""]
    out = [
        bytes([(k == 0) | (k == len(pieces) - 1) << 1 | (k % 64) << 2]) + head + piece for k, piece in enumerate(pieces)
    ]
    if crc:
        out[-1] += crc16_mcrf4xx(b"".join(out)).to_bytes(2, "little")
    return out


class RecordJoiner:
    """Joins notifications into whole records; `crc` where the features of the service say E2E-CRC."""

    def __init__(self, *, crc: bool = False) -> None:
        self._crc = crc
        self._parts: list[BloodPressureRecordPart] = []
        self.lost = 0  # records of which a notification is missing

    def feed(self, part: BloodPressureRecordPart) -> BloodPressureRecord | None:
        """The record once its last notification has come; None before, and after a loss until the next record begins.

        Raises DecodeError for a wrong CRC.
        """
        before = self._parts[-1] if self._parts else None
        if part.first:
            self.lost += before is not None
            self._parts = []
        elif before is None:
            return None
        elif not _follows(before, part):
            self.lost += 1
            self._parts = []
            return None
        self._parts.append(part)
        if not part.last:
            return None
        parts, self._parts = self._parts, []
        value = b"".join(one.body for one in parts)
        if self._crc:
            _check(parts)
            value = value[:-2]
        return BloodPressureRecord(part.sequence, part.characteristic, value)


def _follows(before: BloodPressureRecordPart, part: BloodPressureRecordPart) -> bool:
    return (before.counter + 1) % 64 == part.counter and (before.sequence, before.characteristic) == (
        part.sequence,
        part.characteristic,
    )


def _check(parts: list[BloodPressureRecordPart]) -> None:
    sent = b"".join(
        bytes([one.first | one.last << 1 | one.counter << 2])
        + one.sequence.to_bytes(2, "little")
        + int(one.characteristic[:8], 16).to_bytes(2, "little")
        + one.body
        for one in parts
    )
    if len(parts[-1].body) < 2 or crc16_mcrf4xx(sent[:-2]) != int.from_bytes(sent[-2:], "little"):
        raise DecodeError(
            "E2E-CRC of the record is wrong", uuid=uuids.BLOOD_PRESSURE_RECORD, payload=sent, offset=len(sent) - 2
        )


DECODERS: Mapping[str, Callable[[bytes], object]] = {uuids.BLOOD_PRESSURE_RECORD: decode_blood_pressure_record}
