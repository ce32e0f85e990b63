"""ActiGraph activity counts, equal to ActiLife's, of a recording or of a stream.

The published chain (Neishabouri et al. 2022, Sci Rep 12:11958, doi 10.1038/s41598-022-16003-x): to 30 Hz (rates that 30
does not divide: three-fold zero-stuffing, a one-pole low-pass, every fs/10-th sample, rounded to 0.001 g), a band-pass
of order 7, 17.127404 counts per g, a dead band below 4, saturation at 128, truncation to 10 Hz by means of three, and
the sum over the epoch.

Laws of this file:
1. Stream and batch run the same products over the same whole seconds: any split gives the counts of the whole, bit by
   bit.
2. Nothing is counted over a gap: a second with a missing sample is missing, an epoch with a missing second is NaN, and
   what follows begins like a new recording.
3. numpy alone. The chain to 30 Hz is folded into a short filter at the input's rate that is evaluated at the samples
   kept.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal._runs import runs
from vitals_signal.acc.block_filter import block_filter
from vitals_signal.acc.epochs import EpochSeries
from vitals_signal.windows.samples import checked_acc, present
from vitals_signal.windows.window import FeatureWindow

Floats = NDArray[np.float64]

ACTIGRAPH_RATES: Final = (30, 40, 50, 60, 70, 80, 90, 100)
COUNTS_METHOD: Final = "actigraph-counts-1"

# Table of the paper; the eighth-order terms printed there are zero.
_NUMERATOR: Final = (
    -0.009341062898525, -0.025470289659360, -0.004235264826105, 0.044152415456420, 0.036493718347760,
    -0.011893961934740, -0.022917390623150, -0.006788163862310,
)  # fmt: skip
_DENOMINATOR: Final = (
    1.0, -3.63367395910957, 5.03689812757486, -3.09612247819666, 0.50620507633883, 0.32421701566682,
    -0.15685485875559, 0.01949130205890,
)  # fmt: skip
_COUNTS_PER_G: Final = (3.0 / 4096.0) / (2.6 / 256.0) * 237.5
_DEAD_BAND, _SATURATION = 4.0, 128.0
_MEMORY: Final = 12  # input samples after which the one-pole low-pass, 0.3127 a sample of the three-fold rate, is 1e-18
_CHUNK_S: Final = 600  # seconds that one product takes: about 5 MB at 100 Hz

_BAND_PASS: Final = ((_NUMERATOR, _DENOMINATOR),)
_NAMES: Final = ("x", "y", "z")


def activity_counts(acc_g: ArrayLike, fs: float, epoch_s: int = 60, *, start_us: int = 0) -> EpochSeries:
    """Counts per epoch of each axis (columns x, y, z as in `acc_g`; ActiLife's axis1 is y), equal to ActiLife's.

    `acc_g`: (n, 3) in g, NaN where a sample is missing; `fs`: 30, 40, ... or 100 Hz, the rates that ActiLife knows
    (`resample_acc` makes one of them from another rate); `epoch_s`: whole seconds. An epoch that is not full at the end
    is none. Counts are whole numbers, NaN in an epoch with a gap. The normal filter, not the low-frequency extension.

    Raises ValueError for another shape, rate or epoch. Source: doi 10.1038/s41598-022-16003-x.
    """
    acc = checked_acc(acc_g)
    rate, seconds = _checked(fs, epoch_s)
    n = len(acc) // (rate * seconds)
    counts, share = np.full((n * seconds, 3), np.nan), np.zeros(n * seconds)
    chain = _Chain(rate)
    for begin in range(0, n * seconds, _CHUNK_S):
        end = min(begin + _CHUNK_S, n * seconds)
        counts[begin:end], share[begin:end] = chain.advance(acc[begin * rate : end * rate])
    return EpochSeries(
        _NAMES, counts.reshape(n, seconds, 3).sum(1), share.reshape(n, seconds).mean(1), float(seconds),
        COUNTS_METHOD, start_us,
    )  # fmt: skip


class ActivityCountsStream(Resumable):
    """`activity_counts` of blocks as they come: `update` gives each epoch with its last sample, counts by axis."""

    def __init__(self, fs: float, epoch_s: int = 60, *, start_us: int = 0) -> None:
        self._rate, self._seconds = _checked(fs, epoch_s)
        self._chain = _Chain(self._rate)
        self._start_us = int(start_us)
        self._epoch = 0
        self._kept = np.empty((0, 3))
        self._counts = np.empty((0, 3))
        self._share = np.empty(0)

    def update(self, acc_g: ArrayLike) -> list[FeatureWindow]:
        """The epochs that the next samples, (n, 3) in g, complete."""
        acc = np.concatenate((self._kept, checked_acc(acc_g)))
        whole = len(acc) // self._rate
        done: list[FeatureWindow] = []
        for begin in range(0, whole, _CHUNK_S):
            end = min(begin + _CHUNK_S, whole)
            counts, share = self._chain.advance(acc[begin * self._rate : end * self._rate])
            self._counts = np.concatenate((self._counts, counts))
            self._share = np.concatenate((self._share, share))
            done += self._epochs()
        self._kept = acc[whole * self._rate :].copy()
        return done

    def gap(self, samples: int) -> list[FeatureWindow]:
        """The epochs that `samples` missing samples complete. Raises ValueError for a number below 0."""
        samples = lost(samples)
        done: list[FeatureWindow] = []
        while samples > 0:
            part = min(samples, _CHUNK_S * self._rate)
            done += self.update(np.full((part, 3), np.nan))
            samples -= part
        return done

    def end(self) -> list[FeatureWindow]:
        """Nothing: an epoch that is not full is none."""
        return []

    def _epochs(self) -> list[FeatureWindow]:
        n = len(self._counts) // self._seconds
        used = n * self._seconds
        series = EpochSeries(
            _NAMES, self._counts[:used].reshape(n, self._seconds, 3).sum(1),
            self._share[:used].reshape(n, self._seconds).mean(1), float(self._seconds), COUNTS_METHOD,
            self._start_us + self._epoch * self._seconds * 1_000_000,
        )  # fmt: skip
        self._counts, self._share = self._counts[used:].copy(), self._share[used:].copy()
        self._epoch += n
        return series.windows()


class _Chain(Resumable):
    """Counts of whole seconds, one after the other."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._fresh = True
        self._before = np.zeros((3, _MEMORY))
        self._state = np.zeros((3, len(_DENOMINATOR) - 1))

    def advance(self, acc: Floats) -> tuple[Floats, Floats]:
        """Counts, (seconds, 3), and share of samples present, (seconds,), of whole seconds of samples."""
        seconds = len(acc) // self._rate
        if seconds and np.abs(acc).max() <= 1000.0:  # a NaN compares false
            return self._stretch(acc), np.ones(seconds)
        there = present(acc).reshape(seconds, self._rate)
        full: NDArray[np.bool_] = np.all(there, axis=1)
        counts = np.full((seconds, 3), np.nan)
        last = 0
        for begin, end in runs(full):
            self._fresh |= begin > last
            counts[begin:end] = self._stretch(acc[begin * self._rate : end * self._rate])
            last = end
        self._fresh |= last < seconds
        return counts, there.mean(1)

    def _stretch(self, acc: Floats) -> Floats:
        seconds = len(acc) // self._rate
        g = self._to_30_hz(acc, seconds)
        band = block_filter(_BAND_PASS, 30)
        if self._fresh:
            self._state = g[:, 0, :1] * band.rest
            self._fresh = False
        y, self._state = band.run(g, self._state)
        y *= _COUNTS_PER_G
        np.abs(y, out=y)
        y[y < _DEAD_BAND] = 0.0
        np.minimum(y, _SATURATION, out=y)
        np.floor(y, out=y)
        tens = np.floor(y.reshape(3, seconds, 10, 3).sum(-1) / 3.0)
        counts: Floats = tens.sum(-1).T
        return counts

    def _to_30_hz(self, acc: Floats, seconds: int) -> Floats:
        """(3, seconds, 30) in g, rounded to 0.001."""
        if self._rate in (30, 60, 90):
            g = np.ascontiguousarray(acc[:: self._rate // 30].T, np.float64)
            return np.round(g, 3).reshape(3, seconds, 30)
        if self._fresh:
            self._before = np.zeros((3, _MEMORY))
        line = np.empty((3, _MEMORY + seconds * self._rate))
        line[:, :_MEMORY] = self._before
        line[:, _MEMORY:] = acc.T
        self._before = line[:, -_MEMORY:].copy()
        frames = sliding_window_view(line, _MEMORY + self._rate, axis=1)[:, :: self._rate]
        g = frames.reshape(3 * seconds, -1) @ _decimator(self._rate)
        return np.round(g, 3, out=g).reshape(3, seconds, 30)


@lru_cache(maxsize=8)
def _decimator(rate: int) -> Floats:
    """(memory + rate, 30): from one second of samples, after the memory, to its samples at 30 Hz."""
    pole = (6.0 - math.pi) / (6.0 + math.pi)
    gain = 3.0 * math.pi / (math.pi + 6.0)
    weights = np.zeros((_MEMORY + rate, 30))
    for sample in range(30):
        at, phase = divmod(sample * rate // 10, 3)
        for back in range(_MEMORY + 1):
            i = 3 * back + phase
            weights[_MEMORY + at - back, sample] = gain * (pole**i + (pole ** (i - 1) if i else 0.0))
    return weights


def _checked(fs: float, epoch_s: float) -> tuple[int, int]:
    if fs not in ACTIGRAPH_RATES:
        raise ValueError(f"fs must be one of {ACTIGRAPH_RATES} Hz, not {fs}: resample_acc gives such a rate")
    if not (math.isfinite(epoch_s) and epoch_s >= 1 and epoch_s == int(epoch_s)):
        raise ValueError(f"epoch_s must be whole seconds, not {epoch_s}")
    return int(fs), int(epoch_s)
