"""Saturation: the calibration inverted on synthetic light, and every gate with its reason."""

from __future__ import annotations

import numpy as np
import pytest

import vitals_signal as dsp

BEATS = np.arange(0.5, 40.0, 0.8)


@pytest.mark.parametrize("percent", [75.0, 85.0, 92.0, 98.0])
@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_light_of_a_known_saturation(percent: float, noise: float) -> None:
    wave = dsp.synthetic.pulse_wave(BEATS, 50.0, spo2_pct=percent, noise=noise)
    windows = dsp.spo2(wave.red, wave.ir, 50.0)
    assert len(windows) > 10
    for window in windows[1:]:
        assert window.values["spo2_pct"] == pytest.approx(percent, abs=0.8)
        assert window.values["perfusion_index_pct"] == pytest.approx(2.0, abs=0.6)
        assert window.values["sqi_ppg"] > 0.5


def test_calibration_belongs_to_the_sensor() -> None:
    wave = dsp.synthetic.pulse_wave(BEATS, 50.0, spo2_pct=90.0, noise=0.0)
    ratio = dsp.spo2(wave.red, wave.ir, 50.0)[3].values["ratio"]
    assert ratio == pytest.approx(0.8, abs=0.01)
    own = dsp.Spo2Calibration(a=104.0, b=-17.0, c=-1.0)
    found = dsp.spo2(wave.red, wave.ir, 50.0, calibration=own)[3].values["spo2_pct"]
    assert found == pytest.approx(104.0 - 17.0 * ratio - ratio**2, abs=1e-9)


def test_one_wavelength_is_refused_with_a_reason() -> None:
    wave = dsp.synthetic.pulse_wave(BEATS, 50.0)
    for window in dsp.spo2(wave.red, None, 50.0):
        assert window.reason == "one wavelength only: saturation needs red and infrared"
        assert np.isnan(list(window.values.values())).all()
    for window in dsp.spo2(wave.ir, wave.ir, 50.0):
        assert window.reasons["spo2_pct"] == "red and infrared are one and the same signal"


def test_gates() -> None:
    wave = dsp.synthetic.pulse_wave(BEATS, 50.0)
    rng = np.random.default_rng(1)
    n = len(wave.ir)
    cases = {
        "no DC level: saturation needs raw intensities, not filtered ones": (wave.red - wave.red.mean(), wave.ir),
        "too few samples in the window": (np.where(np.arange(n) % 2, np.nan, wave.red), wave.ir),
        "red and infrared do not show the same pulse": (30_000.0 + 300.0 * rng.standard_normal(n), wave.ir),
        "no pulse in one of the channels": (np.full(n, 30_000.0), wave.ir),
        "perfusion index below 0.02 %": (30_000.0 + 1e-3 * wave.ppg, 50_000.0 - 1e-3 * wave.ppg),
    }
    for reason, (red, ir) in cases.items():
        for window in dsp.spo2(red, ir, 50.0)[1:]:
            assert reason in (window.reason, window.reasons.get("spo2_pct")), reason
            assert np.isnan(window.values["spo2_pct"])


@pytest.mark.parametrize("share", [0.5, 2.0, 8.0])
def test_perfusion_index_is_the_pulse_over_its_level(share: float) -> None:
    wave = dsp.synthetic.pulse_wave(BEATS, 50.0, perfusion_pct=share, baseline=0.0, noise=0.0)
    assert dsp.perfusion_index(wave.ir, 50.0) == pytest.approx(share, rel=0.2)
    assert dsp.perfusion_index(3.0 * wave.ir, 50.0) == pytest.approx(dsp.perfusion_index(wave.ir, 50.0))
    assert np.isnan(dsp.perfusion_index(wave.ppg - 5.0, 50.0))
