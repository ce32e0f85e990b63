"""Colmi R02 to R10 smart rings: 16-byte packets, logs of several packets, and big data (version 2 service).

Packet: command u8, 14 bytes, checksum u8 = sum of the first 15 & 255. A ring that refuses a command sets its bit 7.
Big data: 0xBC, kind u8, size u16, CRC u16, `size` bytes, over as many notifications as it takes.

Layouts from the clients tahnok/colmi_r02_client (MIT) and Gadgetbridge. The notify characteristic has the UUID of the
Nordic UART service too: which of the two speaks is told by the service. The CRC of big data is not documented and not
checked.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from vitals.decode.cursor import Cursor
from vitals.errors import InputError

SERVICE = "6e40fff0-b5a3-f393-e0a9-e50e24dcca9e"
WRITE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
NOTIFY = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
BIG_SERVICE = "de5bf728-d711-4e47-af26-65e3012a5dc7"
BIG_WRITE = "de5bf72a-d711-4e47-af26-65e3012a5dc7"
BIG_NOTIFY = "de5bf729-d711-4e47-af26-65e3012a5dc7"

SIZE = 16
_FIRST_HR, _FIRST_HISTORY, _PART = 9, 12, 13  # readings in packet 1 of a log, of stress and HRV, and in later ones
_HR_SLOTS, _HALF_HOURS = 288, 48
_BIG_HEAD = 6
_NO_DATA, _STEPS_HEADER = 0xFF, 0xF0


class Command(enum.IntEnum):
    """First byte of a packet."""

    SET_TIME = 0x01
    BATTERY = 0x03
    HEART_RATE_LOG = 0x15
    HEART_RATE_SETTINGS = 0x16
    STRESS_LOG = 0x37
    HRV_LOG = 0x39
    STEPS = 0x43
    REAL_TIME_START = 0x69
    REAL_TIME_STOP = 0x6A
    BIG_DATA = 0xBC


class RealTimeKind(enum.IntEnum):
    """What a real-time measurement measures."""

    HEART_RATE = 1
    BLOOD_PRESSURE = 2
    SPO2 = 3
    FATIGUE = 4
    HEALTH_CHECK = 5
    ECG = 7
    STRESS = 8
    BLOOD_SUGAR = 9
    HRV = 10


class SleepStage(enum.IntEnum):
    """Stage of a sleep period."""

    NO_DATA = 0
    ERROR = 1
    LIGHT = 2
    DEEP = 3
    REM = 4
    AWAKE = 5


class BigKind(enum.IntEnum):
    """Second byte of big data."""

    SLEEP = 0x27
    SPO2 = 0x2A


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Answer to SET_TIME: what the ring can measure."""

    temperature: bool
    blood_oxygen: bool
    blood_pressure: bool
    one_key_check: bool
    manual_heart_rate: bool
    blood_sugar: bool
    stress: bool
    hrv: bool


@dataclass(frozen=True, slots=True)
class RingBattery:
    percent: int
    charging: bool


@dataclass(frozen=True, slots=True)
class HeartRateSettings:
    """Whether and how often the ring logs heart rate."""

    enabled: bool
    interval_min: int


@dataclass(frozen=True, slots=True)
class RealTimeReading:
    """One value of a real-time measurement; meaningless unless `error` is 0. 0 while the ring still measures."""

    kind: RealTimeKind | int
    error: int
    value: int  # bpm, %, or as the kind says


@dataclass(frozen=True, slots=True)
class NoData:
    """The ring has nothing for the day asked for, or refuses the command."""

    command: Command


@dataclass(frozen=True, slots=True)
class LogHeader:
    """Packet 0 of a log: how many packets it has, this one included, and minutes between readings."""

    command: Command
    packets: int
    interval_min: int


@dataclass(frozen=True, slots=True)
class LogPart:
    """A later packet of a log."""

    command: Command
    index: int
    start_s: int | None  # packet 1 of the heart-rate log: midnight of its day, Unix seconds
    day: int | None  # packet 1 of stress and HRV: days ago
    readings: tuple[int, ...]  # 0: not measured


@dataclass(frozen=True, slots=True)
class StepsHeader:
    """Packet 0 of the step log."""

    packets: int
    tens: bool  # calories come in tens


