"""Heart rate in the advertisements of Polar sensors (manufacturer data of company 0x006B).

Segment: status u8 (bit 0 battery, bit 1 contact, bits 2 to 4 frame counter, bit 5 broadcast, bit 6 other data, bit 7
status), 1 kHz code u8, fast average u8 [bpm], slow average u8 [bpm] where four bytes are there.
"""

from __future__ import annotations

from dataclasses import dataclass

from vitals.decode.cursor import Cursor
from vitals.decode.polar.gatt import HR_ADVERT
from vitals.errors import InputError

_OTHER_DATA = 0x40
_SLOT = 5  # bytes that a heart-rate segment takes beside others


@dataclass(frozen=True, slots=True)
class HrAdvert:
    """One advertised heart rate. A frame counter that stands still means an old value."""

    battery_low: bool
    contact: bool
    counter: int  # 0..7
    broadcast: bool
    status: bool
    khz_code: int
    fast_bpm: int
    slow_bpm: int  # the one to show


def decode_hr_advert(segment: bytes) -> HrAdvert:
    """A heart-rate segment: three bytes, or four and more. Raises DecodeError where it is shorter."""
    at = Cursor(HR_ADVERT, segment)
    status, khz, fast = at.uint(1, "status"), at.uint(1, "1 kHz code"), at.uint(1, "fast average")
    slow = at.uint(1, "slow average") if at.left else fast
    return HrAdvert(
        bool(status & 1),
        bool(status & 2),
        status >> 2 & 7,
        bool(status & 0x20),
        bool(status & 0x80),
        khz,
        fast,
        slow,
    )


def find_hr_advert(manufacturer_data: bytes) -> HrAdvert | None:
    """The heart rate in the data of company 0x006B (without the company); None where it carries none.

    Raises DecodeError where a segment is cut off.
    """
    at = 0
    while at < len(manufacturer_data):
        if not manufacturer_data[at] & _OTHER_DATA:
            return decode_hr_advert(manufacturer_data[at : at + _SLOT])
        # Other data: type byte, length byte, content.
        at += 2 + (manufacturer_data[at + 1] if at + 1 < len(manufacturer_data) else 0)
    return None


def encode_hr_advert(advert: HrAdvert) -> bytes:
    """The four bytes of a heart-rate segment. Raises InputError for a number that does not fit."""
    numbers = (advert.khz_code, advert.fast_bpm, advert.slow_bpm)
    if any(not 0 <= number <= 255 for number in numbers) or not 0 <= advert.counter <= 7:
        raise InputError(f"counter {advert.counter} or one of {numbers} does not fit; 0 to 7 and 0 to 255 do")
    status = advert.battery_low | advert.contact << 1 | advert.counter << 2 | advert.broadcast << 5 | advert.status << 7
    return bytes((status, *numbers))
