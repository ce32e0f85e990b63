"""Bangle.js watches: heart rate, steps and battery, stamped with their arrival.

In real time the watch says once a second which rate it had last, and how many steps were made since the line before;
steps are summed up from the first line on, so that those of a lost line are missing. How old the rate is it does not
say. Lines that are not in real time sum up ten minutes, and are left out.
"""

from __future__ import annotations

from vitals.decode.bangle import WRITE, BangleActivity, BangleStatus, LineAssembler, decode_line
from vitals.errors import DecodeError
from vitals.intake.feed import Item, single
from vitals.intake.spot_values import Charge
from vitals.timeline import Presence
from vitals.values import Frame

SILENCE_US = 3_000_000
HIGHEST_BPM, MOST_STEPS = 300, 1000  # in a second: more is no measurement


class BangleFeed:
    """See `Feed`."""

    def __init__(self) -> None:
        self._lines = LineAssembler()
        self._charge = Charge()
        self._presence = Presence("hr", SILENCE_US)
        self._steps: int | None = None

    def feed(self, frame: Frame) -> list[Item]:
        if frame.uuid == WRITE:
            return []
        done: list[Item] = []
        for line in self._lines.feed(frame.payload):
            said = decode_line(line)
            if isinstance(said, BangleActivity) and said.real_time:
                done += self._activity(frame, said)
            elif isinstance(said, BangleStatus) and said.battery_percent is not None:
                done += self._charge.take(frame.arrival_us, _within(said.battery_percent, 100, "bat", frame))
        return done

    def _activity(self, frame: Frame, said: BangleActivity) -> list[Item]:
        done: list[Item] = []
        rate = _within(said.heart_rate_bpm or 0, HIGHEST_BPM, "hrm", frame)
        steps = _within(said.steps or 0, MOST_STEPS, "stp", frame)
        if rate:  # 0 means that the watch has no rate yet
            done += [*self._presence.push(frame.arrival_us), single("hr", frame.arrival_us, rate, "bpm")]
        if steps or self._steps is None:
            self._steps = (self._steps or 0) + steps
            done.append(single("steps", frame.arrival_us, self._steps, "steps"))
        return done

    def end(self, reason: str) -> list[Item]:
        self._lines = LineAssembler()
        return []


def _within(value: int, most: int, field: str, frame: Frame) -> int:
    if not 0 <= value <= most:
        raise DecodeError(f"field {field} is not 0 to {most}", uuid=frame.uuid, payload=frame.payload, offset=0)
    return value
