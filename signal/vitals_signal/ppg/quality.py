"""How far a stretch of PPG can be trusted, 0..1.

Laws of this file:
1. The index falls when noise or motion rises and is 0 where no pulse is left; it never raises on data.
2. Gain and offset do not matter, and neither does rhythm: fibrillation is no bad signal.
3. Stream and batch share `sqi_ppg`; windows lie on a raster since the start or the last gap.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal.ppg.pulse_detection import clean, pulse_beats
from vitals_signal.windows.window import FeatureWindow

Floats = NDArray[np.float64]

METHOD: Final = "sqi-ppg-1"
WINDOW_S: Final = 10.0
_BEFORE_S, _AFTER_S = 0.25, 0.55  # of the steepest upstroke
_FLAT_S: Final = 0.25  # no pulse wave stands still for so long: saturation, or the sensor is off
_MIN_BEATS: Final = 4
_LONGEST_GAP_S: Final = (2.2, 4.0)  # between beats: from here on the index falls, and here it is 0
_PULSE_HZ: Final = (0.5, 8.0)


def sqi_ppg(ppg: ArrayLike, fs: float) -> float:
    """Signal quality of one PPG channel, 0 (useless) to 1 (clean); meant for stretches of 5 to 60 s.

    `ppg`: shape (n,), any linear unit, more blood upwards, NaN where missing; `fs`: Hz, 20 or more makes sense.

    The geometric mean of indices that are each brought to 0..1, times the share of samples that are neither missing
    nor part of a flat line, times how short the longest stretch without a beat is:

    - median and mean correlation of the systolic waves with their median wave (template matching, Orphanidou et al.
      2015, doi 10.1109/JBHI.2014.2338351): 0.6..0.99 and 0.3..0.98
    - power of the median wave over power of what it does not explain of the waves: 0..20 dB
    - power within 0.5..8 Hz over power above 8 Hz: 3..20 dB
    - skewness of the pulse band (Elgendi 2016, doi 10.3390/bioengineering3040021): -1.5..0.0

    Fewer than four beats, or no finite sample, give 0. Raises ValueError like `detect_pulse_peaks`.
    """
    beats = pulse_beats(ppg, fs)
    signal = clean(ppg)
    void = np.isnan(signal)
    n = len(signal)
    before, after = max(1, round(_BEFORE_S * fs)), max(1, round(_AFTER_S * fs))
    at = np.rint(beats.upstroke).astype(np.int64)
    at = at[(at >= before) & (at < n - after)]
    if len(at) < _MIN_BEATS:
        return 0.0
    filled = np.interp(np.arange(n), np.flatnonzero(~void), signal[~void]) if void.any() else signal
    pulse, noise_db, skewness = _bands(filled, fs)
    waves = pulse[at[:, None] + np.arange(-before, after + 1)]
    waves = waves - waves.mean(axis=1, keepdims=True)
    template = np.median(waves, axis=0)
    template -= template.mean()
    likeness, shape_db = _against(waves, template)
    parts = (
        _scale(float(np.median(likeness)), 0.6, 0.99),
        _scale(float(likeness.mean()), 0.3, 0.98),
        _scale(shape_db, 0.0, 20.0),
        _scale(noise_db, 3.0, 20.0),
        _scale(skewness, -1.5, 0.0),
    )
    usable = 1.0 - float((void | _flat(signal, max(2, round(_FLAT_S * fs)))).mean())
    longest = float(np.diff(np.concatenate(([0], at, [n]))).max()) / fs
    steady = 1.0 - _scale(longest, *_LONGEST_GAP_S)
    return float(usable * steady * np.prod(parts) ** (1.0 / len(parts)))


class PpgQualityStream(Resumable):
    """`sqi_ppg` of successive windows of a signal that arrives in blocks; value "sqi_ppg" of each window.

    `window_s`: seconds, 5 to 60 makes sense. Raises ValueError where `fs` or `window_s` is not a finite number above 0.
    """

    def __init__(self, fs: float, window_s: float = WINDOW_S) -> None:
        for name, value in (("fs", fs), ("window_s", window_s)):
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a finite number above 0, got {value}")
        self.fs = float(fs)
        self._width = max(1, round(window_s * fs))
        self._start = 0
        self._held = np.empty(0)

    def update(self, ppg: ArrayLike) -> list[FeatureWindow]:
        """Windows that the new samples, shape (n,), complete."""
        self._held = np.concatenate((self._held, clean(ppg)))
        width = self._width
        firsts = range(0, len(self._held) - width + 1, width)
        out = [self._window(self._held[first : first + width], self._start + first) for first in firsts]
        used = len(out) * width
        self._held = self._held[used:].copy()
        self._start += used
        return out

    def gap(self, samples: int = 0) -> list[FeatureWindow]:
        """Nothing is known about what comes next: judge what is held, skip `samples` and start afresh."""
        out = [self._window(self._held, self._start)] if len(self._held) else []
        self._start += len(self._held) + lost(samples)
        self._held = self._held[:0].copy()
        return out

    def end(self) -> list[FeatureWindow]:
        """The last window, which may be short."""
        return self.gap()

    def _window(self, ppg: Floats, start: int) -> FeatureWindow:
        times = (round(1e6 * start / self.fs), round(1e6 * (start + len(ppg)) / self.fs))
        coverage = float(np.isfinite(ppg).mean())
        return FeatureWindow(*times, {"sqi_ppg": sqi_ppg(ppg, self.fs)}, coverage, 0.0, METHOD, None, {})


def _scale(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _bands(x: Floats, fs: float) -> tuple[Floats, float, float]:
    """The pulse band, shape (n,), its power over the power above it in dB, and its skewness."""
    n = len(x)
    line = np.linspace(-1.0, 1.0, n)
    centred = x - x.mean()
    centred = centred - line * float(centred @ line) / max(float(line @ line), 1e-300)
    spread = float(np.abs(centred).max())
    if not spread > 0.0:
        return np.zeros(n), 0.0, 0.0
    f = np.fft.rfftfreq(2 * n, 1.0 / fs)
    # Mirrored, so that the ends of the stretch make no step.
    spectrum = np.fft.rfft(np.concatenate((centred, centred[::-1])) / spread)
    low, high = _PULSE_HZ
    power = np.abs(spectrum) ** 2
    inside = (f >= low) & (f <= high)
    above = float(power[f > high].sum())
    ratio = 10.0 * float(np.log10(max(float(power[inside].sum()), 1e-300) / above)) if above > 0.0 else 60.0
    pulse = np.fft.irfft(np.where(inside, spectrum, 0.0), 2 * n)[:n]
    spread = float(pulse.std())
    skewness = float(np.mean((pulse / spread) ** 3)) if spread > 0.0 else 0.0
    return pulse, ratio, skewness


def _against(waves: Floats, template: Floats) -> tuple[Floats, float]:
    """Correlation of each wave with the template, shape (k,), and power explained over power unexplained in dB."""
    length = float(template @ template)
    likeness: Floats = np.zeros(len(waves))
    if not length > 0.0:
        return likeness, 0.0
    gain = waves @ template / length
    rest = float(((waves - gain[:, None] * template) ** 2).sum())
    np.divide(gain * np.sqrt(length), np.linalg.norm(waves, axis=1), out=likeness, where=gain != 0.0)
    explained = float((gain**2).sum()) * length
    return likeness, 10.0 * float(np.log10(max(explained, 1e-300) / rest)) if rest > 0.0 else 60.0


def _flat(x: Floats, least: int) -> NDArray[np.bool_]:
    """Samples in runs of at least `least` equal values, shape (n,)."""
    starts = np.append(0, np.flatnonzero(np.diff(x) != 0) + 1)
    lengths = np.diff(np.append(starts, len(x)))
    return np.repeat(lengths >= least, lengths)
