"""Beats and RR intervals of a live ECG.

Laws of this file:
1. Any split of the samples gives the same beats and intervals.
2. No interval reaches over missing samples; one that is missing says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vitals_signal._gaps import missing_samples
from vitals_signal._resume import Resumable
from vitals_signal.ecg.bands import LARGEST
from vitals_signal.ecg.r_peak_stream import KEPT_S, RPeakStream


@dataclass(frozen=True, slots=True)
class EcgBeat:
    """One beat of a live ECG."""

    place: float  # samples from the first of the stream
    rr_ms: float  # from the beat before; NaN where `reason` says why
    reason: str | None


class EcgStream(Resumable):
    """Beats and RR intervals of a live lead: `RPeakStream`, with intervals that never reach over missing samples."""

    def __init__(self, fs: float) -> None:
        self.peaks = RPeakStream(fs)
        self._fs = float(fs)
        self._count = 0
        self._voids: list[int] = []  # first missing samples since the latest beat
        self._last: float | None = None

    def update(self, ecg_mv: ArrayLike) -> list[EcgBeat]:
        """The beats that became certain; `ecg_mv` as for `RPeakStream.update`."""
        block = np.asarray(ecg_mv, np.float64)
        if len(block) and not np.abs(block).max() <= LARGEST:
            bad = np.flatnonzero(~(np.abs(block) <= LARGEST))
            self._voids += (bad[np.diff(bad, prepend=-2) > 1] + self._count).tolist()
        self._count += len(block)
        return self._beats(self.peaks.update(block))

    def gap(self, samples: int = 0) -> list[EcgBeat]:
        """`samples` samples were lost; where their number is not known, one missing sample stands for them."""
        return self.update(missing_samples(samples))

    def end(self) -> list[EcgBeat]:
        """The beats that could still be decided."""
        return self._beats(self.peaks.end())

    def _beats(self, places: list[float]) -> list[EcgBeat]:
        beats = []
        for place in places:
            if self._last is None:
                beats.append(EcgBeat(place, math.nan, "first beat"))
            elif any(self._last < void < place for void in self._voids):
                beats.append(EcgBeat(place, math.nan, "samples missing since the beat before"))
            else:
                beats.append(EcgBeat(place, (place - self._last) * 1000.0 / self._fs, None))
            self._last = place
            self._voids = [void for void in self._voids if void > place]
        settled = [void for void in self._voids if void < self._count - KEPT_S * self._fs]
        self._voids = settled[:1] + self._voids[len(settled) :]
        return beats
