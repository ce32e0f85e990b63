"""R peaks of an ECG, offline.

Laws of this file:
1. Polarity, gain and offset of the lead do not matter: everything is decided on the envelope of the QRS band, against
   the envelope around it. No number depends on the record or the lead.
2. Where there are no samples (NaN) there are no beats, and nothing is raised.

The detector is our own, from parts well tried since Pan & Tompkins 1985 (doi 10.1109/TBME.1985.325532): QRS band,
smoothed magnitude, adaptive threshold, T-wave rule, search back. Thresholds follow a running median of block maxima, so
neither an electrode spike nor a loud minute silences what comes after it. Its numbers were chosen with MIT-BIH (de
Chazal's DS1) and CPSC 2021 in view, one set for all; each may move by a fifth without F1 leaving 99.8 % on the former.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.ecg.bands import QRS_BAND_HZ, WAVE_BAND_HZ, moving_mean, prepare, split_bands
from vitals_signal.ecg.refinement import vertex

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
_INTRUDER_SPAN: Final = 1.25  # of the median interval around, from the beat before to the beat after
_INTRUDER_SHARE: Final = 0.60  # of the lower of its neighbours
_SNAP_S: Final = 0.08


def detect_r_peaks(ecg_mv: ArrayLike, fs: float) -> NDArray[np.int64]:
    """Sample indices of the R peaks (the largest deflection of each QRS complex, either sign), ascending, shape (k,).

    `ecg_mv`: one lead, shape (n,), any linear unit; NaN where samples are missing. `fs`: Hz, 50 or more makes sense.

    An empty, flat or all-NaN input gives no peaks. Noise gives peaks that mean nothing: ask `sqi_ecg` first.
    Raises ValueError where `fs` is not a finite number above 0 or `ecg_mv` is not one-dimensional.
    """
    ecg, void = prepare(ecg_mv, fs)
    if len(ecg) < 3:
        return np.empty(0, np.int64)
    (qrs, wave), step = split_bands(ecg, fs, (QRS_BAND_HZ, WAVE_BAND_HZ))
    rate = fs / step
    # What the filter leaves of a straight line is rounding, not a heart beat.
    beats = beat_tops(qrs, rate, 1e-9 * float(np.abs(ecg).max()))
    tops = _largest_deflection(wave, beats, rate)
    peaks = np.unique(np.clip(np.rint(tops * step), 0, len(ecg) - 1)).astype(np.int64)
    return peaks[~void[peaks]]


def beat_tops(band: NDArray[np.float64], rate: float, least: float) -> NDArray[np.int64]:
    """Tops of the envelope of a QRS band, one per beat, shape (k,); none of them below `least`."""
    envelope = moving_mean(moving_mean(np.abs(band), _ENVELOPE_S[0] * rate), _ENVELOPE_S[1] * rate)
    at, height, level = _candidates(envelope, rate, least)
    at, height, level = _refractory(at, height, level, _REFRACTORY_S * rate)
    chosen = _without_t_waves(at, height, np.flatnonzero(height > _THRESHOLD * level), rate)
    kept = _without_intruders(at, height, np.array(chosen, np.intp))
    return at[_search_back(at, height, kept, rate)]


def _candidates(
    envelope: NDArray[np.float64], fs: float, least: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Local maxima of the envelope that search back may still take: index, height and level around, shape (m,) each."""
    inner = envelope[1:-1]
    at = np.flatnonzero((inner > envelope[:-2]) & (inner >= envelope[2:])) + 1
    block = max(1, int(_BLOCK_S * fs))
    starts = np.arange(0, len(envelope), block)
    level = _running_median(np.maximum.reduceat(envelope, starts), _LEVEL_BLOCKS)
    noise = _running_median(_block_medians(envelope, block), _LEVEL_BLOCKS)
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
    places, heights = at.tolist(), height.tolist()
    last, before = -_T_WAVE_S * fs, 0.0
    for k in chosen.tolist():
        place, now = places[k], heights[k]
        if place - last < _T_WAVE_S * fs:
            if now < _T_WAVE_SHARE * before:
                continue
            if before < _T_WAVE_SHARE * now:
                kept.pop()
        kept.append(k)
        last, before = place, now
    return kept


def _without_intruders(at: NDArray[np.int64], height: NDArray[np.float64], kept: NDArray[np.intp]) -> NDArray[np.intp]:
    """Something small that splits an interval of usual length is no beat, but a T wave, muscle or a loose electrode."""
    if len(kept) < 4:
        return kept
    gaps = np.diff(at[kept]).astype(np.float64)
    usual = _running_median(gaps, _LEVEL_BLOCKS)[1:]
    intruder = gaps[:-1] + gaps[1:] < _INTRUDER_SPAN * usual
    intruder &= height[kept[1:-1]] < _INTRUDER_SHARE * np.minimum(height[kept[:-2]], height[kept[2:]])
    return np.delete(kept, np.flatnonzero(intruder) + 1)


def _search_back(
    at: NDArray[np.int64], height: NDArray[np.float64], kept: NDArray[np.intp], fs: float
) -> NDArray[np.intp]:
    """Where a beat is overdue, the highest of the weaker candidates is taken for it."""
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


def _largest_deflection(wave: NDArray[np.float64], at: NDArray[np.int64], fs: float) -> NDArray[np.float64]:
    """From the top of the envelope to the largest deflection near it, between the samples; shape (k,)."""
    reach = max(1, round(_SNAP_S * fs))
    window = np.clip(at[:, None] + np.arange(-reach, reach + 1), 0, len(wave) - 1)
    best = window[np.arange(len(at)), np.argmax(np.abs(wave[window]), axis=1)]
    return vertex(wave, best)


def _block_medians(x: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Medians of successive blocks, the last one of what is left, shape (ceil(n / size),)."""
    whole = len(x) - len(x) % size
    medians = np.median(x[:whole].reshape(-1, size), axis=1)
    return np.append(medians, np.median(x[whole:])) if whole < len(x) else medians


def _running_median(x: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Centred over `n` values (odd), ends repeated, shape (len(x),)."""
    return np.median(np.lib.stride_tricks.sliding_window_view(np.pad(x, n // 2, mode="edge"), n), axis=1)
