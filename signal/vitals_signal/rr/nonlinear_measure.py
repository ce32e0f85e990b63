"""A number that knows why it is NaN, and the series that all nonlinear measures start from.

Laws of the nonlinear measures of this room:
1. NaN in a series stands between stretches of beats. No difference, vector, window or word crosses it.
2. Nothing raises or warns on data, whatever it holds; a value that cannot be had is NaN, and `Measure.reason` says why.
3. No N x N memory: whatever compares all beats with all does so by tables, by blocks, or not at all (with a reason).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._runs import runs
from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.stretches import nn_series

TOO_LITTLE: Final = "too little data"
NO_VARIATION: Final = "no variation"
NO_MATCHES: Final = "no matches"
_LARGEST: Final = 1e100  # whose squares are still finite, and whose inverse's are not yet 0
TOO_LONG: Final = "series too long for this measure"


class Measure(float):
    """A float; `reason` says why it is NaN (or infinite), and is None where the value stands."""

    __slots__ = ("reason",)
    reason: str | None

    def __new__(cls, value: float, reason: str | None = None) -> Self:
        self = super().__new__(cls, value)
        self.reason = reason
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[float, str | None]]:
        return type(self), (float(self), self.reason)


def missing(reason: str) -> Measure:
    return Measure(float("nan"), reason)


def measured(value: float, reason: str = NO_VARIATION) -> Measure:
    """The value; where it is NaN, the reason goes with it."""
    return Measure(value, reason if value != value else None)


def all_missing(names: tuple[str, ...], reason: str) -> HrvValues:
    return HrvValues(dict.fromkeys(names, float("nan")), dict.fromkeys(names, reason))


def all_measured(names: tuple[str, ...], values: Iterable[float], reason: str = NO_VARIATION) -> HrvValues:
    """The values by name; what is NaN is so for this reason."""
    return HrvValues({name: float(v) for name, v in zip(names, values, strict=True)}, dict.fromkeys(names, reason))


def ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")


def interval_series(nn: NN | ArrayLike) -> NDArray[np.float64]:
    """Intervals in ms, shape (n,), NaN where there is none, but not at the ends."""
    return _trimmed(nn_series(nn))


def any_series(x: NN | ArrayLike) -> NDArray[np.float64]:
    """A series of any sign and unit, shape (n,), NaN where it is not finite (or beyond 1e100), but not at the ends.

    Raises ValueError for an array that is not one-dimensional.
    """
    y = np.array(x.nn_ms if isinstance(x, NN) else x, np.float64)
    if y.ndim != 1:
        raise ValueError(f"x must have one dimension, got shape {y.shape}")
    with np.errstate(invalid="ignore"):
        y[~(np.abs(y) < _LARGEST)] = np.nan
        y[np.abs(y) < 1 / _LARGEST] = 0.0
    return _trimmed(y)


def _trimmed(x: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.flatnonzero(~np.isnan(x))
    return x[known[0] : known[-1] + 1] if len(known) else x[:0]


def stretches(x: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Start and end of each run without NaN."""
    return runs(~np.isnan(x))


def span_starts(x: NDArray[np.float64], length: int) -> NDArray[np.intp]:
    """Where a window of `length` values without NaN starts."""
    if len(x) < length:
        return np.zeros(0, np.intp)
    gaps = np.concatenate(([0], np.isnan(x).cumsum()))
    return np.flatnonzero(gaps[length:] == gaps[:-length])


def standard_deviation(x: NDArray[np.float64]) -> float:
    """Of the values that are not NaN, ddof 1; NaN below two."""
    known = x[~np.isnan(x)]
    return float(known.std(ddof=1)) if len(known) > 1 else float("nan")
