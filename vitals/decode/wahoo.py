"""Wahoo trainers: answers on the control point that they add to the Cycling Power Service.

Layout (reverse engineered by others; compared with Auuki's unit tests): status u8 (1 success), request op code u8,
the rest as the request defines. The answer to "set power target" closes with the target, u16 [W].
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode.cursor import Cursor, named

CONTROL_POINT = "a026e005-0a7d-4ab3-97fa-f1500f9feb8b"


class TrainerOperation(enum.IntEnum):
    UNLOCK = 0x20
    SET_RESISTANCE = 0x40
    SET_STANDARD_MODE = 0x41
    SET_POWER_TARGET = 0x42
    SET_SIMULATION_MODE = 0x43
    SET_ROLLING_RESISTANCE = 0x44
    SET_WIND_RESISTANCE = 0x45
    SET_GRADE = 0x46
    SET_WIND_SPEED = 0x47
    SET_WHEEL_CIRCUMFERENCE = 0x48


@dataclass(frozen=True, slots=True)
class TrainerResponse:
    success: bool
    request: TrainerOperation | int
    power_target_w: int | None
    parameters: bytes


def decode_trainer_response(payload: bytes) -> TrainerResponse:
    """What a trainer indicates. Raises DecodeError where bytes are missing."""
    at = Cursor(CONTROL_POINT, payload)
    status, request = at.uint(1, "status"), named(TrainerOperation, at.uint(1, "request op code"))
    parameters = at.take(at.left, "parameters")
    power: int | None = None
    if request == TrainerOperation.SET_POWER_TARGET and status == 1:
        if len(parameters) != 4:
            raise at.error(f"answer to a power target has {len(parameters)} bytes, not 4", back=len(parameters))
        power = int.from_bytes(parameters[2:], "little")
    return TrainerResponse(status == 1, request, power, parameters)


DECODERS: Mapping[str, Callable[[bytes], object]] = {CONTROL_POINT: decode_trainer_response}
