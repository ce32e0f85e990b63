"""Shape of the pulse wave: points of a wave known in closed form, and what recordings show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vitals_signal as dsp
from vitals.formats.wfdb import read_signals

FS = 250.0
SYSTOLIC_WIDTH_S = 0.075  # of vitals_signal.synthetic.ppg


def pulses(reflected: float = 1.0) -> dsp.PulseWaves:
    wave = dsp.synthetic.pulse_wave(
        np.arange(0.5, 20.0, 1.0), FS, noise=0.0, baseline=0.0, amplitude=0.0, interval_s=0.0
    )
    return dsp.pulse_wave_features(wave.ppg * reflected, FS, height_m=1.75)


def test_points_of_a_wave_in_closed_form() -> None:
    found = pulses()
    middle = {name: float(np.median(found[name])) for name in dsp.PULSE_WAVE_FEATURES}
    assert middle["pulse_interval_s"] == pytest.approx(1.0, abs=0.005)
    assert middle["delta_t_s"] == pytest.approx(0.27, abs=0.015)
    assert middle["stiffness_index_m_s"] == pytest.approx(1.75 / 0.27, rel=0.06)
    assert middle["reflection_index"] == pytest.approx(0.42, abs=0.02)
    # A Gaussian bends most at its top and at 1.73 widths from it, where its bend is 0.446 of that.
    assert middle["b_time_s"] - middle["a_time_s"] == pytest.approx(1.73 * SYSTOLIC_WIDTH_S, abs=0.008)
    assert middle["b_a"] == pytest.approx(-1.0 / 0.446, rel=0.08)
    t = np.arange(-0.2, 0.2, 1e-4)
    wave = np.exp(-0.5 * (t / SYSTOLIC_WIDTH_S) ** 2) + 0.42 * np.exp(-0.5 * ((t - 0.27) / 0.105) ** 2)
    assert middle["width50_s"] == pytest.approx(1e-4 * np.sum(wave > 0.5 * wave.max()), abs=0.008)
    assert middle["b_time_s"] == pytest.approx(middle["crest_time_s"], abs=0.008)
    assert middle["quality"] > 0.99


def test_names_that_are_missing_say_why() -> None:
    wave = dsp.synthetic.pulse_wave(np.arange(0.5, 20.0, 1.0), FS, noise=0.0)
    stream = dsp.PulseWaveStream(FS)
    windows = [*stream.update(wave.ppg), *stream.end()]
    assert len(windows) >= 15
    for window in windows:
        assert set(window.values) == set(dsp.PULSE_WAVE_FEATURES)
        assert set(window.reasons) == {name for name, value in window.values.items() if np.isnan(value)}
        assert "no height" in window.reasons["stiffness_index_m_s"]


def test_no_wave_spans_missing_samples() -> None:
    ppg = dsp.synthetic.pulse_wave(np.arange(0.5, 20.0, 1.0), FS).ppg
    whole = dsp.pulse_wave_features(ppg, FS)
    ppg[2500:2510] = np.nan
    torn = dsp.pulse_wave_features(ppg, FS)
    assert len(whole.values) - 3 <= len(torn.values) < len(whole.values)
    assert not np.any((torn.start_us < 10_000_000) & (torn.end_us > 10_000_000))


def test_shape_does_not_depend_on_gain() -> None:
    np.testing.assert_allclose(pulses(40.0).values, pulses().values, rtol=1e-6)


def test_finger_pulses_of_adults_lie_where_physiology_puts_them(shared: Path) -> None:
    with np.load(shared / "data" / "bidmc" / "bidmc_05.npz") as data:
        found = dsp.pulse_wave_features(data["pleth"] * 1e-6, 125.0, height_m=1.7)
    good = found["quality"] > 0.5
    assert good.mean() > 0.8
    bounds = {
        "crest_time_s": (0.10, 0.30),
        "stiffness_index_m_s": (5.0, 15.0),
        "b_a": (-1.5, -0.3),
        "d_a": (-0.8, 0.1),
        "e_a": (0.0, 0.6),
        "notch_time_s": (0.25, 0.45),
    }
    for name, (low, high) in bounds.items():
        assert low < np.nanmedian(found[name][good]) < high, name
        assert np.isnan(found[name][good]).mean() < 0.3, name


def test_a_second_systolic_shoulder_is_no_notch(shared: Path) -> None:
    recording = read_signals(shared / "data" / "mimic_perform_af" / "mimic_perform_non_af_001.hea")
    found = dsp.pulse_wave_features(recording.physical(0)[:12500], 125.0)
    good = found["quality"] > 0.5
    assert good.sum() > 50
    assert 0.28 < np.nanmedian(found["notch_time_s"][good]) < 0.45
    assert np.nanmedian(found["c_time_s"][good]) < 0.25
