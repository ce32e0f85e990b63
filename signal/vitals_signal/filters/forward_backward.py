"""Filters without delay for recordings: the twins of `FilterStream`.

Law: a run of samples between gaps is filtered by itself; NaN stays NaN, and nothing is carried over it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.filters.design import Sections, butterworth, notch
from vitals_signal.filters.filter_stream import FilterStream

Floats = NDArray[np.float64]


def zero_phase(sections: Sections, x: ArrayLike) -> Floats:
    """Forward, then backward (Gustafsson 1996 calls it filtfilt): no phase, the gain squared; shape of `x`, (n,).

    Ends are continued by their point reflection over three periods of the slowest pole, or as far as the run goes;
    each pass starts settled on its first sample. Raises ValueError like `FilterStream`.
    """
    signal = np.asarray(x, np.float64)
    if signal.ndim != 1:
        raise ValueError(f"x must have one dimension, got shape {signal.shape}")
    out = np.full(len(signal), np.nan)
    good = np.isfinite(signal)
    edges = np.flatnonzero(np.diff(good)) + 1
    reach = _memory(sections)
    for start, stop in zip(np.append(0, edges), np.append(edges, len(signal)), strict=True):
        if stop > start and good[start]:
            out[start:stop] = _run(sections, signal[start:stop], min(reach, int(stop - start) - 1))
    return out


def remove_baseline(x: ArrayLike, fs: float, cut_hz: float = 0.5) -> Floats:
    """Take out what is slower than `cut_hz` (an ECG's electrodes and breath), zero phase; shape of `x`, (n,).

    Butterworth of order 2 forward and backward, -6 dB at `cut_hz`; 0.5 Hz keeps the ST segment (AHA 2007, doi
    10.1161/CIRCULATIONAHA.106.180200, allows 0.67 Hz without phase). The causal twin is
    `FilterStream(butterworth(2, cut_hz, fs, "high"))`. Raises ValueError where `cut_hz` is not below fs / 2.
    """
    return zero_phase(butterworth(2, cut_hz, fs, "high"), x)


def remove_powerline(x: ArrayLike, fs: float, mains_hz: float = 50.0) -> Floats:
    """Take out the mains and its harmonics up to the third, as `fs` holds them; zero phase; shape of `x`, (n,).

    The causal twin is `FilterStream(powerline_notches(fs, mains_hz))`. Raises ValueError where `mains_hz` is not below
    fs / 2.
    """
    return zero_phase(powerline_notches(fs, mains_hz), x)


def powerline_notches(fs: float, mains_hz: float = 50.0) -> Sections:
    """Notches of quality 30 at `mains_hz` and its second and third harmonic, as far as below fs / 2.

    Raises ValueError where `mains_hz` is not below fs / 2.
    """
    sections = notch(mains_hz, fs)
    for harmonic in (2.0 * mains_hz, 3.0 * mains_hz):
        if harmonic < 0.98 * fs / 2:
            sections += notch(harmonic, fs)
    return sections


def _run(sections: Sections, x: Floats, reach: int) -> Floats:
    before = 2.0 * x[0] - x[reach:0:-1]
    after = 2.0 * x[-1] - x[-2 : -reach - 2 : -1]
    forward = FilterStream(sections).update(np.concatenate((before, x, after)))
    backward = FilterStream(sections).update(forward[::-1])[::-1]
    return backward[reach : reach + len(x)]


def _memory(sections: Sections) -> int:
    """Samples until the slowest pole has fallen to e^-3 of its start, at most a million."""
    radius = max(float(np.abs(np.roots((1.0, a1, a2))).max()) for *_, a1, a2 in sections)
    return int(min(np.ceil(-3.0 / np.log(min(max(radius, 1e-3), 1 - 1e-9))), 1e6)) if radius < 1 else 1_000_000
