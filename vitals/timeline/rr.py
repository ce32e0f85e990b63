"""From arrival times to honest beat times: the RR time line of one sensor.

Laws of this file:
1. RR intervals pass through as integer ticks: never rounded, never de-duplicated by value (equal neighbours are legal).
   A notification that comes again within `AGAIN_US`, before its beats can have happened, is counted in `dropped`.
2. Beats are placed by the running sum of their intervals, not by arrival: arrival says only "no later than".
3. A lost notification is a Gap, never a long interval. After it the running sum starts anew.
4. A late notification is not a lost one: what comes late is held back until the next ones tell which of the two it was.
5. Same input, same output: no clock is read here.

The running sum S of the intervals is exact but has an unknown offset to the host's clock. A sensor that notifies by the
clock (once a second) bounds it from both sides: the last beat of a notification happened before its turn, and the first
beat of the next one after it. The bounds of the last minutes close in on the offset, and follow the drift of the
sensor's clock. A sensor that notifies at every beat has only the upper bound, and reaches it each time. Corrections are
spread over the intervals that follow, so that no spacing is off by more than 2 ms in a second.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence

import numpy as np

from vitals.timeline.cadence import Cadence, Turn
from vitals.values import Block, Gap, rr_block

PERIOD_US = 1_000_000  # of the notifications of a heart-rate sensor, nominal
HOLD = 5  # notifications of a new run that are held back until the bounds are worth trusting
SLOT_US = 30_000_000  # one pair of bounds is kept per slot ...
SLOTS = 10  # ... for this many slots: 5 minutes
REANCHOR_US = 5_000  # smaller corrections are not worth breaking the run of intervals
SLEW = 1 / 512  # largest correction of beat times, per time: their spacing stays right to 2 ms in a second
TOLERANCE_US = 250_000  # by which the bounds may contradict each other: sensors find a beat sooner or later
# A sensor notifies at every beat if this many notifications in a row bring one interval each and arrive in step with
# them; a heart near 60 bpm also brings one a second, but falls out of step with the clock.
BEAT_DRIVEN = 60
IN_STEP_US, OUT_OF_STEP_US = 150_000, 250_000
AGAIN_US = 100_000  # in which a host delivers a notification twice
EMPTY = 0.95  # periods that the interval across a notification must last for it to have been empty


class RrTimeline:
    """Places the RR intervals of one sensor on the host's clock.

    `push` takes one notification (arrival in microseconds, its intervals in ticks of 1 / `tick_hz` s, oldest first) and
    returns the blocks and gaps that are certain now; `end` closes the run (link lost, no skin contact, end of stream).
    `at_beats`: the sensor is known to notify at every beat; otherwise that is found out within a minute.
    """

    def __init__(self, tick_hz: float = 1024, *, at_beats: bool = False) -> None:
        self.dropped: Counter[str] = Counter()  # intervals that are in no block, by reason: "duplicate"
        self._newest: tuple[int, list[int]] = (0, [])  # the notification before: arrival, intervals
        self._at_beats = at_beats
        self._tick_us = 1e6 / tick_hz
        self._tick_hz = tick_hz
        self._clocked: Cadence[list[int]] = Cadence(PERIOD_US)  # steps are notifications
        self._beating: Cadence[list[int]] = Cadence(self._tick_us, alike=False)  # steps are ticks
        self._cadence = self._beating if at_beats else self._clocked
        self._lags: deque[float] = deque(maxlen=BEAT_DRIVEN)  # of notifications in a row with one interval, by its sum
        self._sum_us = 0.0
        self._end_us: int | None = None  # of the last beat that was handed out
        self._open_reason: str | None = None  # why the last run ended
        self._start_run()

    def _start_run(self) -> None:
        self._ticks = 0  # running sum since the run began
        self._held: list[list[int]] | None = []
        self._offset = 0.0  # in use: time of tick 0 of the run
        self._anchor = (0, 0)  # the same as blocks carry it: whole microseconds, at a tick of the run
        self._bounds: deque[tuple[int, float, float]] = deque(maxlen=SLOTS)  # slot, lower, upper bound of the offset
        self._before: int | None = None  # time of the notification before, in this run

    def push(self, arrival_us: int, ticks: Sequence[int]) -> list[Block | Gap]:
        """One notification; `ticks` may be empty (no beat ended in that second)."""
        (before_us, before), self._newest = self._newest, (arrival_us, list(ticks))
        if ticks and list(ticks) == before and arrival_us - before_us < AGAIN_US:
            steps = 1 if self._cadence is self._clocked else max(1, sum(ticks))
            if self._cadence.is_too_early(arrival_us, steps):
                self.dropped["duplicate"] += len(ticks)
                return []
        wanted = self._beating if self._is_beat_driven(arrival_us, ticks) else self._clocked
        turns: list[Turn[list[int]]] = []
        if wanted is not self._cadence:
            turns += self._cadence.end()
            self._cadence = wanted
        turns += wanted.push(arrival_us, 1 if wanted is self._clocked else max(1, sum(ticks)), list(ticks))
        return [item for turn in turns for item in self._take(turn)]

    def _is_beat_driven(self, arrival_us: int, ticks: Sequence[int]) -> bool:
        if self._at_beats:
            return True
        if len(ticks) != 1:
            self._lags.clear()
            return False
        self._sum_us += ticks[0] * self._tick_us
        self._lags.append(arrival_us - self._sum_us)
        allowed = OUT_OF_STEP_US if self._cadence is self._beating else IN_STEP_US
        return len(self._lags) == BEAT_DRIVEN and max(self._lags) - min(self._lags) <= allowed

    def end(self, reason: str) -> list[Block | Gap]:
        """The run ends here; what comes next lies after a gap of that `reason`."""
        done = [item for turn in self._cadence.end() for item in self._take(turn)]
        return done + self._close(reason)

    def _take(self, turn: Turn[list[int]]) -> list[Block | Gap]:
        """One notification in its turn."""
        done: list[Block | Gap] = []
        ticks, now = turn.item, turn.time_us
        if turn.lost and not self._spans(turn.lost, ticks):
            done += self._close("missing beats")
        if ticks:
            low, high = self._limits(ticks, now)
            if low - self._upper > TOLERANCE_US:
                done += self._close("missing beats")
            elif self._lower - high > TOLERANCE_US:
                done += self._close("more beats than time")
            low, high = self._limits(ticks, now)
            self._narrow(now // SLOT_US, low, high)
            self._ticks += sum(ticks)
            if self._held is None:
                done.append(self._place(ticks))
            else:
                self._held.append(ticks)
                if len(self._held) >= HOLD:
                    done += self._release()
        self._before = now
        return done

    def _spans(self, lost: int, ticks: list[int]) -> bool:
        """Whether the first interval after `lost` notifications is long enough for them to have been empty."""
        if self._cadence is not self._clocked or not ticks:
            return False
        return ticks[0] * self._tick_us > EMPTY * lost * self._clocked.period_us

    def _limits(self, ticks: list[int], now: int) -> tuple[float, float]:
        """Bounds of the offset that a notification gives: its first beat came after the one before, its last by now."""
        high = now - (self._ticks + sum(ticks)) * self._tick_us
        if self._before is None:
            return -math.inf, high
        return self._before - (self._ticks + ticks[0]) * self._tick_us, high

    def _narrow(self, slot: int, low: float, high: float) -> None:
        if self._bounds and self._bounds[-1][0] == slot:
            _, lower, upper = self._bounds.pop()
            low, high = max(low, lower), min(high, upper)
        self._bounds.append((slot, low, high))

    @property
    def _lower(self) -> float:
        return max((low for _, low, _ in self._bounds), default=-math.inf)

    @property
    def _upper(self) -> float:
        return min((high for _, _, high in self._bounds), default=math.inf)

    def _best(self) -> float:
        """The offset as the bounds tell it."""
        lower, upper = self._lower, self._upper
        return upper if self._cadence is self._beating or lower == -math.inf else (lower + upper) / 2

    def _release(self) -> list[Block | Gap]:
        """Hand out the held notifications as one block, after the gap that preceded them."""
        held, self._held = self._held or [], None
        if not held:
            return []
        ticks = [tick for one in held for tick in one]
        self._reanchor(self._best(), self._ticks - sum(ticks))
        done: list[Block | Gap] = []
        if self._end_us is not None:
            earliest = self._end_us + round(self._tick_us)
            if self._anchor[0] < earliest:  # the run before claimed more time than there was
                self._reanchor(self._offset + earliest - self._anchor[0], self._anchor[1])
                self._anchor = (earliest, self._anchor[1])
            done.append(Gap("rr", self._end_us, self._anchor[0], self._open_reason or "no data"))
        done.append(self._block(ticks))
        return done

    def _reanchor(self, offset: float, tick: int) -> None:
        self._offset = offset
        self._anchor = (round(offset + tick * self._tick_us), tick)

    def _place(self, ticks: list[int]) -> Block:
        begin = self._ticks - sum(ticks)
        error = self._best() - self._offset
        if abs(error) > REANCHOR_US:
            most = ticks[0] * self._tick_us * SLEW
            self._reanchor(self._offset + min(max(error, -most), most), begin)
        return self._block(ticks)

    def _block(self, ticks: list[int]) -> Block:
        begin = self._ticks - sum(ticks)
        anchor_us, anchor_tick = self._anchor
        block = rr_block(anchor_us, np.asarray(ticks, dtype=np.int32), self._tick_hz, begin - anchor_tick)
        self._end_us = block.end_us
        return block

    def _close(self, reason: str) -> list[Block | Gap]:
        done = self._release()
        self._start_run()
        self._open_reason = reason
        return done