@dataclass(frozen=True, slots=True)
class StepsPart:
    """A quarter of an hour of steps."""

    day: date
    quarter: int  # 0..95
    index: int
    packets: int
    calories: int  # small calories, in tens where the header says so
    steps: int
    distance_m: int


Packet = (
    Capabilities
    | RingBattery
    | HeartRateSettings
    | RealTimeReading
    | NoData
    | LogHeader
    | LogPart
    | StepsHeader
    | StepsPart
)


def decode_packet(payload: bytes) -> Packet:
    """One notification of the ring. Raises DecodeError on a wrong size, checksum, field, or an unknown command."""
    at = Cursor(NOTIFY, payload)
    if len(payload) != SIZE:
        at.offset = min(len(payload), SIZE)
        raise at.error(f"a packet has {SIZE} bytes, this one {len(payload)}")
    if payload[-1] != sum(payload[:-1]) & 0xFF:
        at.offset = SIZE - 1
        raise at.error(f"checksum is 0x{payload[-1]:02x}, the bytes add up to 0x{sum(payload[:-1]) & 0xFF:02x}")
    command = at.uint(1, "command")
    refused = _DECODERS.get(command & 0x7F)
    if refused is None:
        at.offset = 0
        raise at.error(f"command 0x{command:02x} is not known")
    return NoData(Command(command & 0x7F)) if command & 0x80 else refused(at)


def _capabilities(at: Cursor) -> Capabilities:
    b = at.payload[1:]
    return Capabilities(
        temperature=b[0] == 1,
        blood_oxygen=bool(b[3] & 2),
        blood_pressure=bool(b[3] & 4),
        one_key_check=bool(b[3] & 16),
        manual_heart_rate=bool(b[11] & 1),
        blood_sugar=bool(b[11] & 128),
        stress=bool(b[13] & 16),
        hrv=bool(b[13] & 32),
    )


def _battery(at: Cursor) -> RingBattery:
    percent = at.uint(1, "battery level")
    if percent > 100:
        at.offset -= 1
        raise at.error(f"battery level {percent} is above 100 %")
    return RingBattery(percent, bool(at.uint(1, "charging")))


def _settings(at: Cursor) -> HeartRateSettings:
    at.uint(1, "read or write")
    return HeartRateSettings(at.uint(1, "enabled") == 1, at.uint(1, "interval"))


def _real_time(at: Cursor) -> RealTimeReading:
    kind, error, value = at.uint(1, "kind"), at.uint(1, "error"), at.uint(1, "value")
    try:
        return RealTimeReading(RealTimeKind(kind), error, value)
    except ValueError:
        return RealTimeReading(kind, error, value)


def _log(at: Cursor) -> NoData | LogHeader | LogPart:
    command, index = Command(at.payload[0]), at.uint(1, "packet number")
    if index == _NO_DATA:
        return NoData(command)
    if index == 0:
        return LogHeader(command, at.uint(1, "packets"), at.uint(1, "interval"))
    start = day = None
    if index == 1:
        if command is Command.HEART_RATE_LOG:
            start = at.uint(4, "time stamp")
        else:
            day = at.uint(1, "days ago")
    return LogPart(command, index, start, day, tuple(at.payload[at.offset : SIZE - 1]))


def _steps(at: Cursor) -> NoData | StepsHeader | StepsPart:
    first = at.uint(1, "year")
    if first == _NO_DATA:
        return NoData(Command.STEPS)
    if first == _STEPS_HEADER:
        return StepsHeader(at.uint(1, "packets"), at.uint(1, "calorie unit") == 1)
    at.offset = 1
    year, month, day = (_bcd(at, what) for what in ("year", "month", "day"))
    try:
        when = date(2000 + year, month, day)
    except ValueError:
        at.offset = 1
        raise at.error("date is not in the calendar") from None
    quarter = at.uint(1, "quarter")
    if quarter > 95:
        at.offset -= 1
        raise at.error(f"quarter {quarter} is not in a day; 0 to 95 are")
    index, packets = at.uint(1, "packet number"), at.uint(1, "packets")
    return StepsPart(when, quarter, index, packets, at.uint(2, "calories"), at.uint(2, "steps"), at.uint(2, "distance"))


def _bcd(at: Cursor, what: str) -> int:
    byte = at.uint(1, what)
    if byte >> 4 > 9 or byte & 15 > 9:
        at.offset -= 1
        raise at.error(f"{what} 0x{byte:02x} is not binary coded decimal")
    return (byte >> 4) * 10 + (byte & 15)


