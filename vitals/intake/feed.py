"""What a part of intake is: frames of some characteristics in, blocks, gaps and link events out."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from vitals.values import BatteryLow, Block, ClockReset, ContactChange, Frame, Gap, Timing

Item = Block | Gap | ContactChange | BatteryLow | ClockReset


class Feed(Protocol):
    """Takes in the frames of the characteristics that name it in `vitals.intake.FEEDS`."""

    def feed(self, frame: Frame) -> list[Item]:
        """What is certain after one more frame. Raises DecodeError, OverflowError: `Intake` counts it as refused."""
        ...

    def end(self, reason: str) -> list[Item]:
        """The link is gone, or the stream is over: hand out what was held back."""
        ...


def single(kind: str, time_us: int, value: int, unit: str, scale: float = 1.0) -> Block:
    """One value that was taken when it arrived. Raises OverflowError for one beyond the 32 bits of a stream."""
    offsets = np.zeros(1, dtype=np.int64)
    return Block(kind, time_us, Timing.STAMPED, 0.0, np.array([value], dtype=np.int32), scale, unit, offsets)
