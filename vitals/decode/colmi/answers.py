"""What a Colmi ring answers, for a virtual one."""

from __future__ import annotations

from collections.abc import Sequence

from vitals.decode.colmi.gatt import FIRST_HEART_RATES, HEART_RATES, PART, STEPS_HEADER, Command, encode_packet
from vitals.decode.colmi.packet import RealTimeReading, RingBattery, StepsPart
from vitals.errors import InputError


def encode_battery(battery: RingBattery) -> bytes:
    """The ring's answer."""
    return encode_packet(Command.BATTERY, bytes((battery.percent, battery.charging)))


def encode_real_time(reading: RealTimeReading) -> bytes:
    """The ring's reading."""
    return encode_packet(Command.REAL_TIME_START, bytes((reading.kind, reading.error, reading.value)))


def encode_heart_rate_log(midnight_s: int, readings: Sequence[int], *, interval_min: int = 5) -> list[bytes]:
    """The 24 packets of a day. Raises InputError unless 288 readings of 0 to 255 are given."""
    if len(readings) != HEART_RATES or any(not 0 <= value <= 255 for value in readings):
        raise InputError(f"{len(readings)} readings; {HEART_RATES} of 0 to 255 are needed")
    whole = bytes(readings)
    parts = [midnight_s.to_bytes(4, "little") + whole[:FIRST_HEART_RATES]]
    parts += [whole[i : i + PART] for i in range(FIRST_HEART_RATES, HEART_RATES, PART)]
    head = bytes((0, len(parts) + 1, interval_min))
    return [
        encode_packet(Command.HEART_RATE_LOG, head),
        *(encode_packet(Command.HEART_RATE_LOG, bytes((i,)) + part) for i, part in enumerate(parts, 1)),
    ]


def encode_steps(parts: Sequence[StepsPart], *, tens: bool = False) -> list[bytes]:
    """Header and packets of a step log; `calories` as they go over the air."""
    packets = [encode_packet(Command.STEPS, bytes((STEPS_HEADER, len(parts), tens)))]
    for index, part in enumerate(parts):
        when = bytes(value // 10 << 4 | value % 10 for value in (part.day.year - 2000, part.day.month, part.day.day))
        counts = b"".join(value.to_bytes(2, "little") for value in (part.calories, part.steps, part.distance_m))
        packets.append(encode_packet(Command.STEPS, when + bytes((part.quarter, index, len(parts))) + counts))
    return packets