_DECODERS: Mapping[int, Callable[[Cursor], Packet]] = {
    Command.SET_TIME: _capabilities,
    Command.BATTERY: _battery,
    Command.HEART_RATE_LOG: _log,
    Command.HEART_RATE_SETTINGS: _settings,
    Command.STRESS_LOG: _log,
    Command.HRV_LOG: _log,
    Command.STEPS: _steps,
    Command.REAL_TIME_START: _real_time,
    Command.REAL_TIME_STOP: _real_time,
}


@dataclass(frozen=True, slots=True, eq=False)
class DayLog:
    """Readings of one day, the first at midnight of the ring's clock."""

    command: Command
    interval_min: int
    start_s: int | None  # heart rate: midnight, Unix seconds
    day: int | None  # stress, HRV: days ago
    readings: NDArray[np.int16]  # 288 heart rates [bpm], 48 stress or HRV [ms] values; 0 not measured, -1 lost


class LogAssembler:
    """Collects the packets of one log (heart rate, stress, HRV). A new header begins anew."""

    def __init__(self) -> None:
        self._header: LogHeader | None = None
        self._start_s: int | None = None
        self._day: int | None = None
        self._readings: NDArray[np.int16] = np.zeros(0, np.int16)

    def feed(self, packet: Packet) -> DayLog | NoData | None:
        """The whole log with its last packet, NoData where the ring has none, None before. Other packets pass by."""
        if isinstance(packet, NoData):
            self._header = None
            return packet
        if isinstance(packet, LogHeader):
            slots = _HR_SLOTS if packet.command is Command.HEART_RATE_LOG else _HALF_HOURS
            self._header, self._start_s, self._day = packet, None, None
            self._readings = np.full(slots, -1, np.int16)
        elif isinstance(packet, LogPart) and self._header is not None and packet.command is self._header.command:
            return self._add(packet, self._header)
        return None

    def _add(self, part: LogPart, header: LogHeader) -> DayLog | None:
        if part.index == 1:
            self._start_s, self._day, first = part.start_s, part.day, 0
        else:
            lead = _FIRST_HR if part.command is Command.HEART_RATE_LOG else _FIRST_HISTORY
            first = lead + (part.index - 2) * _PART
        room = self._readings[first : first + len(part.readings)]
        room[:] = part.readings[: len(room)]
        if part.index < header.packets - 1:
            return None
        self._header = None
        return DayLog(header.command, header.interval_min, self._start_s, self._day, self._readings)


class StepsAssembler:
    """Collects the packets of one step log; calories come out in small calories."""

    def __init__(self) -> None:
        self._parts: list[StepsPart] = []
        self._factor = 1

    def feed(self, packet: Packet) -> tuple[StepsPart, ...] | NoData | None:
        """The quarters of the day with the last packet, NoData where there are none, None before."""
        if isinstance(packet, NoData):
            self._parts = []
            return packet
        if isinstance(packet, StepsHeader):
            self._parts, self._factor = [], 10 if packet.tens else 1
        elif isinstance(packet, StepsPart):
            calories = packet.calories * self._factor
            self._parts.append(
                StepsPart(
                    packet.day,
                    packet.quarter,
                    packet.index,
                    packet.packets,
                    calories,
                    packet.steps,
                    packet.distance_m,
                )
            )
            # At most 255 packets: a log that never ends cannot fill memory.
            if packet.index >= packet.packets - 1 or len(self._parts) > 255:
                parts, self._parts = tuple(self._parts), []
                return parts
        return None


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
        if len(self._buffer) < _BIG_HEAD:
            return None
        size = _BIG_HEAD + int.from_bytes(self._buffer[2:4], "little")
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


def encode_packet(command: int, data: bytes = b"") -> bytes:
    """A packet with its checksum. Raises InputError for more than 14 bytes of data."""
    if len(data) > SIZE - 2:
        raise InputError(f"data has {len(data)} bytes; a packet holds {SIZE - 2}")
    body = bytes((command,)) + data.ljust(SIZE - 2, b"\0")
    return body + bytes((sum(body) & 0xFF,))


