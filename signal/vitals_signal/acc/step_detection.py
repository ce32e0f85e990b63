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

from vitals_signal._resume import Resumable
from vitals_signal.windows.window import FeatureWindow

STEPS_VERSION: Final = "steps-1"
STEP_FEATURES: Final = ("steps", "cadence_spm", "walking_s", "walking_cadence_spm")

_GRID: Final = 25  # Hz
_SIGMA_S: Final = 0.04
_REACH_S: Final = 0.12
_WINDOW: Final = 125  # 5 s
_BEFORE: Final = 2  # whole seconds of the window that lie before the second it judges
_STEP_HZ: Final = 0.05
_FREQUENCY: Final = np.arange(0.5, 7.01, _STEP_HZ)
_LOWEST_HZ, _HIGHEST_HZ = 1.2, 3.5
_TAPER: Final = np.hanning(_WINDOW + 2)[1:-1]
_ANGLE: Final = 2 * np.pi * np.outer((np.arange(_WINDOW) - _WINDOW // 2) / _GRID, _FREQUENCY)
_TRANSFORM: Final = np.hstack((np.cos(_ANGLE), np.sin(_ANGLE))) * _TAPER[:, None]
_SHARE, _SHARE_ON = 0.45, 0.35
_LEAST_SD_G: Final = 0.06  # over 5 s
_LEAST_NEAR_G: Final = 0.04  # over the second itself
_LEAST_NEAR: Final = 0.4  # of the deviation over 5 s: where a bout ends, the second has no part in it
_JUMP_HZ: Final = 0.25
_IN_A_ROW: Final = 3
_LARGEST_G: Final = 100.0  # beyond, it is no acceleration in g
_BLOCK: Final = 1 << 13


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
    size = _magnitude(_shaped(acc_g))
    found = stream.update(size)
    found += stream.end()
    known = _known(size, fs)
    return Steps(np.array(found, np.float64), stream.samples / fs, known, None if known else "less than 5 s in a row")


def magnitude_25hz(acc_g: ArrayLike, fs: float) -> NDArray[np.float64]:
    """The magnitude (g) on which steps are sought: a sample every 40 ms, NaN where half of what it takes is missing.

    `acc_g` in g, shape (n, 3) or (n,), at `fs` Hz (15..1000). Raises ValueError for `fs` out of range or another shape.
    """
    if not 15 <= fs <= 1000:
        raise ValueError(f"fs must lie in 15..1000 Hz, got {fs}")
    size = _magnitude(_shaped(acc_g))
    points = np.arange(int((len(size) - 0.51) * _GRID / fs) + 1 if len(size) else 0)
    parts = [_resampled(size, 0, points[a : a + _BLOCK], fs) for a in range(0, len(points), _BLOCK)]
    return np.concatenate(parts) if parts else np.empty(0)


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
        size = _magnitude(_shaped(acc_g))
        found: list[float] = []
        # Blocks bound the memory; their borders cannot be seen in the result.
        for begin in range(0, len(size), 1 << 18):
            found += self._take(size[begin : begin + (1 << 18)])
        return found

    def gap(self, samples: int = 0) -> list[float]:
        """`samples` are missing here (0: unknown, none are counted). Gives the steps before."""
        if samples < 0:
            raise ValueError(f"samples must not be below 0, got {samples}")
        found = self._close(self._drain(last=True))
        self.samples += samples
        self._magnitude, self._first = np.empty(0), self.samples
        self._next = int(np.ceil(self.samples * _GRID / self.fs - 1e-9))
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
        reach = _reach(self.fs)
        end = self.samples - (1 if last else reach + 1)
        # The last grid point whose neighbourhood has arrived.
        stop = int(np.floor((end + 0.49) * _GRID / self.fs)) + 1
        found: list[float] = []
        while self._next < stop:
            points = np.arange(self._next, min(stop, self._next + _BLOCK))
            found += self._follow(_resampled(self._magnitude, self._first, points, self.fs))
            self._next = int(points[-1]) + 1
        keep = max(self._first, int(self._next * self.fs / _GRID) - reach - 2)
        self._magnitude = self._magnitude[keep - self._first :]
        self._first = keep
        return found

    def _follow(self, smooth: NDArray[np.float64]) -> list[float]:
        """Splits the grid at what is missing."""
        found: list[float] = []
        alive = np.concatenate(([False], np.isfinite(smooth), [False]))
        border = np.flatnonzero(alive[1:] != alive[:-1])
        for begin, end in zip(border[::2].tolist(), border[1::2].tolist(), strict=True):
            if begin:
                found += self._close([])
                self._begin(self._next + begin)
            found += self._stretch(smooth[begin:end])
        if not alive[-2]:
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
        whole = (self._length() - _WINDOW) // _GRID + 1  # windows that are complete
        first = self._second if self._second > _BEFORE else _BEFORE
        if whole + _BEFORE <= first:
            return []
        at = self._start - self._origin + (first - _BEFORE) * _GRID
        windows = np.lib.stride_tricks.sliding_window_view(self._smooth[at:], _WINDOW)[::_GRID]
        windows = windows[: whole + _BEFORE - first]
        rates, shares, deviations, near = _judge(windows)
        found: list[float] = []
        judged = zip(rates.tolist(), shares.tolist(), deviations.tolist(), near.tolist(), strict=True)
        for second, (rate, share, sd, still) in enumerate(judged, first):
            share = share if still >= max(_LEAST_NEAR_G, _LEAST_NEAR * sd) else 0.0
            # The first window speaks for the seconds before it, too.
            for early in range(self._second, second + 1):
                self._decide(early, rate, share, sd)
            self._second = second + 1
        found += self._walk(self._second)
        keep = min(self._start + (self._second - _BEFORE - 1) * _GRID, int(self._last) if self._last >= 0 else 1 << 62)
        if self._waiting:
            keep = min(keep, self._start + (self._waiting[0][0] - 1) * _GRID)
        keep = max(keep, self._origin)
        self._smooth = self._smooth[keep - self._origin :]
        self._origin = keep
        return found

    def _decide(self, second: int, rate: float, share: float, sd: float) -> None:
        strict = share >= _SHARE and sd >= _LEAST_SD_G
        if self._rate > 0:
            if share >= _SHARE_ON and sd >= _LEAST_SD_G and abs(rate - self._rate) <= _JUMP_HZ:
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
            begin, end = self._start + second * _GRID, self._start + (second + 1) * _GRID
            period = _GRID / rate
            if self._last < 0 or begin - self._last > 1.5 * period:
                # A bout begins: its first step lies within one period.
                self._last = self._highest(begin - 1e-9, begin + period, begin + period / 2, period)
                found.append(self._last / _GRID)
            while self._last + period < end:
                expected = self._last + period
                self._last = self._highest(expected - 0.35 * period, expected + 0.35 * period, expected, 0.5 * period)
                found.append(self._last / _GRID)
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
            tail = self._smooth[self._start - self._origin + self._second * _GRID :]
            for k in range(len(tail) // _GRID):
                sd = float(tail[k * _GRID : (k + 1) * _GRID].std())
                self._decide(self._second, rate, 1.0, sd)
                self._second += 1
            found = found + self._walk(self._second)
        return found


def _shaped(acc_g: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(acc_g, np.float64)
    if not (x.ndim == 1 or (x.ndim == 2 and x.shape[1] == 3)):
        raise ValueError(f"acc_g must have shape (n, 3) or (n,), got {x.shape}")
    return x


def _magnitude(x: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.sqrt(np.einsum("ij,ij->i", x, x)) if x.ndim == 2 else np.abs(x)
        return np.where(size <= _LARGEST_G, size, np.nan)


def _known(size: NDArray[np.float64], fs: float) -> tuple[tuple[float, float], ...]:
    alive = np.concatenate(([False], np.isfinite(size), [False]))
    border = np.flatnonzero(alive[1:] != alive[:-1]) / fs
    runs = zip(border[::2].tolist(), border[1::2].tolist(), strict=True)
    return tuple((begin, end) for begin, end in runs if end - begin >= _WINDOW / _GRID)


def _overlap(known: tuple[tuple[float, float], ...], begin: float, end: float) -> float:
    return sum(max(0.0, min(b, end) - max(a, begin)) for a, b in known)


def _reach(fs: float) -> int:
    return int(np.ceil(_REACH_S * fs))


def _resampled(x: NDArray[np.float64], first: int, points: NDArray[np.int64], fs: float) -> NDArray[np.float64]:
    """Magnitude at grid points, NaN where half of the Gaussian's weight or more is missing or outside."""
    reach = _reach(fs)
    at = points * (fs / _GRID)
    centre = np.rint(at).astype(np.int64)
    offset = np.arange(-reach, reach + 1)
    index = centre[:, None] + offset - first
    weight = np.exp(-0.5 * (((centre - at)[:, None] + offset) / (_SIGMA_S * fs)) ** 2)
    inside = (index >= 0) & (index < len(x))
    value = np.where(inside, x[np.clip(index, 0, len(x) - 1)], np.nan)
    known = np.isfinite(value)
    mass = np.where(known, weight, 0.0).sum(axis=1)
    total = (weight * inside).sum(axis=1)
    summed = (np.where(known, value, 0.0) * weight).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(mass > 0.5 * total, summed / mass, np.nan))


def _judge(
    windows: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Step rate (Hz), share of power that gait explains, and deviation (g) of each window, shape (n, 125); also that of
    its middle second."""
    n = len(windows)
    near = np.asarray(windows[:, _BEFORE * _GRID : (_BEFORE + 1) * _GRID].std(axis=1))
    rates, shares = np.zeros(n), np.zeros(n)
    deviations = np.asarray(windows.std(axis=1))
    moving = np.flatnonzero(deviations >= _LEAST_SD_G)
    for begin in range(0, len(moving), 512):
        some = moving[begin : begin + 512]
        x = windows[some]
        x = x - (x @ _TAPER / _TAPER.sum())[:, None]
        y = x @ _TRANSFORM
        half = len(_FREQUENCY)
        power = y[:, :half] ** 2 + y[:, half:] ** 2
        # Power within 0.1 Hz of each frequency, over a margin in which there is none.
        padded = np.pad(power, ((0, 0), (2, 2)))
        band = sum((padded[:, k : k + half] for k in range(5)), np.zeros_like(power))
        base = _column(np.arange(_LOWEST_HZ, _HIGHEST_HZ + 1e-9, _STEP_HZ))
        best = base[np.argmax(band[:, base] + band[:, 2 * base + 10], axis=1)]
        row = np.arange(len(some))
        # A runner's step may hide behind half its rate, at which nothing happens.
        double = 2 * best + 10
        faster = (band[row, double] > 4.0 * band[row, best]) & (_FREQUENCY[double] <= _HIGHEST_HZ + 1e-9)
        best = np.where(faster, double, best)
        rate = _FREQUENCY[best]
        explained = np.zeros(len(some))
        for times in (0.5, 1.0, 1.5, 2.0):
            column = _column(times * rate)
            inside = (column >= 0) & (column < half)
            explained += np.where(inside, band[row, np.clip(column, 0, half - 1)], 0.0)
        total = power.sum(axis=1)
        rates[some] = rate
        shares[some] = np.where(total > 0, explained / np.where(total > 0, total, 1.0), 0.0)
    return rates, shares, deviations, near


def _column(frequency: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(np.rint((frequency - _FREQUENCY[0]) / _STEP_HZ).astype(np.int64))
