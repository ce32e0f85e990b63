"""From a device's time stamps to the host's clock: the lower envelope of the radio delay.

Laws of this file:
1. A frame arrives after it was stamped, never before. `arrival - stamp` is the offset of the two clocks plus a delay of
   the radio and the host, and the smallest delays lie on a line: its slope is the drift of the device's crystal.
2. The smallest delay itself cannot be seen one-way (some 12 ms on Bluetooth). It stays in the offset as a constant,
   and cancels between devices of the same kind.
3. A line holds for one epoch. Where the device's clock jumps a new epoch begins, and a ClockReset says so.
4. Same input, same output, in constant time and memory per frame: no clock is read here.

One minimum per slot of 30 s is kept, for an hour. A straight line is fitted to them by asymmetric least squares (Newey
and Powell, Econometrica 1987), without outliers upwards (slots in which every frame was late). Convex-hull and
linear-programming fits of the same envelope (Moon, Skelly and Towsley, INFOCOM 1999; Zhang, Liu and Xia, INFOCOM 2002)
hang on the one or two smallest delays, and a drift that wanders with temperature pulls them away from the line.

Where frames come at a multiple of the connection interval (36 samples at 200 Hz: four of 45 ms) their delay stays what
it happens to be for minutes, and the offset is only known to one interval. Another stream of the device cures that.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from vitals.values import ClockReset

SLOT_US = 30_000_000
SLOTS = 128  # about an hour
FORGET_US = 2 * 3_600_000_000  # older minima say nothing of today's temperature
CRYSTAL = 50e-6  # what is known of a drift before anything is measured: its standard deviation
KNOWN_CRYSTAL = 5e-6  # ... and once a line of this device was measured
WORST = 20  # standard deviations that no crystal is off
SETTLED = 6  # closed slots from which on the open one is not needed, and scatter is measured rather than assumed
SCATTER_US = 3_000.0  # of slot minima, until then
RADIO_US = 100_000.0  # assumed spread of delays before any scatter is measured
QUIET_US = 500.0  # scatter of slot minima: never taken to be smaller
EARLY_US = 250_000  # nothing arrives so much before the envelope unless the clock jumped forwards ...
UNSETTLED_EARLY_US = 2_500_000  # ... but the first frames may have waited in a stalled host
LATE_US = 10_000_000  # no host stalls for so long and loses frames too: the clock jumped backwards
STEP_US = 100_000  # a smaller jump is believed when two whole slots lie so far off the line

ABOVE = 0.1  # weight of slot minima above the line against those below it: the line is an envelope
ROUNDS = 2  # of weighing anew, at each fit
PATIENCE_US = 1_800_000_000  # a delay that has grown by more, with no sample missing, is waited out for so long


@dataclass(frozen=True, slots=True)
class ClockFit:
    """What is known of a device's clock."""

    epoch: int  # how many clock resets there were
    device_us: int  # device time at which `offset_us` holds: the newest that was fitted
    offset_us: float  # host time - device time there, with the smallest delay in it
    drift_ppb: float  # how much faster than the host's the device's clock runs
    error_us: float  # bound of the error of `offset_us` beside the constant of law 2, three standard errors


