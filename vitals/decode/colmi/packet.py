"""Packets of a Colmi ring: bytes of one notification -> what it says. Layout in `gatt`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from vitals.decode.colmi.gatt import NOTIFY, SIZE, STEPS_HEADER, Command, RealTimeKind
from vitals.decode.cursor import Cursor

_NO_DATA = 0xFF


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
    if first == STEPS_HEADER:
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
