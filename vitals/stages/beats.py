"""Classes of heartbeats of an ECG, minute by minute; events `ectopy`, `ectopic_run` and `pause`.

Laws of this file:
1. A beat is classified by the beats before it and the one after it; where the ECG is poor, it is not classified.
2. Events rest on beats whose class is sure: a class that leads by little counts in the minute, and makes no event.
3. An interval is a pause only where the ECG is good from beat to beat, and does not stand still for half a second: a
   beat that was missed and a lead that was off are no pauses.

`ectopy`: 30 ectopic beats within an hour, what Lown & Wolf (1971, doi 10.1161/01.CIR.44.1.130) call frequent, until
fewer than 15 are. `ectopic_run`: three or more in a row. `pause`: at least 2.0 s from beat to beat, and half as long
again as the wearer's usual interval; from 3 s on the 2018 ACC/AHA/HRS guideline on bradycardia (doi
10.1161/CIR.0000000000000628) calls it a sinus pause.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vitals.stages.regular import RegularStage
from vitals.stages.stage import Derived, model_named
from vitals.values import Event, EventState, Features, Provenance
from vitals_models.beat_classes import BEAT_CLASSES, beat_classes

if TYPE_CHECKING:
    from vitals_models import Model
    from vitals_signal import BeatRow, EcgBeat, FeatureWindow

MODEL: Final = "beats"
MINUTE_S: Final = 60
QUALITY_S: Final = 10
LEAST_SQI: Final = 0.33  # as `poor_signal` has it
SURE: Final = 0.97  # probability that a beat is not normal, from which on events count it
FREQUENT, RARE = 30, 15  # ectopic beats within an hour that open and close `ectopy`
RUN: Final = 3
PAUSE_MS: Final = 2000.0
PAUSE_RATIO: Final = 1.5  # of the usual interval
_HELD_S: Final = 5  # a detector that has just begun reports its first beats late
_SETTLED_S: Final = 10  # after so long every beat of a minute is classified
_USUAL: Final = 16  # intervals
_STRETCHES: Final = 256
_AFTER_T_S, _QRS_S, _LOOK_BACK_S = 0.45, 0.12, 4.0
_STILL_S: Final = 0.5  # at one value: the lead is off


@dataclass(frozen=True, slots=True)
class _Beat:
    sample: int
    rr_ms: float  # from the beat before; NaN where samples are missing between
    quiet: bool  # nothing like a beat lies in that interval
    kind: str  # N, S, V, F; Q where it is not classified
    ectopic: float  # probability that it is not normal; NaN where it is not classified

    @property
    def sure(self) -> bool:
        return self.kind in "SVF" and self.ectopic >= SURE


@dataclass(frozen=True, slots=True)
class _Found:
    """An event in samples of the run."""

    kind: str
    start: int
    end: int
    score: float
    state: EventState


class _Episode:
    """Frequent ectopic beats that go on."""

    def __init__(self, start: int) -> None:
        self.start, self.end, self.total, self.count = start, start, 0.0, 0

    def add(self, beat: _Beat) -> None:
        self.end, self.total, self.count = beat.sample, self.total + beat.ectopic, self.count + 1


class BeatStage(RegularStage):
    """Detector, features and model; counts of each minute, and events."""

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        import vitals_signal as dsp

        self._model = model_named(MODEL, models)
        self._columns = [dsp.BEAT_FEATURES.index(name) for name in self._model.card.features]
        params = {
            "least_sqi": LEAST_SQI,
            "sure": SURE,
            "frequent": FREQUENT,
            "rare": RARE,
            "run": RUN,
            "pause_ms": PAUSE_MS,
            "pause_ratio": PAUSE_RATIO,
        }
        super().__init__(source, Provenance(MODEL, dsp.BEAT_VERSION, params, self._model.card.sha256))

    def begin(self, fs: float, width: int) -> None:
        import vitals_signal as dsp

        self._fs = fs
        self._detector = dsp.EcgStream(fs)
        self._quality = dsp.EcgQualityStream(fs, window_s=QUALITY_S)
        self._features = dsp.BeatStream(fs)
        self._n = 0  # samples so far
        self._seen = 0  # samples that the features have
        self._held: NDArray[np.float64] = np.empty(0)
        self._found: deque[tuple[int, float, bool]] = deque()  # peaks not classified yet, their intervals, quiet
        self._given = 0  # of them the features have so many
        self._sqi: list[float] = []  # of each ten seconds
        self._beats: deque[_Beat] = deque()  # classified, of minutes that are not told yet
        self._minute = 0
        self._moved = 0  # sample since which the lead stands at the latest value
        self._latest = math.nan
        self._still: deque[tuple[int, int]] = deque(maxlen=_STRETCHES)  # first and last sample
        self._usual: deque[float] = deque(maxlen=_USUAL)
        self._row: list[_Beat] = []  # the run of ectopic beats that goes on
        self._hour: deque[_Beat] = deque()  # ectopic beats of the latest hour
        self._episode: _Episode | None = None
        self._told_events: deque[list[_Found]] = deque()  # a list for each minute

    def feed(self, values: NDArray[np.float64]) -> list[FeatureWindow]:
        lead = values[:, 0]
        self._look_for_stillness(lead)
        self._n += len(lead)
        self._sqi += [window.values["sqi"] for window in self._quality.update(lead)]
        self._held = np.concatenate((self._held, lead))
        self._take(self._detector.update(lead))
        self._classify(len(self._held) - round(_HELD_S * self._fs))
        told = []
        while self._n >= (self._minute + 1) * self._per_minute + _SETTLED_S * self._fs:
            told.append(self._tell((self._minute + 1) * self._per_minute))
        return told

    def finish(self) -> list[FeatureWindow]:
        self._take(self._detector.end())
        self._classify(len(self._held))
        self._keep(self._features.end())
        told = []
        while self._minute * self._per_minute < self._n:
            told.append(self._tell(min((self._minute + 1) * self._per_minute, self._n)))
        found = self._told_events[-1]
        found += self._run_ended()
        if self._episode is not None:
            found.append(self._frequent(EventState.CUT))
        return told

    def derive(self, features: Features) -> Iterator[Derived]:
        yield features
        run = self._run
        for found in self._told_events.popleft():
            if run is not None:
                start_us, end_us = run.time_us(found.start), run.time_us(found.end)
                sqi = self._good(found.start, found.end)
                yield Event(found.kind, self.source, start_us, end_us, found.score, sqi, found.state, self.made_by)

    @property
    def _per_minute(self) -> int:
        return round(MINUTE_S * self._fs)

    def _look_for_stillness(self, lead: NDArray[np.float64]) -> None:
        moves = np.flatnonzero(np.diff(lead, prepend=self._latest)) + self._n  # NaN counts as a move
        for before, after in pairwise([self._moved, *moves.tolist()]):
            if after - before >= _STILL_S * self._fs:
                self._still.append((before, after))
            self._moved = after
        self._latest = float(lead[-1])

    def _take(self, beats: list[EcgBeat]) -> None:
        for beat in beats:
            sample = round(beat.place)
            if sample >= self._seen and (not self._found or sample > self._found[-1][0]):
                self._found.append((sample, beat.rr_ms, self._quiet(sample, beat.rr_ms)))

    def _quiet(self, sample: int, rr_ms: float) -> bool:
        """Whether nothing between a beat and the one before is half as large as the beat: one that was missed."""
        if not rr_ms >= PAUSE_MS:
            return True
        after_t, before_qrs, longest = (round(s * self._fs) for s in (_AFTER_T_S, _QRS_S, _LOOK_BACK_S))
        at = sample - self._seen
        first = max(at - round(rr_ms * self._fs / 1000.0) + after_t, at - longest, 0)
        between, beat = self._held[first : at - before_qrs], self._held[max(at - before_qrs, 0) : at + before_qrs]
        return bool(np.ptp(between) < 0.5 * np.ptp(beat))

    def _classify(self, count: int) -> None:
        """Give the features the first `count` of the samples that were held back."""
        if count <= 0:
            return
        samples, self._held = self._held[:count], self._held[count:]
        self._seen += count
        waiting = [sample for sample, _, _ in self._found]
        peaks = [sample for sample in waiting[self._given :] if sample < self._seen]
        self._given += len(peaks)
        self._keep(self._features.update(samples, peaks))

    def _keep(self, rows: list[BeatRow]) -> None:
        if not rows:
            return
        p = self._model.predict_proba(np.array([row.values for row in rows])[:, self._columns])
        self._given -= len(rows)
        for one, kind in zip(p, beat_classes(p, self._model.threshold).tolist(), strict=True):
            sample, rr_ms, quiet = self._found.popleft()
            self._beats.append(_Beat(sample, rr_ms, quiet, BEAT_CLASSES[kind], float(1.0 - one[0])))

    def _good(self, start: int, end: int) -> float:
        """Share of the stretches of ten seconds from sample to sample in which the ECG is good."""
        size = round(QUALITY_S * self._fs)
        judged = [*self._sqi, 0.0][min(start // size, len(self._sqi)) : end // size + 1]
        return sum(sqi >= LEAST_SQI for sqi in judged) / len(judged)

    def _tell(self, end: int) -> FeatureWindow:
        """The minute that ends before the sample `end`, and its events."""
        from vitals_signal import FeatureWindow

        start, self._minute = self._minute * self._per_minute, self._minute + 1
        counts = dict.fromkeys(BEAT_CLASSES, 0)
        events: list[_Found] = []
        ectopic, longest = 0, 0.0
        while self._beats and self._beats[0].sample < end:
            beat = self._beats.popleft()
            if not self._good(beat.sample, beat.sample):
                beat = replace(beat, kind="Q", ectopic=math.nan)
            counts[beat.kind] += 1
            ectopic += beat.sure
            events += self._pause(beat)
            events += self._in_a_row(beat)
            events += self._in_an_hour(beat)
            longest = max(longest, beat.rr_ms) if beat.rr_ms == beat.rr_ms else longest
        self._told_events.append(events)
        values = {f"beats_{kind.lower()}": float(count) for kind, count in counts.items()}
        values["ectopic"] = float(ectopic)
        values["ectopic_last_hour"] = float(len(self._hour))
        values["longest_rr_ms"] = longest if longest else math.nan
        size = round(QUALITY_S * self._fs)
        judged = self._sqi[start // size : end // size]
        coverage = sum(sqi >= LEAST_SQI for sqi in judged) * size / self._per_minute
        reason = None if longest else "no two beats without a gap between them"
        start_us, end_us = (round(at * 1e6 / self._fs) for at in (start, end))
        return FeatureWindow(start_us, end_us, values, min(coverage, 1.0), 0.0, self.made_by.version, reason, {})

    def _pause(self, beat: _Beat) -> Iterator[_Found]:
        usual = float(np.median(self._usual)) if len(self._usual) == _USUAL else math.inf
        before = beat.sample - round(beat.rr_ms * self._fs / 1000.0) if math.isfinite(beat.rr_ms) else beat.sample
        long = beat.rr_ms >= max(PAUSE_MS, PAUSE_RATIO * usual)
        off = any(last > before and first < beat.sample for first, last in self._still)
        if long and beat.quiet and not off and self._good(before, beat.sample) == 1.0:
            size = round(QUALITY_S * self._fs)
            trusted = self._sqi[before // size : beat.sample // size + 1]
            yield _Found("pause", before, beat.sample, float(np.mean(trusted)), EventState.CLOSED)
        if math.isfinite(beat.rr_ms) and beat.kind != "Q":
            self._usual.append(beat.rr_ms)

    def _in_a_row(self, beat: _Beat) -> Iterator[_Found]:
        if not (beat.sure and math.isfinite(beat.rr_ms)):
            yield from self._run_ended()
        if beat.sure:
            self._row.append(beat)

    def _run_ended(self) -> Iterator[_Found]:
        row, self._row = self._row, []
        if len(row) >= RUN:
            score = math.fsum(one.ectopic for one in row) / len(row)
            yield _Found("ectopic_run", row[0].sample, row[-1].sample, score, EventState.CLOSED)

    def _in_an_hour(self, beat: _Beat) -> Iterator[_Found]:
        while self._hour and beat.sample - self._hour[0].sample > 3600 * self._fs:
            self._hour.popleft()
        if self._episode is not None and len(self._hour) < RARE:
            yield self._frequent(EventState.CLOSED)
            self._episode = None
        if not beat.sure:
            return
        self._hour.append(beat)
        if self._episode is not None:
            self._episode.add(beat)
        elif len(self._hour) >= FREQUENT:
            self._episode = _Episode(self._hour[0].sample)
            for one in self._hour:
                self._episode.add(one)
            yield self._frequent(EventState.OPEN)

    def _frequent(self, state: EventState) -> _Found:
        assert self._episode is not None
        one = self._episode
        return _Found("ectopy", one.start, one.end, one.total / one.count, state)
