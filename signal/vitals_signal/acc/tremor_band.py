"""Power of tremor, 3 to 12 Hz, and whether the limb was at rest while it was measured."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from vitals_signal.windows.grid import WindowGrid
from vitals_signal.windows.grid_stream import GridStream
from vitals_signal.windows.samples import checked_acc, present
from vitals_signal.windows.table import FeatureTable

TREMOR_FEATURES: Final = (
    "tremor_power", "tremor_rms", "tremor_hz", "tremor_share", "rest_share", "posture_share", "action_share",
    "slow_rms", "tilt_change_deg", "at_rest", "tremor_displacement_mm",
)  # fmt: skip
_METHOD: Final = "tremor-band-1"
_WHY: Final = ("", "a gap inside the window", "no variation", "no gravity")
_GAP, _FLAT, _NO_GRAVITY = 1, 2, 3
# Where rest, postural, and kinetic or physiological tremor usually lie: Bhatia 2018.
_BANDS_HZ: Final = {"rest_share": (3.0, 6.0), "posture_share": (6.0, 8.0), "action_share": (8.0, 12.0)}
_LOW_HZ, _HIGH_HZ = 3.0, 12.0
_SLOW_HZ: Final = (0.3, 2.5)
_REST_SLOW_G: Final = 0.05
_REST_TILT_DEG: Final = 10.0
_STANDARD_GRAVITY: Final = 9.80665


def tremor_power(
    acc_g: ArrayLike, fs: float, length_s: float = 4.0, hop_s: float | None = None, *, start_us: int = 0
) -> FeatureTable:
    """Tremor-band features (`TREMOR_FEATURES`) of windows of `length_s` every `hop_s` (one length).

    `acc_g`: (n, 3) in g at `fs` Hz, above 24 Hz; a window with a missing sample is NaN. The spectrum is the sum of the
    three axes' (mean removed, Hann), so that turning the sensor changes nothing:

    - tremor_power (g^2) and tremor_rms (g) within 3..12 Hz; tremor_share of the power within 0.3..12 Hz
    - tremor_hz of the highest bin in the band, by a parabola through the logarithms; tremor_displacement_mm the root
      mean square of the band's displacement, each bin divided by (2 pi f)^4
    - rest_share, posture_share, action_share: of the band's power in 3..6, 6..8, 8..12 Hz
    - slow_rms (g) within 0.3..2.5 Hz, tilt_change_deg between the means of the window's halves; at_rest 1 where the
      first is below 0.05 g and the second below 10 degrees, else 0

    Walking and tools put harmonics into this band: read tremor where at_rest is 1. The bands are the field's usual
    ranges (Bhatia 2018, doi 10.1002/mds.27121); the gates are ours, not validated on patients. Raises ValueError for a
    wrong shape, rate, or windows under 2 s.
    """
    acc = checked_acc(acc_g)
    grid = _checked_grid(fs, length_s, hop_s, start_us)
    return _table(acc, grid, grid.starts(len(acc)), 0)


class TremorStream(GridStream):
    """`tremor_power` of blocks as they come: `update` gives each window once it is full."""

    def __init__(self, fs: float, length_s: float = 4.0, hop_s: float | None = None, *, start_us: int = 0) -> None:
        super().__init__(_checked_grid(fs, length_s, hop_s, start_us))

    def _table(
        self, acc: NDArray[np.float64], grid: WindowGrid, starts: NDArray[np.int64], origin: int
    ) -> FeatureTable:
        return _table(acc, grid, starts, origin)


def _checked_grid(fs: float, length_s: float, hop_s: float | None, start_us: int) -> WindowGrid:
    grid = WindowGrid(fs, length_s, length_s if hop_s is None else hop_s, start_us)
    if fs <= 2 * _HIGH_HZ:
        raise ValueError(f"fs must be above {2 * _HIGH_HZ:g} Hz for a band up to {_HIGH_HZ:g} Hz, not {fs}")
    if length_s < 2.0:
        raise ValueError(f"length_s must be at least 2 s, not {length_s}")
    return grid


def _table(acc: NDArray[np.float64], grid: WindowGrid, starts: NDArray[np.int64], origin: int) -> FeatureTable:
    n, w = grid.length_n, len(starts)
    values, code = np.full((w, len(TREMOR_FEATURES)), np.nan), np.full((w, len(TREMOR_FEATURES)), _GAP, np.uint8)
    coverage = np.zeros(w)
    view = sliding_window_view(acc, n, axis=0) if w else np.empty((0, 3, n))
    there = present(acc)
    for begin in range(0, w, 64):
        at = starts[begin : begin + 64]
        rows = slice(begin, begin + len(at))
        coverage[rows] = sliding_window_view(there, n)[at].mean(1)
        full = coverage[rows] == 1.0
        if full.any():
            values[rows][full], code[rows][full] = _features(np.ascontiguousarray(view[at[full]], np.float64), grid.fs)
    first = np.array([grid.time_us(origin + int(start)) for start in starts], np.int64)
    last = np.array([grid.time_us(origin + int(start) + n) for start in starts], np.int64)
    return FeatureTable(TREMOR_FEATURES, values, first, last, coverage, np.zeros(w), _METHOD, code, _WHY)


def _features(xyz: NDArray[np.float64], fs: float) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    w, _, n = xyz.shape
    mean = xyz.mean(-1)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    raw = np.fft.rfft((xyz - mean[..., None]) * taper, axis=-1)
    power = (np.square(raw.real) + np.square(raw.imag)).sum(1) * (2.0 / (0.375 * n * n))
    hz = np.arange(power.shape[-1]) * fs / n
    band = (hz >= _LOW_HZ) & (hz <= _HIGH_HZ)
    inside, f = power[:, band], hz[band]
    total = inside.sum(1)
    wide = power[:, (hz >= _SLOW_HZ[0]) & (hz <= _HIGH_HZ)].sum(1)
    flat = total <= 1e-12
    safe = np.where(flat, 1.0, total)
    k = len(f)
    top = np.clip(inside.argmax(1), 1, k - 2)
    a, b, c = (np.log(np.maximum(inside[np.arange(w), top + d], 1e-300)) for d in (-1, 0, 1))
    bend = a - 2 * b + c
    shift = np.clip(np.where(bend < 0, 0.5 * (a - c) / np.where(bend < 0, bend, 1.0), np.sign(c - a)), -1.0, 1.0)
    slow = np.sqrt(power[:, (hz >= _SLOW_HZ[0]) & (hz <= _SLOW_HZ[1])].sum(1))
    early, late = xyz[..., : n // 2].mean(-1), xyz[..., n // 2 :].mean(-1)
    norms = np.linalg.norm(early, axis=1) * np.linalg.norm(late, axis=1)
    adrift = norms < 0.01
    cosine = np.einsum("wa,wa->w", early, late) / np.where(adrift, 1.0, norms)
    tilt = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    metres = np.sqrt((inside / (2 * np.pi * f) ** 4).sum(1)) * _STANDARD_GRAVITY
    column = {
        "tremor_power": total, "tremor_rms": np.sqrt(total), "tremor_hz": f[top] + shift * fs / n,
        "tremor_share": total / np.where(flat, 1.0, wide), "slow_rms": slow, "tilt_change_deg": tilt,
        "at_rest": ((slow < _REST_SLOW_G) & (tilt < _REST_TILT_DEG)).astype(np.float64),
        "tremor_displacement_mm": metres * 1000.0,
    }  # fmt: skip
    for name, (low, high) in _BANDS_HZ.items():
        column[name] = inside[:, (f >= low) & ((f < high) | (high == _HIGH_HZ))].sum(1) / safe
    values = np.stack([column[name] for name in TREMOR_FEATURES], 1)
    code = np.zeros(values.shape, np.uint8)
    for name in ("tremor_hz", "tremor_share", *_BANDS_HZ):
        code[:, TREMOR_FEATURES.index(name)] = np.where(flat, _FLAT, 0)
    for name in ("tilt_change_deg", "at_rest"):
        code[:, TREMOR_FEATURES.index(name)] = np.where(adrift, _NO_GRAVITY, 0)
    values[code > 0] = np.nan
    return values, code
