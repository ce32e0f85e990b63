"""Senders without a clock of their own: their rhythm is the clock.

Laws of this file:
1. A sender takes its steps (samples, notifications) at a steady rate; what arrives late was sent in its turn.
2. A late frame is not a lost one: it is held back until those after it catch up (nothing was lost) or stay behind by as
   much (that much was lost). After a hold of `LONGEST_US` the least delay seen decides.
3. Every frame comes out exactly once, in order, with the number of steps lost before it and the time of its last step.
4. Same input, same output: no clock is read here.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from statistics import median
from typing import Generic, TypeVar

from vitals.timeline.clock import DeviceClock

LEARN = 5  # frames and ...
LEARN_US = 3_500_000  # ... time from which a rhythm, and at first its period, is learned; they are held back
JITTER_US = 50_000  # of an arrival: a period that is the nominal one but for that is the nominal one
SHORT_US = 4 * JITTER_US  # frames that are told apart from their neighbours only by many of them
UNCERTAIN = 0.01  # standard deviation of the period after that, relative
SLOT_US, SLOTS = 5_000_000, 64  # the rhythm needs its envelope sooner than a crystal, and forgets it sooner
LATE = 0.5  # frames behind its turn from which on a frame may follow a lost one, ...
LATE_US = 150_000  # ... but not less than radio retransmissions take: what is shorter shows when it has added up
CATCHES_UP = 0.25  # frames: delays that differ by more are of frames that catch up, or fall back
WHOLE = 0.3  # frames that a delay may be more than a whole number, if frames are what is lost
STAYS_US = 1_500_000  # what is equally late for so long stays late
LONGEST_US = 5_000_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn(Generic[T]):
    """One frame in its turn."""

    item: T
    lost: int  # steps missing before it
    broken: bool  # the rhythm begins anew with this frame: nothing is known of what lies before it
    time_us: int  # host time of its last step, with the smallest radio delay in it


class Cadence(Generic[T]):
    """Counts the steps of a sender whose frames have no time stamps. `period_us` is the nominal time of one step.

    `alike`: frames have as many steps each, as far as one can tell, so that a loss is a whole number of them.
    """

    def __init__(self, period_us: float, *, alike: bool = True) -> None:
        self._alike = alike
        self._nominal_us = period_us
        self._learned_us: float | None = None
        self._start()

    def _start(self) -> None:
        self._clock = DeviceClock(crystal=UNCERTAIN, slot_us=SLOT_US, slots=SLOTS, patience_us=0)
        self._steps = 0
        self._waiting: list[tuple[int, int, T]] = []  # arrival, steps, item
        self._broken = True

    @property
    def period_us(self) -> float:
        """Host time of one step, microseconds, as well as it is known now."""
        return (self._learned_us or self._nominal_us) / self._clock.device_rate()

    def push(self, arrival_us: int, steps: int, item: T) -> list[Turn[T]]:
        """One frame of `steps` steps (at least one); returns the turns that are certain now."""
        self._waiting.append((arrival_us, steps, item))
        if self._clock.epoch >= 0:
            return self._judge()
        enough = len(self._waiting) >= LEARN and arrival_us - self._waiting[0][0] >= LEARN_US
        return self._begin() if enough else []

    def is_too_early(self, arrival_us: int, steps: int) -> bool:
        """Whether a frame of `steps` steps comes before they can have happened; not told of the first frames."""
        taken = self._steps + sum(n for _, n, _ in self._waiting) + steps
        early_us = self._clock.host_us(self._device_us(taken)) - arrival_us if self._clock.epoch >= 0 else 0
        return early_us > max(LATE * steps * self.period_us, LATE_US)

    def end(self) -> list[Turn[T]]:
        """The sender is gone: everything that waits comes out. What comes next begins a new rhythm."""
        done: list[Turn[T]] = []
        if self._clock.epoch < 0 and self._waiting:
            known = self._learned_us
            done += self._begin()
            self._learned_us = known  # what was learned now is from too few
        done += self._accept()
        self._start()
        return done

    def _begin(self) -> list[Turn[T]]:
        """The first frames of a rhythm. Up to the most punctual one none is lost: those before it were held back."""
        if self._learned_us is None:
            self._learn()
        waiting = self._waiting
        taken = itertools.accumulate(n for _, n, _ in waiting)
        late = [at - self._device_us(n) for (at, _, _), n in zip(waiting, taken, strict=True)]
        punctual = late.index(min(late)) + 1
        self._waiting = waiting[:punctual]
        done = self._accept()
        for frame in waiting[punctual:]:
            self._waiting.append(frame)
            done += self._judge()
        return done

    def _learn(self) -> None:
        """The period from the first frames: the median over pairs at least half of them apart, against host stalls."""
        apart = max(len(self._waiting) // 2, 1)
        taken = list(itertools.accumulate(n for _, n, _ in self._waiting))
        paces = [
            (self._waiting[k][0] - self._waiting[j][0]) / (taken[k] - taken[j])
            for k in range(apart, len(taken))
            for j in range(k - apart + 1)
        ]
        pace = max(median(paces), 1.0) if paces else self._nominal_us
        reach_us = sum(n for _, n, _ in self._waiting) / 2 * pace
        near = abs(pace - self._nominal_us) * reach_us <= JITTER_US * pace
        near = near or self._in_step(self._nominal_us) >= max(self._in_step(pace), 1)
        self._learned_us = self._nominal_us if near else pace

    def _in_step(self, pace: float) -> int:
        """How many frames follow the one before at that pace. Where frames are missing, or were held back together,
        the others still tell it; frames of no more than `SHORT_US` fit too many paces."""
        return sum(
            abs(after - before - steps * pace) <= JITTER_US
            for (before, _, _), (after, steps, _) in itertools.pairwise(self._waiting)
            if steps * self._nominal_us > SHORT_US
        )

    def _device_us(self, steps: int) -> int:
        return round(steps * (self._learned_us or self._nominal_us))

    def _judge(self) -> list[Turn[T]]:
        """Whether the newest frame settles what happened before those that wait."""
        arrival, steps, _ = self._waiting[-1]
        late_us = self._delays()
        frame_us = steps * self.period_us
        if late_us[-1] < max(LATE * frame_us, LATE_US):
            return self._accept()
        long_ago = arrival - self._waiting[0][0] >= LONGEST_US
        if not long_ago and (arrival - self._waiting[0][0] < STAYS_US or len(self._waiting) < 2):
            return []
        within = sum(arrival - at <= STAYS_US for at, _, _ in self._waiting)
        newest = late_us[-max(within, 2) :]  # one alone may be the first of a stall
        least = min(newest) / frame_us
        whole = math.floor(least + CATCHES_UP)
        stays = max(newest) / frame_us - least < CATCHES_UP and (not self._alike or 1 <= whole > least - WHOLE)
        if not stays and not long_ago:
            return []
        return self._accept(self._losses([d / frame_us for d in late_us], steps))

    def _losses(self, late: list[float], steps: int) -> list[int]:
        """Steps lost before each of those that wait: what none after it made up for."""
        behind = list(itertools.accumulate(reversed(late), min))[::-1]
        if self._alike:
            levels = [max(0, math.floor(one + CATCHES_UP)) for one in behind]
        else:
            levels = [max(1, round(one)) if one > behind[-1] - CATCHES_UP else 0 for one in behind]
        return [(b - a) * steps for a, b in itertools.pairwise([0, *levels])]

    def _delays(self) -> list[float]:
        """How late each of those that wait is, if nothing was lost, microseconds."""
        delays: list[float] = []
        taken = self._steps
        for arrival, steps, _ in self._waiting:
            taken += steps
            delays.append(arrival - self._clock.host_us(self._device_us(taken)))
        return delays

    def _accept(self, lost: list[int] | None = None) -> list[Turn[T]]:
        """Those that wait take their turns; `lost` steps are missing before each."""
        waiting, self._waiting = self._waiting, []
        missing = lost or [0] * len(waiting)
        ends: list[int] = []
        for (_, steps, _), gone in zip(waiting, missing, strict=True):
            self._steps += steps + gone
            ends.append(self._device_us(self._steps))
        for end, (arrival, _, _) in zip(ends, waiting, strict=True):
            if arrival - end <= waiting[-1][0] - ends[-1] + LATE_US:  # others were held up, and tell nothing
                self._clock.observe(end, arrival, contiguous=True)
        done: list[Turn[T]] = []
        for end, gone, (_, _, item) in zip(ends, missing, waiting, strict=True):
            done.append(Turn(item, gone, self._broken, self._clock.host_us(end)))
            self._broken = False
        return done
