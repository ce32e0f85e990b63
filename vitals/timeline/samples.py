"""Samples of one stream on the host's clock: gaps where some are missing, never a sample moved to hide one.

Laws of this file:
1. Every sample comes out exactly once, in order, or is counted in `dropped` (duplicates, frames out of order).
2. Times strictly increase. Between blocks without a Gap the samples are half to one and a half periods apart; most
   join exactly, on the anchor of the block before.
3. `missing = round(dt * rate) - n` samples between two frames; where it is positive there is a Gap, and it fits exactly
   between the blocks around it. Samples are never spread over a hole (Polar's own rule does that: one lost frame of 73
   samples puts the next ones 554 ms too early).
4. The rate is measured, not believed: a Verity Sense that says 135 Hz may stream 55. It changes only when it was wrong
   by more than `REVISE`: the rate is part of a stream's identity in the store.
5. Placed times follow the device clock to `REANCHOR_US`, except while a late start is made up for.
6. Same input, same output: no clock is read here.
"""

from __future__ import annotations

import enum
import itertools
from collections import Counter, deque
from dataclasses import dataclass
from statistics import median
from typing import Any

from numpy.typing import NDArray

from vitals.timeline.cadence import Cadence, Turn
from vitals.timeline.clock import DeviceClock
from vitals.values import Block, ClockReset, Gap, Timing

LEARN = 5  # frames from which the rate is measured, and the clock trusted; they are held back
DOUBTFUL = 3 * LEARN  # ... where it seems a whole fraction of the nominal one: every other frame may be missing
FASTEST_HZ = 50_000.0
SNAP = 0.005  # a first estimate so near to the nominal rate is the nominal rate
REVISE = 100e-6  # a rate that is off by more makes the anchors move too often
REVISE_AFTER_US = (60_000_000, 600_000_000, 3_600_000_000)  # ... and when that is looked at; the last one repeats
WRONG = 0.05  # a rate that is off by so much, or by more than a sample and a half per frame, was learned wrongly
SLOWER = 1.3  # times slower than nominal: frames may be missing from those that were measured
RECENT = 8  # frames that tell that
REANCHOR_US = 2_000
SLEW = 0.45  # periods: largest correction at the seam of two blocks
REORDER_US = 10_000_000  # frames that lie further back are not out of order: the clock was set back
SET_BACK_US = 25_000  # frames that are stamped closer than their samples last by more, and arrive later for it: so, too
BACKWARDS = 3  # frames in a row that run on from an earlier time: the clock was set back, too


class Stamp(enum.Enum):
    """Which sample of a frame its device time belongs to."""

    LAST = "last"  # Polar
    FIRST = "first"  # Movesense
    NONE = "none"  # there is only the arrival


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    arrival_us: int
    values: NDArray[Any]
    stamp_us: int

    def __len__(self) -> int:
        return int(self.values.shape[0])


