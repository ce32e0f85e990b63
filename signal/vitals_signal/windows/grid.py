"""Where windows of a fixed length lie in a series that is sampled evenly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """Windows of `length_s` seconds every `hop_s` seconds, over samples at `fs` Hz of which the first is at `start_us`.

    Window k starts `hop_s` k after the first and takes round(length_s fs) samples from the sample nearest to its start,
    so that a rate such as 31.25 Hz never makes the windows drift. With `aligned` the first window starts at a multiple
    of `hop_s` since the epoch of `start_us` (whole minutes of the clock for 60-s windows), otherwise at the first
    sample. A window that is not full is none. Raises ValueError for lengths that are not positive and finite, or for a
    window of less than one sample.
    """

    fs: float
    length_s: float
    hop_s: float
    start_us: int = 0
    aligned: bool = False

    def __post_init__(self) -> None:
        for name in ("fs", "length_s", "hop_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be positive and finite, not {value}")
        if self.length_n < 1 or self.hop_s * self.fs < 1:
            raise ValueError("length_s and hop_s must be at least one sample long")

    @property
    def length_n(self) -> int:
        """Samples of a window."""
        return round(self.length_s * self.fs)

    @property
    def offset_s(self) -> float:
        """From the first sample to the start of the first window."""
        if not self.aligned:
            return 0.0
        hop_us = round(self.hop_s * 1e6)
        return -self.start_us % hop_us / 1e6

    def first_sample(self, window: int) -> int:
        return round((self.offset_s + window * self.hop_s) * self.fs)

    def starts(self, n: int) -> NDArray[np.int64]:
        """First sample of each window that lies in samples 0..n-1."""
        most = max(0, math.floor((n - self.length_n - self.offset_s * self.fs) / (self.hop_s * self.fs)) + 2)
        first = np.rint((self.offset_s + np.arange(most) * self.hop_s) * self.fs).astype(np.int64)
        inside: NDArray[np.int64] = first[first + self.length_n <= n]
        return inside

    def time_us(self, sample: int) -> int:
        """Time of a sample in microseconds."""
        return self.start_us + round(sample / self.fs * 1e6)
