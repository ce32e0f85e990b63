"""Respiratory rate from the pulse wave: against synthetic truth and the monitor's impedance rate in intensive care."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vitals_signal as dsp

NAME = "respiratory_rate_per_min"
BEATS = np.arange(0.5, 100.0, 0.75)


@pytest.mark.parametrize("rate", [6.0, 10.0, 15.0, 24.0, 33.0])
@pytest.mark.parametrize(
    ("baseline", "amplitude", "interval_s"), [(0.1, 0.1, 0.02), (0.15, 0.0, 0.0), (0.0, 0.15, 0.0), (0.0, 0.0, 0.03)]
)
def test_each_modulation_alone_gives_the_rate(
    rate: float, baseline: float, amplitude: float, interval_s: float
) -> None:
    wave = dsp.synthetic.pulse_wave(
        BEATS, 64.0, breaths_per_min=rate, baseline=baseline, amplitude=amplitude, interval_s=interval_s, noise=0.005
    )
    found = np.array([window.values[NAME] for window in dsp.respiratory_rate(wave.ppg, 64.0)])
    assert len(found) == 9
    assert np.median(np.abs(found - rate)) < 1.0


def test_a_series_of_the_ecg_may_join() -> None:
    wave = dsp.synthetic.pulse_wave(
        BEATS, 64.0, breaths_per_min=12.0, baseline=0.0, amplitude=0.0, interval_s=0.0, noise=0.05
    )
    series = [(BEATS, 1.0 + 0.1 * np.sin(2 * np.pi * 0.4 * BEATS))] * 3
    alone, joined = (dsp.respiratory_rate(wave.ppg, 64.0, others=others) for others in ((), series))
    assert np.median([abs(window.values[NAME] - 24.0) for window in joined]) < 1.0
    quality = [np.mean([window.values["quality"] for window in windows]) for windows in (alone, joined)]
    assert quality[1] > quality[0] + 0.2


def test_without_breathing_there_is_no_certainty() -> None:
    wave = dsp.synthetic.pulse_wave(BEATS, 64.0, baseline=0.0, amplitude=0.0, interval_s=0.0, noise=0.05)
    assert np.mean([window.values["quality"] for window in dsp.respiratory_rate(wave.ppg, 64.0)]) < 0.5


def test_too_few_beats_or_samples_have_a_reason() -> None:
    assert {window.reason for window in dsp.respiratory_rate(np.zeros(4000), 64.0)} == {
        "too few beats, or beats without modulation"
    }
    torn = dsp.synthetic.pulse_wave(BEATS, 64.0).ppg
    torn[1000:2500] = np.nan
    windows = dsp.respiratory_rate(torn, 64.0)
    assert windows[0].reason == "too few samples in the window"
    assert windows[-1].reason is None


def test_intensive_care_against_the_impedance(shared: Path) -> None:
    errors, qualities = [], []
    for path in sorted((shared / "data" / "bidmc").glob("bidmc_*.npz")):
        with np.load(path) as data:
            ppg, numerics = data["pleth"] * 1e-6, data["numerics"]
        for window in dsp.respiratory_rate(ppg, 125.0):
            seconds = numerics[:, 0]
            rate = numerics[(seconds >= window.start_us / 1e6) & (seconds < window.end_us / 1e6), 3]
            rate = rate[rate > 0]
            if len(rate):
                errors.append(abs(window.values[NAME] - rate.mean()))
                qualities.append(window.values["quality"])
    error, quality = np.array(errors), np.array(qualities)
    kept = quality >= np.quantile(quality, 0.1)
    assert error[kept].mean() <= 4.0
    assert error[quality > 0.9].mean() <= 1.5
    assert (quality > 0.9).mean() > 0.25
