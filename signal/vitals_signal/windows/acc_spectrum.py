"""Spectra and autocorrelations of the accelerometer feature vector, from one real FFT per signal.

Laws of this file:
1. What these features see ends at 10 Hz, so that 20 Hz and 100 Hz recordings of one motion give one vector. Where the
   rate cannot reach a band the value is NaN, never a narrower band under the same name.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vitals_signal.windows.acc_names import (
    AUTOCORRELATION,
    BANDS_HZ,
    FLAT,
    FLAT_G,
    NO_GRAVITY,
    RATE,
    SHORT,
    SPECTRUM,
    WHOLE_SEQUENCE,
    Codes,
    Floats,
)

_LOW_HZ, _HIGH_HZ = BANDS_HZ[0][0], BANDS_HZ[-1][1]
_SHORTEST_S: Final = 1.0
_LAG_STEP_S: Final = 0.025
_LAGS_S: Final = (0.25, 2.0)
_TINY: Final = 1e-300


def add_frequency(
    centred: Floats,
    fs: float,
    gravity: Floats,
    signal: Floats,
    code: Codes,
    values: Floats,
    codes: Codes,
    column: dict[str, int],
    whole: dict[str, int],
) -> None:
    """Fill in what comes from the spectra of `centred`, (windows, 4, n), and along `gravity`, (windows, 3)."""
    w, _, n = centred.shape
    seconds = n / fs
    spectral = [column[name] for name in (*SPECTRUM, *AUTOCORRELATION)]
    directed = [whole[name] for name in WHOLE_SEQUENCE[5:]]
    first, last = int(np.ceil(_LOW_HZ * seconds - 1e-9)), int(np.floor(min(_HIGH_HZ, 0.5 * fs) * seconds + 1e-9))
    first = max(first, 1)
    if seconds < _SHORTEST_S or last - first < 4:
        code[..., spectral] = codes[:, directed] = SHORT if seconds < _SHORTEST_S else RATE
        return
    # A Hann taper is a convolution with (-1/4, 1/2, -1/4) in frequency: no second pass over the samples.
    raw = np.fft.rfft(centred, axis=-1)
    if last + 1 >= raw.shape[-1]:
        mirrored = np.conj(raw[..., n - raw.shape[-1] : n - raw.shape[-1] + 1])
        raw = np.concatenate((raw, mirrored), -1)
    tapered = 0.5 * raw[..., first : last + 1] - 0.25 * (raw[..., first - 1 : last] + raw[..., first + 1 : last + 2])
    upright = np.einsum("wa,wak->wk", gravity, tapered[:, :3])
    # One-sided, and 3/8 is the mean square of the taper: the sum over all bins is the variance.
    scale = 2.0 / (0.375 * n * n)
    power = np.empty((w, 6, last - first + 1))
    np.multiply(np.square(tapered.real) + np.square(tapered.imag), scale, out=power[:, :4])
    power[:, 4] = (np.square(upright.real) + np.square(upright.imag)) * scale
    power[:, 5] = np.maximum(power[:, :3].sum(1) - power[:, 4], 0.0)
    hz = np.arange(first, last + 1) / seconds
    total = power.sum(-1)
    quiet = total <= FLAT_G**2
    safe = np.where(quiet, 1.0, total)
    dominant_hz, dominant_share = _dominant(power, safe, hz)

    p, s = power[:, :4], safe[:, :4]
    signal[..., column["power"]] = total[:, :4]
    signal[..., column["dominant_hz"]] = dominant_hz[:, :4]
    signal[..., column["dominant_share"]] = dominant_share[:, :4]
    log_power = np.log(np.maximum(p / s[..., None], 1e-30))
    share = p / s[..., None]
    k = p.shape[-1]
    signal[..., column["spectral_entropy"]] = -np.einsum("wsk,wsk->ws", share, log_power) / np.log(k)
    signal[..., column["flatness"]] = np.exp(log_power.mean(-1)) * k
    centroid = share @ hz
    signal[..., column["centroid_hz"]] = centroid
    signal[..., column["spread_hz"]] = np.sqrt(np.maximum(share @ hz**2 - centroid**2, 0.0))
    rising = np.cumsum(share, -1)
    signal[..., column["edge_hz"]] = hz[np.minimum((rising < 0.95 * rising[..., -1:]).sum(-1), k - 1)]
    for name, (low, high) in zip(SPECTRUM[8:], BANDS_HZ, strict=True):
        inside = (hz >= low) & ((hz < high) | (high == _HIGH_HZ))
        signal[..., column[name]] = share[..., inside].sum(-1)
        if high > 0.5 * fs + 1e-9:
            code[..., column[name]] = RATE
    code[..., spectral[1:]] = np.maximum(code[..., spectral[1:]], np.where(quiet[:, :4, None], FLAT, 0))
    _autocorrelation(p, first, seconds, signal, code, column)

    values[:, directed] = np.stack((total, dominant_hz, dominant_share), -1)[:, 4:].reshape(w, 6)
    lost = np.repeat(quiet[:, 4:, None] * FLAT, 3, -1)
    lost[..., 0] = 0
    fallen = np.einsum("wa,wa->w", gravity, gravity) < 0.5
    codes[:, directed] = np.where(fallen[:, None], NO_GRAVITY, lost.reshape(w, 6))


def _dominant(power: Floats, total: Floats, hz: Floats) -> tuple[Floats, Floats]:
    """Frequency of the highest bin, refined by a parabola over its neighbours' logarithms, and their share of power."""
    k = power.shape[-1]
    top = np.clip(power.argmax(-1), 1, k - 2)
    near = np.take_along_axis(power, top[..., None] + np.array([-1, 0, 1]), -1)
    share = near.sum(-1) / total
    a, b, c = np.moveaxis(np.log(np.maximum(near, _TINY)), -1, 0)
    bend = a - 2 * b + c
    shift = np.where(bend < 0, 0.5 * (a - c) / np.where(bend < 0, bend, 1.0), np.sign(c - a))
    return hz[top] + np.clip(shift, -1.0, 1.0) * (hz[1] - hz[0]), share


