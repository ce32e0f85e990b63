"""Running templates of one wearer's beats: what shapes there are of late, and which is the usual one.

Law: a beat is compared with the past alone, then becomes part of it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_signal._resume import Resumable
from vitals_signal.ecg.beat_shape import QRS, unit_rows

_TEMPLATES: Final = 6
_ALIKE: Final = 0.90  # correlation of QRS complexes that belong together
_KEEP: Final = 0.98  # of the weight of a template, per beat, unless told: half is forgotten after 34 beats
_LEAST_STEP: Final = 0.05  # of a template towards a beat of its own


class BeatTemplates(Resumable):
    """Up to six shapes by correlation with their running means; the heaviest is the usual beat."""

    def __init__(self, length: int, keep: float = _KEEP) -> None:
        self.beats = 0
        self._keep = keep
        self._waves = np.zeros((_TEMPLATES, length))
        self._units = np.zeros((_TEMPLATES, len(range(*QRS.indices(length)))))
        self._weights = np.zeros(_TEMPLATES)
        self._counts = np.zeros(_TEMPLATES, np.int64)

    @property
    def usual(self) -> NDArray[np.float64]:
        """The waveform of the heaviest template, shape (length,)."""
        return np.array(self._waves[int(np.argmax(self._weights))])

    def match(self, wave: NDArray[np.float64], unit: NDArray[np.float64], *, learn: bool) -> tuple[float, float, float]:
        """Share of the usual template, correlation with the beat's own template, and that one's share; then learn.

        `wave`: (length,); `unit`: its QRS about its mean with norm 1. A new shape has share 0. Without `learn` the
        beat counts, but a template that knows its shape stays as it is.
        """
        total = float(self._weights.sum()) or 1.0
        usual_share = float(self._weights.max()) / total
        likeness = self._units @ unit
        own = int(np.argmax(likeness))
        correlation, share = float(likeness[own]), float(self._weights[own]) / total
        self._weights *= self._keep
        if correlation < _ALIKE:
            own = int(np.argmin(self._weights))
            correlation, share = max(correlation, 0.0), 0.0
            self._counts[own], self._weights[own] = 0, 0.0
        self._weights[own] += 1.0
        self.beats += 1
        if self._counts[own] and not learn:
            return usual_share, correlation, share
        self._counts[own] += 1
        self._waves[own] += (wave - self._waves[own]) * max(1.0 / int(self._counts[own]), _LEAST_STEP)
        self._units[own] = unit_rows(self._waves[own, QRS][None])[0]
        return usual_share, correlation, share
