"""What breathing does to an ECG: series that hold the breath of a known chest, and of patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals_signal import detect_r_peaks, ecg_respiration
from vitals_signal.synthetic import ecg

FS = 250.0
BREATH_HZ = 0.22
BEATS = np.cumsum(0.8 + 0.03 * np.sin(2 * np.pi * BREATH_HZ * 0.8 * np.arange(150)))
PLAIN = ecg(BEATS, FS, noise_mv=0.01, wander_mv=0.0)
SIGNAL = PLAIN * (1 + 0.10 * np.sin(2 * np.pi * BREATH_HZ * np.arange(len(PLAIN)) / FS))
SERIES = ("r_amplitude", "qrs_slope", "qrs_area", "rr_ms")


def _rate_hz(at: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    known = np.isfinite(values)
    grid = np.arange(at[known][0], at[known][-1], 0.25)
    even = np.interp(grid, at[known], values[known])
    line = np.polyval(np.polyfit(grid, even, 1), grid)
    power = np.abs(np.fft.rfft((even - line) * np.hanning(len(grid)), 4096)) ** 2
    f = np.fft.rfftfreq(4096, 0.25)
    band = (f > 0.08) & (f < 0.7)
    return float(f[band][np.argmax(power[band])])


@pytest.mark.parametrize("name", SERIES)
def test_each_series_holds_the_breath(name: str) -> None:
    found = ecg_respiration(SIGNAL, FS)
    assert found.reason is None
    assert _rate_hz(found.beats_s, getattr(found, name)) == pytest.approx(BREATH_HZ, abs=0.01)


@pytest.mark.parametrize("name", SERIES[:3])
def test_its_depth(name: str) -> None:
    values = getattr(ecg_respiration(SIGNAL, FS), name)
    assert np.nanmedian(values) == pytest.approx(1.0, abs=0.02)
    assert np.nanstd(values) == pytest.approx(0.10 / np.sqrt(2), rel=0.15)


@pytest.mark.parametrize("change", [-1.0, 1e-3])
def test_gain_and_polarity_do_not_matter(change: float) -> None:
    for name in SERIES:
        np.testing.assert_allclose(
            getattr(ecg_respiration(SIGNAL * change, FS), name), getattr(ecg_respiration(SIGNAL, FS), name), rtol=1e-6
        )


def test_ectopic_beats_and_gaps_tell_nothing() -> None:
    beats = BEATS.copy()
    beats[60] -= 0.35
    wide = np.zeros(len(beats), bool)
    wide[60] = True
    signal = ecg(beats, FS, ventricular=wide)
    signal[round((BEATS[99] + 0.3) * FS)] = np.nan
    found = ecg_respiration(signal, FS)
    near = int(np.argmin(np.abs(found.beats_s - beats[60])))
    assert all(np.isnan(getattr(found, name)[near]) for name in SERIES)
    assert np.isnan(found.rr_ms[near + 1])
    across = int(np.argmin(np.abs(found.beats_s - beats[100])))
    assert np.isnan(found.rr_ms[across])
    assert np.isfinite(found.rr_ms[across + 2])
    assert np.isfinite(found.r_amplitude).mean() > 0.95


def test_patients(shared: Path) -> None:
    """BIDMC, 32-s windows against the monitor's respiratory rate. Measured on all 26: median error 1.2 to 2.0."""
    errors = []
    for record in sorted((shared / "data" / "bidmc").glob("*.npz"))[::3]:
        with np.load(record) as data:
            lead, fs, numerics = data["ii"] * float(data["scale"]), float(data["fs"]), data["numerics"]
        found = ecg_respiration(lead, fs)
        for start in range(0, 440, 32):
            window = (found.beats_s >= start) & (found.beats_s < start + 32)
            values = found.qrs_area[window]
            if np.isfinite(values).sum() >= 12:
                rate = 60 * _rate_hz(found.beats_s[window], values)
                errors.append(abs(rate - np.nanmedian(numerics[start : start + 32, 3])))
    assert len(errors) > 80
    assert np.nanmedian(errors) < 3.0


@pytest.mark.parametrize(
    "signal", [np.empty(0), np.zeros(3000), np.full(3000, np.nan), np.full(3000, np.inf), np.ones(2)]
)
def test_without_beats_it_says_so(signal: NDArray[np.float64]) -> None:
    found = ecg_respiration(signal, FS)
    assert found.reason == "fewer than four usual beats"
    assert len(found.beats_s) == 0


def test_noise_raises_nothing() -> None:
    found = ecg_respiration(np.random.default_rng(0).standard_normal(3000), FS)
    assert all(len(getattr(found, name)) == len(found.beats_s) for name in SERIES)


def test_peaks_may_be_given() -> None:
    peaks = detect_r_peaks(SIGNAL, FS)
    given, own = ecg_respiration(SIGNAL, FS, peaks), ecg_respiration(SIGNAL, FS)
    np.testing.assert_array_equal(given.r_amplitude, own.r_amplitude)
    with pytest.raises(ValueError, match="peaks must ascend"):
        ecg_respiration(SIGNAL, FS, [500, 400])
