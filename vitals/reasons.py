"""What moved a model to an event, and how far its windows stand on what it has learned.

Laws of this file:
1. It comes from the stored windows that the event spans and from the very model file that scored them; where that file
   is not at hand nothing is said.
2. A contribution is what a feature moves the logit away from its value at the training mean, averaged over the windows
   that speak for the event. It explains the model, not the heart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vitals.values import Event

if TYPE_CHECKING:
    from vitals.store import EventRow, Store
    from vitals_models import Model


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a model spoke up."""

    windows: int  # scored windows within the event
    contributions: Mapping[str, float]  # feature -> logits, largest first; positive speaks for the event
    doubt: float  # share of these windows that are unlike the training or not told apart clearly, 0..1


def reasons(store: Store, row: EventRow, *, model: Model | None = None) -> Reasons | None:
    """Why the event `row` (one of `store.event_rows()`) was raised; None where no model made it, or another file did.

    Raises StoreError.
    """
    event = row.event
    model = model if model is not None else _model_of(event)
    if model is None or model.card.sha256 != event.made_by.model_sha256:
        return None
    names = model.card.features
    found = [
        [window.features.values[name] for name in names]
        for window in store.feature_rows(event.start_us, event.end_us + 1, all_makers=True)
        if window.stream_id == row.stream_id
        and window.features.made_by == event.made_by
        and event.start_us <= (window.features.start_us + window.features.end_us) // 2 <= event.end_us
        and all(name in window.features.values for name in names)
    ]
    x = np.array(found, dtype=np.float64).reshape(len(found), len(names))
    x = x[np.isfinite(x).all(axis=1)]
    if not len(x):
        return None
    # Windows within an episode that speak against it do not explain it; they weigh in its score.
    p = model.predict_proba(x)
    speaking = x[p >= model.threshold] if p.ndim == 1 and (p >= model.threshold).any() else x
    mean = model.contributions(speaking).mean(axis=0)
    order = np.argsort(-np.abs(mean), kind="stable")
    return Reasons(len(x), {names[k]: round(float(mean[k]), 4) for k in order}, float(np.mean(model.doubtful(x))))


def _model_of(event: Event) -> Model | None:
    if event.made_by.model_sha256 is None:
        return None
    import vitals_models

    try:
        return vitals_models.load(event.made_by.algorithm)
    except (RuntimeError, ValueError):  # no model of that name here, or one that does not load
        return None