def encode_set_time(when: datetime) -> bytes:
    """Sets the clock of the ring, and its language to English. Raises InputError for a year outside 2000 to 2099."""
    if not 2000 <= when.year <= 2099:
        raise InputError(f"year {when.year} does not fit; 2000 to 2099 do")
    fields = (when.year - 2000, when.month, when.day, when.hour, when.minute, when.second)
    return encode_packet(Command.SET_TIME, bytes(value // 10 << 4 | value % 10 for value in fields) + b"\x01")


def encode_battery_request() -> bytes:
    """Asks for the battery."""
    return encode_packet(Command.BATTERY)


def encode_heart_rate_log_request(midnight_s: int) -> bytes:
    """Asks for the heart rates of the day that begins at `midnight_s` (Unix seconds)."""
    return encode_packet(Command.HEART_RATE_LOG, midnight_s.to_bytes(4, "little"))


def encode_heart_rate_settings(settings: HeartRateSettings | None = None) -> bytes:
    """Writes the settings, or asks for them. Raises InputError unless the interval is 1 to 255 minutes."""
    if settings is None:
        return encode_packet(Command.HEART_RATE_SETTINGS, b"\x01")
    if not 1 <= settings.interval_min <= 255:
        raise InputError(f"interval_min is {settings.interval_min}; 1 to 255 are possible")
    return encode_packet(Command.HEART_RATE_SETTINGS, bytes((2, 1 if settings.enabled else 2, settings.interval_min)))


def encode_steps_request(days_ago: int = 0) -> bytes:
    """Asks for the steps of a day; the four constants are what every client sends."""
    return encode_packet(Command.STEPS, bytes((days_ago, 0x0F, 0x00, 0x5F, 0x01)))


def encode_history_request(command: Command, days_ago: int = 0) -> bytes:
    """Asks for STRESS_LOG (today only) or HRV_LOG."""
    return encode_packet(command, days_ago.to_bytes(4, "little"))


def encode_real_time_request(kind: RealTimeKind, *, start: bool) -> bytes:
    """Starts or stops a real-time measurement."""
    if start:
        return encode_packet(Command.REAL_TIME_START, bytes((kind, 1)))
    return encode_packet(Command.REAL_TIME_STOP, bytes((kind, 0, 0)))


def encode_big_data_request(kind: BigKind) -> bytes:
    """Asks for sleep or SpO2 on the big data characteristic."""
    return bytes((Command.BIG_DATA, kind, 0x01, 0x00, 0xFF, 0x00, 0xFF))


def encode_battery(battery: RingBattery) -> bytes:
    """The ring's answer."""
    return encode_packet(Command.BATTERY, bytes((battery.percent, battery.charging)))


def encode_real_time(reading: RealTimeReading) -> bytes:
    """The ring's reading."""
    return encode_packet(Command.REAL_TIME_START, bytes((reading.kind, reading.error, reading.value)))


def encode_heart_rate_log(midnight_s: int, readings: Sequence[int], *, interval_min: int = 5) -> list[bytes]:
    """The 24 packets of a day. Raises InputError unless 288 readings of 0 to 255 are given."""
    if len(readings) != _HR_SLOTS or any(not 0 <= value <= 255 for value in readings):
        raise InputError(f"{len(readings)} readings; {_HR_SLOTS} of 0 to 255 are needed")
    whole = bytes(readings)
    parts = [midnight_s.to_bytes(4, "little") + whole[:_FIRST_HR]]
    parts += [whole[i : i + _PART] for i in range(_FIRST_HR, _HR_SLOTS, _PART)]
    head = bytes((0, len(parts) + 1, interval_min))
    return [
        encode_packet(Command.HEART_RATE_LOG, head),
        *(encode_packet(Command.HEART_RATE_LOG, bytes((i,)) + part) for i, part in enumerate(parts, 1)),
    ]


def encode_steps(parts: Sequence[StepsPart], *, tens: bool = False) -> list[bytes]:
    """Header and packets of a step log; `calories` as they go over the air."""
    packets = [encode_packet(Command.STEPS, bytes((_STEPS_HEADER, len(parts), tens)))]
    for index, part in enumerate(parts):
        when = bytes(value // 10 << 4 | value % 10 for value in (part.day.year - 2000, part.day.month, part.day.day))
        counts = b"".join(value.to_bytes(2, "little") for value in (part.calories, part.steps, part.distance_m))
        packets.append(encode_packet(Command.STEPS, when + bytes((part.quarter, index, len(parts))) + counts))
    return packets


DECODERS: Mapping[str, Callable[[bytes], object]] = {BIG_NOTIFY: decode_big_data}
