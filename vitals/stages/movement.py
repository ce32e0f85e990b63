"""How much the wearer moves, every minute: ENMO, MAD and the angle of the arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vitals.stages.regular import RegularStage
from vitals.values import Provenance

if TYPE_CHECKING:
    from vitals_models import Model
    from vitals_signal import FeatureWindow

EPOCH_S: Final = 60.0
METRICS: Final = ("enmo", "mad", "angle_z")


class MovementStage(RegularStage):
    """`vitals_signal.acc_metrics` of a three-axis accelerometer."""

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        from vitals_signal.acc.activity_metrics import METRICS_METHOD

        super().__init__(source, Provenance("movement", METRICS_METHOD, {"epoch_s": EPOCH_S, "metrics": list(METRICS)}))

    def begin(self, fs: float, width: int) -> None:
        import vitals_signal as dsp

        self._stream = dsp.AccMetricsStream(fs, EPOCH_S, METRICS) if width == 3 else None

    def feed(self, values: NDArray[np.float64]) -> list[FeatureWindow]:
        return [] if self._stream is None else self._stream.update(values)

    def finish(self) -> list[FeatureWindow]:
        return [] if self._stream is None else self._stream.end()
