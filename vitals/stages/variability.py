"""Heart-rate variability of intervals, in windows of five minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from vitals.stages.intervals import Intervals, interval_params
from vitals.stages.stage import Derived
from vitals.values import Block, Features, Gap, Provenance

if TYPE_CHECKING:
    from vitals_models import Model
    from vitals_signal import FeatureWindow

WINDOW_S: Final = 300.0  # the short-term recording of the Task Force (1996)


class HrvStage:
    """Time, frequency and the core of nonlinear measures."""

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        import vitals_signal as dsp

        self._source = source
        self._intervals = Intervals()
        self._stream = dsp.HrvStream(WINDOW_S)
        self.made_by = Provenance("hrv", dsp.HRV_VERSION, {"window_s": WINDOW_S, **interval_params(source)})

    def push(self, item: Block | Gap) -> Iterable[Derived]:
        if isinstance(item, Gap):
            self._stream.gap()
            return []
        times, rr_ms = self._intervals.take(item)
        return map(self._features, self._stream.update(times, rr_ms)) if len(times) else []

    def end(self) -> Iterable[Derived]:
        return map(self._features, self._stream.end())

    def _features(self, window: FeatureWindow) -> Features:
        values = {**window.values, "corrected_share": window.corrected_share}
        return Features(
            self._source, window.start_us, window.end_us, values, window.coverage, window.reason, self.made_by
        )
