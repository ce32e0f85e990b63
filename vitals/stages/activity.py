"""What the wearer does, every five seconds: walk, jog, stairs, still or work with the hands.

Context for whoever reads the other rows; rest, for the rates, is judged by how much the arm moves, not by this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vitals.stages.regular import RegularStage
from vitals.stages.stage import Derived, model_named
from vitals.values import Features, Provenance

if TYPE_CHECKING:
    from vitals_models import Model
    from vitals_signal import FeatureWindow

MODEL: Final = "activity"


class ActivityStage(RegularStage):
    """Windows of ten seconds -> features -> probability of each group, followed over time."""

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        from vitals_models import activity

        self._model = model_named(MODEL, models)
        params = {"window_s": activity.WINDOW_S, "hop_s": activity.HOP_S, "stay": activity.STAY}
        maker = Provenance(MODEL, activity.ACTIVITY_VERSION, params, self._model.card.sha256)
        super().__init__(source, maker)

    def begin(self, fs: float, width: int) -> None:
        import vitals_signal as dsp
        from vitals_models import activity

        fits = width == 3 and fs >= activity.LEAST_HZ
        self._stream = dsp.WindowFeatureStream(fs, activity.WINDOW_S, activity.HOP_S) if fits else None
        self._filter = activity.ActivityFilter()

    def feed(self, values: NDArray[np.float64]) -> list[FeatureWindow]:
        return [] if self._stream is None else self._stream.update(values)

    def finish(self) -> list[FeatureWindow]:
        return []

    def derive(self, features: Features) -> Iterator[Derived]:
        from vitals_models import activity

        x = activity.activity_vector(np.array([list(features.values.values())]))
        p = self._model.predict_proba(x)[0]
        reason = features.reason
        if reason is None and not np.isfinite(p).all():
            reason = "some features are not known"
        followed = self._filter.push(p)
        values = {group: float(one) for group, one in zip(self._model.classes, p, strict=True)}
        if reason is None:
            values |= {
                f"{group}_followed": float(one) for group, one in zip(self._model.classes, followed, strict=True)
            }
            values["unfamiliar"] = float(self._model.unfamiliar(x)[0])
        else:
            values |= dict.fromkeys((*(f"{group}_followed" for group in self._model.classes), "unfamiliar"), np.nan)
        values["movement_g"] = features.values["sd_total"]
        yield Features(self.source, features.start_us, features.end_us, values, features.coverage, reason, self.made_by)
