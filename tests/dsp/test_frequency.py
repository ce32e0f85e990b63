"""HRV in the frequency domain: known powers, what cannot be seen, gaps, and the pieces it is made of."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.interpolate
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals_signal import CONVENTIONS, HRV_FREQUENCY_FEATURES, hrv_frequency, lomb_scargle, nn_intervals
from vitals_signal.rr.autoregression import ar_density, burg, yule_walker
from vitals_signal.rr.frequency_domain import SpectrumMethod, band_power
from vitals_signal.rr.nufft import fourier_sums
from vitals_signal.rr.spline import cubic_spline

Floats = NDArray[np.float64]
RNG = np.random.default_rng(7)
METHODS: tuple[SpectrumMethod, ...] = ("welch", "lomb", "ar")


def modulated(heart_hz: float, rhythm_hz: float, seconds: float, amplitude_ms: float = 35.0) -> Floats:
    """Intervals around 1 / heart_hz with a sine of the time at which each begins: 612.5 ms^2 for 35 ms."""
    t, out = 0.0, []
    while t < seconds:
        out.append(1.0 / heart_hz + 1e-3 * amplitude_ms * math.sin(2 * math.pi * rhythm_hz * t))
        t += out[-1]
    return 1000.0 * np.array(out)


def ec57(shared: Path, pattern: int) -> Floats:
    path = shared / "data" / "dsp_golden" / "ec57_hrv" / f"HRV256_TP{pattern}.txt.gz"
    with gzip.open(path, "rt") as file:
        return np.loadtxt(file, delimiter=",")[:, 1] * 1000.0


# ANSI/AAMI EC57: what each pattern holds, ms^2. The second harmonic of TP4 lies in LF and is 76 ms^2 by construction.
PATTERNS = {2: ("HF", 612.5), 3: ("LF", 2450.0), 4: ("VLF", 39200.0), 5: ("ULF", 9800.0)}


@pytest.mark.parametrize("method", ["welch", "lomb"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_patterns_of_ec57(shared: Path, pattern: int, method: SpectrumMethod) -> None:
    """Within 1 %, and no phantom above 1 % in any other band (a plain Lomb periodogram has 149 % in TP4's HF)."""
    out = hrv_frequency(ec57(shared, pattern), method=method)
    name, power = PATTERNS[pattern]
    assert out[name] == pytest.approx(power, rel=0.01)
    for other in {"ULF", "VLF", "LF", "HF"} - {name}:
        assert out[other] <= 0.01 * power, other


def test_five_minutes_of_an_ec57_pattern(shared: Path) -> None:
    assert hrv_frequency(ec57(shared, 2)[:375])["HF"] == pytest.approx(612.5, rel=0.01)
    assert hrv_frequency(ec57(shared, 3)[:300])["LF"] == pytest.approx(2450.0, rel=0.01)


@pytest.mark.parametrize("method", ["welch", "lomb"])
@pytest.mark.parametrize("heart_hz", [0.95, 1.0, 1.25, 1.9])
@pytest.mark.parametrize("rhythm_hz", [0.08, 0.17, 0.3, 0.38])
def test_a_rhythm_keeps_its_power_at_any_heart_rate(heart_hz: float, rhythm_hz: float, method: SpectrumMethod) -> None:
    """Plain interpolation would lose up to half of HF; the tone stays below half the heart rate."""
    out = hrv_frequency(modulated(heart_hz, rhythm_hz, 300.0), method=method)
    assert out["LF" if rhythm_hz < 0.15 else "HF"] == pytest.approx(612.5, rel=0.02)
    assert out["LFpeak" if rhythm_hz < 0.15 else "HFpeak"] == pytest.approx(rhythm_hz, abs=0.004)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_read_above_half_the_heart_rate(method: SpectrumMethod) -> None:
    """Two seconds between beats: a rhythm of 0.2 Hz shows an image at 0.3 Hz, which is not there."""
    out = hrv_frequency(modulated(0.5, 0.1, 600.0), method=method)
    assert math.isnan(out["VHF"])
    assert out.reasons["VHF"] == "the band lies above half the mean heart rate"
    assert out["HF"] <= 0.02 * max(out["LF"], 1.0)


def test_density_integrates_to_the_variance() -> None:
    rr = 1000.0 + 30.0 * np.convolve(RNG.standard_normal(1302), np.ones(3) / math.sqrt(3), "valid")
    whole = hrv_frequency(rr, method="lomb")
    top = sum(whole[name] for name in ("VLF", "LF", "HF", "VHF"))
    assert top == pytest.approx(rr.var(), rel=0.05)  # ULF aside; uneven samples are not quite orthogonal
    assert hrv_frequency(rr)["HF"] == pytest.approx(whole["HF"], rel=0.1)
    assert hrv_frequency(rr, method="ar")["HF"] == pytest.approx(whole["HF"], rel=0.15)


def test_a_bin_at_the_border_counts_half() -> None:
    """One bin of 0.01 Hz around 0.2 Hz: 1 ms^2 in all, half of it above 0.2 Hz, a fifth of it above 0.203 Hz."""
    frequency: Floats = np.linspace(0.0, 0.5, 51)
    power = np.where(np.arange(51) == 20, 100.0, 0.0)
    grown = np.append(0.0, np.cumsum(power))
    for band, expected in {(0.1, 0.3): 1.0, (0.2, 0.3): 0.5, (0.203, 0.3): 0.2, (0.1, 0.203): 0.8}.items():
        assert band_power(frequency, power, grown, band, CONVENTIONS["taskforce"]) == pytest.approx(expected)


def test_units_and_shares() -> None:
    rr = 900.0 + 30.0 * RNG.standard_normal(400)
    a, b = hrv_frequency(rr), hrv_frequency(rr / 10.0 + 810.0)
    assert tuple(a) == HRV_FREQUENCY_FEATURES
    assert b["LF"] == pytest.approx(a["LF"] / 100.0, rel=0.05)  # the beats fall elsewhere
    assert a["LFn"] + a["HFn"] == pytest.approx(1.0)
    assert a["VLFrel"] + a["LFrel"] + a["HFrel"] == pytest.approx(100.0)
    assert a["TP"] == pytest.approx(a["VLF"] + a["LF"] + a["HF"])
    assert a["LnHF"] == pytest.approx(math.log(a["HF"]))
    assert a["LFHF"] == pytest.approx(a["LF"] / a["HF"])


def test_what_is_too_short_is_nan_with_a_reason() -> None:
    out = hrv_frequency(modulated(1.0, 0.25, 100.0))
    assert out["HF"] == pytest.approx(612.5, rel=0.02)
    assert math.isnan(out["VLF"])
    assert out.reasons["VLF"] == "shorter than 303 s in one piece"
    assert out.reasons["ULF"] == "shorter than 18 h in one piece"
    out = hrv_frequency(modulated(1.0, 0.25, 20.0))
    assert set(out.reasons) == set(HRV_FREQUENCY_FEATURES)


@pytest.mark.parametrize("method", METHODS)
def test_stretches_are_judged_each_by_itself(method: SpectrumMethod) -> None:
    """Both sides of a gap hold the same rhythm; a step between them, or what lies in the gap, adds nothing."""
    left, right = modulated(1.0, 0.25, 300.0), modulated(1.2, 0.25, 300.0)
    alone = hrv_frequency(left, method=method)["HF"], hrv_frequency(right, method=method)["HF"]
    joined = hrv_frequency(np.concatenate((left, [math.nan], right)), method=method)
    assert min(alone) * 0.99 <= joined["HF"] <= max(alone) * 1.01
    assert joined["LF"] < 0.02 * max(alone)
    assert joined["VLF"] < 0.02 * max(alone)


def test_a_short_stretch_does_not_blur_a_long_one() -> None:
    long, short = modulated(1.0, 0.25, 300.0), modulated(1.0, 0.2, 60.0, 100.0)
    joined = hrv_frequency(np.concatenate((long, [math.nan], short)))
    assert joined["HF"] == pytest.approx(hrv_frequency(long)["HF"])


def test_lomb_sees_across_a_gap_whose_length_is_known() -> None:
    rr = modulated(1.0, 0.01, 3000.0, 60.0)
    times = np.cumsum(rr) / 1000.0
    rr[1000:1400] = math.nan
    placed = hrv_frequency(rr, method="lomb", times_s=times)
    assert placed["VLF"] == pytest.approx(1800.0, rel=0.05)
    assert placed["VLFpeak"] == pytest.approx(0.01, abs=0.0004)


def test_a_day_has_ultra_low_frequencies() -> None:
    rr = modulated(1.1, 1 / 3600, 20 * 3600.0, 50.0)
    out = hrv_frequency(rr + 10.0 * RNG.standard_normal(len(rr)))
    assert out["ULF"] == pytest.approx(1250.0, rel=0.02)
    assert out["VLF"] < 0.05 * 1250.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats() | st.floats(300, 2000), max_size=120), st.sampled_from(METHODS))
