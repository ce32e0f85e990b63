"""What a sensor could read at any time: a recording, or a function of time that is computed when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals.errors import InputError

Values = NDArray[np.float64]  # (n, channels)


class Waveform(Protocol):
    """Physical values over body time."""

    duration_s: float

    def at(self, times_s: NDArray[np.float64]) -> Values:
        """Values at body times of shape (n,), ascending: shape (n, channels)."""
        ...


class Recording:
    """An array at a fixed rate, (n,) or (n, channels): sample j lies at j / `fs` seconds of body time.

    Read at its own rate it comes out sample by sample; at another rate the nearest sample is taken.
    """

    def __init__(self, samples: ArrayLike, fs: float) -> None:
        values = np.asarray(samples, np.float64)
        if values.ndim not in (1, 2) or not len(values) or not fs > 0:
            raise InputError(f"samples of shape {values.shape} at {fs} Hz are no recording; give (n,) or (n, channels)")
        self._values = values.reshape(len(values), -1)
        self._fs = fs
        self.duration_s = len(values) / fs

    def at(self, times_s: NDArray[np.float64]) -> Values:
        index = np.rint(times_s * self._fs).astype(np.int64)
        out: Values = self._values[np.clip(index, 0, len(self._values) - 1)]
        return out


def given_or(waveform: Waveform | None, otherwise: Waveform, name: str) -> Waveform:
    """The waveform that the caller gave, or the body's own. Raises InputError for an array, whose rate is unknown."""
    if waveform is None:
        return otherwise
    if not hasattr(waveform, "at"):
        raise InputError(f"{name} is a {type(waveform).__name__}; wrap samples with their rate: Recording({name}, fs)")
    return waveform


class Computed:
    """A waveform made in pieces of `piece_s`: `make(start_s, n)` gives (n, channels) samples at `fs` from `start_s` on.

    Two pieces are kept, so that a day of it fits into a watch.
    """

    def __init__(
        self, make: Callable[[float, int], Values], fs: float, duration_s: float, *, piece_s: float = 30.0
    ) -> None:
        self._make = make
        self._fs = fs
        self._n = max(1, round(piece_s * fs))
        self._pieces: dict[int, Values] = {}
        self.duration_s = duration_s

    def at(self, times_s: NDArray[np.float64]) -> Values:
        index = np.maximum(np.rint(times_s * self._fs).astype(np.int64), 0)
        number, within = np.divmod(index, self._n)
        first, last = int(number[0]), int(number[-1])
        if first == last:
            out: Values = self._piece(first)[within]
            return out
        return np.concatenate([self._piece(k)[within[number == k]] for k in range(first, last + 1)])

    def _piece(self, number: int) -> Values:
        piece = self._pieces.get(number)
        if piece is None:
            piece = self._make(number * self._n / self._fs, self._n)
            while len(self._pieces) >= 2:
                del self._pieces[min(self._pieces)]
            self._pieces[number] = piece
        return piece
