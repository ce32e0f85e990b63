"""From arrival times to honest beat times: the RR time line of one sensor.

Laws of this file:
1. RR intervals pass through as integer ticks: never rounded, never de-duplicated by value (equal neighbours are legal).
2. Beats are placed by the running sum of their intervals, not by arrival: arrival says only "no later than".
3. A lost notification is a Gap, never a long interval. After it the running sum starts anew.
4. Same input, same output: no clock is read here.

The running sum S of the intervals is exact but has an unknown offset to the host's clock. Every notification bounds
it: its last beat happened before it arrived, so `arrival - S` is the offset plus a delay between 0 and one notification
period. The smallest value of the last minutes (the lower envelope) is the offset; it also follows the drift of the
sensor's clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from vitals.values import Block, Gap, rr_block

HOLD = 5  # notifications of a new run that are held back until the envelope is worth trusting
SLOT_US = 30_000_000  # the envelope keeps one minimum per slot ...
SLOTS = 10  # ... for this many slots: 5 minutes
REANCHOR_US = 5_000  # smaller corrections are not worth breaking the run of intervals
SLEW_US = 25_000  # largest backward correction in one step: beat times must keep increasing
TOLERANCE_US = 250_000  # radio retransmissions and host stalls
LATE = 1.75  # periods between two arrivals from which on a notification is probably lost: no tolerance then


class RrTimeline:
    """Places the RR intervals of one sensor on the host's clock.

    `push` takes one notification (arrival in microseconds, its intervals in ticks of 1 / `tick_hz` s, oldest first) and
    returns the blocks and gaps that are certain now; `end` closes the run (link lost, no skin contact, end of stream).
    """

    def __init__(self, tick_hz: float = 1024) -> None:
        self._tick_us = 1e6 / tick_hz
        self._tick_hz = tick_hz
        self._arrivals: deque[int] = deque(maxlen=10)
        self._end_us: int | None = None  # of the last beat that was handed out
        self._open_reason: str | None = None  # why the last run ended
        self._start_run()

    def _start_run(self) -> None:
        self._ticks = 0  # running sum since the run began
        self._held: list[list[int]] | None = []
        self._offset = 0.0  # in use: time of tick 0 of the run
        self._anchor = (0, 0)  # the same as blocks carry it: whole microseconds, at a tick of the run
        self._slots: deque[tuple[int, float]] = deque(maxlen=SLOTS)

    @property
    def _period_us(self) -> float:
        steps = np.diff(self._arrivals)
        return float(np.clip(np.median(steps), 250_000, 2_000_000)) if len(steps) >= 3 else 1_000_000.0

    def push(self, arrival_us: int, ticks: Sequence[int]) -> list[Block | Gap]:
        """One notification; `ticks` may be empty (no beat ended in that second)."""
        late = bool(self._arrivals) and arrival_us - self._arrivals[-1] > LATE * self._period_us
        done: list[Block | Gap] = []
        if ticks:
            delay = arrival_us - (self._ticks + sum(ticks)) * self._tick_us
            envelope = min((value for _, value in self._slots), default=delay)
            slack = self._period_us + (0 if late else TOLERANCE_US)
            if delay - envelope > slack:
                done += self.end("missing beats")
            elif envelope - delay > self._period_us + TOLERANCE_US:
                done += self.end("more beats than time")
            done += self._add(arrival_us, ticks)
        self._arrivals.append(arrival_us)
        return done

    def _add(self, arrival_us: int, ticks: Sequence[int]) -> list[Block | Gap]:
        self._ticks += sum(ticks)
        self._observe(arrival_us, arrival_us - self._ticks * self._tick_us)
        if self._held is not None:
            self._held.append(list(ticks))
            return self._release() if len(self._held) >= HOLD else []
        return [self._place(ticks)]

    def _observe(self, arrival_us: int, delay: float) -> None:
        slot = arrival_us // SLOT_US
        if self._slots and self._slots[-1][0] == slot:
            self._slots[-1] = (slot, min(delay, self._slots[-1][1]))
        else:
            self._slots.append((slot, delay))

    def _release(self) -> list[Block | Gap]:
        """Hand out the held notifications as one block, after the gap that preceded them."""
        held, self._held = self._held or [], None
        if not held:
            return []
        ticks = [tick for one in held for tick in one]
        self._reanchor(min(value for _, value in self._slots), self._ticks - sum(ticks))
        done: list[Block | Gap] = []
        if self._end_us is not None:
            if self._anchor[0] < self._end_us:  # the run before claimed more time than there was
                self._reanchor(self._offset + self._end_us - self._anchor[0], self._anchor[1])
                self._anchor = (self._end_us, self._anchor[1])
                self._slots = deque([(self._slots[-1][0], self._offset)], maxlen=SLOTS)
            done.append(Gap("rr", self._end_us, self._anchor[0], self._open_reason or "no data"))
        done.append(self._place(ticks))
        return done

    def _reanchor(self, offset: float, tick: int) -> None:
        self._offset = offset
        self._anchor = (round(offset + tick * self._tick_us), tick)

    def _place(self, ticks: Sequence[int]) -> Block:
        begin = self._ticks - sum(ticks)
        error = min(value for _, value in self._slots) - self._offset
        if abs(error) > REANCHOR_US:
            self._reanchor(self._offset + max(error, -SLEW_US), begin)
        anchor_us, anchor_tick = self._anchor
        block = rr_block(anchor_us, np.asarray(ticks, dtype=np.int32), self._tick_hz, begin - anchor_tick)
        self._end_us = block.end_us
        return block

    def end(self, reason: str) -> list[Block | Gap]:
        """The run ends here; what comes next lies after a gap of that `reason`."""
        done = self._release()
        self._start_run()
        self._open_reason = reason
        return done
