"""Respiratory rate from the three ways in which breathing modulates a pulse wave, fused by how sure each one is.

Laws of this file:
1. One kernel, window after window, serves stream and batch: any split into blocks gives the same numbers.
2. A modulation speaks only where its samples are: beats beside a gap give neither amplitude nor interval.
3. A window always says how sure it is: `quality` is the probability, by the model, that the rate is within 2 a minute.

Per beat: baseline (mean of the pulse wave, BW), amplitude (AM) and interval (FM), as in Karlen et al. 2013 (doi
10.1109/TBME.2013.2246160). Each series gives a spectrum over 32 s. It is whitened first (times the square of the
frequency): baselines wander like 1/f, and the largest raw peak is too often the slowest one. Where Karlen's smart
fusion drops windows whose three rates disagree, and Birrenkott et al. 2018 (doi 10.1109/TBME.2017.2676160) weigh rates
by a quality index, the spectra are multiplied here as likelihoods, each to the power of how much of it lies at its
peak: a flat one says nothing, and those that agree sharpen each other. A forward recursion carries the result from
window to window.

Numbers were set to round values on a plateau of the development half of BIDMC, none by record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal.ppg.pulse_detection import clean, pulse_beats
from vitals_signal.windows.window import FeatureWindow

Floats = NDArray[np.float64]
Series = tuple[ArrayLike, ArrayLike]

METHOD: Final = "respiratory-rate-1"
WINDOW_S: Final = 32.0  # Pimentel et al. 2017, doi 10.1109/TBME.2016.2613124
STEP_S: Final = 8.0
_GRID_HZ: Final = 4.0
_POINTS: Final = int(WINDOW_S * _GRID_HZ)
_RATES: Final[Floats] = np.arange(4.0, 45.5, 0.5)
_WEIGHTS: Final = (1.5, 0.5, 0.5)  # BW, AM, FM
_EXTRA_WEIGHT: Final = 0.3  # of each series that comes from elsewhere
_FLOOR: Final = 0.01  # of the total power
_DRIFT: Final = 1.25  # standard deviation of the change from window to window, per minute
_JUMP: Final = 0.03  # probability of any rate in the next window
_PRIOR: Final = (18.0, 0.5)  # median per minute, standard deviation of the logarithm
_MIN_COVERAGE: Final = 0.75
_MIN_BEATS: Final = 10
_INTERVAL_S: Final = (0.3, 2.0)
_INTERVAL_SHARE: Final = 0.4  # an interval that differs by more from the median is no modulation
_CLIP: Final = 3.0  # standard deviations
_PEAK: Final = 2.0  # per minute, to either side
_CONCENTRATION: Final = (0.3, 0.8)  # share of the power at the peak: what noise shows, and what breathing shows
_SURE: Final = 2.0  # per minute

_prior = np.exp(-0.5 * (np.log(_RATES / _PRIOR[0]) / _PRIOR[1]) ** 2) / _RATES
_PRIOR_BELIEF: Final[Floats] = _prior / _prior.sum()
_steps = np.exp(-0.5 * ((_RATES[:, None] - _RATES) / _DRIFT) ** 2)
_MOVES: Final[Floats] = (1.0 - _JUMP) * _steps / _steps.sum(axis=0) + _JUMP * _PRIOR_BELIEF[:, None]
_TREND: Final[Floats] = np.linalg.qr(np.vander(np.linspace(-1.0, 1.0, _POINTS), 3))[0]
_TAPER: Final[Floats] = np.hanning(_POINTS)
_SIZE: Final = int(120 * _GRID_HZ)  # of the Fourier transform: two bins per breath a minute
_BINS: Final = (2.0 * _RATES).astype(np.int64)


def respiratory_rate(ppg: ArrayLike, fs: float, *, others: Sequence[Series] = ()) -> list[FeatureWindow]:
    """Respiratory rate of windows of 32 s every 8 s.

    `ppg`: shape (n,), any linear unit, NaN where missing; `fs`: Hz. `others`: further modulations, each as (times in s
    since the first sample, values), shape (k,) both, times ascending: R amplitudes or RR intervals of an ECG, say.

    Values of each window: "respiratory_rate_per_min", 4..45; "respiratory_rate_sd_per_min", the standard deviation of
    the posterior; "quality", 0..1 (law 3). They are NaN with a reason where under 75 % of the samples are there or
    under ten beats are found. `corrected_share` is the share of beat intervals that were left out as implausible.
    Raises ValueError where `fs` is not a finite number above 0 or an array has another shape.
    """
    stream = RespiratoryRateStream(fs, len(others))
    return stream.update(ppg, others=others)


class RespiratoryRateStream(Resumable):
    """`respiratory_rate` of a signal that arrives in blocks; `others` further modulations come with it.

    Values of `others` that arrive after the window they belong to are too late for it. Raises ValueError like
    `respiratory_rate`.
    """

    def __init__(self, fs: float, others: int = 0) -> None:
        if not (np.isfinite(fs) and fs > 0):
            raise ValueError(f"fs must be a finite number above 0 Hz, got {fs}")
        if others < 0:
            raise ValueError(f"others must be at least 0, got {others}")
        self.fs = float(fs)
        self._width, self._step = max(1, round(WINDOW_S * fs)), max(1, round(STEP_S * fs))
        self._start = 0
        self._held = np.empty(0)
        self._others = [np.empty((2, 0)) for _ in range(others)]
        self._belief = _PRIOR_BELIEF.copy()

    def update(self, ppg: ArrayLike, *, others: Sequence[Series] = ()) -> list[FeatureWindow]:
        """Windows that the new samples complete; `others` as in `respiratory_rate`, only what is new."""
        if others and len(others) != len(self._others):
            raise ValueError(f"others must be {len(self._others)} series, got {len(others)}")
        for k, (times, values) in enumerate(others):
            pair = np.array([times, values], np.float64)
            if pair.ndim != 2:
                raise ValueError(f"others must be pairs of times and values of shape (k,), got {pair.shape[1:]}")
            self._others[k] = np.concatenate((self._others[k], pair[:, np.isfinite(pair).all(axis=0)]), axis=1)
        self._held = np.concatenate((self._held, clean(ppg)))
        out, first = [], 0
        while first + self._width <= len(self._held):
            out.append(self._window(self._held[first : first + self._width], self._start + first))
            first += self._step
        self._held = self._held[first:].copy()
        self._start += first
        oldest = self._start / self.fs
        self._others = [pair[:, np.searchsorted(pair[0], oldest) :].copy() for pair in self._others]
        return out

    def gap(self, samples: int = 0) -> list[FeatureWindow]:
        """Nothing is known about what comes next: skip `samples` and start afresh."""
        self._start += len(self._held) + lost(samples)
        self._held = self._held[:0].copy()
        self._belief = _PRIOR_BELIEF.copy()
        return []

    def end(self) -> list[FeatureWindow]:
        """Nothing: a window that is not full gives no rate."""
        return self.gap()

    def _window(self, ppg: Floats, start: int) -> FeatureWindow:
        begin_s = start / self.fs
        coverage = float(np.isfinite(ppg).mean())
        series, left_out = _modulations(ppg, self.fs)
        weighted = list(zip(series, _WEIGHTS, strict=True))
        for other_s, other in self._others:
            a, b = np.searchsorted(other_s, (begin_s, begin_s + WINDOW_S))
            weighted.append(((other_s[a:b] - begin_s, other[a:b]), _EXTRA_WEIGHT))
        reason = None
        evidence = np.zeros(len(_RATES))
        if coverage < _MIN_COVERAGE:
            reason = "too few samples in the window"
        else:
            spectra = [(spectrum, weight) for pair, weight in weighted if (spectrum := _spectrum(*pair)) is not None]
            reason = None if spectra else "too few beats, or beats without modulation"
            for spectrum, weight in spectra:
                evidence += weight * _concentration(spectrum) * np.log(spectrum + _FLOOR)
        belief = (_MOVES @ self._belief) * np.exp(evidence - evidence.max())
        belief /= belief.sum()
        self._belief = belief
        values = dict.fromkeys(("respiratory_rate_per_min", "respiratory_rate_sd_per_min", "quality"), float("nan"))
        if reason is None:
            near = belief * (np.abs(_RATES - _RATES[np.argmax(belief)]) <= _SURE)
            rate = float(near @ _RATES / near.sum())
            values["respiratory_rate_per_min"] = rate
            values["respiratory_rate_sd_per_min"] = float(np.sqrt(belief @ (_RATES - rate) ** 2))
            values["quality"] = float(belief[np.abs(_RATES - rate) <= _SURE].sum())
        times_us = (round(1e6 * begin_s), round(1e6 * (start + self._width) / self.fs))
        return FeatureWindow(*times_us, values, coverage, left_out, METHOD, reason, {})


def _modulations(ppg: Floats, fs: float) -> tuple[list[tuple[Floats, Floats]], float]:
    """Baseline, amplitude and interval of the beats, each with its times in s, and the share of intervals left out."""
    beats = pulse_beats(ppg, fs)
    if len(beats.peak) < _MIN_BEATS:
        return [(np.empty(0), np.empty(0))] * 3, 0.0
    void = np.isnan(ppg)
    onset = np.rint(beats.onset).astype(np.int64)
    sums = np.concatenate(([0.0], np.cumsum(np.where(void, 0.0, ppg))))
    missing = np.concatenate(([0], np.cumsum(void)))
    width = np.diff(onset)
    whole = (missing[onset[1:]] == missing[onset[:-1]]) & (width > 0)
    at = beats.upstroke / fs
    interval = np.diff(at)
    usual = float(np.median(interval[whole])) if whole.any() else 0.0
    plausible = (interval > _INTERVAL_S[0]) & (interval < _INTERVAL_S[1])
    plausible &= whole & (np.abs(interval - usual) < _INTERVAL_SHARE * usual)
    mean = (sums[onset[1:]] - sums[onset[:-1]])[whole] / width[whole]
    middle = 0.5 * (onset[1:] + onset[:-1])[whole] / fs
    amplitude = np.isfinite(beats.amplitude)
    series = [
        (middle, mean),
        (at[amplitude], beats.amplitude[amplitude]),
        (at[1:][plausible], interval[plausible]),
    ]
    return series, 1.0 - float(plausible[whole].mean()) if whole.any() else 0.0


def _concentration(spectrum: Floats) -> float:
    """Quality of one modulation, 0..1: the share of the power that lies at its peak."""
    near = np.abs(_RATES - _RATES[np.argmax(spectrum)]) <= _PEAK
    low, high = _CONCENTRATION
    return min(max((float(spectrum[near].sum()) - low) / (high - low), 0.0), 1.0)


def _spectrum(times_s: Floats, values: Floats) -> Floats | None:
    """Whitened share of the power at each of `_RATES`, shape (r,); None where nothing is modulated."""
    if len(times_s) < _MIN_BEATS:
        return None
    x = np.interp(np.arange(_POINTS) / _GRID_HZ, times_s, values)
    x = x - _TREND @ (_TREND.T @ x)
    spread = float(x.std())
    if not spread > 1e-9 * float(np.abs(values).max()):
        return None
    amplitude = np.abs(np.fft.rfft(np.clip(x / spread, -_CLIP, _CLIP) * _TAPER, _SIZE))[_BINS]
    power = (amplitude * _RATES) ** 2
    out: Floats = power / power.sum()
    return out
