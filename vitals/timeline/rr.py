"""From arrival times to honest beat times: the RR time line of one sensor.

Laws of this file:
1. RR intervals pass through as integer ticks: never rounded, never de-duplicated by value (equal neighbours are legal).
2. Beats are placed by the running sum of their intervals, not by arrival: arrival says only "no later than".
3. A lost notification is a Gap, never a long interval. After it the running sum starts anew.
4. A late notification is not a lost one: what comes late is held back until the next ones tell which of the two it was.
5. Same input, same output: no clock is read here.

The running sum S of the intervals is exact but has an unknown offset to the host's clock. Every notification bounds
it: its last beat happened before it arrived, so `arrival - S` is the offset plus a delay between 0 and one notification
period. The smallest value of the last minutes (the lower envelope) is the offset; it also follows the drift of the
sensor's clock. Corrections are spread over the intervals that follow, so that no spacing is off by more than 2 ms/s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

import numpy as np

from vitals.values import Block, Gap, rr_block

HOLD = 5  # notifications of a new run that are held back until the envelope is worth trusting
SLOT_US = 30_000_000  # the envelope keeps one minimum per slot ...
SLOTS = 10  # ... for this many slots: 5 minutes
REANCHOR_US = 5_000  # smaller corrections are not worth breaking the run of intervals
SLEW = 1 / 512  # largest correction of beat times, per time: their spacing stays right to 2 ms in a second
TOLERANCE_US = 250_000  # radio retransmissions and host stalls
LATE = 0.5  # periods behind its turn from which on a notification may follow a lost one
SAME = 0.25  # two notifications that are equally late to so many periods: they do not catch up
DOUBT = 4  # notifications after which one that does not catch up is believed
REGULAR = 0.2  # spread of the arrivals, in periods, up to which a sensor counts as sending by the clock

_Notification = tuple[int, list[int]]  # arrival, intervals


class RrTimeline:
    """Places the RR intervals of one sensor on the host's clock.

    `push` takes one notification (arrival in microseconds, its intervals in ticks of 1 / `tick_hz` s, oldest first) and
    returns the blocks and gaps that are certain now; `end` closes the run (link lost, no skin contact, end of stream).
    """

    def __init__(self, tick_hz: float = 1024) -> None:
        self._tick_us = 1e6 / tick_hz
        self._tick_hz = tick_hz
        self._end_us: int | None = None  # of the last beat that was handed out
        self._open_reason: str | None = None  # why the last run ended
        self._turns: deque[int] = deque(maxlen=16)  # arrivals of the notifications before, of this run of arrivals
        self._doubt: list[_Notification] = []  # late ones, until it is known whether others were lost before them
        self._start_run()

    def _start_run(self) -> None:
        self._ticks = 0  # running sum since the run began
        self._held: list[list[int]] | None = []
        self._offset = 0.0  # in use: time of tick 0 of the run
        self._anchor = (0, 0)  # the same as blocks carry it: whole microseconds, at a tick of the run
        self._slots: deque[tuple[int, float]] = deque(maxlen=SLOTS)

    def push(self, arrival_us: int, ticks: Sequence[int]) -> list[Block | Gap]:
        """One notification; `ticks` may be empty (no beat ended in that second)."""
        self._doubt.append((arrival_us, list(ticks)))
        lost = self._lost()
        return [] if lost is None else self._settle(lost)

    def _settle(self, lost: int) -> list[Block | Gap]:
        """Take the notifications in doubt, with `lost` ones missing before the first of them."""
        doubt, self._doubt = self._doubt, []
        done: list[Block | Gap] = []
        if lost and not self._spans(lost, doubt[0][1]):
            done += self._close("missing beats")
        if lost:
            self._turns.clear()
        for arrival_us, ticks in doubt:
            self._turns.append(arrival_us)
            if ticks:
                done += self._take(arrival_us, ticks)
        return done

    def _rhythm(self) -> tuple[float, float] | None:
        """Period of the notifications and when the next one is due at the earliest; None where there is no rhythm."""
        turns = self._turns
        if len(turns) < 4:
            return None
        steps = [b - a for a, b in zip(turns, list(turns)[1:], strict=False)]
        period = min(max(median(steps), 250_000), 2_000_000)
        if median(abs(step - period) for step in steps) > REGULAR * period:
            return None
        n = len(turns)
        return period, min(arrival + (n - k) * period for k, arrival in enumerate(turns))

    def _lost(self) -> int | None:
        """How many notifications are missing before those in doubt; None while that is open."""
        rhythm = self._rhythm()
        if rhythm is None:
            return 0
        period, due = rhythm
        late = [(arrival - due) / period - k for k, (arrival, _) in enumerate(self._doubt)]
        if late[-1] < LATE:
            return 0
        if len(late) >= DOUBT or (len(late) >= 2 and abs(late[-1] - late[-2]) < SAME):
            return max(1, round(min(late)))
        return None

    def _spans(self, lost: int, ticks: list[int]) -> bool:
        """Whether the first interval after `lost` notifications is long enough for them to have been empty."""
        rhythm = self._rhythm()
        return bool(ticks) and rhythm is not None and ticks[0] * self._tick_us > 0.95 * lost * rhythm[0]

    def _take(self, arrival_us: int, ticks: list[int]) -> list[Block | Gap]:
        done: list[Block | Gap] = []
        delay = arrival_us - (self._ticks + sum(ticks)) * self._tick_us
        envelope = min((value for _, value in self._slots), default=delay)
        rhythm = self._rhythm()
        slack = (rhythm[0] if rhythm else 1_000_000) + TOLERANCE_US
        timely = rhythm is None or arrival_us - rhythm[1] + rhythm[0] < TOLERANCE_US  # its turn is in _turns already
        if delay - envelope > slack and timely:
            done += self._close("missing beats")
        elif envelope - delay > slack:
            done += self._close("more beats than time")
        self._ticks += sum(ticks)
        self._observe(arrival_us, arrival_us - self._ticks * self._tick_us)
        if self._held is None:
            return [*done, self._place(ticks)]
        self._held.append(ticks)
        return done + (self._release() if len(self._held) >= HOLD else [])

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

    def _place(self, ticks: list[int]) -> Block:
        begin = self._ticks - sum(ticks)
        error = min(value for _, value in self._slots) - self._offset
        if abs(error) > REANCHOR_US:
            most = ticks[0] * self._tick_us * SLEW
            self._reanchor(self._offset + min(max(error, -most), most), begin)
        anchor_us, anchor_tick = self._anchor
        block = rr_block(anchor_us, np.asarray(ticks, dtype=np.int32), self._tick_hz, begin - anchor_tick)
        self._end_us = block.end_us
        return block

    def _close(self, reason: str) -> list[Block | Gap]:
        done = self._release()
        self._start_run()
        self._open_reason = reason
        return done

    def end(self, reason: str) -> list[Block | Gap]:
        """The run ends here; what comes next lies after a gap of that `reason`."""
        done = self._settle(0) if self._doubt else []
        done += self._close(reason)
        self._turns.clear()
        return done