def test_any_numbers_neither_raise_nor_warn(values: list[float], method: SpectrumMethod) -> None:
    out = hrv_frequency(nn_intervals(values), method=method)
    assert tuple(out) == HRV_FREQUENCY_FEATURES
    assert set(out.reasons) == {name for name, value in out.items() if math.isnan(value)}


@pytest.mark.parametrize(
    "rr",
    [np.full(500, 800.0), np.full(5000, 3_600_000.0), np.tile([300.0, 4000.0], 200), np.full(3, 20_000.0), np.empty(0)],
)
def test_odd_series_give_numbers_or_reasons(rr: Floats) -> None:
    for method in METHODS:
        out = hrv_frequency(rr, method=method)
        assert set(out.reasons) == {name for name, value in out.items() if math.isnan(value)}
        assert all(value >= 0 for name, value in out.items() if name != "LnHF" and not math.isnan(value))


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="method is 'fft'"):
        hrv_frequency([800.0], method="fft")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="convention is 'mine'"):
        hrv_frequency([800.0], convention="mine")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="times_s has shape"):
        hrv_frequency([800.0, 810.0], times_s=[0.0])
    with pytest.raises(ValueError, match="step_hz"):
        lomb_scargle([1.0], [1.0], 0.0, 5)
    with pytest.raises(ValueError, match="shape"):
        lomb_scargle([1.0, 2.0], [1.0], 0.1, 5)


