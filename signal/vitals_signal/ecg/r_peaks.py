"""R peaks of an ECG, offline, and how far the ECG can be trusted.

Laws of this file:
1. Polarity, gain and offset of the lead do not matter: everything is decided on the envelope of the QRS band, against
   the envelope around it. No number depends on the record or the lead.
2. Where there are no samples (NaN) there are no beats, and nothing is raised.

The detector is our own, from parts well tried since Pan & Tompkins 1985 (doi 10.1109/TBME.1985.325532): QRS band,
smoothed magnitude, adaptive threshold, T-wave rule, search back. Thresholds follow a running median of block maxima, so
neither an electrode spike nor a loud minute silences what comes after it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

_QRS_BAND_HZ: Final = (8.0, 25.0)
_ENVELOPE_S: Final = (0.11, 0.055)  # two moving averages in a row
_BLOCK_S: Final = 1.4  # a block holds a beat at any rate above 43 bpm
_LEVEL_BLOCKS: Final = 9
_THRESHOLD: Final = 0.33  # of the level
_SEARCH_BACK: Final = 0.15  # of the level, where a beat is overdue
_ABOVE_NOISE: Final = 2.5  # times the median envelope, likewise
_OVERDUE: Final = 1.4  # times the median interval around
_REFRACTORY_S: Final = 0.25
_T_WAVE_S: Final = 0.38
_T_WAVE_SHARE: Final = 0.40  # of the QRS before it
_SNAP_S: Final = 0.08
_LARGEST: Final = 1e12  # no converter gives more steps: beyond is garbage, and its square would overflow
_CHUNK_S: Final = 300.0
_MARGIN_S: Final = 2.0


def detect_r_peaks(ecg_mv: ArrayLike, fs: float) -> NDArray[np.int64]:
    """Sample indices of the R peaks (the largest deflection of each QRS complex, either sign), ascending, shape (k,).

    `ecg_mv`: one lead, shape (n,), any linear unit; NaN where samples are missing. `fs`: Hz, 50 or more makes sense.

    An empty, flat or all-NaN input gives no peaks. Noise gives peaks that mean nothing: ask `sqi_ecg` first.
    Raises ValueError where `fs` is not a finite number above 0 or `ecg_mv` is not one-dimensional.
    """
    ecg, void = prepare(ecg_mv, fs)
    if len(ecg) < 3:
        return np.empty(0, np.int64)
    qrs = qrs_band(ecg, fs)
    envelope = _box(_box(np.abs(qrs), _ENVELOPE_S[0] * fs), _ENVELOPE_S[1] * fs)
    # What the filter leaves of a straight line is rounding, not a heart beat.
    at, height, level = _candidates(envelope, fs, 1e-9 * float(np.abs(ecg).max()))
    at, height, level = _refractory(at, height, level, _REFRACTORY_S * fs)
    chosen = _without_t_waves(at, height, np.flatnonzero(height > _THRESHOLD * level), fs)
    peaks = _snap(qrs, at[_search_back(at, height, chosen, fs)], fs)
    return peaks[~void[peaks]]


def refine_r_peaks(ecg_mv: ArrayLike, fs: float, peaks: ArrayLike) -> NDArray[np.float64]:
    """Positions of R peaks between the samples, shape (k,), by a parabola through the three samples around each peak.

    It matters below 250 Hz: at 125 Hz rounding to samples alone makes an RMSSD of 6 ms. A peak at an end, beside a NaN
    or without curvature stays where it is. Raises ValueError like `detect_r_peaks`, or where a peak lies outside.
    """
    ecg, void = prepare(ecg_mv, fs)
    index = np.asarray(peaks, np.int64)
    if len(index) and (index.min() < 0 or index.max() >= len(ecg)):
        raise ValueError(f"peaks must lie within 0..{len(ecg) - 1}")
    inner = (index > 0) & (index < len(ecg) - 1)
    mid = index[inner]
    left, centre, right = ecg[mid - 1], ecg[mid], ecg[mid + 1]
    bend = left - 2.0 * centre + right
    shift = np.divide(0.5 * (left - right), bend, out=np.zeros(len(mid)), where=np.abs(bend) > 0)
    shift[void[mid - 1] | void[mid] | void[mid + 1]] = 0.0
    out = index.astype(np.float64)
    out[inner] += np.clip(shift, -0.5, 0.5)
    return out


def prepare(ecg_mv: ArrayLike, fs: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The samples with missing ones bridged, shape (n,), and where they are missing."""
    if not (np.isfinite(fs) and fs > 0):
        raise ValueError(f"fs must be a finite number above 0 Hz, got {fs}")
    ecg = np.array(ecg_mv, np.float64)
    if ecg.ndim != 1:
        raise ValueError(f"ecg_mv must have one dimension, got shape {ecg.shape}")
    void = ~(np.abs(ecg) <= _LARGEST)  # also true for NaN
    if void.all():
        return np.zeros(len(ecg)), void
    if void.any():
        at = np.arange(len(ecg))
        ecg[void] = np.interp(at[void], at[~void], ecg[~void])
    return ecg - float(np.median(ecg)), void


