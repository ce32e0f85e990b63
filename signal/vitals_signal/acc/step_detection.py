"""Steps of a walker or runner from an accelerometer at the wrist, the waist or in a pocket, at any rate from 15 Hz.

Laws of this file:
1. `steps` is `StepStream` fed with everything at once: any split of the samples gives the same steps.
2. The magnitude alone counts: however the sensor is turned, the steps are the same.
3. Nothing is bridged: what touches a gap is decided from its own side only.

How it works. The magnitude is brought to 25 Hz by a Gaussian of 40 ms, so that the sensor's rate does not matter.
Each second is judged by the spectrum (Hann, 5 s) around it: the step rate is the frequency of 1.2 to 3.5 Hz that
holds most power with its double, and the second belongs to gait if the rate, its double and the stride's harmonics
hold 45 % of the power from 0.5 to 7 Hz and the deviation is 0.06 g or more (0.04 g, and 40 % of that, in the second
itself), three seconds in a row with a rate that moves by 0.25 Hz at most; going on needs 35 %. Steps are then
followed one by one: the next is the highest point near where the rate expects it. Short bouts lose: of walks of 3 s
between turns about a third of the steps is missed.

Sources: walking as sustained harmonic motion, intensity, periodicity and duration as criteria: Urbanek et al. 2018,
PMC5875188; Straczkiewicz et al. 2023, doi 10.1038/s41746-022-00745-z. The thresholds were set on 12 wearers of WISDM
(2019) by looking at all of them at once, not by wearer; rhythmic work of the hands (clapping, dribbling a ball,
brushing teeth) passes for gait in part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal._runs import runs
from vitals_signal.acc.gait_spectrum import (
    BEFORE_S,
    BLOCK,
    GRID_HZ,
    LEAST_SD_G,
    WINDOW,
    judge,
    magnitude,
    reach_samples,
    resampled,
    shaped,
)
from vitals_signal.windows.window import FeatureWindow

STEPS_VERSION: Final = "steps-1"
STEP_FEATURES: Final = ("steps", "cadence_spm", "walking_s", "walking_cadence_spm")

_SHARE, _SHARE_ON = 0.45, 0.35
_LEAST_NEAR_G: Final = 0.04  # over the second itself
_LEAST_NEAR: Final = 0.4  # of the deviation over 5 s: where a bout ends, the second has no part in it
_JUMP_HZ: Final = 0.25
_IN_A_ROW: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Steps of a recording."""

    times_s: NDArray[np.float64]
    """(k,), seconds since the first sample, ascending."""
    duration_s: float
    known_s: tuple[tuple[float, float], ...]
    """Start and end (s) of the stretches in which steps could be told."""
    reason: str | None
    """Why none could; None otherwise."""
    method: str = STEPS_VERSION

    @property
    def coverage(self) -> float:
        """Share of the recording in which steps could be told, 0..1."""
        return _overlap(self.known_s, 0.0, self.duration_s) / self.duration_s if self.duration_s > 0 else 0.0

    def windows(self, window_s: float = 60.0) -> list[FeatureWindow]:
        """Whole windows with `STEP_FEATURES`.

        steps; cadence_spm, steps per minute of the window's known time; walking_s, time between steps less than 2 s
        apart; walking_cadence_spm, steps per minute of that time (NaN without walking). A window of which less than
        half is known gives NaN and a reason. Raises ValueError for `window_s` below 1 s.
        """
        if not window_s >= 1:
            raise ValueError(f"window_s must be 1 s or more, got {window_s}")
        out = []
        apart = np.diff(self.times_s)
        for k in range(int(self.duration_s / window_s + 1e-9)):
            begin, end = k * window_s, (k + 1) * window_s
            known = _overlap(self.known_s, begin, end)
            first, last = np.searchsorted(self.times_s, [begin, end]).tolist()
            near = apart[first : max(last - 1, first)]
            near = near[near < 2.0]
            walking = float(near.sum())
            reason = None if known >= 0.5 * window_s else "less than half of the window is known"
            values, lacking = dict.fromkeys(STEP_FEATURES, float("nan")), {}
            if reason is None:
                values.update(steps=float(last - first), cadence_spm=(last - first) * 60.0 / known, walking_s=walking)
                if walking > 0:
                    values.update(walking_cadence_spm=60.0 * len(near) / walking)
                else:
                    lacking = {"walking_cadence_spm": "no walking"}
            span = round(begin * 1e6), round(end * 1e6)
            out.append(FeatureWindow(*span, values, min(known / window_s, 1.0), 0.0, self.method, reason, lacking))
        return out


