"""Power densities of NN intervals: Welch's, Lomb's and of an autoregressive model.

Laws of this file:
1. A density is one-sided, in ms^2/Hz, and its integral is the variance of what went in; a convention may ask for
   another scale.
2. Stretches between gaps are resampled each by itself; their densities are averaged by their length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals_signal.rr.autoregression import ar_density, burg, yule_walker
from vitals_signal.rr.conventions import Convention
from vitals_signal.rr.lomb import lomb_scargle
from vitals_signal.rr.spline import cubic_spline
from vitals_signal.rr.stretches import Stretch

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PowerDensity:
    """A one-sided power density at evenly spaced frequencies."""

    frequency_hz: Floats  # (n,)
    ms2_per_hz: Floats  # (n,)
    seconds: float
    """The longest piece of signal that went into one transform: nothing slower than 1 / seconds can be told."""


def tachogram(stretch: Stretch, convention: Convention) -> Floats:
    """NN(t) of one stretch at `convention.rate_hz`, ms, from its first beat on; empty if there are fewer than 4."""
    t, x, step = stretch.t_s - stretch.t_s[0], stretch.nn_ms, 1.0 / convention.rate_hz
    if len(x) < 4:
        return np.empty(0)
    at = np.arange(0.0, t[-1] + (step if convention.rate_to_end else 0.0), step)
    if convention.interpolation == "linear":
        return np.asarray(np.interp(at, t, x), np.float64)
    if convention.interpolation == "cubic":
        return cubic_spline(t, x, at)
    from scipy.interpolate import make_interp_spline

    inside = at <= t[-1]
    out = np.full(len(at), x[-1])
    out[inside] = make_interp_spline(t, x, k=2)(at[inside])
    return out


def welch_density(parts: list[Stretch], convention: Convention) -> PowerDensity | None:
    """Mean of the periodograms of segments that overlap by half (P. D. Welch, IEEE Trans. Audio Electroacoust. 15,
    1967, doi 10.1109/TAU.1967.1161901); None where there is no stretch of `_SHORTEST_S`."""
    signals = _signals(parts, convention)
    if not signals:
        return None
    fs = convention.rate_hz
    lengths = [_segment_samples(len(x), convention) for x, _ in signals]
    longest = max(lengths)
    # A stretch of half the length has half the resolution and would blur the rest.
    kept = [(x, mean, n) for (x, mean), n in zip(signals, lengths, strict=True) if n >= 0.5 * longest]
    if convention.nfft is not None:
        nfft = max(convention.nfft, longest)
    else:
        nfft = 2 * longest if convention.segment == "half" else 1 << (longest - 1).bit_length()
    total, weight = np.zeros(nfft // 2 + 1), 0.0
    for x, mean, n in kept:
        power, count = _segments_power(x, mean, n, nfft, convention)
        total += power * (n / fs)
        weight += count * (n / fs)
    return _above_lowest(
        np.arange(nfft // 2 + 1, dtype=np.float64) * (fs / nfft), total / weight, signals, longest / fs, convention
    )


def _segment_samples(n: int, convention: Convention) -> int:
    if convention.segment == "half":
        return n // 2
    if n < convention.whole_below_s * convention.rate_hz:
        return n
    return min(n, round(convention.segment * convention.rate_hz))


def _segments_power(x: Floats, mean_ms: float, n: int, nfft: int, convention: Convention) -> tuple[Floats, int]:
    """Sum of the densities of all segments of one stretch, and their number."""
    hop = n - n // 2
    starts = np.arange(0, len(x) - n + 1, hop)
    if convention.tail and starts[-1] + n < len(x):
        starts = np.append(starts, len(x) - n)
    phase = 2.0 * np.pi * np.arange(n) / n
    window = 0.5 - 0.5 * np.cos(phase) if convention.window == "hann" else 0.54 - 0.46 * np.cos(phase)
    scale = 2.0 / (convention.rate_hz * float(window @ window))
    total = np.zeros(nfft // 2 + 1)
    for first in range(0, len(starts), 64):  # a day at once would need 100 MB
        rows = x[starts[first : first + 64, None] + np.arange(n)]
        means = rows.mean(axis=1, keepdims=True)
        if convention.detrend != "none":
            rows = rows - means
        if convention.detrend == "linear":
            line = np.arange(n) - 0.5 * (n - 1)
            rows = rows - (rows @ line / (line @ line))[:, None] * line
        spectrum = np.fft.rfft(rows * window, nfft, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        if convention.gain_removed:
            rate = 1000.0 / np.maximum(mean_ms + means, 1.0)
            power = _without_gain(power, rate, convention.rate_hz / nfft)
        total += power.sum(axis=0)
    total *= scale
    total[0] *= 0.5
    if nfft % 2 == 0:
        total[-1] *= 0.5
    return total, len(starts)


def ar_model_density(parts: list[Stretch], convention: Convention) -> PowerDensity | None:
    """Density of an autoregressive model of each tachogram, mean taken out; None where there is no stretch."""
    signals = _signals(parts, convention)
    if not signals:
        return None
    fit = burg if convention.ar_method == "burg" else yule_walker
    longest = max(len(x) for x, _ in signals)
    nfft = convention.ar_nfft if convention.ar_nfft is not None else 2 * (longest // 2)
    total, weight = np.zeros(nfft // 2 + 1), 0.0
    for x, mean in signals:
        a, variance = fit(_without_trend(x, convention), convention.ar_order)
        frequency, density = ar_density(a, variance, convention.rate_hz, nfft)
        if convention.gain_removed:
            density = _without_gain(density[None], np.array([[1000.0 / mean]]), convention.rate_hz / nfft)[0]
        total += density * len(x)
        weight += len(x)
    return _above_lowest(frequency, total / weight, signals, longest / convention.rate_hz, convention)


def _above_lowest(
    frequency: Floats, density: Floats, signals: list[tuple[Floats, float]], seconds: float, convention: Convention
) -> PowerDensity:
    lowest = convention.lowest_cycles * convention.rate_hz / max(len(x) for x, _ in signals)
    if convention.unit == "peak":
        density = density / max(float(density.max()), 1e-300)
    above = frequency >= lowest
    return PowerDensity(frequency[above], density[above], seconds)


def _without_gain(power: Floats, rate_hz: Floats, step_hz: float) -> Floats:
    """Densities of tachograms (k, n) at rates (k, 1) as the beats had them, 0 above half the rate.

    A cardinal cubic spline passes sinc(x)^4 / sum_j sinc(x - j)^4 of an amplitude at x cycles per beat, and the sum is
    (2 + cos 2 pi x) / 3 (M. Unser, IEEE Signal Process. Mag. 16(6), 1999, doi 10.1109/79.799930).
    """
    n = min(int(0.5 * float(rate_hz.max()) / step_hz) + 1, power.shape[1])
    x = np.arange(n) * step_hz / rate_hz
    gain = 3.0 * np.sinc(x) ** 4 / (2.0 + np.cos(2.0 * np.pi * x))
    out = np.zeros_like(power)
    out[:, :n] = np.where(x <= 0.5, power[:, :n] / np.maximum(gain, 0.1) ** 2, 0.0)
    return out


def _without_trend(x: Floats, convention: Convention) -> Floats:
    x = x - x.mean()
    if convention.detrend == "linear":
        line = np.arange(len(x)) - 0.5 * (len(x) - 1)
        x = x - (x @ line / (line @ line)) * line
    return x


def lomb_density(
    parts: list[Stretch], convention: Convention, *, placed: bool, top_hz: float | None = None
) -> PowerDensity | None:
    """Density from the Lomb periodogram up to `top_hz`, by default the end of the highest band.

    `placed`: the stretches lie on one time axis and are one series; else each has a periodogram of its own.
    """
    kept = parts
    if placed and kept:
        kept = [Stretch(np.concatenate([part.t_s for part in kept]), np.concatenate([part.nn_ms for part in kept]))]
    kept = [part for part in kept if part.duration_s >= SHORTEST_S and len(part.nn_ms) >= 4]
    if not kept:
        return None
    longest = max(float(part.t_s[-1] - part.t_s[0]) for part in kept)
    top = top_hz if top_hz is not None else max(band[1] for band in convention.bands.values())
    step = {"1/T": 1.0 / longest, "1/1024": 1.0 / 1024.0, "1/5T": 0.2 / longest}[convention.lomb_step]
    start = min(band[0] for band in convention.bands.values()) if convention.lomb_step == "1/5T" else None
    first = step if start is None else start
    n = 1 + round((top - first) / step)
    total, weight = np.zeros(n), 0.0
    for part in kept:
        x = part.nn_ms - part.nn_ms.mean()
        power = lomb_scargle(part.t_s, x, step, n, start_hz=start, floating_mean=convention.lomb_floating_mean)
        if convention.lomb_scale == "density":
            # Observed time per interval: gaps count for nothing.
            power = power * (2.0 * part.duration_s / len(x))
        elif convention.lomb_scale == "twice":
            power = power * 2.0
        total += power * part.duration_s
        weight += part.duration_s
    if convention.unit == "peak":
        total = total / max(float(total.max()), 1e-300) * weight
    return PowerDensity(first + step * np.arange(n, dtype=np.float64), total / weight, longest)


SHORTEST_S = 30.0
"""No stretch below this many seconds says anything about rhythms of 0.04 Hz and up."""


def _signals(parts: list[Stretch], convention: Convention) -> list[tuple[Floats, float]]:
    """Tachograms without their mean, and that mean."""
    out = []
    for part in parts:
        x = tachogram(part, convention) if part.duration_s >= SHORTEST_S else np.empty(0)
        if len(x) < 16:
            continue
        mean = float(x.mean())
        smooth = convention.detrend == "smoothness-priors"
        out.append((smoothness_priors(x, convention.detrend_lambda) if smooth else x - mean, mean))
    return out


def smoothness_priors(x: Floats, strength: float) -> Floats:
    """x less its trend, the trend being (I + strength^2 D2' D2)^-1 x with D2 the second difference.

    Source: M. P. Tarvainen et al., IEEE Trans. Biomed. Eng. 49, 2002, doi 10.1109/10.979357. O(n).
    """
    from scipy.linalg import solveh_banded

    n, s = len(x), strength * strength
    bands = np.zeros((3, n))
    bands[2] = 1.0
    for j, c in enumerate((1.0, -2.0, 1.0)):
        bands[2, j : n - 2 + j] += s * c * c
    bands[1, 1 : n - 1] += -2.0 * s
    bands[1, 2:] += -2.0 * s
    bands[0, 2:] = s
    return np.asarray(x - solveh_banded(bands, x), np.float64)
