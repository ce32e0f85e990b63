"""MIMS units: a movement summary that does not depend on the device's sampling rate (John et al. 2019).

The published chain: a natural cubic spline to 100 Hz, a causal Butterworth band-pass of order 4 from 0.2 to 5 Hz, the
area under its absolute value by epoch and axis (trapezoids), areas of at most 0.01 g a second set to zero, the sum of
the axes.

Laws of this file:
1. The spline is the whole stretch's natural spline, computed in parts: its memory fades by 0.27 a sample, so that parts
   with 40 samples to either side are exact.
2. Nothing is interpolated across a missing sample; what follows one begins settled. The recording itself begins at
   zero, as in MIMSunit, and so the first seconds carry the step of gravity through the filter.
3. Samples beyond the sensor's range are counted, not made up: the chain's extrapolation of them is left out.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from vitals_signal._runs import runs
from vitals_signal.acc.block_filter import block_filter
from vitals_signal.acc.butterworth import butterworth
from vitals_signal.acc.epochs import EpochSeries
from vitals_signal.windows.samples import Floats, checked_acc, present

_RATE: Final = 100
_NAMES: Final = ("mims", "x", "y", "z", "clipped_share")
_HALO: Final = 40
_CHUNK: Final = 30_000
_NOISE_G: Final = 1e-4 * _RATE
_LEAST_COVERAGE: Final = 0.9


def mims_units(
    acc_g: ArrayLike, fs: float, epoch_s: float = 60.0, *, range_g: float | None = None, start_us: int = 0
) -> EpochSeries:
    """MIMS units by epoch: columns mims (sum of the axes), x, y, z (g s), and clipped_share of samples.

    `acc_g`: (n, 3) in g at `fs` Hz, NaN where missing; `range_g`: what the sensor can measure, e.g. 8 (clipped_share is
    of samples with an axis within 1 % of it or beyond; 0 without a range). An epoch with less than 90 % of its samples
    is NaN; one that is not full at the end is none. Where nothing is clipped it agrees with wristpy 0.2.10 to 0.2 %
    (whose grid is one point short); where samples are clipped, the values are lower bounds.

    Raises ValueError for a wrong shape, rate, epoch or range. Source: John, Tang, Albinali, Intille 2019, J Meas Phys
    Behav 2:268, doi 10.1123/jmpb.2018-0068.
    """
    acc = checked_acc(acc_g)
    if not (math.isfinite(fs) and fs > 10.0):
        raise ValueError(f"fs must be finite and above 10 Hz for a band up to 5 Hz, not {fs}")
    if not (math.isfinite(epoch_s) and epoch_s >= 1.0):
        raise ValueError(f"epoch_s must be at least 1 s, not {epoch_s}")
    if range_g is not None and not range_g > 0:
        raise ValueError(f"range_g must be positive, not {range_g}")
    epochs = int(len(acc) / (fs * epoch_s) + 1e-9)
    area = _Areas(epochs, epoch_s)
    there = present(acc)
    for begin, end in runs(there):
        _stretch(acc, begin, end, fs, area)
    values = np.full((epochs, 5), np.nan)
    edges = np.rint(np.arange(epochs + 1) * fs * epoch_s).astype(np.intp)
    if epochs:
        enough = area.count >= _LEAST_COVERAGE * epoch_s * _RATE
        axes = (area.total - 0.5 * (area.first + area.last)) / _RATE
        axes[axes <= _NOISE_G * epoch_s] = 0.0
        values[enough, 1:4] = axes[enough]
        values[enough, 0] = axes[enough].sum(1)
        clipped = np.zeros(len(acc))
        if range_g is not None:
            clipped = (there & (np.abs(acc).max(1) >= 0.99 * range_g)).astype(np.float64)
        share = np.add.reduceat(clipped[: edges[-1]], edges[:-1]) / np.diff(edges)
        values[enough, 4] = share[enough]
        coverage = np.add.reduceat(there[: edges[-1]].astype(np.float64), edges[:-1]) / np.diff(edges)
    else:
        coverage = np.zeros(0)
    return EpochSeries(_NAMES, values, coverage, float(epoch_s), "mims-1", start_us)


class _Areas:
    """Sums of the absolute value by epoch, with its first and last value, of samples at 100 Hz."""

    def __init__(self, epochs: int, epoch_s: float) -> None:
        self._samples = epoch_s * _RATE
        self.count = np.zeros(epochs)
        self.total, self.first, self.last = (np.zeros((epochs, 3)) for _ in range(3))

    def add(self, index: int, y: Floats) -> None:
        """`y`: (n, 3), the first at `index` of the 100-Hz grid."""
        epoch = ((index + np.arange(len(y))) / self._samples + 1e-9).astype(np.intp)
        keep = epoch < len(self.count)
        epoch, y = epoch[keep], y[keep]
        if not len(epoch):
            return
        starts = np.flatnonzero(np.diff(epoch, prepend=epoch[0] - 1))
        at = epoch[starts]
        new = self.count[at] == 0
        self.first[at[new]] = y[starts[new]]
        self.last[at] = y[np.append(starts[1:], len(y)) - 1]
        self.total[at] += np.add.reduceat(y, starts, axis=0)
        self.count[at] += np.diff(np.append(starts, len(y)))


def _stretch(acc: Floats, begin: int, end: int, fs: float, area: _Areas) -> None:
    band = block_filter(butterworth(4, 0.2, 5.0, float(_RATE)), _RATE)
    first = math.ceil(begin / fs * _RATE - 1e-6)
    last = math.floor((end - 1) / fs * _RATE + 1e-6)
    at, kept, state = first, np.empty((0, 3)), None
    grid = first
    while grid <= last:
        stop = min(last + 1, grid + round(_CHUNK / fs * _RATE))
        kept = np.concatenate((kept, _spline(acc, begin, end, fs, grid, stop)))
        grid = stop
        used = len(kept) // _RATE * _RATE
        x = kept[:used]
        if grid > last:  # the last, cut block is filled up and its surplus dropped
            x = np.concatenate((kept, np.repeat(kept[-1:], -len(kept) % _RATE, axis=0)))
            used = len(kept)
        if len(x):
            if state is None:
                state = np.zeros((3, band.order)) if begin == 0 else x[:1].T * band.rest
            y, state = band.run(np.ascontiguousarray(x.T).reshape(3, -1, _RATE), state)
            area.add(at, np.abs(y.reshape(3, -1)[:, :used].T))
            at += used
        kept = kept[used:]


def _spline(acc: Floats, begin: int, end: int, fs: float, first: int, stop: int) -> Floats:
    """The natural cubic spline through samples begin..end-1 at 100-Hz instants first..stop-1."""
    if fs == _RATE:
        return np.asarray(acc[first:stop], np.float64)
    if end - begin < 3:
        position = np.arange(first, stop) / _RATE * fs - begin
        x = np.asarray(acc[begin:end], np.float64)
        return np.stack([np.interp(position, np.arange(end - begin), x[:, k]) for k in range(3)], 1)
    position = np.arange(first, stop) / _RATE * fs
    low = max(begin, int(position[0]) - 1)
    high = min(end, int(position[-1]) + 3)
    bend = _second_derivatives(acc, begin, end, low, high)
    x = np.asarray(acc[low:high], np.float64)
    i = np.clip(position.astype(np.intp), low, high - 2) - low
    b = (position - low - i)[:, None]
    a = 1.0 - b
    value: Floats = a * x[i] + b * x[i + 1] + ((a * a * a - a) * bend[i] + (b * b * b - b) * bend[i + 1]) / 6.0
    return value


def _second_derivatives(acc: Floats, begin: int, end: int, low: int, high: int) -> Floats:
    """Second derivatives, per squared sample, at samples low..high-1 of the natural spline through begin..end-1.

    They solve M[i-1] + 4 M[i] + M[i+1] = 6 x''[i] with M = 0 at both ends, which an odd extension of the right side
    about each end fulfils; the inverse of (1, 4, 1) is a two-sided exponential.
    """
    if end - begin < 2 * _HALO:
        x = np.asarray(acc[begin:end], np.float64)
        n = len(x) - 2
        bands = 4.0 * np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)
        inner = np.linalg.solve(bands, 6.0 * (x[2:] - 2.0 * x[1:-1] + x[:-2]))
        return np.concatenate((np.zeros((1, 3)), inner, np.zeros((1, 3))))[low - begin : high - begin]
    left, right = max(begin + 1, low - _HALO), min(end - 1, high + _HALO)
    part = np.asarray(acc[left - 1 : right + 1], np.float64)
    second = 6.0 * (part[2:] - 2.0 * part[1:-1] + part[:-2])
    padded = np.zeros((high - low + 2 * _HALO, 3))
    origin = low - _HALO
    padded[left - origin : right - origin] = second
    # An odd extension about the first and last sample of the stretch, where its second derivative is zero.
    if origin < begin:
        outside = begin - origin
        padded[:outside] = -padded[2 * outside : outside : -1]
    if high + _HALO > end:
        outside = high + _HALO - end
        padded[len(padded) - outside :] = -padded[-outside - 2 : -2 * outside - 2 : -1]
    pole = math.sqrt(3.0) - 2.0
    weights = pole ** np.abs(np.arange(-_HALO, _HALO + 1)) / (2.0 * math.sqrt(3.0))
    return np.stack([np.convolve(padded[:, k], weights, "valid") for k in range(3)], 1)
