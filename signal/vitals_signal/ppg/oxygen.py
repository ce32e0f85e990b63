"""Oxygen saturation by ratio of ratios, and perfusion index, with a gate that says why there is no number.

Laws of this file:
1. No saturation without two wavelengths, without a DC level, without a pulse, or from light that does not agree.
2. Calibration belongs to the sensor. The default is the textbook line; a number from it is an estimate of a trend.

Lambert-Beer: R = (AC/DC of red) / (AC/DC of infrared) falls with saturation (Webster, Design of Pulse Oximeters, 1997,
section 4.4). AC is taken as the slope of red over infrared in the pulse band, each relative to its DC, by total least
squares over the window, which needs no beat marks and weighs every sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import lost
from vitals_signal._resume import Resumable
from vitals_signal.ppg.pulse_detection import clean
from vitals_signal.ppg.quality import sqi_ppg
from vitals_signal.windows.window import FeatureWindow

Floats = NDArray[np.float64]

METHOD: Final = "spo2-ratio-1"
WINDOW_S: Final = 8.0
STEP_S: Final = 2.0
_PULSE_HZ: Final = (0.5, 5.0)
_MAX_SWING: Final = 0.5  # of the level; the strongest pulses reach a fifth of it
_DAZZLED: Final = 100.0  # times the level
_MIN_COVERAGE: Final = 0.75
_MIN_AGREEMENT: Final = 0.8  # correlation of the two pulse waves
_MIN_SQI: Final = 0.3
_MIN_PERFUSION_PCT: Final = 0.02
_RATIO: Final = (0.2, 3.0)  # what blood can show


@dataclass(frozen=True, slots=True)
class Spo2Calibration:
    """SpO2 in % = a + b R + c R^2.

    The default, 110 - 25 R, is the line of Webster 1997 (eq. 10.1) that textbooks use; every sensor needs its own.
    """

    a: float = 110.0
    b: float = -25.0
    c: float = 0.0

    def percent(self, ratio: float) -> float:
        """Saturation that a ratio of ratios stands for; may leave 0..100 where the calibration does not hold."""
        return self.a + (self.b + self.c * ratio) * ratio


TEXTBOOK: Final = Spo2Calibration()


def spo2(
    red: ArrayLike, ir: ArrayLike | None, fs: float, *, calibration: Spo2Calibration = TEXTBOOK
) -> list[FeatureWindow]:
    """Oxygen saturation of windows of 8 s every 2 s.

    `red`, `ir`: raw detector intensities with their DC level, more light upwards, shape (n,), same unit; NaN where
    missing; `fs`: Hz, 20 or more makes sense. With `ir` None there is one wavelength only: all values are NaN, and the
    reason says so.

    Values of each window: "spo2_pct"; "ratio", the ratio of ratios; "perfusion_index_pct", of infrared; "agreement",
    the correlation of the two pulse waves; "sqi_ppg", of infrared. Where the gate closes, "spo2_pct" and "ratio" are
    NaN and `reasons` says why. Raises ValueError on shapes that differ and on `fs` not above 0.
    """
    red = np.asarray(red, np.float64)
    stream = Spo2Stream(fs, calibration)
    return stream.update(red, ir)


class Spo2Stream(Resumable):
    """`spo2` of signals that arrive in blocks. Raises ValueError like `spo2`."""

    def __init__(self, fs: float, calibration: Spo2Calibration = TEXTBOOK) -> None:
        if not (np.isfinite(fs) and fs > 0):
            raise ValueError(f"fs must be a finite number above 0 Hz, got {fs}")
        self.fs = float(fs)
        self._calibration = (calibration.a, calibration.b, calibration.c)
        self._width, self._step = max(1, round(WINDOW_S * fs)), max(1, round(STEP_S * fs))
        self._start = 0
        self._held = np.empty((2, 0))
        self._single = False

    def update(self, red: ArrayLike, ir: ArrayLike | None) -> list[FeatureWindow]:
        """Windows that the new samples, shape (n,) each, complete."""
        first = clean(red)
        second = np.full(len(first), np.nan) if ir is None else clean(ir)
        if first.shape != second.shape:
            raise ValueError(f"red and ir must have one shape, got {first.shape} and {second.shape}")
        self._single = ir is None
        self._held = np.concatenate((self._held, np.stack((first, second))), axis=1)
        out, at = [], 0
        while at + self._width <= self._held.shape[1]:
            out.append(self._window(self._held[:, at : at + self._width], self._start + at))
            at += self._step
        self._held = self._held[:, at:].copy()
        self._start += at
        return out

    def gap(self, samples: int = 0) -> list[FeatureWindow]:
        """Nothing is known about what comes next: skip `samples` and start afresh."""
        self._start += self._held.shape[1] + lost(samples)
        self._held = self._held[:, :0].copy()
        return []

    def end(self) -> list[FeatureWindow]:
        """Nothing: a window that is not full gives no saturation."""
        return self.gap()

    def _window(self, light: Floats, start: int) -> FeatureWindow:
        nan = float("nan")
        values = dict.fromkeys(("spo2_pct", "ratio", "perfusion_index_pct", "agreement", "sqi_ppg"), nan)
        there = np.isfinite(light[0]) & np.isfinite(light[1])
        coverage = float(there.mean())
        times = (round(1e6 * start / self.fs), round(1e6 * (start + self._width) / self.fs))
        reason: str | None = None
        if self._single:
            reason = "one wavelength only: saturation needs red and infrared"
        elif coverage < _MIN_COVERAGE:
            reason = "too few samples in the window"
        elif not all(_has_level(channel[there]) for channel in light):
            reason = "no DC level: saturation needs raw intensities, not filtered ones"
        if reason is not None:
            return FeatureWindow(*times, values, coverage, 0.0, METHOD, reason, {})
        shut = self._judge(light, there, values)
        reasons = {} if shut is None else {"spo2_pct": shut, "ratio": shut}
        if shut is not None:
            values["spo2_pct"] = values["ratio"] = nan
        reasons |= {name: "no pulse in one of the channels" for name in values if np.isnan(values[name]) and not shut}
        return FeatureWindow(*times, values, coverage, 0.0, METHOD, None, reasons)

    def _judge(self, light: Floats, there: NDArray[np.bool_], values: dict[str, float]) -> str | None:
        """Fill `values`; why the gate is shut, or None."""
        pulse = np.stack([_relative_pulse(channel, there, self.fs) for channel in light])[:, there]
        values["perfusion_index_pct"] = _peak_to_peak(pulse[1])
        power = (pulse**2).mean(axis=1)
        cross = float((pulse[0] * pulse[1]).mean())
        values["sqi_ppg"] = sqi_ppg(-light[1], self.fs)
        if not (power > 0.0).all():
            values["agreement"] = 0.0
            return "no pulse in one of the channels"
        values["agreement"] = cross / float(np.sqrt(power.prod()))
        # Total least squares: noise lies on both channels, and a plain regression would pull the ratio down.
        difference = float(power[0] - power[1])
        ratio = (difference + float(np.hypot(difference, 2.0 * cross))) / (2.0 * cross) if cross > 0.0 else float("nan")
        values["ratio"] = ratio
        values["spo2_pct"] = min(Spo2Calibration(*self._calibration).percent(ratio), 100.0)
        if np.array_equal(pulse[0], pulse[1]):
            return "red and infrared are one and the same signal"
        if values["perfusion_index_pct"] < _MIN_PERFUSION_PCT:
            return f"perfusion index below {_MIN_PERFUSION_PCT} %"
        if not values["agreement"] >= _MIN_AGREEMENT:
            return "red and infrared do not show the same pulse"
        if values["sqi_ppg"] < _MIN_SQI:
            return "pulse wave too poor"
        if not _RATIO[0] <= ratio <= _RATIO[1]:
            return "ratio of ratios outside what blood can show"
        return None


def perfusion_index(ppg: ArrayLike, fs: float) -> float:
    """AC over DC in %: mean peak-to-peak height of the pulse band over the median level (Lima 2002, doi
    10.1097/00003246-200206000-00006).

    `ppg`: raw intensity with its DC level, shape (n,), NaN where missing; `fs`: Hz. NaN where there is no sample, or
    no level that a pulse can ride on: a signal that was high-pass filtered has lost its perfusion. Raises
    ValueError like `spo2`.
    """
    if not (np.isfinite(fs) and fs > 0):
        raise ValueError(f"fs must be a finite number above 0 Hz, got {fs}")
    signal = clean(ppg)
    there = np.isfinite(signal)
    if there.sum() < 2 or not _has_level(signal[there]):
        return float("nan")
    return _peak_to_peak(_relative_pulse(signal, there, fs)[there])


def _has_level(x: Floats) -> bool:
    """Whether the light has a level that a pulse can ride on: never dark, never dazzled, no swing as large as it."""
    low, middle, high = np.quantile(x, (0.025, 0.5, 0.975)).tolist()
    return float(x.min()) > 0.0 and float(x.max()) < _DAZZLED * middle and high - low < _MAX_SWING * middle


def _relative_pulse(signal: Floats, there: NDArray[np.bool_], fs: float) -> Floats:
    """The pulse band over the median level, shape (n,); missing samples bridged."""
    n = len(signal)
    x = np.interp(np.arange(n), np.flatnonzero(there), signal[there])
    level = float(np.median(x))
    x = x / level - 1.0
    f = np.fft.rfftfreq(2 * n, 1.0 / fs)
    spectrum = np.fft.rfft(np.concatenate((x, x[::-1])))
    return np.fft.irfft(np.where((f >= _PULSE_HZ[0]) & (f <= _PULSE_HZ[1]), spectrum, 0.0), 2 * n)[:n]


def _peak_to_peak(pulse: Floats) -> float:
    """In %, from quantiles, so that one spike is no pulse: 2.5..97.5 % of a wave is about its height."""
    low, high = np.quantile(pulse, (0.025, 0.975))
    return 100.0 * float(high - low)
