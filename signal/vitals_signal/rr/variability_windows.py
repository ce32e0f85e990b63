"""Heart-rate variability in windows of a stream.

Laws of this file:
1. One kernel, `hrv_core`, serves batch and stream; any split of a stream gives the numbers of the whole.
2. No window straddles a gap in silence: what lies between two stretches is NaN, and no measure reaches across it.
3. Every window says how much of it is original, how much was corrected, and who made its numbers.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._resume import Resumable
from vitals_signal.rr.conventions import ConventionName, convention_named
from vitals_signal.rr.nn import LONGEST_MS, SHORTEST_MS, nn_intervals
from vitals_signal.rr.variability import HRV_CORE_FEATURES, hrv_core
from vitals_signal.windows.window import FeatureWindow

HRV_VERSION: Final = "hrv-core-1"
TOO_LITTLE_DATA: Final = "too little data"
TOO_MANY_CORRECTED: Final = "too many corrected intervals"

_MIN_COVERAGE: Final = 0.5
_MAX_CORRECTED: Final = 0.2
_BREAK_US: Final = 300_000  # time that no interval accounts for: a beat or more is missing


def hrv_windows(
    times_us: ArrayLike, rr_ms: ArrayLike, *, window_s: float = 300.0, convention: ConventionName = "taskforce"
) -> list[FeatureWindow]:
    """All windows of a recording, the last, shorter one included; the batch twin of `HrvStream`."""
    stream = HrvStream(window_s, convention=convention)
    return stream.update(times_us, rr_ms) + stream.end()


class HrvStream(Resumable):
    """Heart-rate variability over windows of fixed length that follow each other without overlap.

    The first window begins with the first interval; an interval belongs to the window in which it ends. Each window is
    corrected by itself (`nn_intervals`), so that no later beat changes an earlier number. Windows without any
    interval do not appear. A window is NaN with a reason if original intervals account for less than half of
    it, or if more than a fifth of its intervals had to be corrected. numpy only, but for the conventions "kubios" and
    "neurokit", which load SciPy.
    """

    def __init__(self, window_s: float = 300.0, *, convention: ConventionName = "taskforce") -> None:
        """`window_s`: 1 s or more. Raises ValueError otherwise, and on an unknown convention."""
        if not (np.isfinite(window_s) and window_s >= 1):
            raise ValueError(f"window_s is {window_s}; use 1 s or more")
        convention_named(convention)
        self.window_s = window_s
        self.convention = convention
        self._start_us: int | None = None  # of the window that is being filled
        self._last_us: int | None = None
        self._broken = False
        self._rr: list[float] = []

    def update(self, times_us: ArrayLike, rr_ms: ArrayLike) -> list[FeatureWindow]:
        """Take intervals in; return the windows that they complete.

        `times_us`: (n,) integer microseconds, increasing over all calls, the beats that END each interval; `rr_ms`:
        (n,), NaN where unknown. Raises ValueError for anything else.
        """
        times, rr = np.asarray(times_us), np.asarray(rr_ms, np.float64)
        if times.shape != rr.shape or times.ndim != 1:
            raise ValueError(f"times_us has shape {times.shape} and rr_ms {rr.shape}; expected (n,) for both")
        if not len(times):
            return []
        if times.dtype.kind not in "iu":
            raise ValueError(f"times_us has type {times.dtype}; expected integer microseconds")
        times = times.astype(np.int64)
        if np.any(np.diff(times, prepend=times[0] - 1 if self._last_us is None else self._last_us) <= 0):
            raise ValueError("times_us must increase")
        if self._start_us is None:
            known = SHORTEST_MS <= rr[0] <= LONGEST_MS
            self._start_us = int(times[0]) - (round(float(rr[0]) * 1000) if known else 0)
        before = np.concatenate(([times[0] if self._last_us is None else self._last_us], times[:-1]))
        with np.errstate(invalid="ignore"):
            broken = times - before - rr * 1000.0 > _BREAK_US
        length = round(self.window_s * 1e6)
        done: list[FeatureWindow] = []
        number = (times - self._start_us) // length
        cuts = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(times)]
        for begin, end in pairwise(cuts):
            if times[begin] >= self._start_us + length:
                done += self.end()
                self._start_us += int((times[begin] - self._start_us) // length) * length
            for value, gap in zip(rr[begin:end].tolist(), broken[begin:end].tolist(), strict=True):
                if (gap or self._broken) and self._rr:
                    self._rr.append(float("nan"))
                self._broken = False
                self._rr.append(value)
        self._last_us = int(times[-1])
        return done

    def gap(self) -> list[FeatureWindow]:
        """Nothing is known from here to the next beat."""
        self._broken = True
        return []

    def end(self) -> list[FeatureWindow]:
        """Close the window that is being filled, if it holds anything; its length stays the full one."""
        if not self._rr or self._start_us is None:
            return []
        window = _window(self._start_us, round(self.window_s * 1e6), np.array(self._rr), self.convention)
        self._rr = []
        self._broken = False
        return [window]


def _window(start_us: int, length_us: int, rr: NDArray[np.float64], convention: ConventionName) -> FeatureWindow:
    nn = nn_intervals(rr)
    original = float(nn.nn_ms[~nn.corrected].sum()) * 1000.0
    coverage = min(original / length_us, 1.0)
    reason = None
    if coverage < _MIN_COVERAGE:
        reason = TOO_LITTLE_DATA
    if nn.corrected_share > _MAX_CORRECTED:
        reason = TOO_MANY_CORRECTED
    share = nn.corrected_share if nn.corrected_share == nn.corrected_share else 0.0
    method = HRV_VERSION if convention == "taskforce" else f"{HRV_VERSION} {convention}"
    if reason is not None:
        nothing = dict.fromkeys(HRV_CORE_FEATURES, float("nan"))
        return FeatureWindow(start_us, start_us + length_us, nothing, coverage, share, method, reason, {})
    values = hrv_core(nn, convention=convention)
    return FeatureWindow(start_us, start_us + length_us, dict(values), coverage, share, method, None, values.reasons)
