"""DFA, fractal dimensions and recurrence plots against their definitions and against series of known exponents."""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals_signal import (
    correlation_dimension,
    dfa,
    higuchi_dimension,
    hurst_exponent,
    katz_dimension,
    multifractal_dfa,
    recurrence_quantification,
)
from vitals_signal.rr import fractal_detrended
from vitals_signal.rr.fractal_detrended import residual_variances
from vitals_signal.rr.recurrence_plot import RECURRENCE_LIMIT

GAP = math.nan
SERIES = st.lists(st.sampled_from([GAP, *(800.0 + 10 * k for k in range(12))]), max_size=60)


@settings(deadline=None, max_examples=60)
@given(SERIES, st.integers(3, 9), st.booleans())
def test_residual_variances_by_polyfit(values: list[float], size: int, overlap: bool) -> None:
    x = np.array(values)
    mean = np.nanmean(x) if np.isfinite(x).any() else 0.0
    want, begin = [], 0
    for known, group in groupby(values, key=math.isfinite):
        length = len(list(group))
        profile = np.cumsum(x[begin : begin + length] - mean)
        begin += length
        last = length - size + (0 if overlap else 1)
        for a in range(0, last if known else 0, size // 2 if overlap else size):
            segment, time = profile[a : a + size], np.arange(size)
            variance = float(np.var(segment - np.polyval(np.polyfit(time, segment, 1), time)))
            if variance > 1e-8:
                want.append(variance)
    found = residual_variances(x, [size], overlap=overlap)
    assert len(found.sizes) == bool(want)
    assert found.variance.tolist() == pytest.approx(want, rel=1e-7, abs=1e-9)


def test_all_scales_at_once_are_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    x = 800 + np.cumsum(np.random.default_rng(2).standard_normal(500))
    x[[100, 101, 350]] = GAP
    at_once = residual_variances(x, range(4, 65), overlap=False)
    monkeypatch.setattr(fractal_detrended, "_AT_ONCE", 0)
    each = residual_variances(x, range(4, 65), overlap=False)
    for a, b in zip(at_once, each, strict=True):
        assert a.tolist() == pytest.approx(b.tolist(), rel=1e-9)


@pytest.mark.parametrize(("power", "alpha"), [(0, 0.5), (1, 1.5)])
def test_known_exponents(power: int, alpha: float) -> None:
    """White noise 0.5, its sum 1.5; Higuchi's dimension 2 and 1.5; Hurst 0.5 (to the scatter of 20,000 values)."""
    x = np.random.default_rng(7).standard_normal(20_000)
    x = np.cumsum(x) if power else x
    scales = [16, 32, 64, 128, 256]
    assert dfa(x, scales=scales) == pytest.approx(alpha, abs=0.03)
    assert dfa(x, scales=scales, overlap=True) == pytest.approx(alpha, abs=0.03)
    assert higuchi_dimension(x) == pytest.approx(1.5 if power else 2.0, abs=0.02)
    # One exponent for all moments.
    assert multifractal_dfa(x, scales=scales)["Width"] < 0.25
    if not power:
        assert hurst_exponent(x[:5000]) == pytest.approx(0.5, abs=0.05)


def test_dimensions_of_known_sets() -> None:
    rng = np.random.default_rng(8)
    assert higuchi_dimension(np.arange(500.0)) == pytest.approx(1.0, abs=1e-9)
    assert katz_dimension(np.arange(500.0)) == pytest.approx(1.0)
    # Points that fill a square have dimension 2, those on a line 1 (less at its ends).
    assert correlation_dimension(rng.random(1500)) == pytest.approx(1.8, abs=0.2)
    assert correlation_dimension(np.arange(1500.0)) == pytest.approx(0.9, abs=0.1)


def test_correlation_dimension_in_any_unit() -> None:
    """Radii in equal ratios do not depend on the unit; NeuroKit2's do."""
    x = np.rint(800 + 50 * np.random.default_rng(9).standard_normal(400))
    in_s = correlation_dimension(x / 1000)
    assert in_s == pytest.approx(correlation_dimension(x), rel=1e-6)
    neurokit = correlation_dimension(x, radii="neurokit")
    assert abs(neurokit - correlation_dimension(x / 1000, radii="neurokit")) > 0.05


@pytest.mark.parametrize("gaps", [False, True])
def test_recurrence_is_its_matrix(gaps: bool) -> None:
    rng = np.random.default_rng(11)
    x = np.rint(np.cumsum(rng.standard_normal(90)) * 3)
    if gaps:
        x[[20, 21, 60]] = np.nan
    n, m, r = len(x) - 2, 3, 6.0
    whole = [not np.isnan(x[i : i + m]).any() for i in range(n)]

    def state(i: int, j: int) -> int:
        if not (whole[i] and whole[j]):
            return 2
        return int(math.dist(x[i : i + m], x[j : j + m]) <= r)

    def runs(lines: list[list[int]], what: int) -> list[int]:
        lengths = [len(list(group)) for line in lines for value, group in groupby(line) if value == what]
        return [length for length in lengths if length >= 2]

    diagonals = [[state(i, i + lag) for i in range(n - lag)] for lag in range(1, n)]
    columns = [[state(i, j) for j in range(i + 1, n)] for i in range(n - 1)]
    every = [value for line in diagonals for value in line]
    found = recurrence_quantification(x, dimension=m, tolerance=r, detrend=False)
    recurrent = every.count(1)
    assert found["RecurrenceRate"] == pytest.approx(recurrent / (recurrent + every.count(0)))
    for names, lengths in (
        (("Determinism", "L", "Lmax"), runs(diagonals, 1)),
        (("Laminarity", "TrappingTime", "VMax"), runs(columns, 1)),
        ((None, "W", "WMax"), runs(columns, 0)),
    ):
        share, mean, longest = names
        assert lengths
        if share:
            assert found[share] == pytest.approx(sum(lengths) / recurrent)
        assert found[mean] == pytest.approx(np.mean(lengths))
        assert found[longest] == max(lengths)
    assert found["LamiDet"] == pytest.approx(found["Laminarity"] / found["Determinism"])


def test_recurrence_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.rint(30 * np.random.default_rng(12).standard_normal(200))
    whole = recurrence_quantification(x)
    monkeypatch.setattr("vitals_signal.rr.recurrence_plot._BLOCK", 1000)
    assert recurrence_quantification(x) == pytest.approx(whole, nan_ok=True)


def test_recurrence_has_a_limit() -> None:
    found = recurrence_quantification(np.arange(RECURRENCE_LIMIT + 1.0))
    assert set(found.reasons.values()) == {"series too long for this measure"}


def test_wrong_fractal_arguments() -> None:
    x = np.arange(30.0)
    for call in (
        lambda: dfa(x, scales=[2, 3]),
        lambda: higuchi_dimension(x, k_max=1),
        lambda: correlation_dimension(x, radii="linear"),  # type: ignore[arg-type]
        lambda: recurrence_quantification(x, dimension=0),
        lambda: recurrence_quantification(x, tolerance=-1.0),
        lambda: katz_dimension(x[None]),
    ):
        with pytest.raises(ValueError, match=r"must (not )?(be|have)"):
            call()