class DeviceClock:
    """Maps the clock of one device onto the host's. Streams of one device share one; several devices have one each.

    Device times are integer microseconds since any origin, arrivals integer microseconds on the host's clock. `crystal`
    is how far off the rate may be before it is measured (standard deviation), `slot_us` the time of one minimum,
    `slots` their number, `patience_us` how long a delay that has grown is taken for one that will pass.
    """

    def __init__(
        self,
        *,
        crystal: float = CRYSTAL,
        slot_us: int = SLOT_US,
        slots: int = SLOTS,
        patience_us: int = PATIENCE_US,
    ) -> None:
        self.epoch = -1
        self._crystal = crystal
        self._slot_us = slot_us
        self._patience_us = patience_us
        self._slope = 0.0  # of `arrival - stamp` over device time
        self._known = False  # the slope was measured rather than assumed
        self._slots: deque[tuple[int, float]] = deque(maxlen=slots)  # smallest delay of each closed slot, by time
        self._frames = 0
        self._origin = self._base = 0  # device time, and arrival - stamp, from which all below count
        self._newest = 0
        self._slot, self._low = 0, (0, 0.0)  # the open slot and its smallest delay
        self._middle = self._level = 0.0  # the line passes there
        self._level_var = self._slope_var = 0.0
        self._broken = False  # since two slots ago, frames did not follow each other
        self._off = 0  # slots in a row that lie off the line

    @property
    def frames(self) -> int:
        """Frames observed in this epoch."""
        return self._frames

    @property
    def fit(self) -> ClockFit | None:
        """Offset, drift and error bound now; None before the first frame."""
        if self.epoch < 0:
            return None
        at = self._newest
        offset = self._base + self._line(at)
        drift = (1 / (1 + self._slope) - 1) * 1e9
        away = at - self._middle
        error = 3 * math.sqrt(self._level_var + away * away * self._slope_var)
        return ClockFit(self.epoch, self._origin + at, offset, drift, error)

    def host_us(self, device_us: int) -> int:
        """Host time of a device time of this epoch, microseconds. Raises ValueError before the first frame."""
        if self.epoch < 0:
            raise ValueError("the clock has observed no frame yet; call observe first")
        return device_us + self._base + round(self._line(device_us - self._origin))

    def device_rate(self) -> float:
        """Seconds of the device per second of the host."""
        return 1 / (1 + self._slope)

    def _line(self, x: int) -> float:
        return self._level + self._slope * (x - self._middle)

    def observe(self, device_us: int, arrival_us: int, *, contiguous: bool = False) -> ClockReset | None:
        """One frame: its stamp and when it arrived. `contiguous`: its samples follow those of the frame before without
        a gap in device time, so that a change of the delay is the radio's or the host's, not the clock's.

        Returns the reset that it shows, if any.
        """
        if self.epoch < 0:
            self._begin(device_us, arrival_us)
            return None
        x, y = device_us - self._origin, arrival_us - device_us - self._base
        late = y - self._line(x)
        if not contiguous:
            early = EARLY_US if self._slots else UNSETTLED_EARLY_US
            if late < -early or late > LATE_US:
                return self.reset(device_us, arrival_us)
            self._broken = True
        self._frames += 1
        if x > self._newest:
            self._newest = x
        slot = x // self._slot_us
        shift = self._close() if slot > self._slot else 0
        if slot > self._slot:
            self._slot, self._low = slot, (x, float(y))
        elif y - self._slope * (x - self._low[0]) < self._low[1]:
            self._low = (x, float(y))
        else:
            return None
        if len(self._slots) < SETTLED:
            self._refit()
        return ClockReset(arrival_us, shift) if shift else None

    def reset(self, device_us: int, arrival_us: int) -> ClockReset:
        """A new epoch begins with this frame, whatever the envelope says."""
        due = arrival_us - self._base - self._origin  # the device time that this frame should bear, but for the delay
        late = arrival_us - device_us - self._base - self._line(due)
        self._begin(device_us, arrival_us)
        return ClockReset(arrival_us, -round(late))

    def _begin(self, device_us: int, arrival_us: int) -> None:
        self.epoch += 1
        self._known = self._known or len(self._slots) >= 20
        self._prior = self._slope
        self._origin, self._base = device_us, arrival_us - device_us
        self._newest = 0
        self._frames = 1
        self._slots.clear()
        self._slot, self._low = 0, (0, 0.0)
        self._middle, self._level = 0.0, 0.0
        self._broken = False
        self._off = 0
        self._refit()

    def _close(self) -> int:
        """The open slot is over. Returns by how much the clock jumped, if two slots say that it did."""
        x, y = self._low
        off = y - self._line(x) if len(self._slots) >= SETTLED else 0.0
        self._off = self._off + 1 if abs(off) > STEP_US else 0
        if off > STEP_US and not self._broken and x - self._slots[-1][0] < self._patience_us:
            return 0  # no sample is missing: the radio or the host has become slow, and that may pass
        self._slots.append((x, y))
        while x - self._slots[0][0] > FORGET_US:
            self._slots.popleft()
        shift = 0
        if self._off >= 2:
            if self._broken:
                shift = -round(off)
                self.epoch += 1
                self._frames = 0
            self._prior, self._known = self._slope, True
            self._slots.clear()
            self._slots.append((x, y))
            self._off = 0
        if self._off == 0:
            self._broken = False
        self._refit()
        return shift

    def _refit(self) -> None:
        """Asymmetric least squares with a prior on the slope; each round weighs the points by the line before it."""
        points = list(self._slots)
        if not points or (len(points) < SETTLED and self._low[1] < self._line(self._low[0])):
            points.append(self._low)  # high, it says nothing: its slot is not over
        if len(points) <= SETTLED:
            scatter = max(SCATTER_US, RADIO_US / max(self._frames, 1))
            self._fit_line(points, [1.0] * len(points), scatter)
            return
        for _ in range(ROUNDS):
            middle, level, slope = self._middle, self._level, self._slope
            residuals = [y - level - slope * (x - middle) for x, y in points]
            half = len(points) // 2
            median = sorted(residuals)[half]
            scatter = max(1.4826 * sorted([abs(r - median) for r in residuals])[half], QUIET_US)
            highest = median + 3 * scatter
            weights = [1.0 if r <= 0 else ABOVE if r <= highest else 0.0 for r in residuals]
            self._fit_line(points, weights, scatter)

    def _fit_line(self, points: list[tuple[int, float]], weights: list[float], scatter: float) -> None:
        total = sum(weights)
        if not total:  # every slot was late against the line: the line moves up
            weights, total = [1.0] * len(points), float(len(points))
        middle = level = 0.0
        for w, (x, y) in zip(weights, points, strict=True):
            middle += w * x
            level += w * y
        middle, level = middle / total, level / total
        sxx = sxy = 0.0
        for w, (x, y) in zip(weights, points, strict=True):
            dx = x - middle
            sxx += w * dx * dx
            sxy += w * dx * (y - level)
        prior_sd = min(KNOWN_CRYSTAL, self._crystal) if self._known else self._crystal
        slope_var = 1 / (sxx / scatter**2 + 1 / prior_sd**2)
        slope = slope_var * (sxy / scatter**2 + self._prior / prior_sd**2)
        self._slope = min(max(slope, -WORST * self._crystal), WORST * self._crystal)
        self._middle, self._level = middle, level
        self._level_var, self._slope_var = scatter**2 / total, slope_var