def _autocorrelation(
    power: Floats, first: int, seconds: float, signal: Floats, code: Codes, column: dict[str, int]
) -> None:
    """From the tapered spectrum, divided by the taper's own autocorrelation (Boersma 1993), over lags of 0.25..2 s."""
    points = max(2 * (first + power.shape[-1]), round(seconds / _LAG_STEP_S))
    step = seconds / points
    low = int(np.ceil(_LAGS_S[0] / step - 1e-9))
    high = int(min(_LAGS_S[1], seconds / 3) / step + 1e-9)
    names = [column[name] for name in AUTOCORRELATION]
    if high - low < 2:
        code[..., names] = SHORT
        return
    spectrum = np.zeros((*power.shape[:-1], points // 2 + 1))
    spectrum[..., first : first + power.shape[-1]] = power
    acf = np.fft.irfft(spectrum, points, axis=-1)[..., : high + 2]
    zero = np.maximum(acf[..., :1], _TINY)
    # Circular autocorrelation of a Hann taper: 1/4 + cos(2 pi lag) / 8 over 3/8.
    taper = (2.0 + np.cos(2 * np.pi * np.arange(high + 2) / points)) / 3.0
    r = acf / zero / taper
    inner = r[..., low : high + 1]
    peak = (inner >= r[..., low - 1 : high]) & (inner > r[..., low + 1 : high + 2])
    found = peak.any(-1)
    at = np.where(found[..., None] & ~peak, -np.inf, inner).argmax(-1) + low
    a, b, c = np.moveaxis(np.take_along_axis(r, at[..., None] + np.array([-1, 0, 1]), -1), -1, 0)
    bend = a - 2 * b + c
    shift = np.where((bend < 0) & found, 0.5 * (a - c) / np.where(bend < 0, bend, 1.0), 0.0)
    signal[..., column["acf_peak"]] = b - 0.25 * (a - c) * shift
    signal[..., column["acf_peak_s"]] = (at + shift) * step
    signal[..., column["acf_min"]] = r[..., : high + 1].min(-1)
