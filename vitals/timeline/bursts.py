"""Intervals that come in bursts without time stamps: optical sensors send what ended in the last seconds (Polar's PPI).

Laws of this file:
1. Intervals pass through as integer ticks: never rounded, never de-duplicated by value. A burst that comes again within
   `AGAIN_US`, before its beats can have happened, is counted in `dropped`.
2. Beats are placed by the running sum of their intervals. Arrival says only "no later than": the last beat of a burst
   ended before it was sent. The smallest `arrival - sum` of the last minutes (the burst that waited least after its
   last beat) says where the sum lies; what the sensor itself needs to find a pulse cannot be seen, and is not in it.
3. An interval that the sensor does not stand by (movement, no skin contact, a large error) ends the run: its length is
   not known, so neither is any sum across it. Only what reaches the end of its burst has a time again; intervals
   between two such ones have none and are in the gap, counted in `dropped`.
4. A lost burst is a Gap, never a long interval; a late one is not a lost one: it is held until the next tells which.
5. Same input, same output: no clock is read here.

Polar's makers warn that sums of pulse intervals drift against time (polar-ble-sdk issue 146): the running sum is tied
to the arrivals of the last two minutes, and corrected by 2 ms in a second at most.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from statistics import median

import numpy as np

from vitals.values import Block, Gap, Timing

HOLD = 3  # bursts of a new run that are held back until their arrivals say where it lies
SLOT_US = 30_000_000  # one smallest delay is kept per slot ...
SLOTS = 4  # ... for this many slots: 2 minutes
REANCHOR_US = 5_000  # smaller corrections are not worth breaking the run of intervals
SLEW = 1 / 512  # largest correction of beat times, per time
# A burst waits for at most one interval after its last beat. One that is later by more was held up, or others are lost.
SLACK_US = 2_500_000
AGAIN_US = 100_000  # in which a host delivers a burst twice
RHYTHM = 8  # times between bursts that the usual one is the median of
IN_RHYTHM = 1.5  # usual times after which a burst has followed the one before, and none was lost
LONGEST_US = 2_000_000  # interval of a resting heart; the error before any interval is known


class BurstTimeline:
    """Places the intervals of one sensor on the host's clock, as blocks of the stream `kind`.

    `push` takes one burst and returns the blocks and gaps that are certain now; `end` closes the run.
    """

    def __init__(self, kind: str, tick_hz: float) -> None:
        self.dropped: Counter[str] = Counter()  # intervals that are in no block, by reason
        self._kind = kind
        self._tick_hz, self._tick_us = tick_hz, 1e6 / tick_hz
        self._end_us: int | None = None  # of the last beat that was handed out
        self._reason = "no data"  # why the last run ended
        self._pauses: deque[int] = deque(maxlen=RHYTHM)  # from burst to burst
        self._before_us: int | None = None  # arrival of the one before
        self._doubtful: tuple[int, list[int], bool] | None = None  # a burst that came late; in its turn?
        self._newest: tuple[int, list[int]] = (0, [])  # the burst before: arrival, intervals
        self._start_run()

    def _start_run(self) -> None:
        self._ticks = 0  # running sum since the run began
        self._held: list[list[int]] | None = []
        self._offset = 0.0  # in use: time of tick 0 of the run
        self._anchor = (0, 0)  # the same as blocks carry it: whole microseconds, at a tick of the run
        self._delays: deque[tuple[int, float]] = deque(maxlen=SLOTS)  # slot, smallest arrival - sum
        self._longest: deque[tuple[int, int]] = deque(maxlen=SLOTS)  # slot, longest interval in ticks

    @property
    def error_us(self) -> float:
        """Bound of the error of the beats of this run, microseconds, beside the constant of law 2.

        The burst that waited least still waited for less than one interval; and where sums drifted or single intervals
        are missing, the smallest delays of the slots differ.
        """
        if not self._delays:
            return float(LONGEST_US)
        delays = [delay for _, delay in self._delays]
        return max(ticks for _, ticks in self._longest) * self._tick_us + max(delays) - min(delays)

    def push(self, arrival_us: int, ticks: Sequence[int], faults: Sequence[str | None] = ()) -> list[Block | Gap]:
        """One burst: its intervals in ticks of 1 / `tick_hz` s, oldest first, and why each must not be used (None: it
        may; nothing given: all may)."""
        intervals = list(ticks)
        (before_us, before), self._newest = self._newest, (arrival_us, intervals)
        again = self._held is None and intervals == before and arrival_us - before_us < AGAIN_US
        if again and self._lateness(arrival_us, sum(intervals)) < -sum(intervals) * self._tick_us / 2:
            self.dropped["duplicate"] += len(intervals)
            return []
        bad = [k for k, fault in enumerate(faults) if fault is not None]
        follows = self._follows(arrival_us)
        if not intervals:
            return []
        late = self._lateness(arrival_us, sum(intervals))
        done: list[Block | Gap] = []
        if self._doubtful is not None:
            (before_us, held, _), self._doubtful = self._doubtful, None
            still_late = late - sum(held) * self._tick_us > SLACK_US
            if still_late:
                done += self._close("missing intervals")
            done += self._extend(held, before_us)
            late = self._lateness(arrival_us, sum(intervals))
        if bad:
            return [*done, *self._broken(arrival_us, intervals, faults, bad, follows)]
        if late < -SLACK_US and self._held is None:
            done += self._close("more beats than time")
        elif late > SLACK_US:
            self._doubtful = (arrival_us, intervals, follows)
            return done
        return [*done, *self._extend(intervals, arrival_us)]

    def end(self, reason: str) -> list[Block | Gap]:
        """The run ends here; what comes next lies after a gap of that `reason`."""
        self._before_us = None
        done: list[Block | Gap] = []
        if self._doubtful is not None:
            (arrival_us, held, followed), self._doubtful = self._doubtful, None
            done += [*([] if followed else self._close("missing intervals")), *self._extend(held, arrival_us)]
        return [*done, *self._close(reason)]

    def _lateness(self, arrival_us: int, ticks: int) -> float:
        """How much later a burst of so many ticks came than the punctual ones; 0 at the start of a run."""
        return self._delay(arrival_us, ticks) - self._best if self._delays else 0.0

    def _delay(self, arrival_us: int, ticks: int) -> float:
        return arrival_us - (self._ticks + ticks) * self._tick_us

    @property
    def _best(self) -> float:
        return min((delay for _, delay in self._delays), default=math.inf)

    def _follows(self, arrival_us: int) -> bool:
        """Whether a burst came in the rhythm of those before, so that none between them was lost."""
        before, self._before_us = self._before_us, arrival_us
        if before is None:
            return False
        usual = median(self._pauses) if len(self._pauses) > 1 else 0.0
        self._pauses.append(arrival_us - before)
        return arrival_us - before < IN_RHYTHM * usual

    def _broken(
        self, arrival_us: int, intervals: list[int], faults: Sequence[str | None], bad: list[int], follows: bool
    ) -> list[Block | Gap]:
        """A burst with intervals that must not be used, whose own sum tells nothing of a loss before it."""
        before, after = intervals[: bad[0]], intervals[bad[-1] + 1 :]
        done: list[Block | Gap] = []
        if before and self._delays and follows:
            done += self._extend(before, None)
        else:
            self.dropped["time not known"] += len(before)
        for k in bad:
            self.dropped[faults[k] or ""] += 1
        self.dropped["time not known"] += bad[-1] - bad[0] + 1 - len(bad)
        done += self._close(faults[bad[-1]] or "")
        return [*done, *self._extend(after, arrival_us)] if after else done

    def _extend(self, ticks: list[int], arrival_us: int | None) -> list[Block | Gap]:
        """The run goes on; the last of these ended by `arrival_us`, where that is known."""
        if arrival_us is not None:
            self._observe(arrival_us // SLOT_US, self._delay(arrival_us, sum(ticks)), max(ticks))
        self._ticks += sum(ticks)
        if self._held is None:
            return [self._place(ticks)]
        self._held.append(ticks)
        return self._release() if len(self._held) >= HOLD else []

    def _observe(self, slot: int, delay: float, longest: int) -> None:
        if self._delays and self._delays[-1][0] == slot:
            delay = min(delay, self._delays.pop()[1])
            longest = max(longest, self._longest.pop()[1])
        self._delays.append((slot, delay))
        self._longest.append((slot, longest))

    def _release(self) -> list[Block | Gap]:
        """Hand out the held bursts as one block, after the gap that preceded them."""
        held, self._held = self._held or [], None
        ticks = [tick for one in held for tick in one]
        if not ticks:
            return []
        self._reanchor(self._best, self._ticks - sum(ticks))
        done: list[Block | Gap] = []
        if self._end_us is not None:
            early = self._end_us + round(self._tick_us) - self._anchor[0]
            if early > 0:  # the run before claimed more time than there was
                self._reanchor(self._offset + early, self._anchor[1])
            done.append(Gap(self._kind, self._end_us, max(self._anchor[0], self._end_us), self._reason))
        return [*done, self._block(ticks)]

    def _reanchor(self, offset: float, tick: int) -> None:
        self._offset = offset
        self._anchor = (round(offset + tick * self._tick_us), tick)

    def _place(self, ticks: list[int]) -> Block:
        error = self._best - self._offset
        if abs(error) > REANCHOR_US:
            most = ticks[0] * self._tick_us * SLEW
            self._reanchor(self._offset + min(max(error, -most), most), self._ticks - sum(ticks))
        return self._block(ticks)

    def _block(self, ticks: list[int]) -> Block:
        anchor_us, anchor_tick = self._anchor
        first = self._ticks - sum(ticks) - anchor_tick
        values = np.asarray(ticks, dtype=np.int32)
        block = Block(
            self._kind, anchor_us, Timing.INTERVAL, self._tick_hz, values, 1000.0 / self._tick_hz, "ms", first=first
        )
        self._end_us = block.end_us
        return block

    def _close(self, reason: str) -> list[Block | Gap]:
        done = self._release()
        self._start_run()
        self._reason = reason
        return done
