"""A series of NN intervals as stretches without gaps, each on its own time axis.

Laws of this file:
1. Nothing here reaches across a gap: a stretch knows only its own intervals.
2. The tachogram of a stretch is NN(t) at the beats that END the intervals, in seconds from the first of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._runs import runs
from vitals_signal.rr.nn import LONGEST_MS, NN, SHORTEST_MS

Floats = NDArray[np.float64]
_LONGEST_BEAT_MS: Final = 30_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Intervals that follow each other directly."""

    t_s: Floats  # (n,) ends of the intervals; from 0 if nobody said when they were
    nn_ms: Floats  # (n,)

    @property
    def duration_s(self) -> float:
        """All intervals together."""
        return float(self.nn_ms.sum()) / 1000.0


def nn_series(nn: NN | ArrayLike) -> Floats:
    """The intervals in ms, shape (n,), NaN where there is none (below 1 ms, above an hour, not finite)."""
    series = np.array(nn.nn_ms if isinstance(nn, NN) else nn, np.float64).ravel()
    with np.errstate(invalid="ignore"):
        series[~((series >= SHORTEST_MS) & (series <= LONGEST_MS))] = np.nan
    return series


def stretches(nn: NN | ArrayLike, times_s: ArrayLike | None = None) -> list[Stretch]:
    """The stretches between gaps, in order; an interval above 30 s is a gap too.

    `times_s`: (n,) the ends of the intervals; they only say where each stretch begins, for inside a stretch the
    intervals themselves add up. Without them every stretch begins at 0. Raises ValueError for another shape.
    """
    series = nn_series(nn)
    # No heart pauses for half a minute; resampled, an hour "between two beats" would eat the memory.
    series[series > _LONGEST_BEAT_MS] = np.nan
    begins: Any = None
    if times_s is not None:
        begins = np.asarray(times_s, np.float64)
        if begins.shape != series.shape:
            raise ValueError(f"times_s has shape {begins.shape}; expected that of the intervals, {series.shape}")
    out = []
    for a, b in runs(~np.isnan(series)):
        x = series[a:b]
        t = (np.cumsum(x) - x[0]) / 1000.0
        out.append(Stretch(t if begins is None else t + begins[a], x))
    return out
