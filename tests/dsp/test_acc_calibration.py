"""Auto-calibration: known gains and offsets come back; what cannot be fitted is refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals_signal import AccCalibrator, calibrate_acc

Floats = NDArray[np.float64]

GAIN, OFFSET = np.array([1.02, 0.985, 1.01]), np.array([0.03, -0.02, 0.015])
FS = 25.0


def at_rest(attitudes: int, seed: int = 0, noise_g: float = 0.002, half: bool = False) -> Floats:
    """True acceleration: 30 s in each of many attitudes with 10 s of motion between."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(attitudes):
        up = rng.standard_normal(3)
        if half:
            up[2] = abs(up[2])
        up /= np.linalg.norm(up)
        parts += [np.tile(up, (750, 1)), up + rng.standard_normal((250, 3)) * 0.4]
    acc: Floats = np.concatenate(parts)
    return acc + rng.standard_normal(acc.shape) * noise_g


def test_known_gains_and_offsets_come_back() -> None:
    true = at_rest(120)
    sensed = (true - OFFSET) / GAIN
    fit = calibrate_acc(sensed, FS)
    assert fit.reason is None
    np.testing.assert_allclose(fit.gain, GAIN, atol=2e-3)
    np.testing.assert_allclose(fit.offset_g, OFFSET, atol=2e-3)
    assert fit.error_before_g > 0.015
    assert fit.error_after_g < 0.001
    assert fit.points > 200
    assert np.abs(fit.apply(sensed) - true).max() < 0.01


def test_a_drift_with_temperature_comes_back() -> None:
    true = at_rest(150)
    temperature = np.linspace(18.0, 34.0, len(true)) + 3 * np.sin(np.arange(len(true)) / 9000)
    slope = np.array([0.0012, -0.0008, 0.002])
    sensed = (true - OFFSET - slope * (temperature - temperature.mean())[:, None]) / GAIN
    fit = calibrate_acc(sensed, FS, temperature)
    assert fit.reason is None
    np.testing.assert_allclose(fit.per_deg_c, slope, atol=3e-4)
    assert np.abs(fit.apply(sensed, temperature) - true).max() < 0.015
    with pytest.raises(ValueError, match="temperature_c"):
        fit.apply(sensed, temperature[:5])


@pytest.mark.parametrize(
    ("acc", "reason"),
    [
        (at_rest(2), "too little rest"),
        (at_rest(60, half=True), "too few attitudes"),
        (np.random.default_rng(0).standard_normal((20000, 3)), "too little rest"),
        (np.zeros((20000, 3)), "too little rest"),
        (np.full((20000, 3), np.nan), "too little rest"),
        (np.full((20000, 3), np.inf), "too little rest"),
        (np.tile([0.0, 0.0, 1.1], (20000, 1)), "too few attitudes"),
        (np.empty((0, 3)), "too little rest"),
    ],
)
def test_what_cannot_be_fitted_is_left_as_it_is(acc: Floats, reason: str) -> None:
    fit = calibrate_acc(acc, FS)
    assert fit.reason == reason
    assert (fit.gain == 1).all()
    assert (fit.offset_g == 0).all()
    np.testing.assert_array_equal(fit.apply(acc), acc)


def test_a_sphere_that_no_gain_explains_is_refused() -> None:
    rng = np.random.default_rng(4)
    true = at_rest(100, noise_g=0.001)
    bent = true * np.repeat(rng.uniform(0.85, 1.15, len(true) // 1000), 1000)[:, None]
    assert calibrate_acc(bent, FS).reason == "no fit to the sphere"


def test_any_split_gives_the_fit_of_the_whole_and_the_state_goes_on() -> None:
    sensed = (at_rest(60) - OFFSET) / GAIN
    sensed[20_000:20_100] = np.nan
    whole, parts = calibrate_acc(sensed, FS), AccCalibrator(FS)
    for block in np.split(sensed, [1, 333, 20_050, 41_000]):
        parts.update(block)
        parts = AccCalibrator.from_bytes(parts.to_bytes())
    found = parts.result()
    np.testing.assert_allclose(found.gain, whole.gain, rtol=1e-9)
    np.testing.assert_allclose(found.offset_g, whole.offset_g, rtol=1e-9)
    assert found.points == whole.points


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="fs"):
        AccCalibrator(0.1)
    with pytest.raises(ValueError, match="acc_g"):
        calibrate_acc(np.zeros((5, 4)), FS)
    with pytest.raises(ValueError, match="temperature_c"):
        calibrate_acc(np.zeros((5, 3)), FS, np.zeros(4))
