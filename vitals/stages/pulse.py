"""Pulse rate of a PPG, also while the wearer moves: the accelerometer of the same device says what is motion.

Law: samples are looked at when the PPG is twenty seconds past them, so that acceleration which comes interleaved with
it in any way is there (see `Stage`, law 2). Acceleration is brought to the times of the PPG samples; where none is
within half a second it is missing, and where the device has none it is taken for stillness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vitals.stages.regular import RegularStage
from vitals.stages.stage import Derived
from vitals.values import Block, Gap, Provenance, Timing

if TYPE_CHECKING:
    from vitals_models import Model
    from vitals_signal import FeatureWindow

_STEP_S: Final = 2.0  # handed on at a time, so that results do not depend on blocks
_NEAR_US: Final = 500_000
_WAIT_US: Final = 20_000_000


class PulseRateStage:
    """`vitals_signal.pulse_rate` in windows of eight seconds, every two seconds."""

    def __init__(self, source: str, models: Mapping[str, Model]) -> None:
        import vitals_signal.ppg.motion_rate as motion

        self.made_by = Provenance("pulse-rate", motion.METHOD, {"window_s": motion.WINDOW_S, "step_s": motion.STEP_S})
        self._rate = _Rate(source, self.made_by)
        self._source = source
        self._waiting: list[Block] = []

    def push(self, item: Block | Gap) -> Iterator[Derived]:
        if isinstance(item, Gap) or item.timing is not Timing.REGULAR or not len(item):
            return
        if item.kind != self._source:
            self._rate.moved(item)
            return
        self._waiting.append(item)
        while self._waiting and item.end_us - self._waiting[0].end_us >= _WAIT_US:
            yield from self._rate.push(self._waiting.pop(0))

    def end(self) -> Iterator[Derived]:
        for block in self._waiting:
            yield from self._rate.push(block)
        self._waiting = []
        yield from self._rate.end()


class _Rate(RegularStage):
    """PPG samples, each with the acceleration at its time."""

    def __init__(self, source: str, made_by: Provenance) -> None:
        super().__init__(source, made_by)
        self._times = np.empty(0, np.int64)
        self._acc = np.empty((0, 3))
        self._has_acc = False

    def moved(self, block: Block) -> None:
        """Acceleration, in order of time."""
        values = block.physical()
        if values.ndim == 2 and values.shape[1] == 3:
            self._has_acc = True
            self._times = np.concatenate((self._times, block.times_us()))
            self._acc = np.concatenate((self._acc, values))

    def begin(self, fs: float, width: int) -> None:
        import vitals_signal as dsp

        self._width = width
        self._stream = dsp.PulseRateStream(fs, width) if fs >= 15.0 else None
        self._step = round(_STEP_S * fs)
        self._held = np.empty((0, width))
        self._done = 0

    def feed(self, values: NDArray[np.float64]) -> list[FeatureWindow]:
        if self._stream is None:
            return []
        self._held = np.concatenate((self._held, values))
        windows: list[FeatureWindow] = []
        while len(self._held) >= self._step:
            windows += self._stream.update(self._held[: self._step], self._motion(self._step))
            self._held = self._held[self._step :]
            self._done += self._step
        return windows

    def finish(self) -> list[FeatureWindow]:
        return [] if self._stream is None else self._stream.end()

    def _motion(self, n: int) -> NDArray[np.float64] | None:
        """Acceleration at the next `n` samples, (n, 3); None where there is none at all."""
        if not self._has_acc:
            return None
        assert self._run is not None
        at = np.array([self._run.time_us(self._done + k) for k in range(n)], np.int64)
        if not len(self._times):
            return np.full((n, 3), np.nan)
        after = np.clip(np.searchsorted(self._times, at), 0, len(self._times) - 1)
        before = np.maximum(after - 1, 0)
        nearest = np.minimum(np.abs(self._times[after] - at), np.abs(self._times[before] - at))
        since = self._times - at[0]  # small numbers: UTC in float64 would round
        out = np.column_stack([np.interp(at - at[0], since, self._acc[:, axis]) for axis in range(3)])
        out[nearest > _NEAR_US] = np.nan
        keep = np.searchsorted(self._times, at[-1] - _NEAR_US)
        self._times, self._acc = self._times[keep:], self._acc[keep:]
        return out
