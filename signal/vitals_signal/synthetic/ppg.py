"""A synthetic pulse wave with known truth: beats, breathing, motion and saturation. No recording went into it.

Laws of this file:
1. The same arguments give the same numbers on every machine (numpy's PCG64 streams).
2. It is a stand-in, not a patient: no accuracy measured on it says anything about people.

A beat is a systolic and a reflected Gaussian wave (two-pulse synthesis, Rubins 2008, doi 10.1007/s11517-008-0403-3).
Breathing modulates baseline, amplitude and beat times (Meredith et al. 2012, doi 10.3109/03091902.2011.638965). Motion
is a cadence with harmonics on three axes that leaks into the light through a delayed sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_SYSTOLIC: Final = (0.20, 0.075, 1.0)  # after the heart beat (s), width (s), height
_REFLECTED: Final = (0.47, 0.105, 0.42)  # at a beat interval of 1 s
_CADENCE_AXES: Final = ((0.30, 0.10), (0.55, 0.20), (0.20, 0.25))  # g at cadence and at its double, per axis
_LEAK: Final = ((0.6, 0.02), (-0.4, 0.06), (0.5, 0.10))  # weight and delay (s) per axis


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticPulse:
    """A pulse wave and the truth about it."""

    ppg: Floats  # (n,), unit of one pulse height, more blood upwards
    red: Floats  # (n,), raw intensity: more blood, less light
    ir: Floats  # (n,), likewise
    acc_g: Floats  # (n, 3), g
    upstroke_s: Floats  # (k,), steepest point of each systolic wave, within 5 ms
    peak_s: Floats  # (k,), systolic maximum, within 10 ms
    breaths_per_min: float
    spo2_pct: float


def pulse_wave(
    beats_s: ArrayLike,
    fs: float,
    *,
    duration_s: float | None = None,
    breaths_per_min: float = 15.0,
    baseline: float = 0.10,
    amplitude: float = 0.10,
    interval_s: float = 0.02,
    cadence_hz: float = 1.6,
    motion: float = 0.0,
    spo2_pct: float = 97.0,
    perfusion_pct: float = 2.0,
    noise: float = 0.01,
    seed: int = 7,
) -> SyntheticPulse:
    """The pulse wave of heart beats at `beats_s` (ascending, shape (k,)); sample j lies at j / `fs` seconds.

    `baseline`, `amplitude` (shares of a pulse) and `interval_s` (s) are the depths of the three modulations by
    breathing. `motion` is the height of the artefact that the cadence leaves in the light, in pulses; with 0 the
    accelerometer sees gravity alone. Red and infrared follow from `spo2_pct` by R = (110 - SpO2) / 25 (Webster 1997)
    and from `perfusion_pct`, the pulse in % of the infrared level. `noise`: standard deviation, in pulses. Length:
    `duration_s`, or to one second after the last beat. Raises ValueError for `fs` not above 0 or `spo2_pct` outside
    50..100.
    """
    if not (np.isfinite(fs) and fs > 0):
        raise ValueError(f"fs must be a finite number above 0 Hz, got {fs}")
    if not 50.0 <= spo2_pct <= 100.0:
        raise ValueError(f"spo2_pct must lie in 50..100, got {spo2_pct}")
    beats = np.asarray(beats_s, np.float64)
    if duration_s is None:
        duration_s = float(beats[-1]) + 1.0 if len(beats) else 0.0
    n = max(0, round(duration_s * fs))
    t = np.arange(n) / fs
    rng = np.random.default_rng([seed, 11])
    omega, phase = 2.0 * np.pi * breaths_per_min / 60.0, rng.uniform(0.0, 2.0 * np.pi)
    beats = beats + interval_s * np.sin(omega * beats + phase)
    rr = np.diff(beats, append=beats[-1:] + 1.0)
    stretch = np.sqrt(np.clip(rr, 0.3, 1.5))
    height = 1.0 + amplitude * np.sin(omega * beats + phase + 0.5)
    wave = np.zeros(n)
    _add(wave, beats + _SYSTOLIC[0], _SYSTOLIC[1], height * _SYSTOLIC[2], fs)
    _add(wave, beats + _REFLECTED[0] * stretch, _REFLECTED[1], height * _REFLECTED[2], fs)
    wave += baseline * np.sin(omega * t + phase + 1.0)
    acc = _motion(t, cadence_hz, motion > 0.0, rng)
    wave += motion * _leak(acc, fs)
    ratio = (110.0 - spo2_pct) / 25.0
    share = perfusion_pct / 100.0
    ir, red = (
        level * (1.0 - share * scale * (wave + noise * rng.standard_normal(n)))
        for level, scale in ((50_000.0, 1.0), (30_000.0, ratio))
    )
    ppg = wave + noise * rng.standard_normal(n)
    upstroke = beats + _SYSTOLIC[0] - _SYSTOLIC[1]
    return SyntheticPulse(ppg, red, ir, acc, upstroke, beats + _SYSTOLIC[0], breaths_per_min, spo2_pct)


def _add(out: Floats, centres: Floats, width: float, heights: Floats, fs: float) -> None:
    reach = int(np.ceil(5.0 * width * fs))
    index = np.rint(centres * fs).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    value = heights[:, None] * np.exp(-0.5 * ((index / fs - centres[:, None]) / width) ** 2)
    inside = (index >= 0) & (index < len(out))
    np.add.at(out, index[inside], value[inside])


def _motion(t: Floats, cadence_hz: float, moving: bool, rng: np.random.Generator) -> Floats:
    """Gravity on the third axis, and a cadence that wanders by some per cent, shape (n, 3)."""
    acc = np.zeros((len(t), 3))
    acc[:, 2] = 1.0
    if moving:
        turn = 2.0 * np.pi * cadence_hz * (t + 0.05 * np.sin(2.0 * np.pi * 0.04 * t + rng.uniform(0.0, 6.0)))
        for axis, (first, second) in enumerate(_CADENCE_AXES):
            acc[:, axis] += first * np.sin(turn + axis) + second * np.sin(2.0 * turn + 2.0 * axis)
    acc += 0.005 * rng.standard_normal(acc.shape)
    return acc


def _leak(acc: Floats, fs: float) -> Floats:
    """What the axes leave in the light: a delayed sum of unit height, shape (n,); 0 at rest."""
    out = np.zeros(len(acc))
    for axis, (weight, delay_s) in enumerate(_LEAK):
        lag = round(delay_s * fs)
        swing = acc[:, axis] - (1.0 if axis == 2 else 0.0)
        out[lag:] += weight * swing[: len(swing) - lag]
    spread = float(np.abs(out).max()) if len(out) else 0.0
    return out / spread if spread > 0.0 else out
