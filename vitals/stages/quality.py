"""How far an ECG can be trusted, every ten seconds, and where it cannot be for long: `poor_signal`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vitals.events import EpisodeRule, EpisodeTracker
from vitals.stages.regular import RegularStage
from vitals.stages.stage import Derived
from vitals.values import Features, Provenance, Score

if TYPE_CHECKING:
    from vitals_models import Model
    from vitals_signal import FeatureWindow

WINDOW_S: Final = 10.0
# Of the last six windows (a minute) four below a third of full quality; the score of an event is 1 - quality.
RULE: Final = EpisodeRule(threshold=0.67, span=6, open_at=4, close_at=1, cut_after_s=120.0)


class EcgQualityStage(RegularStage):
    """The published indices that `vitals_signal.ecg_quality` combines, and what they make together."""

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        import vitals_signal as dsp

        params = {"window_s": WINDOW_S, **RULE.params()}
        super().__init__(source, Provenance("ecg-quality", dsp.SQI_VERSION, params))
        self._poor = EpisodeTracker("poor_signal", source, RULE, self.made_by)

    def begin(self, fs: float, width: int) -> None:
        import vitals_signal as dsp

        self._stream = dsp.EcgQualityStream(fs, window_s=WINDOW_S)

    def feed(self, values: NDArray[np.float64]) -> list[FeatureWindow]:
        return self._stream.update(values[:, 0])

    def finish(self) -> list[FeatureWindow]:
        return self._stream.end()

    def derive(self, features: Features) -> Iterator[Derived]:
        yield features
        poor = 1.0 - features.values["sqi"]
        yield from self._poor.push(Score(features.start_us, features.end_us, poor, features.reason, self.made_by))

    def cut(self) -> Iterator[Derived]:
        yield from self._poor.end()
