"""Days of one wearer against the days before: `unusual_for_you`, over all sessions of a store.

Laws of this file:
1. A day counts from midnight to midnight UTC and is judged when something of a later day is in the store, so that
   no half day is compared with whole ones.
2. What is judged comes from stored features and streams; the same store gives the same verdicts, and a second run
   changes nothing.
3. A measure that rests on too little of a day is missing: no zero, no guess.
4. A day's row and event hang on the stream with most of what it was judged by. The row has every measure's value, what
   is usual, and how far it is from it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from vitals.values import Event, EventState, Features, Provenance

if TYPE_CHECKING:
    from vitals.store import Store, StreamInfo
    from vitals.store.query import FeatureRow
    from vitals_models.baseline import DayVerdict

DAY_US: Final = 86_400_000_000
_MINUTES: Final = 120  # of heart rate that a resting rate needs
_WINDOWS: Final = 12  # of variability: an hour
_MOVEMENT: Final = 600  # minutes of acceleration
_READINGS: Final = 20  # of skin temperature
_TEMPERATURE: Final = "skin_temperature"


class _Day:
    """What is known of one day, while it is gathered."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[float]] = {}
        self.streams: Counter[int] = Counter()

    def add(self, measure: str, value: float, stream: int) -> None:
        if math.isfinite(value):
            self.numbers.setdefault(measure, []).append(value)
            self.streams[stream] += 1

    def measures(self) -> dict[str, float]:
        """Daily measures by name (see `vitals_models.baseline.TRACKED`), where enough supports them."""
        rules = (
            ("resting_heart_rate", _MINUTES, 5.0),  # a low percentile of the minutes: robust where Quer 2020 averages
            ("hrv_rmssd", _WINDOWS, 50.0),
            ("movement", _MOVEMENT, None),
            ("skin_temperature", _READINGS, 50.0),
        )
        found = {}
        for name, least, percentile in rules:
            numbers = self.numbers.get(name, [])
            if len(numbers) >= least:
                mean = math.fsum(numbers) / len(numbers)
                found[name] = mean if percentile is None else float(np.percentile(numbers, percentile))
        return found


def made_by() -> Provenance:
    """The maker of every row and event of this file."""
    import vitals_models.baseline as baseline

    params = {
        "window_days": baseline.WINDOW,
        "left_out_days": baseline.LEFT_OUT,
        "least_days": baseline.LEAST,
        "prior_days": baseline.PRIOR_DAYS,
        "unusual": baseline.UNUSUAL,
        "day": "UTC",
    }
    return Provenance("personal-baseline", baseline.BASELINE_VERSION, params)


def unusual_days(store: Store) -> Iterator[tuple[StreamInfo, list[Features | Event]]]:
    """Judge the days of every wearer in a store; what hangs on each stream, times in UTC microseconds.

    Streams on which nothing hangs are not named. Raises StoreError.
    """
    streams = {one.id: one for one in store.streams(all_makers=True)}
    rows = store.feature_rows()
    for subject in sorted({one.session.subject for one in streams.values()}):
        own = {number: one for number, one in streams.items() if one.session.subject == subject}
        days = _gathered(store, own, (row for row in rows if row.stream_id in own))
        found: dict[int, list[Features | Event]] = {}
        for day, verdict, stream in _judged(days):
            found.setdefault(stream, []).append(_row(own[stream].kind, day, verdict))
        for stream, event in _events(found):
            found[stream].append(event)
        for stream, derived in found.items():
            yield own[stream], derived


def _gathered(store: Store, streams: Mapping[int, StreamInfo], rows: Iterable[FeatureRow]) -> dict[int, _Day]:
    days: dict[int, _Day] = {}
    for row in rows:
        one, stream = row.features, row.stream_id
        day = days.setdefault(one.start_us // DAY_US, _Day())
        values = one.values
        if one.reason is not None:
            continue
        if one.made_by.algorithm == "heart-rate-limits" and values["at_rest"] != 0.0:
            day.add("resting_heart_rate", values["heart_rate"], stream)
        elif one.made_by.algorithm == "hrv" and one.source == "rr":
            day.add("hrv_rmssd", values["RMSSD"], stream)
        elif one.made_by.algorithm == "movement":
            day.add("movement", values["enmo"] * 1000.0, stream)
    for stream, info in streams.items():
        if info.kind == _TEMPERATURE and info.made_by is None:
            for block in store.blocks(info):
                for at, value in zip(block.times_us().tolist(), block.physical().ravel().tolist(), strict=False):
                    days.setdefault(at // DAY_US, _Day()).add("skin_temperature", value, stream)
    return days


def _judged(days: Mapping[int, _Day]) -> Iterator[tuple[int, DayVerdict, int]]:
    from vitals_models.baseline import Baseline

    baseline = Baseline()
    for day in sorted(days)[:-1]:  # law 1
        measures = days[day].measures()
        if measures:
            stream = min(days[day].streams.items(), key=lambda one: (-one[1], one[0]))[0]
            yield day, baseline.update(day, measures), stream


def _row(source: str, day: int, verdict: DayVerdict) -> Features:
    values = {"strength": verdict.strength, "unusual": float(verdict.unusual)}
    for one in verdict.measures:
        values |= {one.name: one.value, f"{one.name}_usual": one.usual, f"{one.name}_z": one.z}
    coverage = 0.0 if verdict.reason else 1.0
    return Features(source, day * DAY_US, (day + 1) * DAY_US, values, coverage, verdict.reason, made_by())


def _events(found: Mapping[int, list[Features | Event]]) -> list[tuple[int, Event]]:
    """Unusual days in a row are one event, on the stream of the first; its score is how probable a usual day is less
    strong, its sqi the share of its days that were judged."""
    rows = [(stream, one) for stream, derived in found.items() for one in derived if isinstance(one, Features)]
    days = sorted(((one.start_us // DAY_US, stream, one) for stream, one in rows), key=lambda item: item[0])
    episodes: list[list[tuple[int, int, Features]]] = []
    running = False
    for item in days:
        unusual = item[2].values["unusual"] == 1.0
        if unusual and running:
            episodes[-1].append(item)
        elif unusual:
            episodes.append([item])
        running = unusual
    made = []
    for episode in episodes:
        first, last = episode[0], episode[-1]
        strengths = [row.values["strength"] for _, _, row in episode]
        score = math.fsum(0.5 * (1.0 + math.erf(one / math.sqrt(2.0))) for one in strengths) / len(strengths)
        event = Event(
            "unusual_for_you",
            first[2].source,
            first[0] * DAY_US,
            (last[0] + 1) * DAY_US,
            score,
            len(episode) / (last[0] - first[0] + 1),
            EventState.OPEN if last is days[-1] else EventState.CLOSED,
            made_by(),
        )
        made.append((first[1], event))
    return made
