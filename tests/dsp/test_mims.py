"""MIMS units: a peer's numbers, SciPy's spline and filter, rates, gaps, clipping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from vitals_signal import mims_units
from vitals_signal.acc import mims

Floats = NDArray[np.float64]

# wristpy 0.2.10, metrics.monitor_independent_movement_summary_units(sway(rate, 45), epoch=10, dynamic_range=(-8, 8)),
# first four epochs. Its grid is one point short of 100 Hz over the recording: a few 1e-4 of every epoch.
WRISTPY = {
    30: [7.6821019724163735, 11.321952350545235, 15.286950413871615, 18.850926795012064],
    50: [7.695732525046814, 11.323836555271578, 15.279645116999603, 18.852638453257253],
    80: [7.682923691253733, 11.323461445695873, 15.288522383706798, 18.85032807566207],
    100: [7.680806609745194, 11.319357321286049, 15.292655256507036, 18.841935435105093],
}


def sway(rate: float, seconds: float) -> Floats:
    """Swings that grow and change pace, different on each axis, in steps of 1/256 g."""
    t = np.arange(round(rate * seconds)) / rate
    axes = [(0.3 + 0.02 * t) * np.sin(2 * np.pi * (0.6 + 0.1 * k) * t + 0.01 * t * t) for k in range(3)]
    steps: Floats = np.round((np.stack(axes, 1) + np.array([0.1, -0.3, 0.9])) * 256)
    return steps / 256


@pytest.mark.parametrize("rate", sorted(WRISTPY))
def test_epochs_agree_with_wristpys(rate: int) -> None:
    assert mims_units(sway(rate, 45.0), rate, 10.0)["mims"] == pytest.approx(WRISTPY[rate], rel=2e-3)


@pytest.mark.parametrize("rate", [31.25, 50.0, 100.0])
def test_the_chain_is_that_of_scipy(rate: float) -> None:
    signal, interpolate = pytest.importorskip("scipy.signal"), pytest.importorskip("scipy.interpolate")
    acc = sway(rate, 40.0)
    grid = np.arange(int((len(acc) - 1) / rate * 100 + 1e-6) + 1) / 100
    dense = interpolate.CubicSpline(np.arange(len(acc)) / rate, acc, bc_type="natural")(grid)
    sections = signal.butter(4, [0.2, 5.0], "bandpass", fs=100.0, output="sos")
    y = np.abs(signal.sosfilt(sections, dense, axis=0))
    expected = [np.trapezoid(y[k : k + 1000], dx=0.01, axis=0) for k in range(0, 4000, 1000)]
    found = mims_units(acc, rate, 10.0)
    np.testing.assert_allclose(found.values[:, 1:4], expected, rtol=1e-9)
    np.testing.assert_allclose(found["mims"], np.sum(expected, axis=1), rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 300), st.sampled_from([20.0, 31.25, 64.0, 80.0]), st.integers(0, 2**32 - 1))
def test_the_spline_in_parts_is_the_natural_spline(n: int, rate: float, seed: int) -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    x = np.random.default_rng(seed).standard_normal((n + 7, 3))
    last = int((6 + n - 1) / rate * 100)
    first = int(np.ceil(7 / rate * 100))
    grid = np.arange(first, last + 1)
    if not len(grid):
        return
    expected = interpolate.CubicSpline(np.arange(7, n + 7), x[7:], bc_type="natural")(grid / 100 * rate)
    middle = (first + last) // 2
    parts = [mims._spline(x, 7, n + 7, rate, a, b) for a, b in ((first, middle), (middle, last + 1)) if b > a]
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-12)


def test_a_motion_has_one_value_at_any_rate() -> None:
    values = [mims_units(sway(rate, 61.0), rate).values[0, 0] for rate in (20.0, 31.25, 50.0, 80.0, 100.0)]
    np.testing.assert_allclose(values, values[-1], rtol=0.01)


def test_rest_is_nothing_once_the_filter_has_settled() -> None:
    table = mims_units(np.tile([0.3, -0.5, 0.8], (3000, 1)), 50, 10.0)
    assert table["mims"][0] > 0.5
    assert not table["mims"][2:].any()


def test_gaps_are_not_bridged() -> None:
    acc = np.tile([0.0, 0.0, 1.0], (6000, 1))
    acc[3000:] = [1.0, 0.0, 0.0]
    acc[2990:3000] = np.nan
    table = mims_units(acc, 50, 20.0)
    assert not table["mims"][2:].any()
    assert table.coverage[2] == pytest.approx(0.99)
    acc[2000:2200] = np.nan
    table = mims_units(acc, 50, 20.0)
    assert np.isnan(table.values[2]).all()
    assert table.reason(2) == "too little data"
    assert len(mims_units(acc[:990], 50, 20.0)) == 0


def test_clipped_samples_are_counted() -> None:
    acc = np.clip(sway(50, 30.0) * 4, -2, 2)
    table = mims_units(acc, 50, 10.0, range_g=2.0)
    assert table["clipped_share"][2] == pytest.approx((np.abs(acc[1000:1500]) >= 1.98).any(1).mean())
    assert table["clipped_share"][2] > 0.2
    assert not mims_units(acc, 50, 10.0)["clipped_share"].any()


def test_nothing_is_raised_on_what_a_sensor_may_send() -> None:
    rng = np.random.default_rng(2)
    holes = rng.standard_normal((900, 3))
    holes[rng.random(900) < 0.3] = np.nan
    sensors: list[ArrayLike] = [
        np.zeros((900, 3)), np.full((900, 3), 1e300), np.full((900, 3), np.inf), np.full((900, 3), np.nan), holes,
        np.clip(rng.standard_normal((900, 3)) * 1e6, -8, 8), np.empty((0, 3)), np.ones((1, 3)), [],
    ]  # fmt: skip
    for acc in sensors:
        table = mims_units(acc, 40, 5.0, range_g=8.0)
        assert (np.isnan(table.values).all(1) == [table.reason(k) is not None for k in range(len(table))]).all()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((np.zeros((9, 2)), 50.0), "acc_g"), ((np.zeros((9, 3)), 10.0), "fs"),
        ((np.zeros((9, 3)), 50.0, 0.5), "epoch_s"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(arguments: tuple[Floats, float], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        mims_units(*arguments)
    with pytest.raises(ValueError, match="range_g"):
        mims_units(np.zeros((9, 3)), 50.0, range_g=0.0)
