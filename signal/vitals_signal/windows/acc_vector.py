"""The kernel of the accelerometer feature vector: a block of windows at once.

Laws of this file:
1. Work is shared: one sort and one real FFT per signal serve all quantiles, spectra and autocorrelations.
2. Every NaN has a code that says why.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_signal.windows.acc_names import (
    ACC_VECTOR,
    AUTOCORRELATION,
    FLAT,
    FLAT_G,
    NO_GRAVITY,
    PER_SIGNAL,
    RATE,
    SHORT,
    SPECTRUM,
    WHOLE,
    WHOLE_SEQUENCE,
    Codes,
    Floats,
)
from vitals_signal.windows.acc_spectrum import add_frequency

_STILL_G: Final = 0.013  # sd of an axis at rest: van Hees 2014, doi 10.1152/japplphysiol.00421.2014
_JERK_S: Final = 0.05  # one sample at 20 Hz: a shorter step would make jerk grow with the rate
_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
_SPACINGS: Final = 16
_TINY: Final = 1e-300


def acc_vectors(xyz: Floats, fs: float) -> tuple[Floats, Codes]:
    """Feature vectors and their codes, each (windows, features), of gapless windows `xyz`, (windows, 3, n), in g."""
    w, _, n = xyz.shape
    x = np.empty((w, 4, n))
    x[:, :3] = xyz
    np.sqrt(np.einsum("wan,wan->wn", xyz, xyz), out=x[:, 3])
    values, codes = np.zeros((w, len(ACC_VECTOR))), np.zeros((w, len(ACC_VECTOR)), np.uint8)
    p = len(PER_SIGNAL)
    signal = values[:, : 4 * p].reshape(w, 4, p)
    code = codes[:, : 4 * p].reshape(w, 4, p)
    column = {name: j for j, name in enumerate(PER_SIGNAL)}
    whole = {name: 4 * p + j for j, name in enumerate((*WHOLE, *WHOLE_SEQUENCE))}

    mean = x.mean(-1)
    centred = x - mean[..., None]
    square = centred * centred
    m2 = square.mean(-1)
    flat = m2 <= FLAT_G**2
    safe = np.where(flat, 1.0, m2)
    signal[..., column["mean"]] = mean
    signal[..., column["sd"]] = np.sqrt(m2)
    signal[..., column["skewness"]] = np.einsum("wsn,wsn->ws", square, centred) / (n * safe**1.5)
    signal[..., column["kurtosis"]] = np.einsum("wsn,wsn->ws", square, square) / (n * safe**2) - 3.0
    signal[..., column["mean_deviation"]] = np.abs(centred).mean(-1)
    _order_statistics(x, signal, column, np.sqrt(safe))
    _sequence(centred, fs, signal, column)

    gravity_g, has_gravity = _whole(mean, centred, x[:, 3], values, codes, whole)
    _seconds(centred, square, mean, fs, values, codes, whole, has_gravity)

    gravity = mean[:, :3] / np.where(has_gravity, gravity_g, 1.0)[:, None]
    add_frequency(centred, fs, gravity, signal, code, values, codes, column, whole)

    shape = [column[name] for name in ("skewness", "kurtosis", "entropy", *SPECTRUM[1:], *AUTOCORRELATION)]
    code[..., shape] = np.where(flat[..., None], FLAT, code[..., shape])
    for pair, (i, j) in zip(WHOLE[:3], ((0, 1), (0, 2), (1, 2)), strict=True):
        codes[:, whole[pair]] = np.where(flat[:, i] | flat[:, j], FLAT, 0)
    all_flat = flat[:, :3].all(1)
    for name in ("axis_1_share", "axis_2_share"):
        codes[:, whole[name]] = np.where(all_flat, FLAT, 0)
    values[codes > 0] = np.nan
    return values, codes


def _order_statistics(x: Floats, signal: Floats, column: dict[str, int], sd: Floats) -> None:
    n = x.shape[-1]
    # Single precision halves the time of the sort and errs by 6e-8, far below any sensor's resolution.
    ordered = x.astype(np.float32)
    ordered.sort(axis=-1)

    def quantiles(q: Floats) -> Floats:
        at = q * (n - 1)
        low = at.astype(np.intp)
        high = np.minimum(low + 1, n - 1)
        below = ordered[..., low].astype(np.float64)
        result: Floats = below + (ordered[..., high] - below) * (at - low)
        return result

    signal[..., column["min"]] = ordered[..., 0]
    signal[..., column["max"]] = ordered[..., -1]
    signal[..., column["p10"] : column["p90"] + 1] = quantiles(np.array(_QUANTILES))
    # Vasicek's spacing estimate of the differential entropy of x / sd, in nats; spacings below 1e-4 sd are quantisation
    edges = quantiles(np.linspace(0, 1, _SPACINGS + 1)) / sd[..., None]
    signal[..., column["entropy"]] = np.log(np.maximum(np.diff(edges), 1e-4) * _SPACINGS).mean(-1)


def _sequence(centred: Floats, fs: float, signal: Floats, column: dict[str, int]) -> None:
    n = centred.shape[-1]
    above = centred > 0
    crossings = np.count_nonzero(above[..., 1:] != above[..., :-1], axis=-1)
    signal[..., column["crossing_hz"]] = crossings * fs / max(n - 1, 1)
    step = min(max(1, round(_JERK_S * fs)), n - 1)
    if step < 1:
        return
    jerk = centred[..., step:] - centred[..., :-step]
    scale = fs / step
    signal[..., column["jerk_rms"]] = np.sqrt(np.einsum("wsn,wsn->ws", jerk, jerk) / (n - step)) * scale
    signal[..., column["jerk_mean"]] = np.abs(jerk, out=jerk).mean(-1) * scale


def _whole(
    mean: Floats, centred: Floats, vm: Floats, values: Floats, codes: Codes, whole: dict[str, int]
) -> tuple[Floats, NDArray[np.bool_]]:
    n = vm.shape[-1]
    axes = centred[:, :3]
    covariance = np.empty((len(vm), 3, 3))
    for i in range(3):
        for j in range(i, 3):
            covariance[:, i, j] = covariance[:, j, i] = np.einsum("wn,wn->w", axes[:, i], axes[:, j]) / n
    variance = np.einsum("wii->wi", covariance)
    sd = np.sqrt(variance)
    for pair, (i, j) in zip(WHOLE[:3], ((0, 1), (0, 2), (1, 2)), strict=True):
        values[:, whole[pair]] = covariance[:, i, j] / np.maximum(sd[:, i] * sd[:, j], _TINY)
    total = variance.sum(1)
    roots = np.linalg.eigvalsh(covariance)
    values[:, whole["axis_1_share"]] = roots[:, 2] / np.maximum(total, _TINY)
    values[:, whole["axis_2_share"]] = roots[:, 1] / np.maximum(total, _TINY)
    values[:, whole["sd_total"]] = np.sqrt(total)

    norm = np.sqrt(np.einsum("wa,wa->w", mean[:, :3], mean[:, :3]))
    has_gravity = norm > 0.1
    values[:, whole["gravity_g"]] = norm
    for i, name in enumerate(("angle_x_deg", "angle_y_deg", "angle_z_deg")):
        others = np.sqrt(np.maximum(norm**2 - mean[:, i] ** 2, 0.0))
        values[:, whole[name]] = np.degrees(np.arctan2(mean[:, i], others))
        codes[:, whole[name]] = np.where(has_gravity, 0, NO_GRAVITY)
    unit = mean[:, :3] / np.where(has_gravity, norm, 1.0)[:, None]
    vertical = np.einsum("wi,wij,wj->w", unit, covariance, unit)
    values[:, whole["sd_vertical"]] = np.sqrt(np.maximum(vertical, 0.0))
    values[:, whole["sd_horizontal"]] = np.sqrt(np.maximum(total - vertical, 0.0))
    for name in ("sd_vertical", "sd_horizontal"):
        codes[:, whole[name]] = np.where(has_gravity, 0, NO_GRAVITY)
    values[:, whole["enmo"]] = np.maximum(vm - 1.0, 0.0).mean(1)
    return norm, has_gravity


def _seconds(
    centred: Floats,
    square: Floats,
    mean: Floats,
    fs: float,
    values: Floats,
    codes: Codes,
    whole: dict[str, int],
    has_gravity: NDArray[np.bool_],
) -> None:
    n = centred.shape[-1]
    seconds = int(n / fs + 1e-9)
    names = ("tilt_mean_deg", "tilt_max_deg", "still_share", "second_sd_median", "second_sd_max")
    if seconds < 1 or fs < 2.0:
        codes[:, [whole[name] for name in names]] = SHORT if seconds < 1 else RATE
        return
    edges = np.rint(np.arange(seconds + 1) * fs).astype(np.intp)
    edges[-1] = min(edges[-1], n)
    size = np.diff(edges)
    first = np.add.reduceat(centred[:, :3, : edges[-1]], edges[:-1], axis=-1) / size
    second = np.add.reduceat(square[:, :3, : edges[-1]], edges[:-1], axis=-1) / size
    sd = np.sqrt(np.maximum(second - first**2, 0.0))
    widest = sd.max(1)
    values[:, whole["still_share"]] = (widest < _STILL_G).mean(1)
    total = np.sqrt((sd**2).sum(1))
    values[:, whole["second_sd_median"]] = np.median(total, axis=1)
    values[:, whole["second_sd_max"]] = total.max(1)
    middle = mean[:, :3]
    each = first + middle[..., None]
    cosine = np.einsum("was,wa->ws", each, middle) / np.maximum(
        np.sqrt(np.einsum("was,was->ws", each, each)) * np.sqrt(np.einsum("wa,wa->w", middle, middle))[:, None], _TINY
    )
    tilt = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    values[:, whole["tilt_mean_deg"]] = tilt.mean(1)
    values[:, whole["tilt_max_deg"]] = tilt.max(1)
    for name in names[:2]:
        codes[:, whole[name]] = np.where(has_gravity, 0, NO_GRAVITY)
