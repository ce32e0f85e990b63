"""Pulse rate under motion: against synthetic truth and the ECG of wrist recordings on a treadmill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import vitals_signal as dsp
from vitals_signal.windows.window import FeatureWindow

FS = 50.0


def values(windows: list[FeatureWindow], name: str) -> NDArray[np.float64]:
    return np.array([window.values[name] for window in windows])


def test_windows_of_eight_seconds_every_two() -> None:
    windows = dsp.pulse_rate(np.sin(np.arange(1000) / 8.0), None, FS)
    assert [(w.start_us, w.end_us) for w in windows[:2]] == [(0, 8_000_000), (2_000_000, 10_000_000)]
    assert len(windows) == 7
    assert windows[0].method == "pulse-rate-motion-1"


@pytest.mark.parametrize("bpm", [48.0, 75.0, 120.0, 180.0])
def test_a_steady_rate_is_found(bpm: float) -> None:
    wave = dsp.synthetic.pulse_wave(np.arange(0.5, 60.0, 60.0 / bpm), FS, interval_s=0.0)
    found = dsp.pulse_rate(wave.ppg, wave.acc_g, FS)
    assert np.abs(values(found, "pulse_rate_bpm")[2:] - bpm).max() < 1.5
    assert values(found, "quality")[2:].min() > 0.7


def test_motion_as_strong_as_the_pulse_is_cancelled_by_the_accelerometer_alone() -> None:
    beats = np.arange(0.5, 90.0, 60.0 / 132.0)
    wave = dsp.synthetic.pulse_wave(beats, FS, motion=3.0, cadence_hz=1.45, interval_s=0.0)
    with_acc = values(dsp.pulse_rate(wave.ppg, wave.acc_g, FS), "pulse_rate_bpm")
    without = values(dsp.pulse_rate(wave.ppg, None, FS), "pulse_rate_bpm")
    assert np.abs(with_acc - 132.0).mean() < 2.0
    assert np.abs(without - 132.0).mean() > 20.0


def test_a_still_arm_keeps_a_pulse_that_the_accelerometer_sees_too() -> None:
    wave = dsp.synthetic.pulse_wave(np.arange(0.5, 60.0, 0.8), FS, interval_s=0.0)
    ballistic = np.stack([0.003 * wave.ppg, 0.002 * wave.ppg, 1.0 + 0.004 * wave.ppg], axis=1)
    assert np.abs(values(dsp.pulse_rate(wave.ppg, ballistic, FS), "pulse_rate_bpm") - 75.0).max() < 2.0


def test_two_channels_beat_the_one_that_is_lost() -> None:
    wave = dsp.synthetic.pulse_wave(np.arange(0.5, 60.0, 0.8), FS, interval_s=0.0)
    noise = np.random.default_rng(2).standard_normal(len(wave.ppg))
    both = dsp.pulse_rate(np.stack((wave.ppg, noise), axis=1), wave.acc_g, FS)
    assert np.abs(values(both, "pulse_rate_bpm")[2:] - 75.0).max() < 3.0
    lost = dsp.pulse_rate(np.stack((wave.ppg, np.full(len(noise), np.nan)), axis=1), wave.acc_g, FS)
    assert np.abs(values(lost, "pulse_rate_bpm")[2:] - 75.0).max() < 2.0


def test_noise_is_no_rate_and_missing_samples_have_a_reason() -> None:
    noise = np.random.default_rng(2).standard_normal(6000)
    assert np.median(values(dsp.pulse_rate(noise, None, FS), "quality")) < 0.75
    torn = noise.copy()
    torn[1000:2000] = np.nan
    reasons = [window.reason for window in dsp.pulse_rate(torn, None, FS)]
    assert reasons[0] is None
    assert reasons[12] == "too few samples in the window"


def test_wrist_recordings_while_running(shared: Path) -> None:
    """The goal of TROIKA's data (mean absolute error 2.34 bpm offline there), causally and for one set of numbers."""
    from scipy.io import loadmat

    errors, sure, wrong = [], [], []
    for path in sorted((shared / "data" / "ieee_spc2015").glob("DATA_*TYPE0?.mat")):
        signal = loadmat(path)["sig"].astype(float)
        truth = loadmat(path.with_name(path.stem + "_BPMtrace.mat"))["BPM0"].ravel()
        found = dsp.pulse_rate(signal[1:3].T, signal[3:6].T, 125.0)[: len(truth)]
        error = np.abs(values(found, "pulse_rate_bpm") - truth)
        errors.append(error.mean())
        sure.append(error[values(found, "quality") > 0.8])
        wrong.append(error[values(found, "quality") <= 0.8])
    assert len(errors) == 12
    assert np.mean(errors) <= 2.0
    assert 3.0 * np.concatenate(sure).mean() < np.concatenate(wrong).mean()
