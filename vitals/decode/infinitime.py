"""InfiniTime (PineTime): the motion service. Source: InfiniTime, doc/MotionService.md.

Its heart rate is the standard 0x2A37, always with flags 0 and without RR.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode.cursor import Cursor
from vitals.errors import InputError

SERVICE = "00030000-78fc-48fe-8e23-433b3a1942d0"
STEP_COUNT = "00030001-78fc-48fe-8e23-433b3a1942d0"
MOTION = "00030002-78fc-48fe-8e23-433b3a1942d0"

STEPS_PER_G = 1024


@dataclass(frozen=True, slots=True)
class StepCount:
    steps: int  # since midnight or the last reset


@dataclass(frozen=True, slots=True)
class Motion:
    """Acceleration as sent; divide by `STEPS_PER_G` for g."""

    x: int
    y: int
    z: int


def decode_step_count(payload: bytes) -> StepCount:
    """Step count, u32. Raises DecodeError unless it has 4 bytes."""
    at = Cursor(STEP_COUNT, payload)
    value = StepCount(at.uint(4, "step count"))
    at.end()
    return value


def decode_motion(payload: bytes) -> Motion:
    """Raw motion values, three i16. Raises DecodeError unless it has 6 bytes."""
    at = Cursor(MOTION, payload)
    x, y, z = (at.uint(2, axis) for axis in ("x", "y", "z"))
    at.end()
    return Motion(*struct.unpack("<3h", struct.pack("<3H", x, y, z)))


def encode_step_count(count: StepCount) -> bytes:
    """Raises InputError for a count that does not fit into 32 bits."""
    if not 0 <= count.steps < 1 << 32:
        raise InputError(f"steps is {count.steps}; 0 to 4294967295 are possible")
    return count.steps.to_bytes(4, "little")


def encode_motion(motion: Motion) -> bytes:
    """Raises InputError for an axis that does not fit into 16 bits."""
    try:
        return struct.pack("<3h", motion.x, motion.y, motion.z)
    except struct.error:
        raise InputError(f"{motion} does not fit into 16 bits per axis") from None


DECODERS: Mapping[str, Callable[[bytes], object]] = {STEP_COUNT: decode_step_count, MOTION: decode_motion}
