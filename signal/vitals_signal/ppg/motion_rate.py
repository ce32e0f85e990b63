"""Pulse rate under motion, from PPG and accelerometer, window by window, causal.

Laws of this file:
1. One kernel, window after window, serves stream and batch: any split into blocks gives the same numbers.
2. Nothing of the future is used: the rate of a window is known when the window ends.
3. A window always says how sure it is: `quality` is the probability, by the model, that the rate is within 5 bpm. (On
   the recordings below 0.5 stood for 49 %, 0.7 for 82 % and above 0.8 for 99 % of the windows.)

Each 8-s window is cleaned by adaptive noise cancelling in block form: what a linear filter of the three axes of
acceleration, seven taps each, can explain of the PPG is subtracted (ridge least squares; Widrow et al. 1975, doi
10.1109/PROC.1975.10036). Unlike spectral subtraction this is coherent, so a pulse close to the cadence survives. The
spectrum of what remains, with a share of its second harmonic, is the evidence for each rate; a hidden Markov model over
1-bpm states carries it from window to window by the forward recursion (Rabiner 1989, doi 10.1109/5.18626).

Numbers: five (`_EVIDENCE`, `_FLOOR`, `_HARMONIC`, `_DRIFT_BPM`, `_JUMP`), looked at on the 12 training recordings of
the IEEE Signal Processing Cup 2015 and set to round values in the middle of a plateau; `benchmarks/dsp_ppg.py` chooses
them anew without the subject that it scores.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal.windows.window import FeatureWindow

Floats = NDArray[np.float64]

METHOD: Final = "pulse-rate-motion-1"
WINDOW_S: Final = 8.0
STEP_S: Final = 2.0
_WORK_HZ: Final = 25.0
_TAPS: Final = 3  # to either side
_TREND: Final = 4  # polynomial terms taken out first
_RIDGE: Final = 1e-3  # of the mean power of the regressors
_STILL_G: Final = 0.02  # motion below it is left alone: it may be the pulse itself (ballistocardiogram)
_EVIDENCE: Final = 3.0
_FLOOR: Final = 0.05
_HARMONIC: Final = 0.3
_DRIFT_BPM: Final = 5.0  # standard deviation of the change from window to window
_JUMP: Final = 0.002  # probability that the rate is anywhere in the next window
_NEAR_BPM: Final = 8.0
_SURE_BPM: Final = 5.0
_MIN_COVERAGE: Final = 0.75
_LARGEST: Final = 1e12
_FLAT: Final = 1e-10
_RATES: Final[Floats] = np.arange(35.0, 221.0)


def pulse_rate(ppg: ArrayLike, acc_g: ArrayLike | None, fs: float) -> list[FeatureWindow]:
    """Pulse rate of windows of 8 s every 2 s.

    `ppg`: shape (n,) or (n, c), any linear unit, NaN where missing; `acc_g`: shape (n, 3), in g, sampled with the PPG,
    or None where there is none: then nothing is cancelled, and a steady cadence passes for a pulse, surely; `fs`: Hz,
    15 or more.

    Values of each window: "pulse_rate_bpm", 35..220; "pulse_rate_sd_bpm", the standard deviation of the posterior;
    "quality", 0..1 (law 3). They are NaN with a reason where under 75 % of the window are there, or no channel moves.
    `coverage` is the share of samples of the best channel that are there together with the acceleration.

    Raises ValueError on other shapes and on an `fs` that is not finite or below 15 Hz.
    """
    signal = _columns(ppg, "ppg")
    stream = PulseRateStream(fs, signal.shape[1])
    return stream.update(signal, acc_g)


class PulseRateStream(Resumable):
    """`pulse_rate` of signals that arrive in blocks. Windows lie on a raster since the start or the last gap.

    `channels`: PPG channels per sample. Raises ValueError like `pulse_rate`.
    """

    def __init__(self, fs: float, channels: int = 1) -> None:
        if not (np.isfinite(fs) and fs >= 15.0):
            raise ValueError(f"fs must be a finite number of at least 15 Hz, got {fs}")
        if channels < 1:
            raise ValueError(f"channels must be at least 1, got {channels}")
        self.fs = float(fs)
        self.channels = channels
        self._q = max(1, round(fs / _WORK_HZ))
        self._width = round(WINDOW_S * fs / self._q) * self._q
        self._step = round(STEP_S * fs / self._q) * self._q
        self._start = 0
        self._held = np.empty((0, channels + 3))
        self._belief = np.full(len(_RATES), 1.0 / len(_RATES))

    def update(self, ppg: ArrayLike, acc_g: ArrayLike | None = None) -> list[FeatureWindow]:
        """Windows that the new samples complete. `ppg`: (n,) or (n, c); `acc_g`: (n, 3) in g, or None."""
        signal = _columns(ppg, "ppg")
        if signal.shape[1] != self.channels:
            raise ValueError(f"ppg must have {self.channels} channels, got shape {signal.shape}")
        motion = np.zeros((len(signal), 3)) if acc_g is None else _columns(acc_g, "acc_g")
        if motion.shape != (len(signal), 3):
            raise ValueError(f"acc_g must have shape ({len(signal)}, 3), got {motion.shape}")
        self._held = np.concatenate((self._held, np.concatenate((signal, motion), axis=1)))
        out, first = [], 0
        while first + self._width <= len(self._held):
            out.append(self._window(self._held[first : first + self._width], self._start + first))
            first += self._step
        self._held = self._held[first:].copy()
        self._start += first
        return out

    def gap(self, samples: int = 0) -> list[FeatureWindow]:
        """Nothing is known about what comes next: skip `samples` and start afresh."""
        self._start += len(self._held) + lost(samples)
        self._held = self._held[:0].copy()
        self._belief = np.full(len(_RATES), 1.0 / len(_RATES))
        return []

    def end(self) -> list[FeatureWindow]:
        """Nothing: a window that is not full gives no rate."""
        return self.gap()

    def _window(self, rows: Floats, start: int) -> FeatureWindow:
        work = rows.reshape(-1, self._q, rows.shape[1]).mean(axis=1)
        there = np.isfinite(work[:, :-3]) & np.isfinite(work[:, -3:]).all(axis=1, keepdims=True)
        coverage = float(there.mean(axis=0).max())
        belief = _moved(self._belief)
        spectra = [
            _spectrum(_cancelled(work[:, c], work[:, -3:], there[:, c]), self.fs / self._q, work[there[:, c], c])
            for c in range(self.channels)
            if there[:, c].mean() >= _MIN_COVERAGE
        ]
        seen = [spectrum for spectrum in spectra if spectrum is not None]
        reason = None
        if seen:
            evidence = np.mean(seen, axis=0)
            # Logarithms, so that many windows of one opinion cannot underflow.
            weight = _EVIDENCE * np.log(evidence + _FLOOR)
            belief = belief * np.exp(weight - weight.max())
        else:
            reason = "no channel moves" if spectra else "too few samples in the window"
        belief /= belief.sum()
        self._belief = belief
        values = dict.fromkeys(("pulse_rate_bpm", "pulse_rate_sd_bpm", "quality"), float("nan"))
        if reason is None:
            near = belief * (np.abs(_RATES - _RATES[np.argmax(belief)]) <= _NEAR_BPM)
            rate = float(near @ _RATES / near.sum())
            values["pulse_rate_bpm"] = rate
            values["pulse_rate_sd_bpm"] = float(np.sqrt(belief @ (_RATES - rate) ** 2))
            values["quality"] = float(belief[np.abs(_RATES - rate) <= _SURE_BPM].sum())
        end = start + self._width
        times = (round(1e6 * start / self.fs), round(1e6 * end / self.fs))
        return FeatureWindow(*times, values, coverage, 0.0, METHOD, reason, {})


def _moved(belief: Floats) -> Floats:
    """The belief one window later, shape (r,): a Gaussian change that stays within the rates, or any rate at all."""
    reach = int(5.0 * _DRIFT_BPM)
    steps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _DRIFT_BPM) ** 2)
    inside = np.convolve(np.ones(len(belief)), steps, "same")
    out: Floats = (1.0 - _JUMP) * np.convolve(belief / inside, steps, "same") + _JUMP / len(belief)
    return out


def _columns(x: ArrayLike, name: str) -> Floats:
    """Samples as rows, shape (n, c), with NaN for what no converter gives."""
    out = np.array(x, np.float64)
    if out.ndim == 1:
        out = out[:, None]
    if out.ndim != 2 or out.shape[1] == 0:
        raise ValueError(f"{name} must have one or two dimensions, got shape {np.shape(x)}")
    out[~(np.abs(out) <= _LARGEST)] = np.nan
    return out


def _cancelled(ppg: Floats, motion: Floats, there: NDArray[np.bool_]) -> Floats:
    """What neither trend nor motion explains, shape (n,); 0 where samples are missing."""
    n = len(ppg)
    trend = np.linalg.qr(np.vander(np.linspace(-1.0, 1.0, n), _TREND)[there])[0]
    x = ppg[there] - ppg[there].mean()
    x = x - trend @ (trend.T @ x)
    steady = np.where(np.isfinite(motion), motion, 0.0)
    padded = np.pad(steady - steady.mean(axis=0), ((_TAPS, _TAPS), (0, 0)), mode="edge")
    lagged = np.concatenate([padded[k : k + n] for k in range(2 * _TAPS + 1)], axis=1)[there]
    lagged = lagged - trend @ (trend.T @ lagged)
    gram = lagged.T @ lagged
    gram[np.diag_indices(len(gram))] += _RIDGE * float(np.trace(gram)) / len(gram) + n * _STILL_G**2
    out = np.zeros(n)
    out[there] = x - lagged @ np.linalg.solve(gram, lagged.T @ x)
    return out


def _spectrum(x: Floats, rate: float, ppg: Floats) -> Floats | None:
    """Amplitude at each of `_RATES` plus a share of that at its double, relative to the largest; None where `x` holds
    no more than the rounding of the `ppg` that it came from.
    """
    size = round(60.0 * rate)  # one bin per bpm
    amplitude = np.abs(np.fft.rfft(x * np.hanning(len(x)), size))
    at = np.rint(_RATES * (size / (60.0 * rate))).astype(np.int64)
    first, second = amplitude[at], np.append(amplitude, 0.0)[np.minimum(2 * at, len(amplitude))]
    top = float(first.max())
    if not top > _FLAT * len(x) * float(np.abs(ppg).max()):
        return None
    out: Floats = (first + _HARMONIC * second) / top
    return out
