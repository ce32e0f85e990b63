"""Pulse beats of a PPG: onset, steepest upstroke and systolic peak, offline and streaming by one kernel.

Laws of this file:
1. Blocks of 1.4 s that lie on a fixed raster since the start (or the last gap) are judged in order, each from itself,
   four blocks before and one after: any split of a stream into blocks gives the very numbers of the whole.
2. Gain and offset do not matter; the systolic wave points up (invert a raw reflected intensity first).
3. No beat is found from samples that are missing, and nothing is raised on what a sensor may send.

The detector is our own. Like slope-sum detectors (Zong et al. 2003, doi 10.1109/CIC.2003.1291140) it looks at rising
flanks, because a weak beat early in diastole, the rule in atrial fibrillation, makes a flank but often no maximum. A
flank counts by its height against the running level; one that comes early against the running period must be the
higher for it, which is what tells a weak beat from a dicrotic wave. All numbers were set by hand on the development
halves of MIMIC PERform AF and BIDMC, none by record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal.ppg.msptd import msptd_peaks

Floats = NDArray[np.float64]
Method = Literal["upstroke", "msptdfast"]

_WORK_HZ: Final = 30.0  # the rate that the flanks are looked at; upstrokes hold nothing above 15 Hz
_FLANK_S: Final = 0.12
_BLOCK_S: Final = 1.4
_BLOCKS: Final = 6  # of the level: four before, the block itself, one after
_THRESHOLD: Final = 0.12  # of the level
_REFRACTORY_S: Final = 0.30
_EARLY_SHARE: Final = 1.0  # height that a flank of no delay at all would need, of the flank before
_EARLY_PERIODS: Final = 0.8  # from here on no flank is early
_PERIOD_S: Final = (0.3, 1.0)
_PERIOD_GAIN: Final = 0.25
_PERIOD_STEP: Final = 0.2
_PEAK_S: Final = 0.30  # the systolic peak lies so far behind the steepest upstroke at most
_ONSET_S: Final = 0.40  # the onset before it
_LARGEST: Final = 1e12  # no converter gives more steps
_FLAT: Final = 1e-9  # of the largest sample: what is left of a straight line is rounding


class PulseBeat(NamedTuple):
    """One beat; positions in samples since the start of the stream."""

    onset: float
    upstroke: float
    peak: float
    amplitude: float


@dataclass(frozen=True, slots=True, eq=False)
class PulseBeats:
    """Beats of one signal, ascending; all arrays have shape (k,)."""

    onset: Floats  # lowest point before the upstroke, samples
    upstroke: Floats  # middle of the steepest rise over 0.12 s, between the samples: the steadiest mark of a beat
    peak: Floats  # systolic maximum, between the samples
    amplitude: Floats  # peak minus onset, unit of the signal


def detect_pulse_peaks(ppg: ArrayLike, fs: float, *, method: Method = "upstroke") -> NDArray[np.int64]:
    """Sample indices of the systolic peaks, ascending, shape (k,).

    Methods: "upstroke", our own (see the top of the file; it has a stream, and is the better one wherever the rhythm is
    irregular), and "msptdfast", MSPTDfast v2 (Charlton et al. 2025, doi 10.1088/1361-6579/adb89e), to compare with.

    `ppg`: shape (n,), any linear unit, more blood upwards, NaN where samples are missing; `fs`: Hz, 20 or more makes
    sense. An empty, flat or all-NaN input gives no peaks. Noise gives peaks that mean nothing: ask `sqi_ppg` first.
    Raises ValueError where `fs` is not a finite number above 0, `ppg` is not one-dimensional or `method` is unknown.
    """
    if method == "msptdfast":
        return _msptdfast(clean(ppg), _Scan(fs).fs)
    if method != "upstroke":
        raise ValueError(f"method must be 'upstroke' or 'msptdfast', got {method!r}")
    peaks = np.rint(pulse_beats(ppg, fs).peak).astype(np.int64)
    return peaks[np.diff(peaks, prepend=-1) > 0]


def pulse_beats(ppg: ArrayLike, fs: float) -> PulseBeats:
    """Onsets, upstrokes, peaks and amplitudes of all beats; arguments and errors as in `detect_pulse_peaks`."""
    scan = _Scan(fs)
    signal = clean(ppg)
    table, _ = scan.advance(signal, final=True)
    return PulseBeats(*table.T)


class PulsePeakStream(Resumable):
    """`pulse_beats` of a signal that arrives in blocks; a beat comes out at most 3.2 s after its upstroke.

    Raises ValueError where `fs` is not a finite number above 0.
    """

    def __init__(self, fs: float) -> None:
        self._scan = _Scan(fs)
        self._held = np.empty(0)

    def update(self, ppg: ArrayLike) -> list[PulseBeat]:
        """Beats that the new samples, shape (n,), settle; ascending, none twice."""
        self._held = np.concatenate((self._held, clean(ppg)))
        table, used = self._scan.advance(self._held, final=False)
        self._held = self._held[used:]
        return [PulseBeat(*row) for row in table.tolist()]

    def gap(self, samples: int = 0) -> list[PulseBeat]:
        """Nothing is known about what comes next: settle what is held, skip `samples` and start afresh."""
        table, used = self._scan.advance(self._held, final=True)
        self._scan = _Scan(self._scan.fs, self._scan.start + used + lost(samples))
        self._held = np.empty(0)
        return [PulseBeat(*row) for row in table.tolist()]

    def end(self) -> list[PulseBeat]:
        """The beats that were still waiting for samples after them."""
        return self.gap()


def clean(ppg: ArrayLike) -> Floats:
    """The samples, shape (n,), with NaN for what no converter gives. Raises ValueError on other shapes."""
    signal = np.asarray(ppg, np.float64)
    if signal.ndim != 1:
        raise ValueError(f"ppg must have one dimension, got shape {signal.shape}")
    wild = np.abs(signal) > _LARGEST
    return np.where(wild, np.nan, signal) if wild.any() else signal


def _msptdfast(signal: Floats, fs: float) -> NDArray[np.int64]:
    there = np.isfinite(signal)
    if there.all():
        return msptd_peaks(signal, fs)
    if not there.any():
        return np.empty(0, np.int64)
    at = np.arange(len(signal))
    peaks = msptd_peaks(np.interp(at, at[there], signal[there]), fs)
    return peaks[there[peaks]]


class _Scan(Resumable):
    """The kernel: what is known at the border between two blocks, and the way from block to block."""

    def __init__(self, fs: float, start: int = 0) -> None:
        if not (np.isfinite(fs) and fs > 0):
            raise ValueError(f"fs must be a finite number above 0 Hz, got {fs}")
        self.fs = float(fs)
        self.start = start  # index of the first sample held
        self._q = max(1, int(fs // _WORK_HZ))
        rate = fs / self._q
        self._rate = rate
        self._block = max(4, round(_BLOCK_S * rate))
        self._flank = max(1, round(_FLANK_S * rate)) | 1
        # Flanks of a block reach into the next, and so does the peak that belongs to one.
        self._context = self._flank + int(np.ceil(_ONSET_S * rate)) + 3
        self._before = 0  # working samples held that belong to a block already judged
        self._maxima = np.full(_BLOCKS - 2, np.nan)
        self._last = -np.inf  # working index of the last flank taken
        self._period = 0.8 * rate
        self._open = (-np.inf, 0.0)  # position and height of the last flank
        self._settled = True  # no higher one can replace it any more, and it was given out

    def advance(self, signal: Floats, final: bool) -> tuple[Floats, int]:
        """Beats that `signal` (all samples from `start` on) settles, shape (k, 4), and how many samples it used up."""
        q = self._q
        n = len(signal) // q
        whole = n - self._before if final else (n - self._before) // self._block * self._block - self._block
        if not final and (whole <= 0 or n - self._before - whole < self._context):
            return np.empty((0, 4)), 0
        if n < 3 or (final and whole <= 0 and self._settled):
            return np.empty((0, 4)), len(signal) if final else 0
        work = signal[: n * q : q].copy()
        for phase in range(1, q):  # much faster than a sum over an axis this short, and the same for any split
            work += signal[phase : n * q : q]
        flank = self._flanks(work)
        at, height = self._candidates(work, flank, whole)
        border = np.inf if final else float(self._before + whole + self.start // q)
        taken = self._take(at, height, border)
        table = self._mark(signal, work, flank, taken)
        keep = self._context + self._block
        used = len(signal) if final else max(0, self._before + whole - keep) * q
        self._before = 0 if final else self._before + whole - used // q
        self.start += 0 if final else used
        return table, used

    def _flanks(self, work: Floats) -> Floats:
        """Sum of the rises within `_FLANK_S` around each working sample, shape (n,); NaN beside missing ones."""
        n, w = len(work), self._flank
        rise = np.full(n + w - 1, np.nan)
        np.maximum(np.subtract(work[1:], work[:-1]), 0.0, out=rise[w // 2 + 1 : w // 2 + n])
        out = rise[:n].copy()
        for k in range(1, w):
            out += rise[k : k + n]
        return out

    def _candidates(self, work: Floats, flank: Floats, whole: int) -> tuple[list[float], list[float]]:
        """Local maxima of the flanks that rise above the level, in working samples since `start`, and their heights."""
        a, b = self._before, self._before + whole
        block = self._block
        count = -(-len(flank[a:]) // block)
        padded = np.full(count * block, np.nan)
        padded[: len(flank) - a] = flank[a:]
        maxima = np.fmax.reduce(padded.reshape(count, block), axis=1)
        judged = -(-whole // block)
        series = np.concatenate((self._maxima, maxima[: judged + 1], np.full(max(0, judged + 1 - count), np.nan)))
        level = _lower_median(np.lib.stride_tricks.sliding_window_view(series, _BLOCKS))
        self._maxima = series[judged : judged + _BLOCKS - 2]
        lo, hi = max(a, 1), min(b, len(flank) - 1)
        inner = flank[lo:hi]
        at = np.flatnonzero((inner > flank[lo - 1 : hi - 1]) & (inner >= flank[lo + 1 : hi + 1])) + lo
        least = _FLAT * self._q * np.abs(work[at])
        height = flank[at]
        keep = (height > _THRESHOLD * level[(at - a) // block]) & (height > least)
        origin = self.start // self._q
        return (at[keep] + origin).astype(np.float64).tolist(), height[keep].tolist()

    def _take(self, at: list[float], height: list[float], border: float) -> list[float]:
        """Which flanks before `border` are beats. One stands once no higher one can come within the refractory time."""
        refractory, gain, share = _REFRACTORY_S * self._rate, _PERIOD_GAIN, _EARLY_SHARE
        shortest, longest = _PERIOD_S[0] * self._rate, _PERIOD_S[1] * self._rate
        last, period, (held, top), settled = self._last, self._period, self._open, self._settled
        out: list[float] = []
        for position, rise in zip(at, height, strict=True):
            delay = position - held
            if delay < refractory:
                if rise > top:
                    held, top = position, rise
                continue
            if rise < share * top * (1.0 - delay / (_EARLY_PERIODS * period)):
                continue
            if not settled:
                out.append(held)
            if top > 0.0:
                change = held - last - period
                step = _PERIOD_STEP * period
                period += gain * (step if change > step else -step if change < -step else change)
                period = shortest if period < shortest else longest if period > longest else period
                last = held
            held, top, settled = position, rise, False
        if not settled and border - held >= refractory:
            out.append(held)
            settled = True
        self._last, self._period, self._open, self._settled = last, period, (held, top), settled
        return out

    def _mark(self, signal: Floats, work: Floats, flank: Floats, taken: list[float]) -> Floats:
        """Onset, upstroke, peak and amplitude of the flanks taken, shape (k, 4), in samples since the very start."""
        if not taken:
            return np.empty((0, 4))
        q = self._q
        at = np.array(taken, np.int64) - self.start // q
        steep = (at + _vertex(flank, at) - 0.5) * q + 0.5 * (q - 1)
        up, down = round(_PEAK_S * self._rate), round(_ONSET_S * self._rate)
        peak, onset = _extreme(work, at, -1, max(1, up), np.argmax), _extreme(work, at, -max(1, down), 1, np.argmin)
        if q > 1:
            peak = _extreme(signal, peak * q + q // 2, -q, q, np.argmax)
            onset = _extreme(signal, onset * q + q // 2, -q, q, np.argmin)
        amplitude = signal[peak] - signal[onset]
        fine = peak + _vertex(signal, peak)
        return np.column_stack((onset + self.start, steep + self.start, fine + self.start, amplitude))


def _lower_median(rows: Floats) -> Floats:
    """Lower median of the finite values of each row, NaN where there are none; shape (m,)."""
    ordered = np.sort(rows, axis=1)
    middle = np.maximum(np.sum(~np.isnan(ordered), axis=1) - 1, 0) // 2
    out: Floats = ordered[np.arange(len(ordered)), middle]
    return out


def _vertex(x: Floats, at: NDArray[np.int64]) -> Floats:
    """Offset of the top of the parabola through three samples, -0.5..0.5; 0 at ends, beside NaN and without a bend."""
    inner = np.maximum(np.minimum(at, len(x) - 2), 1)
    left, mid, right = x[inner - 1], x[inner], x[inner + 1]
    bend = left - 2.0 * mid + right
    out: Floats = np.zeros(len(at))
    np.divide(0.5 * (left - right), bend, out=out, where=(bend < 0) & (inner == at))
    return np.clip(out, -0.5, 0.5)


def _extreme(
    x: Floats, middle: NDArray[np.int64], first: int, last: int, which: Callable[..., Any]
) -> NDArray[np.int64]:
    """Index of the largest (np.argmax) or smallest (np.argmin) sample within middle + first .. middle + last, (k,)."""
    index = middle[:, None] + np.arange(first, last + 1)
    np.minimum(index, len(x) - 1, out=index)
    np.maximum(index, 0, out=index)
    values = x[index]
    if np.isnan(values).any():
        values = np.where(np.isnan(values), -np.inf if which is np.argmax else np.inf, values)
    out: NDArray[np.int64] = index[np.arange(len(index)), which(values, axis=1)]
    return out
