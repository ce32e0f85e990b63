"""Oxygen saturation that stays low: `low_oxygen`, with a gate on quality.

Laws of this file:
1. Half a minute counts only where it is covered, steady and still: a drop of more than four points from one value to
   the next within three seconds, or a spread of more than eight, is how a loose or moving sensor looks.
2. An event needs eight of ten such half minutes below the limit: five minutes, not a dip.

Sources: below 90 % is what the WHO's pulse oximetry manual (2011) asks to act on at once. Consumer sensors are off by 2
to 4 points (ISO 80601-2-61 allows 4 % root mean square from 70 to 100 %), and read higher on dark skin (Sjoding et al.
2020, doi 10.1056/NEJMc2029240), so that a value near the limit is a reason to look again, and no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vitals.events import EpisodeRule, EpisodeTracker
from vitals.stages.epochs import Epoch, Epochs
from vitals.stages.rates import REST_MG
from vitals.stages.stage import Derived
from vitals.values import Block, Features, Gap, Provenance, Score

if TYPE_CHECKING:
    from vitals_models import Model

EPOCH_S: Final = 30.0
LIMIT_PERCENT: Final = 90.0
STEP_PERCENT: Final = 4.0
RULE: Final = EpisodeRule(threshold=0.5, span=10, open_at=8, close_at=3, cut_after_s=180.0)
_SLOPE_PERCENT: Final = 2.0
_SLOTS: Final = 6  # of five seconds; three need a value
_PLAUSIBLE_PERCENT: Final = (50.0, 100.0)
_QUICK_US: Final = 3_000_000


class OxygenStage:
    """The median saturation of every half minute against the limit."""

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        params = {"limit_percent": LIMIT_PERCENT, "step_percent": STEP_PERCENT, "still_mg": REST_MG, **RULE.params()}
        self.made_by = Provenance("oxygen-limit", "1", params)
        self._source = source
        self._epochs = Epochs(source, EPOCH_S, 0)
        self._low = EpisodeTracker("low_oxygen", source, RULE, self.made_by)

    def push(self, item: Block | Gap) -> Iterator[Derived]:
        for epoch in self._epochs.push(item):
            yield from self._judge(epoch)

    def end(self) -> Iterator[Derived]:
        for epoch in self._epochs.end():
            yield from self._judge(epoch)
        yield from self._low.end()

    def _judge(self, epoch: Epoch) -> Iterator[Derived]:
        good = (epoch.values >= _PLAUSIBLE_PERCENT[0]) & (epoch.values <= _PLAUSIBLE_PERCENT[1])
        times, spo2 = epoch.times_us[good], epoch.values[good]
        slots = np.unique((times - epoch.start_us) * _SLOTS // (epoch.end_us - epoch.start_us))
        reason = _why_not(times, spo2, len(slots), epoch.movement_mg[-1])
        level = float(np.median(spo2)) if len(slots) >= 3 else float("nan")
        values = {
            "spo2": level,
            "spo2_min": float(spo2.min()) if len(spo2) else float("nan"),
            "movement_mg": epoch.movement_mg[-1],
            "below_limit": LIMIT_PERCENT - level,
        }
        coverage = len(slots) / _SLOTS
        yield Features(self._source, epoch.start_us, epoch.end_us, values, coverage, reason, self.made_by)
        p = float("nan") if reason else 1.0 / (1.0 + math.exp(-(LIMIT_PERCENT - 0.5 - level) / _SLOPE_PERCENT))
        yield from self._low.push(Score(epoch.start_us, epoch.end_us, p, reason, self.made_by))


def _why_not(times: NDArray[np.int64], spo2: NDArray[np.float64], slots: int, movement_mg: float) -> str | None:
    if slots < 3:
        return "too few values"
    if movement_mg >= REST_MG:
        return "the wearer moved"
    quick = np.diff(times) <= _QUICK_US
    if np.any(np.abs(np.diff(spo2))[quick] > STEP_PERCENT) or np.ptp(spo2) > 2 * STEP_PERCENT:
        return "unsteady"
    return None
