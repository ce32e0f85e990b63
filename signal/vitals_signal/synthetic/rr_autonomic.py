"""RR intervals with a spectrum that is known: respiratory and Mayer modulation of given power.

Laws of this file:
1. The truth is stated in what is measured: the variance (ms^2) that each band adds to the series of intervals.
2. The same arguments give the same numbers.

Source: integral pulse frequency modulation (Hyndman & Mohn 1975; de Boer, Karemaker & Strackee 1985, doi
10.1109/TBME.1985.325544), bands of the Task Force 1996, doi 10.1161/01.CIR.93.5.1043.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_GRID_HZ: Final = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class AutonomicRr:
    """Beats of a heart whose modulation is known."""

    beats_s: NDArray[np.float64]
    """(n,), seconds, ascending."""
    respiration: NDArray[np.float64]
    """(n - 1,), respiratory part of each interval as asked for, in ms."""
    mayer: NDArray[np.float64]
    """(n - 1,), the part near 0.1 Hz, in ms."""
    drift: NDArray[np.float64]
    """(n - 1,), the slow part (1/f between 0.003 and 0.04 Hz), in ms."""
    breath_hz: float
    mayer_hz: float
    seed: int

    @property
    def rr_ms(self) -> NDArray[np.float64]:
        """RR intervals in ms, shape (n - 1,)."""
        return np.diff(self.beats_s) * 1000.0


def autonomic_rr(
    seconds: float,
    *,
    mean_ms: float = 900.0,
    hf_ms2: float = 400.0,
    lf_ms2: float = 600.0,
    vlf_ms2: float = 300.0,
    breath_hz: float = 0.25,
    mayer_hz: float = 0.095,
    bandwidth: float = 0.0,
    noise_ms: float = 0.0,
    seed: int = 7,
) -> AutonomicRr:
    """RR intervals over `seconds` with given powers in HF (respiration), LF (Mayer waves) and VLF (drift), in ms^2.

    The instantaneous interval is mean + sqrt(2 HF) cos(breath) + sqrt(2 LF) cos(Mayer) + drift of variance VLF, and a
    beat comes where the integral of its inverse reaches a whole number. `bandwidth` is the relative deviation of both
    frequencies (0: pure tones), `noise_ms` the deviation of jitter of each beat. An interval averages the modulation
    over itself: the power that the intervals show is less by sinc^2(f RR), 15 % at 0.25 Hz and 900 ms; the amplitudes
    are raised by 1 / sinc(f RR), so that the series of intervals has the power asked for. Raises ValueError for a
    modulation that would stop the heart (sum of amplitudes above 60 % of the mean), frequencies outside 0.04..0.15
    (Mayer) and 0.1..0.6 Hz (breath), or numbers out of range.
    """
    if not (10 <= seconds <= 31 * 86400 and 300 <= mean_ms <= 2000):
        raise ValueError(f"seconds must lie in 10..2678400 and mean_ms in 300..2000, got {seconds} and {mean_ms}")
    if not (0.1 <= breath_hz <= 0.6 and 0.04 <= mayer_hz <= 0.15):
        raise ValueError(f"breath_hz must lie in 0.1..0.6 and mayer_hz in 0.04..0.15, got {breath_hz} and {mayer_hz}")
    if not (min(hf_ms2, lf_ms2, vlf_ms2, noise_ms) >= 0 and 0 <= bandwidth <= 0.3):
        raise ValueError("powers and noise_ms must not be below 0 and bandwidth must lie in 0..0.3")
    mean = mean_ms / 1000.0
    high, low = (
        np.sqrt(2 * power) / 1000.0 / np.sinc(f * mean) for power, f in ((hf_ms2, breath_hz), (lf_ms2, mayer_hz))
    )
    if high + low + 3 * np.sqrt(vlf_ms2) / 1000.0 > 0.6 * mean:
        raise ValueError("the modulation is too deep for this mean interval; lower the powers")
    rng = np.random.default_rng([seed, 11])
    n = int((seconds + 5.0) * _GRID_HZ)
    grid = np.arange(n) / _GRID_HZ
    breath = high * np.cos(_phase(rng, n, breath_hz, bandwidth))
    mayer = low * np.cos(_phase(rng, n, mayer_hz, bandwidth))
    drift = np.sqrt(vlf_ms2) / 1000.0 * _pink(rng, n)
    count = np.concatenate(([0.0], np.cumsum(1.0 / (mean + breath + mayer + drift)) / _GRID_HZ))
    beats = np.interp(np.arange(1.0, np.floor(count[-1]) + 1.0), count, np.append(grid, n / _GRID_HZ))
    beats = beats[beats <= seconds]
    middle = (beats[1:] + beats[:-1]) / 2
    breath, mayer, drift = (1000.0 * np.interp(middle, grid, wave) for wave in (breath, mayer, drift))
    beats = beats + noise_ms / 1000.0 * np.clip(rng.standard_normal(len(beats)), -3, 3)
    return AutonomicRr(np.maximum.accumulate(beats), breath, mayer, drift, breath_hz, mayer_hz, seed)


def _phase(rng: np.random.Generator, n: int, hz: float, bandwidth: float) -> NDArray[np.float64]:
    """Phase of an oscillation whose frequency wanders slowly (knots every 20 s) with a relative deviation."""
    knots = np.clip(rng.standard_normal(int(n / _GRID_HZ / 20.0) + 3), -2, 2)
    wander = np.interp(np.arange(n) / (20.0 * _GRID_HZ), np.arange(len(knots)), knots)
    start = rng.uniform(0, 2 * np.pi)
    return np.asarray(start + 2 * np.pi * np.cumsum(hz * (1.0 + bandwidth * wander)) / _GRID_HZ)


def _pink(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """1/f noise of unit variance between 0.003 and 0.04 Hz."""
    f = np.fft.rfftfreq(n, 1.0 / _GRID_HZ)
    spectrum = rng.standard_normal(len(f)) + 1j * rng.standard_normal(len(f))
    band = (f >= 0.003) & (f <= 0.04)
    spectrum[~band] = 0.0
    spectrum[band] /= np.sqrt(f[band])
    noise = np.fft.irfft(spectrum, n)
    spread = float(noise.std())
    return np.asarray(np.clip(noise / spread, -3.0, 3.0)) if spread > 0 else noise
