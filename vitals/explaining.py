"""How a stored number was made, and the same number made again.

Laws of this file:
1. The explanation comes from what is stored beside the number; nothing is guessed.
2. It is made again from the stored samples by the code at hand, and counts as the same only if every bit is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vitals.analysis import Analysis
from vitals.errors import InputError
from vitals.offline import items_around
from vitals.stages import SOURCES
from vitals.usual_days import made_by as days_made_by
from vitals.usual_days import unusual_days
from vitals.values import Event, EventState, Features

if TYPE_CHECKING:
    from vitals.store import Store, StreamInfo
    from vitals_models import Model


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a stored number comes from."""

    id: str
    row: Event | Features  # times in UTC microseconds
    stream: StreamInfo
    again: Event | Features | None  # made again now; None: the code at hand does not make it
    why_not: str | None  # why it was not made again, or does not agree; None: it is identical

    @property
    def identical(self) -> bool:
        """Whether it was made again to the last bit."""
        return self.why_not is None


def why(store: Store, row_id: str, *, model: Model | None = None) -> Explanation:
    """Explain an event (its id from `store.event_rows()`) or a window of features (`store.feature_rows()`), and make
    it again from the samples. Raises InputError, StoreError, ModelError."""
    kept, stream_id = _found(store, row_id)
    stream = next(one for one in store.streams(all_makers=True) if one.id == stream_id)
    if stream.kind not in SOURCES:
        return Explanation(row_id, kept, stream, None, f"nothing here computes it from {stream.kind}")
    analysis = Analysis(model, source=stream.kind)
    known = [*analysis.made_by(stream.kind), days_made_by()]
    if kept.made_by not in known:
        makers = ", ".join(f"{one.algorithm} {one.version}" for one in known)
        return Explanation(row_id, kept, stream, None, f"another version made it; this installation has {makers}")
    if kept.made_by == days_made_by():
        made = [one for of, derived in unusual_days(store) for one in derived if of.id == stream.id]
    else:
        made = [one for item in items_around(store, stream) for one in analysis.push(item)] + analysis.end()
    again = _twin(kept, made)
    if again is None:
        return Explanation(row_id, kept, stream, None, "the samples that the store holds today do not give it")
    same = _bits(kept) == _bits(again)
    return Explanation(row_id, kept, stream, again, None if same else "made again, it has other numbers")


def _found(store: Store, row_id: str) -> tuple[Event | Features, int]:
    for event in store.event_rows(all_makers=True):
        if event.id == row_id:
            return event.event, event.stream_id
    for window in store.feature_rows(all_makers=True):
        if window.id == row_id:
            return window.features, window.stream_id
    raise InputError(
        f"the store has no event or window {row_id!r}: take an id from `vitals events --json` or `features --json`"
    )


def _twin(kept: Event | Features, made: list[Event | Features]) -> Event | Features | None:
    """What was made over the same span; of an event its last state."""
    last: Event | Features | None = None
    for one in made:
        if one.made_by != kept.made_by or one.start_us != kept.start_us:
            continue
        if isinstance(one, Event) and isinstance(kept, Event):
            last = one if one.kind == kept.kind and one.state is not EventState.OPEN else last
        elif isinstance(one, Features) and isinstance(kept, Features):
            last = one if one.end_us == kept.end_us else last
    return last


def _bits(one: Event | Features) -> tuple[object, ...]:
    numbers = (one.score, one.sqi) if isinstance(one, Event) else (*one.values.values(), one.coverage)
    names = (one.kind, one.state) if isinstance(one, Event) else (*one.values, one.reason)
    return (one.start_us, one.end_us, *names, *("nan" if math.isnan(x) else float(x).hex() for x in numbers))
