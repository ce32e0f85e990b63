"""Blows at the wrist that look like a fall: an event `fall` each, with what spoke for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vitals.stages.regular import RegularStage
from vitals.stages.stage import Derived, model_named
from vitals.values import Event, EventState, Features, Provenance

if TYPE_CHECKING:
    from vitals_models import Model
    from vitals_signal import FeatureWindow

MODEL: Final = "falls"
LEAST_HZ: Final = 19.0
ALONE_US: Final = 10_000_000  # blows that follow an event within this time belong to it


class FallStage(RegularStage):
    """Blows of 1.8 g and more -> features -> probability of a fall -> events.

    Each blow is a row of features with its probability and the contribution of each feature (`by_...`); the event spans
    the second before the impact to the second after it.
    """

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        import vitals_signal as dsp

        self._model = model_named(MODEL, models)
        self._names = dsp.FALL_FEATURES
        params = {"threshold": self._model.threshold, "alone_s": ALONE_US / 1e6}
        super().__init__(source, Provenance(MODEL, dsp.FALL_VERSION, params, self._model.card.sha256))
        self._last_us: int | None = None

    def begin(self, fs: float, width: int) -> None:
        import vitals_signal as dsp

        self._stream = dsp.FallStream(fs) if width == 3 and LEAST_HZ <= fs <= 1000 else None
        self._last_us = None

    def feed(self, values: NDArray[np.float64]) -> list[FeatureWindow]:
        return [] if self._stream is None else [one.window for one in self._stream.update(values)]

    def finish(self) -> list[FeatureWindow]:
        return [] if self._stream is None else [one.window for one in self._stream.end()]

    def derive(self, features: Features) -> Iterator[Derived]:
        x = np.array([[features.values[name] for name in self._names]])
        p = float(self._model.predict_proba(x)[0])
        reason = features.reason
        if reason is None and not np.isfinite(p):
            reason = "some features are not known"
        moved = self._model.contributions(x)[0]
        values = {
            **features.values,
            "fall_probability": p,
            "unfamiliar": float(self._model.unfamiliar(x)[0]) if reason is None else np.nan,
            **{f"by_{name}": float(one) for name, one in zip(self._names, moved, strict=True)},
        }
        yield Features(self.source, features.start_us, features.end_us, values, features.coverage, reason, self.made_by)
        impact_us = features.start_us + 2_000_000  # the window of a blow begins two seconds before it
        if not p >= self._model.threshold or (self._last_us is not None and impact_us - self._last_us < ALONE_US):
            return
        self._last_us = impact_us
        span = (impact_us - 1_000_000, impact_us + 1_000_000)
        yield Event("fall", self.source, *span, p, features.coverage, EventState.CLOSED, self.made_by)
