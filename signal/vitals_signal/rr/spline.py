"""The cubic spline of a tachogram, in numpy: SciPy stays out of the streaming path."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_NEGLIGIBLE = 1e-17


def cubic_spline(x: Floats, y: Floats, at: Floats) -> Floats:
    """The interpolating cubic spline with not-a-knot ends (`scipy.interpolate.CubicSpline`'s default) at `at`.

    `x`: (n,) increasing, `y`: (n,). Two points give their line, three their parabola. Outside of x the end pieces go
    on. Source: C. de Boor, "A Practical Guide to Splines", 1978, chapter IV; the tridiagonal system is solved by
    parallel cyclic reduction (R. W. Hockney, J. ACM 12, 1965), which is exact and takes log2(n) steps, fewer here
    because the system is diagonally dominant.
    """
    n = len(x)
    if n < 4:
        return np.asarray(np.polyval(np.polyfit(x - x[0], y, n - 1), at - x[0]), np.float64)
    h = np.diff(x)
    slope = np.diff(y) / h
    below, diagonal, above = h[:-1].copy(), 2.0 * (h[:-1] + h[1:]), h[1:].copy()
    right = 6.0 * np.diff(slope)
    # Not-a-knot: the third derivative is continuous at the second knot and the last but one.
    diagonal[0] += h[0] * (1.0 + h[0] / h[1])
    above[0] -= h[0] * h[0] / h[1]
    diagonal[-1] += h[-1] * (1.0 + h[-1] / h[-2])
    below[-1] -= h[-1] * h[-1] / h[-2]
    below[0] = above[-1] = 0.0
    inner = _tridiagonal(below, diagonal, above, right)
    bend = np.empty(n)  # second derivative at the knots
    bend[1:-1] = inner
    bend[0] = inner[0] * (1.0 + h[0] / h[1]) - inner[1] * h[0] / h[1]
    bend[-1] = inner[-1] * (1.0 + h[-1] / h[-2]) - inner[-2] * h[-1] / h[-2]
    first = slope - h * (2.0 * bend[:-1] + bend[1:]) / 6.0
    third = np.diff(bend) / (6.0 * h)
    piece = np.clip(np.searchsorted(x, at, "right") - 1, 0, n - 2)
    u = at - x[piece]
    half = 0.5 * bend
    return np.asarray(y[piece] + u * (first[piece] + u * (half[piece] + u * third[piece])), np.float64)


def _tridiagonal(below: Floats, diagonal: Floats, above: Floats, right: Floats) -> Floats:
    """below[i] z[i-1] + diagonal[i] z[i] + above[i] z[i+1] = right[i]; below[0] and above[-1] are 0."""
    a, c, d = below / diagonal, above / diagonal, right / diagonal
    n, step = len(d), 1
    while step < n and max(np.abs(a).max(), np.abs(c).max()) > _NEGLIGIBLE:
        a_up, c_up, d_up = np.zeros(n), np.zeros(n), np.zeros(n)  # of row i - step
        a_up[step:], c_up[step:], d_up[step:] = a[:-step], c[:-step], d[:-step]
        a_dn, c_dn, d_dn = np.zeros(n), np.zeros(n), np.zeros(n)  # of row i + step
        a_dn[:-step], c_dn[:-step], d_dn[:-step] = a[step:], c[step:], d[step:]
        scale = 1.0 / (1.0 - a * c_up - c * a_dn)
        d = (d - a * d_up - c * d_dn) * scale
        a, c = -a * a_up * scale, -c * c_dn * scale
        step *= 2
    return d
