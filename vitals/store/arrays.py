"""What a query found as numpy arrays, in physical units.

Laws of this file:
1. No more memory than the answer: it is allocated once and filled chunk by chunk.
2. Where a stream has no samples there are none in the answer: a gap is no zero and no NaN.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals.errors import InputError
from vitals.store import pyramid, spans
from vitals.store.chunks import Shape
from vitals.store.connection import Access
from vitals.store.query import StreamInfo

Resolution = float | dt.timedelta


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples of one stream, by time."""

    stream: StreamInfo
    times_us: NDArray[np.int64]  # (n,), UTC microseconds; of an interval: its end
    values: NDArray[np.float64]  # (n,) or (n, channels), in the stream's unit


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """Bins of one stream that hold samples, by time; bin k holds those with k * width <= time < (k + 1) * width."""

    stream: StreamInfo
    width_us: int
    times_us: NDArray[np.int64]  # (n,), UTC microseconds at which the bins begin
    count: NDArray[np.int64]  # (n,), samples
    low: NDArray[np.float64]  # minimum, (n,) or (n, channels), in the stream's unit
    high: NDArray[np.float64]  # maximum
    mean: NDArray[np.float64]


def width_us(resolution: Resolution) -> int:
    """Microseconds of a resolution in seconds. Raises InputError."""
    seconds = resolution.total_seconds() if isinstance(resolution, dt.timedelta) else float(resolution)
    if not 1e-6 <= seconds <= 366 * 86_400:
        raise InputError(f"resolution is {resolution!r}; give seconds (up to a year) or a timedelta, such as 30")
    return round(seconds * 1e6)


def samples(reading: Access, stream: StreamInfo, start_us: int, end_us: int) -> Samples:
    """The samples with start <= time < end. Raises StoreDamaged."""
    with reading() as connection:
        found = spans.places(connection, stream.id, start_us, end_us)
    shape = Shape(stream.kind, stream.timing, stream.rate_hz, stream.scale, stream.unit, stream.channels)
    most = sum(place.n for place in found)
    times = np.empty(most, np.int64)
    values = np.empty((most,) if stream.channels == 0 else (most, stream.channels), np.float64)
    n = 0
    for block in spans.unpacked(reading, shape, found, start_us, end_us):
        stop = n + len(block)
        times[n:stop] = block.times_us()
        np.multiply(block.values, stream.scale, out=values[n:stop])
        n = stop
    if (np.diff(times[:n]) < 0).any():  # chunks that overlap in time
        order = np.argsort(times[:n], kind="stable")
        return Samples(stream, times[order], values[order])
    return Samples(stream, times[:n], values[:n])


def summary(reading: Access, stream: StreamInfo, start_us: int, end_us: int, width: int) -> Summary:
    """The bins of `width` microseconds that touch [start, end), whole. Raises StoreDamaged."""
    bins = pyramid.bins(reading, stream.id, width, start_us, end_us)
    shape = (len(bins),) if stream.channels == 0 else (len(bins), stream.channels)
    ends = (bins.low, bins.high) if stream.scale >= 0 else (bins.high, bins.low)
    low, high = ((numbers * np.float64(stream.scale)).reshape(shape) for numbers in ends)
    mean = (bins.total / bins.count[:, None] * stream.scale).reshape(shape)
    return Summary(stream, width, bins.index * width, bins.count, low, high, mean)