def qrs_band(ecg: NDArray[np.float64], fs: float) -> NDArray[np.float64]:
    """Zero-phase band-pass; in chunks, so that a day of ECG needs no more memory than its own size."""
    low, high = _QRS_BAND_HZ
    margin, chunk = int(_MARGIN_S * fs) + 1, int(_CHUNK_S * fs) + 1
    size = 1 << int(np.ceil(np.log2(min(chunk, len(ecg)) + 2 * margin)))
    f = np.fft.rfftfreq(size, 1.0 / fs)
    gain = (1.0 - 1.0 / (1.0 + (f / low) ** 4)) / (1.0 + (f / high) ** 6)
    out = np.empty(len(ecg))
    padded = np.pad(ecg, margin, mode="reflect" if len(ecg) > margin else "edge")
    for start in range(0, len(ecg), chunk):
        stop = min(start + chunk, len(ecg))
        piece = np.fft.irfft(np.fft.rfft(padded[start : stop + 2 * margin], size) * gain, size)
        out[start:stop] = piece[margin : margin + stop - start]
    return out


def _box(x: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Centred moving average over an odd number of samples near `width`, shape (n,)."""
    n = max(1, round(width)) | 1
    sums = np.cumsum(np.pad(x, (n // 2 + 1, n // 2), mode="edge"))
    return (sums[n:] - sums[:-n]) / n


def _candidates(
    envelope: NDArray[np.float64], fs: float, least: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Local maxima of the envelope that search back may still take: index, height and level around, shape (m,) each."""
    inner = envelope[1:-1]
    at = np.flatnonzero((inner > envelope[:-2]) & (inner >= envelope[2:])) + 1
    block = max(1, int(_BLOCK_S * fs))
    starts = np.arange(0, len(envelope), block)
    level = _running_median(np.maximum.reduceat(envelope, starts), _LEVEL_BLOCKS)
    noise = _running_median(np.array([np.median(envelope[a : a + block]) for a in starts]), _LEVEL_BLOCKS)
    around = np.interp(at, starts + block / 2, level)
    floor = np.maximum(_SEARCH_BACK * around, _ABOVE_NOISE * np.interp(at, starts + block / 2, noise))
    keep = envelope[at] > np.maximum(np.minimum(floor, _THRESHOLD * around), least)
    return at[keep], envelope[at[keep]], around[keep]


def _refractory(
    at: NDArray[np.int64], height: NDArray[np.float64], level: NDArray[np.float64], distance: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Of candidates closer than `distance` the higher one stays; highest first, each clears its surroundings."""
    while True:
        near = np.diff(at) < distance
        if not near.any():
            return at, height, level
        falls = near & (height[1:] <= height[:-1])
        rises = near & ~falls
        beaten = np.append(rises, False) | np.insert(falls, 0, False)
        # A candidate goes only once the one that beats it is itself unbeaten: otherwise a chain would vanish whole.
        gone = np.append(rises & ~beaten[1:], False) | np.insert(falls & ~beaten[:-1], 0, False)
        at, height, level = at[~gone], height[~gone], level[~gone]


def _without_t_waves(
    at: NDArray[np.int64], height: NDArray[np.float64], chosen: NDArray[np.intp], fs: float
) -> list[int]:
    """Soon after a QRS complex, something much smaller is its T wave."""
    kept: list[int] = []
    for k in chosen.tolist():
        if kept and at[k] - at[kept[-1]] < _T_WAVE_S * fs:
            if height[k] < _T_WAVE_SHARE * height[kept[-1]]:
                continue
            if height[kept[-1]] < _T_WAVE_SHARE * height[k]:
                kept.pop()
        kept.append(k)
    return kept


def _search_back(at: NDArray[np.int64], height: NDArray[np.float64], chosen: list[int], fs: float) -> NDArray[np.intp]:
    """Where a beat is overdue, the highest of the weaker candidates is taken for it."""
    kept = np.array(chosen, np.intp)
    if len(kept) < 4:
        return kept
    gaps = np.diff(at[kept])
    found = []
    for k in np.flatnonzero(gaps > _OVERDUE * _running_median(gaps.astype(np.float64), _LEVEL_BLOCKS)).tolist():
        first, last = kept[k], kept[k + 1]
        between = np.arange(first + 1, last)
        between = between[(at[between] - at[first] > _T_WAVE_S * fs) & (at[last] - at[between] > _T_WAVE_S * fs)]
        if len(between):
            found.append(int(between[np.argmax(height[between])]))
    return np.sort(np.append(kept, found)).astype(np.intp)


def _snap(qrs: NDArray[np.float64], at: NDArray[np.int64], fs: float) -> NDArray[np.int64]:
    """From the top of the envelope to the largest deflection near it."""
    reach = max(1, round(_SNAP_S * fs))
    window = np.clip(at[:, None] + np.arange(-reach, reach + 1), 0, len(qrs) - 1)
    best = window[np.arange(len(at)), np.argmax(np.abs(qrs[window]), axis=1)]
    return np.unique(best).astype(np.int64)


def _running_median(x: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Centred over `n` values (odd), ends repeated, shape (len(x),)."""
    return np.median(np.lib.stride_tricks.sliding_window_view(np.pad(x, n // 2, mode="edge"), n), axis=1)
