"""Second-order sections designed with numpy alone, so that a stream needs no SciPy.

Law: sections are SciPy's: rows (b0, b1, b2, 1, a1, a2) in the order of application; `scipy.signal.sosfilt` takes them.

Sources: Butterworth 1930 by the bilinear transform with pre-warped edges (Oppenheim & Schafer, Discrete-Time Signal
Processing, 3rd ed., 7.2); notch of Regalia & Mitra 1987 (doi 10.1109/TASSP.1987.1165037), as `scipy.signal.iirnotch`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Sections = tuple[tuple[float, float, float, float, float, float], ...]


def butterworth(
    order: int, cut_hz: float | tuple[float, float], fs: float, kind: Literal["low", "high", "band"]
) -> Sections:
    """A Butterworth filter of `order` (a band-pass has twice as many poles), -3 dB at `cut_hz`, for a rate of `fs` Hz.

    Raises ValueError where `order` is not 1..12, an edge does not lie between 0 and fs / 2, or `kind` and `cut_hz` do
    not fit each other.
    """
    if not 1 <= order <= 12:
        raise ValueError(f"order must lie in 1..12, got {order}")
    if kind not in ("low", "high", "band"):
        raise ValueError(f'kind must be "low", "high" or "band", got {kind!r}')
    edges = np.atleast_1d(np.asarray(cut_hz, np.float64))
    if len(edges) != (2 if kind == "band" else 1) or np.any(np.diff(edges) <= 0):
        raise ValueError(f'cut_hz must be one frequency, or two that ascend for "band", got {cut_hz}')
    if not (np.all(np.isfinite(edges)) and edges[0] > 0 and edges[-1] < fs / 2):
        raise ValueError(f"cut_hz must lie between 0 and fs / 2 = {fs / 2} Hz, got {cut_hz}")
    warped = 2.0 * np.tan(np.pi * edges / fs)
    poles = np.exp(1j * np.pi * (2.0 * np.arange(order) + order + 1.0) / (2.0 * order))
    if kind == "low":
        poles, zeros = warped[0] * poles, np.full(order, -1.0)
    elif kind == "high":
        poles, zeros = warped[0] / poles, np.ones(order)
    else:
        half, centre = 0.5 * (warped[1] - warped[0]) * poles, warped[0] * warped[1]
        root = np.sqrt(half * half - centre + 0j)
        poles, zeros = np.concatenate((half + root, half - root)), np.repeat((1.0, -1.0), order)
    poles = (2.0 + poles) / (2.0 - poles)
    at = {"low": 1.0 + 0j, "high": -1.0 + 0j}.get(kind, np.exp(2j * np.arctan(0.5 * np.sqrt(warped.prod()))))
    return _sections(poles, zeros, complex(at))


def notch(cut_hz: float, fs: float, quality: float = 30.0) -> Sections:
    """A notch `cut_hz / quality` wide between its -3 dB points, gain 1 elsewhere.

    Raises ValueError where `cut_hz` does not lie between 0 and fs / 2, or `quality` is not above 0.
    """
    if not 0 < cut_hz < fs / 2:
        raise ValueError(f"cut_hz must lie between 0 and fs / 2 = {fs / 2} Hz, got {cut_hz}")
    if not quality > 0:
        raise ValueError(f"quality must lie above 0, got {quality}")
    w = 2.0 * np.pi * cut_hz / fs
    gain = 1.0 / (1.0 + np.tan(0.5 * w / quality))
    middle = float(-2.0 * gain * np.cos(w))
    return ((float(gain), middle, float(gain), 1.0, middle, float(2.0 * gain - 1.0)),)


def _sections(poles: NDArray[np.complex128], zeros: NDArray[np.float64], at: complex) -> Sections:
    """Pair poles with their conjugates and zeros with their opposites; gain 1 at the point `at` of the unit circle."""
    upper = poles[poles.imag > 1e-12]
    real = np.sort(poles[np.abs(poles.imag) <= 1e-12].real)
    factors = [(2, -2.0 * p.real, abs(p) ** 2) for p in upper[np.argsort(np.abs(upper))]]
    factors += [(2, -a - b, a * b) for a, b in zip(real[::2], real[1::2], strict=False)]
    if len(real) % 2:
        factors.insert(0, (1, -real[-1], 0.0))
    left = zeros.tolist()
    rows: list[tuple[float, float, float, float, float, float]] = []
    for degree, a1, a2 in factors:
        # One zero from each end, so that each section of a band-pass is one.
        b = np.append(np.poly([left.pop(-(k % 2)) for k in range(degree)]), 0.0)[:3]
        z = at ** -np.arange(3)
        b *= abs((z @ (1.0, a1, a2)) / (z @ b))
        rows.append((float(b[0]), float(b[1]), float(b[2]), 1.0, float(a1), float(a2)))
    return tuple(rows)
