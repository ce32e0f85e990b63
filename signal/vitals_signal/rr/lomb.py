"""The Lomb periodogram, as fast as an FFT.

Sources: N. R. Lomb, Astrophys. Space Sci. 39, 1976, doi 10.1007/BF00648343; J. D. Scargle, Astrophys. J. 263, 1982,
doi 10.1086/160554; fast form by W. H. Press, G. B. Rybicki, Astrophys. J. 338, 1989, doi 10.1086/167197; floating mean
by M. Zechmeister, M. Kuerster, Astron. Astrophys. 496, 2009, doi 10.1051/0004-6361:200811296.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.nufft import fourier_sums

Floats = NDArray[np.float64]


def lomb_scargle(
    t_s: ArrayLike,
    values: ArrayLike,
    step_hz: float,
    n: int,
    *,
    start_hz: float | None = None,
    floating_mean: bool = False,
) -> Floats:
    """Lomb periodogram at n frequencies from `start_hz` (by default `step_hz`) in steps of `step_hz`, shape (n,).

    `t_s`: (k,) seconds, in any order and spacing; `values`: (k,), from which the caller has taken the mean. The power
    at f is (C^2 / sum cos^2 + S^2 / sum sin^2) / 2 with C and S the products of the values with cosine and sine of
    2 pi f (t - tau), tau making both orthogonal: `scipy.signal.lombscargle` without normalisation, to about 1e-8 of the
    highest power. A sine of amplitude A gives k A^2 / 4. With `floating_mean` a constant is fitted at each frequency
    too (astropy's `fit_mean`). Empty input or n below 1 gives zeros. Raises ValueError on shapes that differ or a step
    that is not above 0.
    """
    t, y = np.asarray(t_s, np.float64), np.asarray(values, np.float64)
    if t.shape != y.shape or t.ndim != 1:
        raise ValueError(f"t_s has shape {t.shape} and values {y.shape}; expected (k,) for both")
    if not step_hz > 0:
        raise ValueError(f"step_hz is {step_hz}; use a number above 0")
    if not len(t) or n < 1:
        return np.zeros(max(n, 0))
    t = t - 0.5 * (t[0] + t[-1])
    ones = np.ones(len(t))

    def sums(weights: Floats, of: int) -> NDArray[np.complex128]:
        """Fourier sums at `of` times each frequency."""
        if start_hz is None:
            return fourier_sums(t, weights, of * step_hz, n + 1)[1:]
        return fourier_sums(t, weights * np.exp((-2j * np.pi * of * start_hz) * t), of * step_hz, n)

    of_values, of_double = sums(y, 1), sums(ones, 2)
    yc, ys = of_values.real, -of_values.imag
    c2, s2 = of_double.real, -of_double.imag
    k = float(len(t))
    cc, ss, cs = 0.5 * (k + c2), 0.5 * (k - c2), 0.5 * s2
    if floating_mean:
        of_one = sums(ones, 1)
        c1, s1 = of_one.real, -of_one.imag
        yc, ys = yc - y.mean() * c1, ys - y.mean() * s1
        cc, ss, cs = cc - c1 * c1 / k, ss - s1 * s1 / k, cs - c1 * s1 / k
    tau = 0.5 * np.arctan2(2.0 * cs, cc - ss)
    ct, st = np.cos(tau), np.sin(tau)
    cosine, sine = yc * ct + ys * st, ys * ct - yc * st
    cosine2 = cc * ct * ct + 2.0 * cs * ct * st + ss * st * st
    sine2 = ss * ct * ct - 2.0 * cs * ct * st + cc * st * st
    # Where all points see a zero of the sine (evenly spaced, at half their rate) it carries nothing.
    low = 1e-9 * k
    return np.asarray(
        0.5
        * (
            np.divide(cosine**2, cosine2, out=np.zeros(n), where=cosine2 > low)
            + np.divide(sine**2, sine2, out=np.zeros(n), where=sine2 > low)
        ),
        np.float64,
    )
