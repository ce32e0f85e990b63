"""Regular samples as a stage takes them: unbroken runs, with times that follow the device's clock.

Laws of this file:
1. Where at most TEN_S are missing, NaN stand for the samples; after a longer gap, or where time goes back, a new run
   begins, and nothing of the one before is carried over.
2. Runs depend on times only, never on how samples were split into blocks.
3. What a DSP stream calls the time of a sample in its run becomes the time of that sample, whatever the clock did.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vitals.stages.stage import Derived
from vitals.values import Block, Features, Gap, Provenance, Timing

if TYPE_CHECKING:
    from vitals_signal import FeatureWindow

TEN_S: Final = 10_000_000
_TO_MILLI: Final = {"uV": 1e-3, "mV": 1.0, "V": 1e3, "mg": 1e-3, "g": 1.0, "m/s2": 1.0 / 9.80665}  # to mV, to g
_ANCHORS: Final = 4096


class _Run:
    """The samples of a run, and when they were."""

    def __init__(self, fs: float, start_us: int) -> None:
        self.fs = fs
        self.n = 0
        self._index, self._time_us = [0], [start_us]

    def due_us(self) -> int:
        """When the next sample is expected."""
        return self.time_us(self.n)

    def anchor(self, start_us: int) -> None:
        """The next sample is at `start_us`."""
        if abs(start_us - self.due_us()) > 1:
            self._index.append(self.n)
            self._time_us.append(start_us)
            del self._index[:-_ANCHORS], self._time_us[:-_ANCHORS]

    def time_us(self, index: float) -> int:
        """When the sample `index` of the run was."""
        at = max(0, bisect_right(self._index, index) - 1)
        return self._time_us[at] + round((index - self._index[at]) * 1e6 / self.fs)


class RegularStage(ABC):
    """A stage over regular samples of one kind."""

    def __init__(self, source: str, made_by: Provenance) -> None:
        self.source = source
        self.made_by = made_by
        self._run: _Run | None = None

    @abstractmethod
    def begin(self, fs: float, width: int) -> None:
        """A run of samples at `fs` Hz begins; `width`: values per sample."""

    @abstractmethod
    def feed(self, values: NDArray[np.float64]) -> list[FeatureWindow]:
        """The windows that the next samples, (n, width), complete; their times count from the start of the run."""

    @abstractmethod
    def finish(self) -> list[FeatureWindow]:
        """The windows that were still waiting when the run ended."""

    def derive(self, features: Features) -> Iterator[Derived]:
        """What a window gives; times are those of the stream."""
        yield features

    def cut(self) -> Iterator[Derived]:
        """The run ended; what is open is cut."""
        return iter(())

    def push(self, item: Block | Gap) -> Iterator[Derived]:
        """See `Stage`. A gap says nothing that the next block does not show."""
        if isinstance(item, Gap) or not len(item) or item.timing is not Timing.REGULAR:
            return
        values = _columns(item)
        run = self._run
        if run is None or run.fs != item.rate_hz or not -TEN_S // 10 < item.start_us - run.due_us() <= TEN_S:
            yield from self.end()
            run = self._run = _Run(item.rate_hz, item.start_us)
            self.begin(item.rate_hz, values.shape[1])
        missing = round((item.start_us - run.due_us()) * run.fs / 1e6)
        if missing > 1:  # one is how a clock moves; packets hold more
            yield from self._fed(run, np.full((missing, values.shape[1]), np.nan))
        run.anchor(item.start_us)
        yield from self._fed(run, values)

    def end(self) -> Iterator[Derived]:
        """See `Stage`."""
        if self._run is not None:
            yield from self._told(self._run, self.finish())
            self._run = None
            yield from self.cut()

    def _fed(self, run: _Run, values: NDArray[np.float64]) -> Iterator[Derived]:
        windows = self.feed(values)
        run.n += len(values)
        yield from self._told(run, windows)

    def _told(self, run: _Run, windows: list[FeatureWindow]) -> Iterator[Derived]:
        for one in windows:
            start, end = (run.time_us(at * run.fs / 1e6) for at in (one.start_us, one.end_us))
            values = dict(one.values)
            yield from self.derive(Features(self.source, start, end, values, one.coverage, one.reason, self.made_by))


def _columns(block: Block) -> NDArray[np.float64]:
    """Samples as rows, in mV, g or the unit of the stream."""
    values = block.physical() * _TO_MILLI.get(block.unit, 1.0)
    return values[:, None] if values.ndim == 1 else values
