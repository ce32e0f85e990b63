"""Big data of a Colmi ring (version 2 service): sleep and SpO2 by the hour.

0xBC, kind u8, size u16, CRC u16, `size` bytes, over as many notifications as it takes. The CRC is not documented and
not checked. Layouts from Gadgetbridge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode.colmi.gatt import BIG_NOTIFY, BigKind, Command, SleepStage
from vitals.decode.cursor import Cursor

_HEAD = 6


@dataclass(frozen=True, slots=True)
class SleepNight:
    """One night: minutes after midnight of the day that the ring counts it to; start > end: began the day before."""

    days_ago: int
    start_min: int
    end_min: int
    periods: tuple[tuple[SleepStage | int, int], ...]  # stage, minutes


@dataclass(frozen=True, slots=True)
class SpO2Day:
    """Lowest and highest SpO2 of each hour [%]; 0 where not measured."""

    days_ago: int
    low: tuple[int, ...]
    high: tuple[int, ...]


class BigDataAssembler:
    """Joins notifications of the big data characteristic to whole messages. It never holds more than one message."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, notification: bytes) -> bytes | None:
        """The message that this notification completes. One that begins otherwise than with 0xBC is dropped."""
        if not self._buffer and not notification.startswith(bytes((Command.BIG_DATA,))):
            return None
        self._buffer += notification
        if len(self._buffer) < _HEAD:
            return None
        size = _HEAD + int.from_bytes(self._buffer[2:4], "little")
        if len(self._buffer) < size:
            return None
        message = bytes(self._buffer[:size])
        self._buffer.clear()
        return message


def decode_big_data(payload: bytes) -> tuple[SleepNight, ...] | tuple[SpO2Day, ...]:
    """A whole message of big data. Raises DecodeError where it is cut off or of a kind that is not known."""
    at = Cursor(BIG_NOTIFY, payload)
    if at.uint(1, "magic") != Command.BIG_DATA:
        at.offset = 0
        raise at.error(f"big data begins with 0xbc, not 0x{payload[0]:02x}")
    kind, size = at.uint(1, "kind"), at.uint(2, "size")
    at.uint(2, "CRC")
    if at.left != size:
        raise at.error(f"message of {size} bytes has {at.left}")
    if kind == BigKind.SLEEP:
        nights = tuple(_night(at) for _ in range(at.uint(1, "nights") if at.left else 0))
        at.end()
        return nights
    if kind == BigKind.SPO2:
        days: list[SpO2Day] = []
        while at.left:
            ago = at.uint(1, "days ago")
            pairs = [(at.uint(1, "lowest SpO2"), at.uint(1, "highest SpO2")) for _ in range(24)]
            days.append(SpO2Day(ago, tuple(low for low, _ in pairs), tuple(high for _, high in pairs)))
        return tuple(days)
    at.offset = 1
    raise at.error(f"big data kind 0x{kind:02x} is not known")


def _night(at: Cursor) -> SleepNight:
    ago, size = at.uint(1, "days ago"), at.uint(1, "size of the night")
    start, end = at.uint(2, "start"), at.uint(2, "end")
    if size < 4 or size % 2:
        at.offset -= 5
        raise at.error(f"a night of {size} bytes; 4 and whole periods of 2 are possible")
    periods: list[tuple[SleepStage | int, int]] = []
    for _ in range((size - 4) // 2):
        stage = at.uint(1, "stage")
        periods.append((SleepStage(stage) if stage <= SleepStage.AWAKE else stage, at.uint(1, "minutes")))
    return SleepNight(ago, start, end, tuple(periods))


def encode_big_data_request(kind: BigKind) -> bytes:
    """Asks for sleep or SpO2 on the big data characteristic."""
    return bytes((Command.BIG_DATA, kind, 0x01, 0x00, 0xFF, 0x00, 0xFF))


DECODERS: Mapping[str, Callable[[bytes], object]] = {BIG_NOTIFY: decode_big_data}