@pytest.mark.parametrize(("n", "m"), [(12, 40), (200, 500), (2000, 1500)])
@pytest.mark.parametrize("start", [None, 0.0031])
def test_lomb_against_scipy(n: int, m: int, start: float | None) -> None:
    """Within 1e-8 of the highest power."""
    t = np.cumsum(RNG.uniform(0.5, 1.2, n)) + 50.0
    y = RNG.normal(0.0, 40.0, n) + 30.0 * np.sin(0.7 * t)
    step = 0.5 / m
    frequency = (step if start is None else start) + step * np.arange(m)
    expected = scipy.signal.lombscargle(t, y, 2 * np.pi * frequency)
    ours = lomb_scargle(t, y, step, m, start_hz=start)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-8 * expected.max())


def test_fourier_sums_against_their_definition() -> None:
    t, w = RNG.uniform(-300.0, 900.0, 700), RNG.standard_normal(700) + 1j * RNG.standard_normal(700)
    for m in (1, 2, 17, 400):
        wave = np.exp(-2j * np.pi * 0.0013 * np.outer(np.arange(m), t))
        np.testing.assert_allclose(fourier_sums(t, w, 0.0013, m), wave @ w, rtol=0, atol=1e-8 * np.abs(w).sum())


@pytest.mark.parametrize("n", [4, 5, 6, 40, 999])
def test_spline_against_scipy(n: int) -> None:
    x = np.cumsum(RNG.uniform(0.3, 2.0, n))
    y = RNG.normal(800.0, 50.0, n)
    at = np.linspace(x[0] - 1.0, x[-1] + 1.0, 500)
    expected = scipy.interpolate.CubicSpline(x, y)(at)
    np.testing.assert_allclose(cubic_spline(x, y, at), expected, rtol=1e-9, atol=1e-7 * np.abs(expected).max())


def test_autoregression_finds_the_process() -> None:
    """x[n] = 1.2 x[n-1] - 0.8 x[n-2] + e, variance 4."""
    x = scipy.signal.lfilter([1.0], [1.0, -1.2, 0.8], 2.0 * RNG.standard_normal(40_000))
    for fit in (burg, yule_walker):
        a, variance = fit(x, 2)
        np.testing.assert_allclose(a, [1.0, -1.2, 0.8], atol=0.02)
        assert variance == pytest.approx(4.0, rel=0.03)
    frequency, density = ar_density(*burg(x, 2), 4.0, 4096)
    assert np.trapezoid(density, frequency) == pytest.approx(x.var(), rel=0.03)


def test_burg_ends_where_nothing_is_left() -> None:
    a, variance = burg(np.zeros(50), 16)
    assert (a.tolist(), variance) == ([1.0], 0.0)
    a, variance = yule_walker(np.zeros(50), 16)
    assert (a.tolist(), variance) == ([1.0], 0.0)
