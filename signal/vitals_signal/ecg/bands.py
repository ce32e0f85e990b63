"""Bands of an ECG for the search of beats, at a rate that the bands need rather than the recorder's.

Laws of this file:
1. Zero phase: a wave stays where it was, to the microsecond.
2. Sample k of a band lies at sample `k * step` of the lead; `step` depends on the rate alone.
3. In chunks, so that a day of ECG needs no more memory than its own size; the seams are not seen.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

QRS_BAND_HZ: Final = (8.0, 25.0)
"""Where a QRS complex stands out against P and T waves, baseline and muscle (Thakor et al. 1984, doi
10.1109/TBME.1984.325393 puts the optimum at 17 Hz)."""
WAVE_BAND_HZ: Final = (3.0, 25.0)
"""Where the lead still looks like itself, without its baseline: the largest deflection here is the R peak."""
LEAST_RATE_HZ: Final = 100.0
LARGEST: Final = 1e12
"""No converter gives more steps: what lies beyond is garbage, and its square would overflow."""
_SIZE: Final = 1 << 15  # of a transform: four minutes or so
_MARGIN_S: Final = 2.0


def prepare(ecg_mv: ArrayLike, fs: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The samples about their mean with missing ones bridged, shape (n,), and where they are missing."""
    if not (np.isfinite(fs) and fs > 0):
        raise ValueError(f"fs must be a finite number above 0 Hz, got {fs}")
    ecg = np.array(ecg_mv, np.float64)
    if ecg.ndim != 1:
        raise ValueError(f"ecg_mv must have one dimension, got shape {ecg.shape}")
    void = ~(np.abs(ecg) <= LARGEST)  # also true for NaN
    if void.all():
        return np.zeros(len(ecg)), void
    if void.any():
        at = np.arange(len(ecg))
        ecg[void] = np.interp(at[void], at[~void], ecg[~void])
    ecg -= ecg.mean()
    return ecg, void


def split_bands(
    ecg: NDArray[np.float64], fs: float, bands: Sequence[tuple[float, float]]
) -> tuple[list[NDArray[np.float64]], int]:
    """The `bands` (edges in Hz) of a lead without missing samples, shape (ceil(n / step),) each, and `step`.

    `step` is the largest that leaves `LEAST_RATE_HZ`; the lead is low-passed in the frequency domain, where a lower
    rate costs nothing and aliases nothing. Gains: Butterworth magnitudes squared, orders 2 (high-pass), 3 (low-pass).
    """
    step = max(1, int(fs / LEAST_RATE_HZ))
    margin = -(-int(_MARGIN_S * fs + 1) // step) * step
    size = min(_fast_size((len(ecg) + 2 * margin) / step), max(_SIZE, _fast_size(4 * margin / step)))
    chunk = size * step - 2 * margin
    gains = [_gain(size, step, fs, low, high) for low, high in bands]
    out = [np.empty(-(-len(ecg) // step)) for _ in bands]
    padded = np.pad(ecg, margin, mode="reflect" if len(ecg) > margin else "edge")
    for start in range(0, len(ecg), chunk):
        stop = min(start + chunk, len(ecg))
        spectrum = np.fft.rfft(padded[start : stop + 2 * margin], size * step)[: size // 2 + 1]
        first, kept = margin // step, -(-(stop - start) // step)
        for band, gain in zip(out, gains, strict=True):
            band[start // step : start // step + kept] = np.fft.irfft(spectrum * gain, size)[first : first + kept]
    return out, step


@functools.lru_cache(maxsize=32)
def _gain(size: int, step: int, fs: float, low: float, high: float) -> NDArray[np.float64]:
    f = np.fft.rfftfreq(size, step / fs)
    gain = np.asarray((1.0 - 1.0 / (1.0 + (f / low) ** 4)) / (1.0 + (f / high) ** 6) / step)
    gain.setflags(write=False)
    return gain


def moving_mean(x: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Centred moving average over an odd number of samples near `width`, ends repeated, shape (n,)."""
    n = max(1, round(width)) | 1
    sums = np.cumsum(np.pad(x, (n // 2 + 1, n // 2), mode="edge"))
    return (sums[n:] - sums[:-n]) / n


def _fast_size(least: float) -> int:
    """The smallest even 2^a, 3 * 2^a or 5 * 2^a that is not below `least`."""
    return min(m << max(1, int(np.ceil(np.log2(max(least, 2.0) / m)))) for m in (1, 3, 5))
