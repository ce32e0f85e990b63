"""The stretch of one lead around each beat, on one grid for every recorder.

Laws of this file:
1. The grid is `BEAT_GRID_S` around the R peak, whatever the rate of the lead; nothing above 40 Hz comes through, so
   that a lead at 1000 Hz and the same at 125 Hz give the same waveform.
2. The baseline is out: the median of each waveform is 0.
3. A waveform that would need a missing sample is NaN.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

GRID_HZ: Final = 200.0
BEFORE_S: Final = 0.30
AFTER_S: Final = 0.50
BEAT_GRID_S: Final[NDArray[np.float64]] = np.arange(-round(BEFORE_S * GRID_HZ), round(AFTER_S * GRID_HZ) + 1) / GRID_HZ
_CUT_HZ: Final = 40.0
_HALF_S: Final = 0.05  # half length of the kernel


def reach(fs: float) -> tuple[int, int]:
    """Samples that a waveform needs before and after the R peak."""
    return round((BEFORE_S + _HALF_S) * fs), round((AFTER_S + _HALF_S) * fs)


def beat_waveforms(ecg: NDArray[np.float64], fs: float, peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Waveforms on `BEAT_GRID_S` about their median, shape (k, 161); NaN where a sample is missing or beyond the ends.

    `ecg`: (n,), any linear unit, NaN where missing; `fs`: Hz; `peaks`: (k,) sample indices.
    """
    before, after = reach(fs)
    out = np.full((len(peaks), len(BEAT_GRID_S)), np.nan)
    inside = (peaks >= before) & (peaks + after < len(ecg))
    if inside.any():
        wave = ecg[peaks[inside][:, None] + np.arange(-before, after + 1)] @ _kernel(fs)
        out[inside] = wave - np.median(wave, axis=1, keepdims=True)
    return out


@functools.lru_cache(maxsize=8)
def _kernel(fs: float) -> NDArray[np.float64]:
    """Low-pass and change of rate in one matrix, shape (samples, grid): sinc windowed by a Hann, gain 1 at 0 Hz."""
    before, after = reach(fs)
    lag = BEAT_GRID_S[None, :] - np.arange(-before, after + 1)[:, None] / fs
    cut = min(_CUT_HZ, 0.4 * fs)
    taps = np.where(np.abs(lag) < _HALF_S, np.sinc(2 * cut * lag) * (1 + np.cos(np.pi * lag / _HALF_S)), 0.0)
    total = taps.sum(axis=0)
    taps = np.divide(taps, total, out=np.zeros_like(taps), where=np.abs(total) > 1e-9)
    taps.setflags(write=False)
    return np.asarray(taps)
