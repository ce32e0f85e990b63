"""Heart-rate variability in the time domain, of a whole series or of fixed windows of a stream.

Laws of this file:
1. One kernel, `hrv_time`, serves batch and stream; any split of a stream gives the numbers of the whole.
2. No difference is taken across a gap (NaN).
3. Where data do not suffice a value is NaN; nothing is raised and nothing is warned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.nn import LONGEST_MS, NN, nn_intervals

HRV_VERSION: Final = "hrv-time-1"
HRV_TIME_FEATURES: Final = (
    "MeanNN", "SDNN", "RMSSD", "SDSD", "CVNN", "CVSD", "MedianNN", "MadNN", "MCVNN", "IQRNN", "SDRMSSD",
    "Prc20NN", "Prc80NN", "pNN50", "pNN20", "MinNN", "MaxNN", "HTI", "TINN",
)  # fmt: skip
TOO_LITTLE_DATA: Final = "too little data"
TOO_MANY_CORRECTED: Final = "too many corrected intervals"

_BIN_MS: Final = 1000.0 / 128.0  # Task Force 1996, section "geometrical methods"
_MIN_COVERAGE: Final = 0.5
_MAX_CORRECTED: Final = 0.2
_BREAK_US: Final = 300_000  # time that no interval accounts for: a beat or more is missing
_BIN_LIMIT: Final = 4096  # no heart pauses for half a minute: beyond, the histogram would only eat memory


def hrv_time(nn: NN | ArrayLike) -> dict[str, float]:
    """Time-domain measures of NN intervals, by their standard names (`HRV_TIME_FEATURES`).

    `nn`: an `NN`, or intervals in ms, shape (n,); NaN, or anything not above 0 or above an hour,
    stands between stretches.

    With x the n intervals and d the m differences of intervals that follow each other directly:

    - MeanNN mean(x); SDNN sd(x), ddof 1; RMSSD sqrt(sum(d^2) / m); SDSD sd(d), ddof 1 (all ms)
    - CVNN SDNN / MeanNN; CVSD RMSSD / MeanNN; SDRMSSD SDNN / RMSSD
    - MedianNN median(x); MadNN 1.4826 median(|x - median(x)|); MCVNN MadNN / MedianNN; IQRNN, Prc20NN, Prc80NN with
      percentiles interpolated linearly (numpy "linear", Hyndman & Fan type 7); MinNN, MaxNN (ms)
    - pNN50, pNN20: 100 count(|d| > 50 or 20 ms) / (m + 1), in %. Without gaps m + 1 = n, the denominator of the Task
      Force and of NeuroKit2 (pyHRV and the PhysioNet toolbox divide by m)
    - HTI n / largest count of the histogram with bins of 1/128 s that start at 0
    - TINN base (ms) of the triangle that fits that histogram best in least squares over all its bins, peak at the
      fullest bin (the first of equals). NeuroKit2 leaves bins outside the triangle out of the sum and gives 0 above an
      error of 2^14; ours is the integral of the Task Force

    One interval suffices for means and quantiles, two intervals for SDNN, one difference for RMSSD and pNNxx, two for
    SDSD. HTI and TINN mean little below 20 min.

    Source: Task Force of ESC and NASPE, Circulation 93, 1996, doi 10.1161/01.CIR.93.5.1043; names as in NeuroKit2 0.2.
    """
    series = nn.nn_ms if isinstance(nn, NN) else np.asarray(nn, np.float64).ravel()
    out = dict.fromkeys(HRV_TIME_FEATURES, float("nan"))
    with np.errstate(invalid="ignore"):
        known = (series > 0) & (series <= LONGEST_MS)
    x = series[known]
    if not len(x):
        return out
    d = np.diff(series)[known[1:] & known[:-1]]
    mean = float(x.mean())
    q20, q25, median, q75, q80 = np.percentile(x, [20, 25, 50, 75, 80]).tolist()
    mad = 1.4826 * float(np.median(np.abs(x - median)))
    out.update(MeanNN=mean, MedianNN=median, MadNN=mad, MCVNN=_ratio(mad, median), IQRNN=q75 - q25)
    out.update(Prc20NN=q20, Prc80NN=q80, MinNN=float(x.min()), MaxNN=float(x.max()))
    if len(x) > 1:
        out.update(SDNN=float(x.std(ddof=1)))
        out.update(CVNN=_ratio(out["SDNN"], mean))
    if len(d):
        rmssd = float(np.sqrt(np.mean(d * d)))
        out.update(RMSSD=rmssd, CVSD=_ratio(rmssd, mean), SDRMSSD=_ratio(out["SDNN"], rmssd))
        for limit in (50, 20):
            out[f"pNN{limit}"] = 100.0 * float(np.count_nonzero(np.abs(d) > limit)) / (len(d) + 1)
    if len(d) > 1:
        out.update(SDSD=float(d.std(ddof=1)))
    out["HTI"], out["TINN"] = _geometry(x)
    return out


def _geometry(x: NDArray[np.float64]) -> tuple[float, float]:
    """HTI and TINN (ms); NaN where the histogram has no room for a triangle."""
    index = np.floor(x / _BIN_MS).astype(np.int64)
    if index.min() < 0 or index.max() >= _BIN_LIMIT:
        return float("nan"), float("nan")
    counts = np.bincount(index).astype(np.float64)
    peak = int(np.argmax(counts))
    top = counts[peak]
    lowest, highest = int(index.min()), int(index.max())
    hti = len(x) / top
    # The error splits at the peak: each side of the triangle is found by itself.
    left = _best_side(counts[lowest : peak + 1][::-1])
    right = _best_side(counts[peak : highest + 1])
    return float(hti), _BIN_MS * (left + right) if lowest < highest else float("nan")


def _best_side(counts: NDArray[np.float64]) -> int:
    """Bins from the peak (`counts[0]`) to the foot of the line that fits best; beyond the foot the line is 0."""
    n = len(counts)
    at = np.arange(n)
    feet = np.arange(1, n + 1)
    line = counts[0] * np.maximum(1.0 - at / feet[:, None], 0.0)
    return int(feet[np.argmin(((line - counts) ** 2).sum(axis=1))])


def _ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")


@dataclass(frozen=True, slots=True)
class HrvWindow:
    """Time-domain HRV of one window; the values are NaN where `reason` says why."""

    start_us: int
    end_us: int
    values: Mapping[str, float]  # by `HRV_TIME_FEATURES`
    coverage: float  # share of the window that original intervals account for, 0..1
    corrected_share: float  # share of its intervals that were not original, 0..1
    reason: str | None


def hrv_time_windows(times_us: ArrayLike, rr_ms: ArrayLike, *, window_s: float = 300.0) -> list[HrvWindow]:
    """All windows of a recording, the last, shorter one included; the batch twin of `HrvTimeStream`."""
    stream = HrvTimeStream(window_s)
    return stream.update(times_us, rr_ms) + stream.end()


class HrvTimeStream:
    """Time-domain HRV over windows of fixed length that follow each other without overlap.

    The first window begins with the first interval; an interval belongs to the window in which it ends. Each window is
    corrected by itself (`nn_intervals`), so that no later beat changes an earlier number. Windows without any
    interval do not appear. A window is NaN with a reason if original intervals account for less than half of
    it, or if more than a fifth of its intervals had to be corrected.
    """

    def __init__(self, window_s: float = 300.0) -> None:
        """`window_s`: 1 s or more. Raises ValueError otherwise."""
        if not (np.isfinite(window_s) and window_s >= 1):
            raise ValueError(f"window_s is {window_s}; use 1 s or more")
        self.window_s = window_s
        self._start_us: int | None = None  # of the window that is being filled
        self._last_us: int | None = None
        self._broken = False
        self._rr: list[float] = []

    def update(self, times_us: ArrayLike, rr_ms: ArrayLike) -> list[HrvWindow]:
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
            self._start_us = int(times[0]) - (round(float(rr[0]) * 1000) if np.isfinite(rr[0]) else 0)
        before = np.concatenate(([times[0] if self._last_us is None else self._last_us], times[:-1]))
        with np.errstate(invalid="ignore"):
            broken = times - before - rr * 1000.0 > _BREAK_US
        length = round(self.window_s * 1e6)
        done: list[HrvWindow] = []
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

    def gap(self) -> None:
        """Nothing is known from here to the next beat."""
        self._broken = True

    def end(self) -> list[HrvWindow]:
        """Close the window that is being filled, if it holds anything; its length stays the full one."""
        if not self._rr or self._start_us is None:
            return []
        window = _window(self._start_us, round(self.window_s * 1e6), np.array(self._rr))
        self._rr = []
        self._broken = False
        return [window]

    def state(self) -> dict[str, Any]:
        """All that `from_state` needs to go on, as JSON values (NaN as None)."""
        return {
            "version": HRV_VERSION,
            "window_s": self.window_s,
            "start_us": self._start_us,
            "last_us": self._last_us,
            "broken": self._broken,
            "rr_ms": [None if value != value else value for value in self._rr],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> HrvTimeStream:
        """The stream that `state` was taken from. Raises ValueError if it is of another version."""
        if state.get("version") != HRV_VERSION:
            raise ValueError(f"state is of version {state.get('version')!r}; this is {HRV_VERSION!r}")
        stream = cls(state["window_s"])
        stream._start_us, stream._last_us = state["start_us"], state["last_us"]
        stream._broken = state["broken"]
        stream._rr = [float("nan") if value is None else float(value) for value in state["rr_ms"]]
        return stream


def _window(start_us: int, length_us: int, rr: NDArray[np.float64]) -> HrvWindow:
    nn = nn_intervals(rr)
    original = float(nn.nn_ms[~nn.corrected].sum()) * 1000.0
    coverage = min(original / length_us, 1.0)
    values, reason = hrv_time(nn), None
    if coverage < _MIN_COVERAGE:
        reason = TOO_LITTLE_DATA
    if nn.corrected_share > _MAX_CORRECTED:
        reason = TOO_MANY_CORRECTED
    if reason is not None:
        values = dict.fromkeys(values, float("nan"))
    return HrvWindow(start_us, start_us + length_us, values, coverage, nn.corrected_share, reason)
