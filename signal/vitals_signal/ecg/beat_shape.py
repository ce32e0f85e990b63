"""The shape of a beat in numbers: QRS complex, P wave, ST and T, and the waveform itself.

Laws of this file:
1. Amplitudes are shares of the peak-to-peak QRS amplitude of the usual beat, and its main deflection counts as upright.
2. Each row depends on its own beat and on the usual beat beside it only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_signal.ecg.beat_waveform import BEAT_GRID_S, BEFORE_S, GRID_HZ

Floats = NDArray[np.float64]


def _between(start_s: float, end_s: float) -> slice:
    return slice(round((start_s + BEFORE_S) * GRID_HZ), round((end_s + BEFORE_S) * GRID_HZ) + 1)


QRS: Final = _between(-0.12, 0.16)
WHOLE: Final = _between(-0.20, 0.40)
_P: Final = _between(-0.25, -0.08)
_ST: Final = _between(0.10, 0.14)
_T: Final = _between(0.18, 0.40)
_STEEP: Final = 0.2  # of the steepest slope: within the QRS complex
_SAMPLES: Final = 16  # 20 ms apart from -0.10 to 0.20 s
_SAMPLE_AT: Final = np.arange(_SAMPLES) * round(0.02 * GRID_HZ) + round((BEFORE_S - 0.10) * GRID_HZ)

SHAPE_FEATURES: Final[tuple[str, ...]] = (
    "qrs_span_s",
    "qrs_span_ratio",
    "half_width_ratio",
    "qrs_spread_ratio",
    "mobility_ratio",
    "mobility",
    "qrs_max",
    "qrs_min",
    "qrs_amplitude",
    "qrs_polarity",
    "qrs_area",
    "qrs_absolute_area",
    "steepest_up",
    "steepest_down",
    "p_amplitude",
    "p_energy",
    "p_correlation",
    "p_slope",
    "st_level",
    "t_mean",
    "t_max",
    "t_min",
    *(f"wave_{k:02d}" for k in range(_SAMPLES)),
)


def shape_features(wave: Floats, usual: Floats) -> Floats:
    """Shape of beats, shape (k, 38), in the order of `SHAPE_FEATURES`; NaN where a beat or its usual one is.

    `wave`, `usual`: (k, 161) on `BEAT_GRID_S`, same unit.

    qrs_span_s        time from first to last slope above a fifth of the steepest, -0.12 to 0.16 s
    half_width        time that the QRS spends above half of its largest deflection
    qrs_spread        standard deviation of time, weighted by squared slope
    mobility          norm of the slope over norm of the wave (Hjorth 1970) in the QRS, in units of 100 / s
    qrs_*             extremes, peak to peak, (max + min) / (max - min), mean, mean magnitude
    steepest_*        extremes of the slope, in amplitudes per 10 ms
    p_*               P wave, -0.25 to -0.08 s, about its own straight line: peak to peak, root mean square, correlation
                      with the usual one's, and the rise of that line
    st_level, t_*     0.10 to 0.14 s; mean and extremes of 0.18 to 0.40 s
    wave_00 ...       the waveform every 20 ms from -0.10 s on, each the mean of 15 ms
    *_ratio           over the same of the usual beat
    """
    scale = _upright_amplitude(usual)[:, None]
    scale = np.where(np.abs(scale) > 0, scale, np.nan)
    beat, model = wave / scale, usual / scale
    mine, theirs = _extent(beat), _extent(model)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.minimum(mine / theirs, 10.0)
    qrs = beat[:, QRS]
    high, low = qrs.max(axis=1), qrs.min(axis=1)
    slope = _slope(beat)[:, QRS] / 100.0
    p, p_rise = _about_line(beat[:, _P])
    usual_p, _ = _about_line(model[:, _P])
    t = beat[:, _T]
    smooth = (beat[:, _SAMPLE_AT - 1] + beat[:, _SAMPLE_AT] + beat[:, _SAMPLE_AT + 1]) / 3.0
    amplitude = np.where(high > low, high - low, np.nan)
    return np.column_stack(
        (
            mine[:, 0],
            ratio,
            mine[:, 3] / 100.0,
            high,
            low,
            high - low,
            (high + low) / amplitude,
            qrs.mean(axis=1),
            np.abs(qrs).mean(axis=1),
            slope.max(axis=1),
            slope.min(axis=1),
            np.ptp(p, axis=1),
            np.sqrt((p * p).mean(axis=1)),
            (unit_rows(p) * unit_rows(usual_p)).sum(axis=1),
            p_rise,
            beat[:, _ST].mean(axis=1),
            t.mean(axis=1),
            t.max(axis=1),
            t.min(axis=1),
            smooth,
        )
    )


def unit_rows(rows: Floats) -> Floats:
    """Each row about its mean with norm 1; NaN stays NaN, a constant row becomes 0."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    out: Floats = np.where(np.isnan(norm), np.nan, np.zeros_like(centred))
    np.divide(centred, norm, out=out, where=norm > 0)
    return out


def _upright_amplitude(wave: Floats) -> Floats:
    """Peak to peak of the QRS, negative where its main deflection points down; shape (k,)."""
    high, low = wave[:, QRS].max(axis=1), wave[:, QRS].min(axis=1)
    out: Floats = np.where(-low > high, low - high, high - low)
    return out


def _slope(wave: Floats) -> Floats:
    """First derivative per second over 20 ms, ends 0, shape of `wave`."""
    out = np.zeros_like(wave)
    out[:, 2:-2] = (wave[:, 4:] - wave[:, :-4]) * (GRID_HZ / 4)
    return out


def _extent(wave: Floats) -> Floats:
    """Span, half width, spread (s) and mobility (1/s) of the QRS, shape (k, 4)."""
    slope, qrs, time = np.abs(_slope(wave)[:, QRS]), np.abs(wave[:, QRS]), BEAT_GRID_S[QRS]
    steep = slope > _STEEP * slope.max(axis=1, keepdims=True)
    first, last = steep.argmax(axis=1), steep.shape[1] - 1 - steep[:, ::-1].argmax(axis=1)
    half = (qrs > 0.5 * qrs.max(axis=1, keepdims=True)).sum(axis=1) / GRID_HZ
    energy = slope * slope
    total = energy.sum(axis=1)
    total = np.where(total > 0, total, np.nan)
    mean = energy @ time / total
    spread = np.sqrt(np.maximum(energy @ (time * time) / total - mean * mean, 0.0))
    mobility = np.sqrt(total / np.maximum((qrs * qrs).sum(axis=1), 1e-300))
    out = np.column_stack(((last - first) / GRID_HZ, half, spread, mobility))
    out[np.isnan(total)] = np.nan
    return out


def _about_line(rows: Floats) -> tuple[Floats, Floats]:
    """Rows less their least-squares lines, and the rise of the line from end to end, shape (k,)."""
    t = np.linspace(-0.5, 0.5, rows.shape[1])
    rise = rows @ t / float(t @ t)
    return rows - rows.mean(axis=1, keepdims=True) - rise[:, None] * t, rise
