"""The accelerometer feature vector: its names, its definitions, and the kernel that computes a block of windows.

Laws of this file:
1. The vector has the same names, order, units and meaning at any sampling rate and window length; a change of any of
   them is a new `ACC_VECTOR_VERSION`.
2. What the frequency and autocorrelation features see ends at 10 Hz, so that 20 Hz and 100 Hz recordings of one motion
   give one vector. Where the rate cannot reach a band the value is NaN, never a narrower band under the same name.
3. Work is shared: one sort and one real FFT per signal serve all quantiles, spectra and autocorrelations.
4. Every NaN has a code that says why.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

ACC_VECTOR_VERSION: Final = "acc-window-1"

WHY: Final = (
    "",
    "too little data",
    "a gap inside the window",
    "no variation",
    "needs a higher sampling rate",
    "window too short",
    "no gravity",
)
TOO_LITTLE, GAP, FLAT, RATE, SHORT, NO_GRAVITY = range(1, len(WHY))

SIGNALS: Final = ("x", "y", "z", "vm")
BANDS_HZ: Final = ((0.25, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 5.0), (5.0, 10.0))
STATISTICS: Final = (
    "mean", "sd", "skewness", "kurtosis", "min", "p10", "p25", "median", "p75", "p90", "max", "mean_deviation",
    "entropy",
)  # fmt: skip
SEQUENCE: Final = ("crossing_hz", "jerk_rms", "jerk_mean")
SPECTRUM: Final = (
    "power", "dominant_hz", "dominant_share", "spectral_entropy", "flatness", "centroid_hz", "spread_hz", "edge_hz",
    "share_0_1", "share_1_2", "share_2_3", "share_3_5", "share_5_10",
)  # fmt: skip
AUTOCORRELATION: Final = ("acf_peak", "acf_peak_s", "acf_min")
WHOLE: Final = (
    "corr_xy", "corr_xz", "corr_yz", "angle_x_deg", "angle_y_deg", "angle_z_deg", "gravity_g", "sd_total",
    "axis_1_share", "axis_2_share", "sd_vertical", "sd_horizontal", "enmo",
)  # fmt: skip
WHOLE_SEQUENCE: Final = (
    "tilt_mean_deg", "tilt_max_deg", "still_share", "second_sd_median", "second_sd_max",
    "vertical_power", "vertical_dominant_hz", "vertical_dominant_share", "horizontal_power", "horizontal_dominant_hz",
    "horizontal_dominant_share",
)  # fmt: skip

_PER_SIGNAL: Final = (*STATISTICS, *SEQUENCE, *SPECTRUM, *AUTOCORRELATION)
ACC_VECTOR: Final = (*(f"{signal}_{name}" for signal in SIGNALS for name in _PER_SIGNAL), *WHOLE, *WHOLE_SEQUENCE)
_NEEDS_ORDER: Final = {*SEQUENCE, *SPECTRUM, *AUTOCORRELATION}
SEQUENCE_COLUMNS: Final = np.array(
    [name in WHOLE_SEQUENCE or name.partition("_")[2] in _NEEDS_ORDER for name in ACC_VECTOR]
)

_FLAT_G: Final = 1e-6  # below any sensor's resolution
_STILL_G: Final = 0.013  # sd of an axis at rest: van Hees 2014, doi 10.1152/japplphysiol.00421.2014
_JERK_S: Final = 0.05  # one sample at 20 Hz: a shorter step would make jerk grow with the rate
_LOW_HZ, _HIGH_HZ = BANDS_HZ[0][0], BANDS_HZ[-1][1]
_SHORTEST_S: Final = 1.0
_LAG_STEP_S: Final = 0.025
_LAGS_S: Final = (0.25, 2.0)
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
    p = len(_PER_SIGNAL)
    signal = values[:, : 4 * p].reshape(w, 4, p)
    code = codes[:, : 4 * p].reshape(w, 4, p)
    column = {name: j for j, name in enumerate(_PER_SIGNAL)}
    whole = {name: 4 * p + j for j, name in enumerate((*WHOLE, *WHOLE_SEQUENCE))}

    mean = x.mean(-1)
    centred = x - mean[..., None]
    square = centred * centred
    m2 = square.mean(-1)
    flat = m2 <= _FLAT_G**2
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
    _frequency(centred, fs, gravity, signal, code, values, codes, column, whole)

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


def _frequency(
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
    quiet = total <= _FLAT_G**2
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