class SampleTimeline:
    """Places the regularly sampled frames of one stream. Streams of one device share its `clock`.

    `nominal_hz` is what the device says its rate is; values are integers, `scale` times value is in `unit`.
    """

    def __init__(
        self,
        kind: str,
        nominal_hz: float,
        *,
        scale: float = 1.0,
        unit: str = "",
        stamp: Stamp = Stamp.LAST,
        clock: DeviceClock | None = None,
    ) -> None:
        if not 0 < nominal_hz <= FASTEST_HZ:
            raise ValueError(f"nominal_hz is {nominal_hz}; give the rate in samples per second, at most {FASTEST_HZ:g}")
        self.dropped: Counter[str] = Counter()  # samples, by reason: "duplicate", "out of order"
        self.clock = clock if clock is not None else DeviceClock()
        self._kind, self._scale, self._unit = kind, scale, unit
        self._stamp = stamp
        self._nominal_hz = nominal_hz
        self._cadence: Cadence[NDArray[Any]] | None = Cadence(1e6 / nominal_hz) if stamp is Stamp.NONE else None
        self._rate = 0.0  # in use; 0 until it is learned
        self._end_us: int | None = None  # of the last sample that was handed out
        self._reason: str | None = None  # why the last run ended
        self._epoch = -1
        self._learning: list[_Samples] = []  # the first frames, until the rate is measured
        self._start_run()

    def _start_run(self) -> None:
        # The first frames of a clock epoch until the clock is trusted, and the host time that it gave them then.
        self._held: list[tuple[_Samples, int]] = []
        self._placing = False  # a run is open: its anchor and the frame before are known
        self._t0, self._step = 0, 0  # the anchor, and the step that comes next
        self._pace = 0.0  # microseconds per step from that anchor
        self._seen: tuple[int, int] | None = None  # stamp of the newest frame that was taken, and its samples
        self._last = (0, 0)  # the same of the newest that was placed
        self._back: list[int] = []  # stamps of frames that lie before it
        self._recent: deque[tuple[int, int]] = deque(maxlen=RECENT)  # device time and steps from frame to frame
        self._span = [0, 0, 0]  # device time, steps, and how often the rate was revised, since it was learned

    @property
    def rate_hz(self) -> float | None:
        """The rate in use, samples per second; None until it is learned."""
        return self._rate or None

    def push(
        self, arrival_us: int, values: NDArray[Any], device_us: int | None = None
    ) -> list[Block | Gap | ClockReset]:
        """One frame: integer samples of shape (n,) or (n, channels), oldest first, and its device time.

        Returns what is certain now. Raises ValueError where a device time is missing, or given for Stamp.NONE.
        """
        if (device_us is None) is not (self._stamp is Stamp.NONE):
            raise ValueError(f"device_us is {device_us}, which does not go with {self._stamp}; pass one or the other")
        if not len(values):
            return []
        if self._cadence is not None:
            return self._turns(self._cadence.push(arrival_us, len(values), values))
        assert device_us is not None
        frame = _Samples(arrival_us, values, device_us)
        if self._rate:
            return self._order(frame)
        self._learning.append(frame)
        if len(self._learning) < LEARN or (len(self._learning) < DOUBTFUL and self._every_other_missing()):
            return []
        return self._measure()

    def _every_other_missing(self) -> bool:
        """Whether all of the first frames lie a whole number of turns apart at the nominal rate, and none only one."""
        turns = [
            (b.stamp_us - a.stamp_us) * 1e-6 * self._nominal_hz / self._steps(len(a), len(b))
            for a, b in itertools.pairwise(self._learning)
        ]
        return all(turn > SLOWER and abs(turn - round(turn)) < WRONG for turn in turns)

    def _measure(self) -> list[Block | Gap | ClockReset]:
        """The rate from the first frames, and then those frames."""
        learning, self._learning = self._learning, []
        pairs = [(b.stamp_us - a.stamp_us, self._steps(len(a), len(b))) for a, b in itertools.pairwise(learning)]
        pairs = [pair for pair in pairs if pair[0] > 0]
        # Lost frames make a stream seem slower than it is, never faster: one pair in step with the nominal rate tells.
        in_step = [(dt, n) for dt, n in pairs if abs(dt * 1e-6 * self._nominal_hz / n - 1) < WRONG]
        rate = _rate_of(pairs) if pairs else self._nominal_hz
        if in_step and rate < self._nominal_hz / SLOWER:
            rate = _rate_of(in_step)
        self._rate = self._nominal_hz if abs(rate / self._nominal_hz - 1) < SNAP else min(rate, FASTEST_HZ)
        return [item for frame in learning for item in self._order(frame)]

    def _order(self, frame: _Samples) -> list[Block | Gap | ClockReset]:
        """One frame of known rate: drop it, or show it to the clock and place it."""
        contiguous = self._contiguous(frame)
        if self.clock.epoch != self._epoch and self._placing and contiguous:
            # Another stream of the device showed the reset first; this frame was stamped before it.
            return self._continue(frame)
        last_us = frame.stamp_us
        if self._stamp is Stamp.FIRST:
            last_us += round((len(frame) - 1) * 1e6 / self._rate)
        if self.clock.epoch == self._epoch and self._seen is not None and frame.stamp_us <= self._seen[0]:
            if not self._was_set_back(frame):
                return []
            reset: ClockReset | None = self.clock.reset(last_us, frame.arrival_us)
        elif self._too_close(frame, last_us):
            reset = self.clock.reset(last_us, frame.arrival_us)
        else:
            self._back.clear()
            reset = self.clock.observe(last_us, frame.arrival_us, contiguous=contiguous)
        done: list[Block | Gap | ClockReset] = []
        if self.clock.epoch != self._epoch:
            if self._epoch >= 0:
                done += self._close("device reset")
            self._epoch = self.clock.epoch
        if reset is not None:
            done.append(reset)
        self._seen = (frame.stamp_us, len(frame))
        self._held.append((frame, self.clock.host_us(frame.stamp_us)))
        if self._placing or self.clock.frames >= LEARN:
            done += self._release(fresh=True)
        return done

    def _continue(self, frame: _Samples) -> list[Block | Gap | ClockReset]:
        self._seen = self._last = (frame.stamp_us, len(frame))
        return self._lay(frame.values, self._t0 + self._step * self._pace, moved=False)

    def end(self, reason: str) -> list[Block | Gap | ClockReset]:
        """The run ends here; what comes next lies after a gap of that `reason`."""
        done: list[Block | Gap | ClockReset] = []
        if self._cadence is not None:
            done += self._turns(self._cadence.end())
        few = bool(self._learning)
        if few:
            done += self._measure()
        done += self._close(reason)
        if few:
            self._rate = 0.0
        return done

    def _close(self, reason: str) -> list[Block | Gap | ClockReset]:
        done = self._release(fresh=self.clock.epoch == self._epoch)
        self._start_run()
        self._reason = reason
        return done

    def _steps(self, before: int, n: int) -> int:
        """Steps from stamp to stamp of a frame of `before` samples and the next one of `n`."""
        return n if self._stamp is Stamp.LAST else before

    def _contiguous(self, frame: _Samples) -> bool:
        if self._seen is None:
            return False
        stamp_us, before = self._seen
        return abs((frame.stamp_us - stamp_us) * 1e-6 * self._rate - self._steps(before, len(frame))) < 0.5

    def _too_close(self, frame: _Samples, last_us: int) -> bool:
        """Whether less time was stamped than the samples last, and the frame is late against its stamp by as much."""
        if self._seen is None or self.clock.epoch != self._epoch or not self._placing:
            return False
        stamp_us, before = self._seen
        short_us = self._steps(before, len(frame)) * 1e6 / self._rate - (frame.stamp_us - stamp_us)
        late_us = frame.arrival_us - self.clock.host_us(last_us)
        return short_us > max(SET_BACK_US, 1.5e6 / self._rate) and late_us > short_us / 2

    def _was_set_back(self, frame: _Samples) -> bool:
        """Whether the clock was set back; until that is sure the frame is dropped."""
        assert self._seen is not None
        if self._seen[0] - frame.stamp_us > REORDER_US:
            return True
        if self._back and frame.stamp_us <= self._back[-1]:
            self._back.clear()
        if frame.stamp_us != self._seen[0]:
            self._back.append(frame.stamp_us)
        if len(self._back) >= BACKWARDS:
            self._back.clear()
            return True
        self.dropped["duplicate" if frame.stamp_us == self._seen[0] else "out of order"] += len(frame)
        return False

    def _release(self, *, fresh: bool) -> list[Block | Gap | ClockReset]:
        """Place what is held; not `fresh`: the clock has gone on to another epoch."""
        held, self._held = self._held, []
        done: list[Block | Gap | ClockReset] = []
        for frame, host_us in held:
            done += self._place(frame, self.clock.host_us(frame.stamp_us) if fresh else host_us)
        return done

    def _place(self, frame: _Samples, host_us: int) -> list[Block | Gap | ClockReset]:
        """One frame of known rate whose stamp is at `host_us`."""
        n = len(frame)
        moved = False
        if self._placing:
            dt = frame.stamp_us - self._last[0]
            steps = self._steps(self._last[1], n)
            missing = round(dt * 1e-6 * self._rate) - steps
            moved = self._learn(dt, steps, max(missing, 0))
            if missing > 0:
                self._placing = False
                self._reason = "missing samples"
        self._last = (frame.stamp_us, n)
        inside = n - 1 if self._stamp is Stamp.LAST else 0
        return self._lay(frame.values, host_us - inside * 1e6 / self._rate, moved=moved)

    def _lay(self, values: NDArray[Any], target: float, *, moved: bool) -> list[Block | Gap | ClockReset]:
        """A block whose first sample belongs at `target`: in the run, or in a new one after a gap."""
        period = 1e6 / self._rate
        done: list[Block | Gap | ClockReset] = []
        if not self._placing:
            self._placing = True
            self._t0, self._step = round(target), 0
            if self._end_us is not None:
                self._t0 = max(self._t0, self._end_us + round(period))
                done.append(Gap(self._kind, self._end_us, self._t0, self._reason or "no data"))
        else:
            due = self._t0 + self._step * self._pace
            error = target - due
            if moved or abs(error) > REANCHOR_US:
                limit = SLEW * min(period, self._pace)
                self._t0, self._step = round(due + min(max(error, -limit), limit)), 0
        self._pace = period
        block = Block(
            self._kind, self._t0, Timing.REGULAR, self._rate, values, self._scale, self._unit, first=self._step
        )
        self._step += len(values)
        self._end_us = block.end_us
        return [*done, block]

    def _learn(self, dt: int, steps: int, missing: int) -> bool:
        """Watch the rate; True where it changed."""
        self._recent.append((dt, steps))
        span = self._span
        span[0] += dt
        span[1] += steps + missing
        at = REVISE_AFTER_US[min(span[2], len(REVISE_AFTER_US) - 1)]
        limit = max(WRONG, 1.5 / steps)
        if len(self._recent) == RECENT and abs(steps * 1e6 / dt / self._rate - 1) > limit:
            rate = _rate_of(list(self._recent))
            # Faster cannot be. Slower means that frames are lost, unless none of them took a whole number of turns.
            slowness = self._rate / max(s * 1e6 / t for t, s in self._recent)
            slower = slowness > 1 + limit and abs(slowness - round(slowness)) > WRONG
            if rate / self._rate - 1 > limit or slower:
                return self._use(rate)
        if span[0] < at:
            return False
        span[2] += 1
        rate = span[1] / (span[0] * 1e-6) * self.clock.device_rate()
        if span[2] >= len(REVISE_AFTER_US):
            span[0] = span[1] = 0
        return abs(rate / self._rate - 1) > REVISE and self._use(rate, revised=span[2])

    def _use(self, rate: float, *, revised: int = 0) -> bool:
        self._rate = rate
        self._recent.clear()
        if not revised:
            self._span = [0, 0, 0]
        return True

    def _turns(self, turns: list[Turn[NDArray[Any]]]) -> list[Block | Gap | ClockReset]:
        """Frames without stamps, in the rhythm of their arrivals."""
        done: list[Block | Gap | ClockReset] = []
        assert self._cadence is not None
        for turn in turns:
            moved = self._follow(1e6 / self._cadence.period_us, turn)
            if turn.lost or turn.broken:
                self._placing = False
                self._reason = self._reason if turn.broken and not turn.lost else "missing samples"
            done += self._lay(turn.item, turn.time_us - (len(turn.item) - 1) * 1e6 / self._rate, moved=moved)
        return done

    def _follow(self, rate: float, turn: Turn[NDArray[Any]]) -> bool:
        """The rate of arrivals is uncertain for long; True where another one is used from here on."""
        if turn.broken:
            self._span = [turn.time_us, 0, 0]
        at = REVISE_AFTER_US[min(self._span[2], len(REVISE_AFTER_US) - 1)]
        if self._rate and turn.time_us - self._span[0] < at:
            return False
        if self._rate:
            self._span = [self._span[0] if self._span[2] < 2 else turn.time_us, 0, self._span[2] + 1]
        if self._rate and abs(rate / self._rate - 1) < SNAP:
            return False
        self._rate = self._nominal_hz if abs(rate / self._nominal_hz - 1) < SNAP else min(rate, FASTEST_HZ)
        return True


def _rate_of(pairs: list[tuple[int, int]]) -> float:
    """Rate of steps over device times, Hz, without the pairs that frames are missing from."""
    middle = median(steps / dt for dt, steps in pairs)
    kept = [(dt, steps) for dt, steps in pairs if abs(steps / dt / middle - 1) < 0.1] or pairs
    return sum(steps for _, steps in kept) / sum(dt for dt, _ in kept) * 1e6