def steps(acc_g: ArrayLike, fs: float) -> Steps:
    """Steps in an acceleration in g, shape (n, 3) (or its magnitude, shape (n,)), at `fs` Hz (15 and above).

    NaN is missing. Nothing is raised on any samples; without 5 s in a row there are no steps and a `reason`. Raises
    ValueError for `fs` below 15 or above 1000, or another shape. Method and sources: top of this file.
    """
    stream = StepStream(fs)
    size = magnitude(shaped(acc_g))
    found = stream.update(size)
    found += stream.end()
    known = _known(size, fs)
    return Steps(np.array(found, np.float64), stream.samples / fs, known, None if known else "less than 5 s in a row")


class StepStream(Resumable):
    """Steps as they come, 3 to 6 s late: `update` gives their times in seconds since the first sample.

    `samples` counts what came in (gaps included).
    """

    def __init__(self, fs: float) -> None:
        """Raises ValueError for `fs` outside 15..1000 Hz."""
        if not 15 <= fs <= 1000:
            raise ValueError(f"fs must lie in 15..1000 Hz, got {fs}")
        self.fs = float(fs)
        self.samples = 0
        self._magnitude = np.empty(0)  # from sample `_first` on
        self._first = 0
        self._next = 0  # grid point to come
        self._smooth = np.empty(0)  # of the stretch, from grid point `_origin` on
        self._origin = 0
        self._start = 0  # grid point at which the stretch began
        self._second = 0  # of the stretch, the next to be judged
        self._waiting: list[tuple[int, float]] = []  # seconds that may become gait
        self._rate = 0.0  # steps per second while in gait
        self._last = -1.0  # grid point of the last step; below 0 before the first of a bout
        self._pace: list[tuple[int, float]] = []  # seconds in gait that the follower has not reached

    def update(self, acc_g: ArrayLike) -> list[float]:
        """Take samples in g, shape (m, 3) or magnitudes (m,); give the steps that became certain. NaN is a gap."""
        size = magnitude(shaped(acc_g))
        found: list[float] = []
        # Blocks bound the memory; their borders cannot be seen in the result.
        for begin in range(0, len(size), 1 << 18):
            found += self._take(size[begin : begin + (1 << 18)])
        return found

    def gap(self, samples: int = 0) -> list[float]:
        """`samples` are missing here (0: unknown, none are counted). Gives the steps before."""
        samples = lost(samples)
        found = self._close(self._drain(last=True))
        self.samples += samples
        self._magnitude, self._first = np.empty(0), self.samples
        self._next = int(np.ceil(self.samples * GRID_HZ / self.fs - 1e-9))
        self._begin(self._next)
        return found

    def end(self) -> list[float]:
        """No more samples: the steps that were still waiting."""
        return self.gap(0)

    def _take(self, size: NDArray[np.float64]) -> list[float]:
        self._magnitude = np.concatenate((self._magnitude, size))
        self.samples += len(size)
        return self._drain(last=False)

    def _drain(self, *, last: bool) -> list[float]:
        reach = reach_samples(self.fs)
        end = self.samples - (1 if last else reach + 1)
        # The last grid point whose neighbourhood has arrived.
        stop = int(np.floor((end + 0.49) * GRID_HZ / self.fs)) + 1
        found: list[float] = []
        while self._next < stop:
            points = np.arange(self._next, min(stop, self._next + BLOCK))
            found += self._follow(resampled(self._magnitude, self._first, points, self.fs))
            self._next = int(points[-1]) + 1
        keep = max(self._first, int(self._next * self.fs / GRID_HZ) - reach - 2)
        self._magnitude = self._magnitude[keep - self._first :]
        self._first = keep
        return found

    def _follow(self, smooth: NDArray[np.float64]) -> list[float]:
        """Splits the grid at what is missing."""
        found: list[float] = []
        alive = np.isfinite(smooth)
        for begin, end in runs(alive):
            if begin:
                found += self._close([])
                self._begin(self._next + begin)
            found += self._stretch(smooth[begin:end])
        if not alive[-1:].all():
            found += self._close([])
            self._begin(self._next + len(smooth))
        return found

    def _length(self) -> int:
        return self._origin + len(self._smooth) - self._start

    def _begin(self, point: int) -> None:
        self._smooth, self._origin, self._start, self._second = np.empty(0), point, point, 0
        self._waiting, self._pace, self._rate, self._last = [], [], 0.0, -1.0

    def _stretch(self, smooth: NDArray[np.float64]) -> list[float]:
        self._smooth = np.concatenate((self._smooth, smooth))
        whole = (self._length() - WINDOW) // GRID_HZ + 1  # windows that are complete
        first = self._second if self._second > BEFORE_S else BEFORE_S
        if whole + BEFORE_S <= first:
            return []
        at = self._start - self._origin + (first - BEFORE_S) * GRID_HZ
        windows = np.lib.stride_tricks.sliding_window_view(self._smooth[at:], WINDOW)[::GRID_HZ]
        windows = windows[: whole + BEFORE_S - first]
        rates, shares, deviations, near = judge(windows)
        found: list[float] = []
        judged = zip(rates.tolist(), shares.tolist(), deviations.tolist(), near.tolist(), strict=True)
        for second, (rate, share, sd, still) in enumerate(judged, first):
            share = share if still >= max(_LEAST_NEAR_G, _LEAST_NEAR * sd) else 0.0
            # The first window speaks for the seconds before it, too.
            for early in range(self._second, second + 1):
                self._decide(early, rate, share, sd)
            self._second = second + 1
        found += self._walk(self._second)
        keep = min(
            self._start + (self._second - BEFORE_S - 1) * GRID_HZ, int(self._last) if self._last >= 0 else 1 << 62
        )
        if self._waiting:
            keep = min(keep, self._start + (self._waiting[0][0] - 1) * GRID_HZ)
        keep = max(keep, self._origin)
        self._smooth = self._smooth[keep - self._origin :]
        self._origin = keep
        return found

    def _decide(self, second: int, rate: float, share: float, sd: float) -> None:
        strict = share >= _SHARE and sd >= LEAST_SD_G
        if self._rate > 0:
            if share >= _SHARE_ON and sd >= LEAST_SD_G and abs(rate - self._rate) <= _JUMP_HZ:
                self._pace.append((second, rate))
                self._rate = rate
                return
            self._rate = 0.0
        if not strict or (self._waiting and abs(rate - self._waiting[-1][1]) > _JUMP_HZ):
            self._waiting = []
        if strict:
            self._waiting.append((second, rate))
            if len(self._waiting) >= _IN_A_ROW:
                self._pace += self._waiting
                self._waiting, self._rate = [], rate

    def _walk(self, until: int) -> list[float]:
        """Steps in the seconds in gait before second `until`."""
        found: list[float] = []
        for second, rate in self._pace:
            begin, end = self._start + second * GRID_HZ, self._start + (second + 1) * GRID_HZ
            period = GRID_HZ / rate
            if self._last < 0 or begin - self._last > 1.5 * period:
                # A bout begins: its first step lies within one period.
                self._last = self._highest(begin - 1e-9, begin + period, begin + period / 2, period)
                found.append(self._last / GRID_HZ)
            while self._last + period < end:
                expected = self._last + period
                self._last = self._highest(expected - 0.35 * period, expected + 0.35 * period, expected, 0.5 * period)
                found.append(self._last / GRID_HZ)
        self._pace = []
        return found

    def _highest(self, low: float, high: float, expected: float, width: float) -> float:
        """Grid point, between two, at which the magnitude stands out most; nearness to what is expected counts."""
        a = max(int(np.ceil(low)), self._origin)
        b = min(int(np.floor(high)) + 1, self._origin + len(self._smooth))
        if b - a < 3:
            return expected
        y = self._smooth[a - self._origin : b - self._origin]
        at = np.arange(a, b)
        k = int(np.argmax((y - y.min()) * (1.0 - ((at - expected) / width) ** 2)))
        return float(at[k])

    def _close(self, found: list[float]) -> list[float]:
        """The stretch ends: its last window speaks for what follows it."""
        if self._second and (self._rate > 0 or len(self._waiting) + 1 >= _IN_A_ROW):
            rate = self._rate or self._waiting[-1][1]
            tail = self._smooth[self._start - self._origin + self._second * GRID_HZ :]
            for k in range(len(tail) // GRID_HZ):
                sd = float(tail[k * GRID_HZ : (k + 1) * GRID_HZ].std())
                self._decide(self._second, rate, 1.0, sd)
                self._second += 1
            found = found + self._walk(self._second)
        return found


def _known(size: NDArray[np.float64], fs: float) -> tuple[tuple[float, float], ...]:
    seconds = [(begin / fs, end / fs) for begin, end in runs(np.isfinite(size))]
    return tuple((begin, end) for begin, end in seconds if end - begin >= WINDOW / GRID_HZ)


def _overlap(known: tuple[tuple[float, float], ...], begin: float, end: float) -> float:
    return sum(max(0.0, min(b, end) - max(a, begin)) for a, b in known)
