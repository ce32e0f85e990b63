"""Summary metrics of raw acceleration by epoch: EN, ENMO, MAD, angles and filtered ones, of a recording or a stream.

Laws of this file:
1. One kernel serves batch and stream: the batch is a stream that is fed in large blocks. Any split gives the numbers of
   the whole to 1e-9.
2. A missing sample is in no mean. An epoch of which less than `min_coverage` is there is NaN.
3. Nothing is filtered across a gap: what follows begins settled on its first sample.
4. numpy alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal.acc.epochs import EpochSeries
from vitals_signal.acc.filter_bank import FilterBank
from vitals_signal.windows.samples import NO_SENSOR_G, checked_acc, present
from vitals_signal.windows.window import FeatureWindow

Floats = NDArray[np.float64]

METRICS_METHOD: Final = "acc-metrics-1"
ACC_METRICS: Final = (
    "en", "enmo", "enmoa", "mad", "angle_x", "angle_y", "angle_z", "hfen", "hfenplus", "bfen", "lfenmo",
)  # fmt: skip
_USES: Final = {"hfen": ("hp",), "hfenplus": ("hp", "lp"), "bfen": ("bp",), "lfenmo": ("lp15",)}
_CHUNK: Final = 1 << 15  # samples that the batch takes at once


def enmo(acc_g: ArrayLike) -> Floats:
    """Euclidean norm minus one of each sample, max(|a| - 1, 0) in g, shape (n,); NaN where the sample is missing.

    `acc_g`: (n, 3) in g. Raises ValueError for another shape. Source: van Hees et al. 2013, PLoS ONE 8:e61691,
    doi 10.1371/journal.pone.0061691.
    """
    acc = checked_acc(acc_g)
    with np.errstate(over="ignore", invalid="ignore"):
        excess: Floats = np.maximum(_norm(acc) - 1.0, 0.0)
        excess[~present(acc)] = np.nan
    return excess


def mad(
    acc_g: ArrayLike, fs: float, epoch_s: float = 5.0, *, start_us: int = 0, min_coverage: float = 0.5
) -> EpochSeries:
    """Mean amplitude deviation by epoch: mean of ||a| - mean|a|| in g (column "mad").

    `acc_g`: (n, 3) in g at `fs` Hz. The rest as `acc_metrics`. Source: Vaha-Ypya et al. 2015, Clin Physiol Funct
    Imaging 35:64, doi 10.1111/cpf.12127.
    """
    return acc_metrics(acc_g, fs, epoch_s, ("mad",), start_us=start_us, min_coverage=min_coverage)


def acc_metrics(
    acc_g: ArrayLike,
    fs: float,
    epoch_s: float = 5.0,
    metrics: Sequence[str] = ("enmo", "mad", "angle_z"),
    *,
    start_us: int = 0,
    min_coverage: float = 0.5,
) -> EpochSeries:
    """Metrics by epoch, one column each in the order of `metrics`, over the samples of the epoch that are there.

    `acc_g`: (n, 3) in g at `fs` Hz, NaN where a sample is missing. An epoch that is not full at the end is none. All in
    g but the angles, in degrees; with |a| the Euclidean norm and F a Butterworth filter of order 4 on each axis:

    - en mean|a|; enmo mean max(|a| - 1, 0); enmoa mean||a| - 1|; mad mean||a| - mean|a||
    - angle_x, angle_y, angle_z: of the mean vector of the epoch above the plane of the other two axes, 180/pi atan(z /
      sqrt(x^2 + y^2)) (van Hees 2015, doi 10.1371/journal.pone.0142533, who takes rolling medians of 5 s in place of
      the mean: equal while the wrist rests, which is what the angle serves for)
    - hfen mean|F a|, F high-pass 0.2 Hz; hfenplus mean max(|F a| + |G a| - 1, 0), G low-pass 0.2 Hz; bfen F band-pass
      0.2 to 15 Hz (order 4 on each side); lfenmo enmo of F a, F low-pass 15 Hz (both need fs above 30 Hz)

    Raises ValueError for a wrong shape, rate, epoch, name or coverage. Source: van Hees et al. 2013,
    doi 10.1371/journal.pone.0061691; Vaha-Ypya 2015, doi 10.1111/cpf.12127; enmoa and lfenmo as in GGIR.
    """
    acc = checked_acc(acc_g)
    stream = AccMetricsStream(fs, epoch_s, metrics, start_us=start_us, min_coverage=min_coverage)
    values, shares = [np.empty((0, len(stream.metrics)))], [np.empty(0)]
    # Blocks that end with epochs leave nothing over to be copied.
    step = max(1, round(_CHUNK / (fs * epoch_s)))
    edges = [stream.edge(k) for k in range(0, stream.epochs_in(len(acc)) + step, step)]
    for begin, end in zip([0, *edges[1:-1]], [*edges[1:-1], len(acc)], strict=True):
        value, share = stream.advance(acc[begin:end])
        values.append(value)
        shares.append(share)
    value, share = stream.flush()
    return EpochSeries(
        stream.metrics, np.concatenate([*values, value]), np.concatenate([*shares, share]), float(epoch_s),
        METRICS_METHOD, start_us,
    )  # fmt: skip


class AccMetricsStream(Resumable):
    """`acc_metrics` of blocks as they come: `update` gives each epoch once it is full.

    An epoch with filtered metrics may be up to 31 samples late; `end` gives what is due.
    """

    def __init__(
        self,
        fs: float,
        epoch_s: float = 5.0,
        metrics: Sequence[str] = ("enmo", "mad", "angle_z"),
        *,
        start_us: int = 0,
        min_coverage: float = 0.5,
    ) -> None:
        if not (math.isfinite(fs) and fs > 0):
            raise ValueError(f"fs must be positive and finite, not {fs}")
        if not (math.isfinite(epoch_s) and epoch_s * fs >= 2):
            raise ValueError(f"epoch_s must span two samples at least, not {epoch_s} s at {fs:g} Hz")
        unknown = [name for name in metrics if name not in ACC_METRICS]
        if unknown or not metrics:
            raise ValueError(f"metrics must be some of {', '.join(ACC_METRICS)}, not {', '.join(unknown) or 'none'}")
        if not 0.0 < min_coverage <= 1.0:
            raise ValueError(f"min_coverage must be in (0, 1], not {min_coverage}")
        self.metrics = tuple(metrics)
        self._fs, self._epoch_s = float(fs), float(epoch_s)
        self._start_us, self._min_coverage = int(start_us), float(min_coverage)
        self._bank = FilterBank(float(fs), sorted({name for metric in metrics for name in _USES.get(metric, ())}))
        self._epoch = 0
        self._first = 0
        self._acc = np.empty((0, 3))
        self._norms: dict[str, Floats] = {name: np.empty(0) for name in self._bank.names}

    def update(self, acc_g: ArrayLike) -> list[FeatureWindow]:
        """The epochs that the next samples, (n, 3) in g, complete."""
        acc, done = checked_acc(acc_g), []
        for begin in range(0, len(acc), _CHUNK):
            done += self._windows(*self.advance(acc[begin : begin + _CHUNK]))
        return done

    def gap(self, samples: int) -> list[FeatureWindow]:
        """The epochs that `samples` missing samples complete. Raises ValueError for a number below 0."""
        samples = lost(samples)
        done: list[FeatureWindow] = []
        while samples > 0:
            done += self._windows(*self.advance(np.full((min(samples, _CHUNK), 3), np.nan)))
            samples -= _CHUNK
        return done

    def end(self) -> list[FeatureWindow]:
        """The epochs that only the filters held back. An epoch that is not full is none."""
        return self._windows(*self.flush())

    def edge(self, epoch: int) -> int:
        """First sample of an epoch."""
        return round(epoch * self._epoch_s * self._fs)

    def epochs_in(self, samples: int) -> int:
        """Epochs that so many samples fill."""
        epochs = int(samples / (self._epoch_s * self._fs)) + 1
        return epochs if self.edge(epochs) <= samples else epochs - 1

    def advance(self, acc: Floats) -> tuple[Floats, Floats]:
        """Values, (epochs, metrics), and coverage, (epochs,), of the epochs that these samples complete."""
        self._acc = np.concatenate((self._acc, acc)) if len(self._acc) else acc
        for name, norms in self._bank.advance(acc).items():
            self._norms[name] = np.concatenate((self._norms[name], norms))
        return self._complete()

    def flush(self) -> tuple[Floats, Floats]:
        """What the filters held back."""
        for name, norms in self._bank.flush().items():
            self._norms[name] = np.concatenate((self._norms[name], norms))
        return self._complete()

    def _complete(self) -> tuple[Floats, Floats]:
        ready = min([len(self._acc), *(len(norms) for norms in self._norms.values())])
        last = max(self._epoch, self.epochs_in(self._first + ready))
        edges = np.array([self.edge(k) - self._first for k in range(self._epoch, last + 1)])
        if len(edges) < 2:
            self._acc = self._acc.copy() if self._acc.base is not None else self._acc
            return np.empty((0, len(self.metrics))), np.empty(0)
        used = int(edges[-1])
        result = _epochs(
            self._acc[:used], {name: norms[:used] for name, norms in self._norms.items()}, edges, self.metrics,
            self._min_coverage,
        )  # fmt: skip
        self._acc = self._acc[used:].copy()
        self._norms = {name: norms[used:].copy() for name, norms in self._norms.items()}
        self._first += used
        self._epoch = last
        return result

    def _windows(self, values: Floats, coverage: Floats) -> list[FeatureWindow]:
        first = self._epoch - len(values)
        start_us = self._start_us + round(first * self._epoch_s * 1e6)
        return EpochSeries(self.metrics, values, coverage, self._epoch_s, METRICS_METHOD, start_us).windows()


def _norm(acc: Floats) -> Floats:
    x, y, z = acc[:, 0], acc[:, 1], acc[:, 2]
    square: Floats = np.multiply(x, x, dtype=np.float64)
    square += np.multiply(y, y, dtype=np.float64)
    square += np.multiply(z, z, dtype=np.float64)
    return np.sqrt(square, out=square)


def _epochs(
    acc: Floats, norms: dict[str, Floats], edges: NDArray[np.int64], metrics: tuple[str, ...], min_coverage: float
) -> tuple[Floats, Floats]:
    size = np.diff(edges)
    count = size.astype(np.float64)
    coverage = np.ones(len(size))
    there: NDArray[np.bool_] | None = None
    if not np.abs(acc).max() <= NO_SENSOR_G:  # a NaN compares false
        there = present(acc)
        count = np.add.reduceat(there.astype(np.float64), edges[:-1])
        coverage = count / size
        acc = np.where(there[:, None], acc, 0.0)
        count = np.maximum(count, 1.0)
    even = bool((size == size[0]).all())

    def mean(x: Floats) -> Floats:
        if there is not None:
            x = np.where(there, x, 0.0)
        sums = x.reshape(len(size), -1).sum(1) if even else np.add.reduceat(x, edges[:-1])
        result: Floats = sums / count
        return result

    vm = _norm(acc) if {"en", "enmo", "enmoa", "mad"} & set(metrics) else np.empty(0)
    angles = [name for name in metrics if name.startswith("angle")]
    vector = _mean_vector(acc, edges, count, even) if angles else np.empty((0, 3))
    values = np.empty((len(size), len(metrics)))
    for column, name in enumerate(metrics):
        if name == "en":
            value = mean(vm)
        elif name == "enmo":
            value = mean(np.maximum(vm - 1.0, 0.0))
        elif name == "enmoa":
            value = mean(np.abs(vm - 1.0))
        elif name == "mad":
            middle = mean(vm)
            centred = (vm.reshape(len(size), -1) - middle[:, None]).ravel() if even else vm - np.repeat(middle, size)
            value = mean(np.abs(centred, out=centred))
        elif name in ("hfen", "bfen"):
            value = mean(norms[_USES[name][0]])
        elif name == "hfenplus":
            value = mean(np.maximum(norms["hp"] + norms["lp"] - 1.0, 0.0))
        elif name == "lfenmo":
            value = mean(np.maximum(norms["lp15"] - 1.0, 0.0))
        else:
            up = "xyz".index(name[-1])
            flat = np.hypot(*(vector[:, k] for k in range(3) if k != up))
            value = np.degrees(np.arctan2(vector[:, up], flat))
        values[:, column] = value
    values[coverage < min_coverage] = np.nan
    return values, coverage


def _mean_vector(acc: Floats, edges: NDArray[np.int64], count: Floats, even: bool) -> Floats:
    if even:
        n = int(edges[1] - edges[0])
        # A product with ones sums along the middle axis several times faster than a reduction does.
        sums = np.ones(n) @ acc.reshape(len(edges) - 1, n, 3)
    else:
        sums = np.add.reduceat(acc, edges[:-1], axis=0)
    vector: Floats = sums / count[:, None]
    return vector
