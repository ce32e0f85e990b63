"""Heart rate that is high although the wearer rests, or low: `high_heart_rate_at_rest` and `low_heart_rate`.

Laws of this file:
1. A minute counts as rest only where the accelerometer says so, for it and the five minutes before: recovery from
   effort is no rest. Where nothing says so, a high rate is not judged.
2. A low rate is judged unless the wearer moves: no movement explains a low rate, but it can make a sensor lose beats.
3. An event needs nine of ten judged minutes; two minutes without a judgement begin anew. After an event its kind is
   silent for ten minutes.

Sources: 120 and 40 bpm for ten minutes without activity are the defaults of Apple's notifications (support.apple.com,
HT208931); rest below a mean amplitude deviation of 22.5 mg (Vaha-Ypya et al. 2015, doi 10.1371/journal.pone.0134813).
The personal adjustment is our own: resting rates differ by 40 bpm between people but by few within one (Quer et al.
2020, doi 10.1371/journal.pone.0227709), so once four hours of rest are known, 40 above the wearer's resting rate is
high (held within 100 to 120), and 15 below it is low (held within 33 to 40).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from vitals.events import EpisodeRule, EpisodeTracker
from vitals.stages.epochs import Epoch, Epochs
from vitals.stages.stage import Derived
from vitals.values import Block, Event, EventState, Features, Gap, Provenance, Score

if TYPE_CHECKING:
    from vitals_models import Model

EPOCH_S: Final = 60.0
REST_MG: Final = 22.5
RECOVERY: Final = 5  # minutes
HIGH_BPM: Final = (100.0, 120.0)
LOW_BPM: Final = (33.0, 40.0)
ABOVE_BPM: Final = 40.0
BELOW_BPM: Final = 15.0
LEARN: Final = 240  # minutes at rest
SILENT_US: Final = 600_000_000
RULE: Final = EpisodeRule(threshold=0.5, span=10, open_at=9, close_at=3, cut_after_s=150.0)
_SLOPE_BPM: Final = 5.0  # the score is 0.5 at the limit and 0.73 this much beyond it
_SLOTS: Final = 6  # of ten seconds; four need a value
_PLAUSIBLE_BPM: Final = (20.0, 250.0)


class HeartRateStage:
    """The median rate of every minute against the limits of the wearer."""

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        params = {
            "rest_mg": REST_MG,
            "recovery_min": RECOVERY,
            "high_bpm": list(HIGH_BPM),
            "low_bpm": list(LOW_BPM),
            "above_bpm": ABOVE_BPM,
            "below_bpm": BELOW_BPM,
            "learn_min": LEARN,
            "silent_s": SILENT_US // 1_000_000,
            **RULE.params(),
        }
        self.made_by = Provenance("heart-rate-limits", "1", params)
        self._source = source
        self._epochs = Epochs(source, EPOCH_S, RECOVERY)
        self._high = _Watched("high_heart_rate_at_rest", source, self.made_by)
        self._low = _Watched("low_heart_rate", source, self.made_by)
        self._at_rest = np.zeros(int(_PLAUSIBLE_BPM[1]) + 1, np.int64)  # how many minutes at rest had this rate

    def push(self, item: Block | Gap) -> Iterator[Derived]:
        for epoch in self._epochs.push(item):
            yield from self._judge(epoch)

    def end(self) -> Iterator[Derived]:
        for epoch in self._epochs.end():
            yield from self._judge(epoch)
        yield from self._high.end()
        yield from self._low.end()

    def _judge(self, epoch: Epoch) -> Iterator[Derived]:
        good = (epoch.values >= _PLAUSIBLE_BPM[0]) & (epoch.values <= _PLAUSIBLE_BPM[1])
        slots = np.unique((epoch.times_us[good] - epoch.start_us) * _SLOTS // (epoch.end_us - epoch.start_us))
        enough = len(slots) >= 4
        rate = float(np.median(epoch.values[good])) if enough else float("nan")
        moving = epoch.movement_mg[-1]
        known = all(math.isfinite(one) for one in epoch.movement_mg)
        rest = known and max(epoch.movement_mg) < REST_MG
        resting = self._resting()
        high = HIGH_BPM[1] if math.isnan(resting) else float(np.clip(resting + ABOVE_BPM, *HIGH_BPM))
        low = LOW_BPM[1] if math.isnan(resting) else float(np.clip(resting - BELOW_BPM, *LOW_BPM))
        values = {
            "heart_rate": rate,
            "movement_mg": moving,
            "at_rest": float(rest) if known or max(epoch.movement_mg) >= REST_MG else float("nan"),
            "resting_rate": resting,
            "high_limit": high,
            "low_limit": low,
        }
        lacking = None if enough else "too few heart rates"
        yield Features(self._source, epoch.start_us, epoch.end_us, values, len(slots) / _SLOTS, lacking, self.made_by)
        not_resting = None if rest else ("the wearer moved" if known else "nothing says that the wearer rests")
        above, below = (rate - high) / _SLOPE_BPM, (low - rate) / _SLOPE_BPM
        yield from self._high.push(_score(epoch, above, lacking or not_resting, self.made_by))
        yield from self._low.push(
            _score(epoch, below, lacking or ("the wearer moved" if moving >= REST_MG else None), self.made_by)
        )
        if rest and enough:
            self._at_rest[int(rate)] += 1

    def _resting(self) -> float:
        """The rate below which a tenth of the minutes at rest lies, in whole bpm; NaN before enough are known."""
        total = int(self._at_rest.sum())
        if total < LEARN:
            return float("nan")
        return float(np.searchsorted(np.cumsum(self._at_rest), math.ceil(total / 10)))


class _Watched:
    """Episodes of one kind, with silence after each."""

    def __init__(self, kind: str, source: str, made_by: Provenance) -> None:
        self._tracker = EpisodeTracker(kind, source, RULE, made_by)
        self._silent_until_us: int | None = None

    def push(self, score: Score) -> Iterator[Event]:
        if self._silent_until_us is not None and score.start_us < self._silent_until_us:
            return
        for event in self._tracker.push(score):
            if event.state is not EventState.OPEN:
                self._silent_until_us = event.end_us + SILENT_US
            yield event

    def end(self) -> list[Event]:
        return self._tracker.end()


def _score(epoch: Epoch, beyond: float, reason: str | None, made_by: Provenance) -> Score:
    p = float("nan") if reason or math.isnan(beyond) else 1.0 / (1.0 + math.exp(-beyond))
    return Score(epoch.start_us, epoch.end_us, p, reason, made_by)
