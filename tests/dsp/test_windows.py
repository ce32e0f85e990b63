"""The accelerometer feature vector: known answers, gaps, stream and batch, and what must not change it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from vitals_signal import ACC_FEATURES, WindowFeatureStream, WindowGrid, acc_window_features
from vitals_signal.windows.window import FeatureWindow

Floats = NDArray[np.float64]


def motion(fs: float, seconds: float, hz: float = 1.8, seed: int = 0) -> Floats:
    """A swing along x of 0.3 g at `hz` over gravity along z, with sensor noise."""
    t = np.arange(round(fs * seconds)) / fs
    acc = np.random.default_rng(seed).standard_normal((len(t), 3)) * 0.01
    acc[:, 0] += 0.3 * np.sin(2 * np.pi * hz * t)
    acc[:, 2] += 1.0
    return acc


def same(a: FeatureWindow, b: FeatureWindow) -> None:
    assert (a.start_us, a.end_us, a.method, a.reason) == (b.start_us, b.end_us, b.method, b.reason)
    assert (a.coverage, a.corrected_share, a.reasons) == (b.coverage, b.corrected_share, b.reasons)
    np.testing.assert_allclose(list(a.values.values()), list(b.values.values()), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("fs", "length_s"), [(20.0, 5.0), (50.0, 2.56), (100.0, 10.0), (31.25, 60.0)])
def test_a_swing_of_known_size_and_rate_is_found(fs: float, length_s: float) -> None:
    table = acc_window_features(motion(fs, 65.0), fs, length_s)
    assert len(ACC_FEATURES) >= 80
    assert len(table) == int(65.0 * fs) // round(length_s * fs)
    row = table.window(0).values
    assert row["x_sd"] == pytest.approx(0.3 / np.sqrt(2), rel=0.03)
    assert row["x_dominant_hz"] == pytest.approx(1.8, abs=0.1 / length_s)
    assert row["x_power"] == pytest.approx(0.045, rel=0.12)
    assert row["x_share_1_2"] > 0.8
    assert row["x_acf_peak_s"] == pytest.approx(1 / 1.8, abs=0.03)
    assert row["x_acf_peak"] > 0.9
    assert row["x_crossing_hz"] == pytest.approx(3.6, abs=1.0)
    assert row["angle_z_deg"] == pytest.approx(90.0, abs=6.0)
    assert row["sd_horizontal"] == pytest.approx(0.212, rel=0.03)
    assert row["sd_vertical"] < 0.05
    assert row["gravity_g"] == pytest.approx(1.0, abs=0.01)
    assert not table.code.any()


def test_statistics_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    acc = np.random.default_rng(1).gamma(2.0, 0.3, (1000, 3))
    row = acc_window_features(acc, 50.0, 20.0).window(0).values
    x = acc[:, 1]
    expected = {
        "y_mean": x.mean(), "y_sd": x.std(), "y_skewness": stats.skew(x), "y_kurtosis": stats.kurtosis(x),
        "y_p10": np.percentile(x, 10), "y_median": np.median(x), "y_p90": np.percentile(x, 90), "y_max": x.max(),
        "y_mean_deviation": np.abs(x - x.mean()).mean(), "corr_xy": np.corrcoef(acc[:, 0], x)[0, 1],
        "enmo": np.maximum(np.linalg.norm(acc, axis=1) - 1, 0).mean(),
        "axis_1_share": np.linalg.eigvalsh(np.cov(acc.T, ddof=0))[-1] / np.cov(acc.T, ddof=0).trace(),
    }  # fmt: skip
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_entropy_of_known_distributions() -> None:
    rng = np.random.default_rng(9)
    acc = np.stack([rng.uniform(0, 3, 6000), rng.laplace(0, 0.2, 6000), rng.uniform(-1, 1, 6000)], 1)
    row = acc_window_features(acc, 100.0, 60.0).window(0).values
    assert row["x_entropy"] == pytest.approx(np.log(np.sqrt(12)), abs=0.02)
    assert row["z_entropy"] == pytest.approx(row["x_entropy"], abs=0.02)
    assert row["y_entropy"] == pytest.approx(np.log(np.sqrt(2) * np.e), abs=0.25)  # its tails end at the extremes


def test_seconds_at_rest_and_turns_are_told() -> None:
    acc = np.random.default_rng(10).standard_normal((1000, 3)) * 0.002 + np.array([0.0, 0.0, 1.0])
    acc[500:, 0] += 0.3 * np.sin(np.arange(500))
    acc[:200] = acc[:200, [2, 1, 0]]  # two seconds on another side
    row = acc_window_features(acc, 100.0, 10.0).window(0).values
    assert row["still_share"] == pytest.approx(0.5)
    assert row["second_sd_max"] == pytest.approx(0.3 / np.sqrt(2), rel=0.05)
    lean = np.degrees(np.arctan2(0.2, 0.8))  # of the mean vector
    assert row["tilt_max_deg"] == pytest.approx(90 - lean, abs=1.0)
    assert row["tilt_mean_deg"] == pytest.approx(0.2 * (90 - lean) + 0.8 * lean, abs=1.0)


def test_the_spectrum_is_that_of_scipys_periodogram() -> None:
    signal = pytest.importorskip("scipy.signal")
    fs = 40.0
    acc = np.random.default_rng(2).standard_normal((800, 3))
    row = acc_window_features(acc, fs, 20.0).window(0).values
    hz, power = signal.periodogram(acc[:, 2], fs, "hann", detrend="constant", scaling="density")
    inside = (hz >= 0.25) & (hz <= 10.0)
    hz, power = hz[inside], power[inside]
    assert row["z_power"] == pytest.approx(power.sum() * fs / 800, rel=1e-9)
    assert row["z_centroid_hz"] == pytest.approx((hz * power).sum() / power.sum(), rel=1e-9)
    assert row["z_share_2_3"] == pytest.approx(power[(hz >= 2) & (hz < 3)].sum() / power.sum(), rel=1e-9)
    share = power / power.sum()
    assert row["z_spectral_entropy"] == pytest.approx(-(share * np.log(share)).sum() / np.log(len(hz)), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 400), max_size=12),
    st.sampled_from([(20.0, 3.0, 1.0), (31.25, 2.0, 2.0), (50.0, 2.56, 1.28), (25.0, 2.0, 3.3)]),
    st.booleans(),
    st.sets(st.integers(0, 1499), max_size=60),
)
def test_any_split_of_a_stream_gives_the_windows_of_the_whole(
    cuts: list[int], shape: tuple[float, float, float], aligned: bool, lost: set[int]
) -> None:
    fs, length_s, hop_s = shape
    acc = np.random.default_rng(3).standard_normal((1500, 3))
    acc[sorted(lost)] = np.nan
    whole = acc_window_features(acc, fs, length_s, hop_s, start_us=1_234_567, aligned=aligned).windows()
    stream = WindowFeatureStream(fs, length_s, hop_s, start_us=1_234_567, aligned=aligned)
    parts = []
    for block in np.split(acc, np.cumsum(cuts)):
        parts += stream.update(block)
        stream = WindowFeatureStream.from_bytes(stream.to_bytes())
    parts += stream.end()
    assert len(parts) == len(whole)
    for a, b in zip(parts, whole, strict=True):
        same(a, b)


def test_a_gap_of_the_stream_is_missing_samples_of_the_batch() -> None:
    acc = motion(50.0, 12.0)
    stream = WindowFeatureStream(50.0, 4.0, min_coverage=0.5)
    parts = stream.update(acc[:250]) + stream.gap(50) + stream.update(acc[300:])
    acc[250:300] = np.nan
    for a, b in zip(parts, acc_window_features(acc, 50.0, 4.0, min_coverage=0.5).windows(), strict=True):
        same(a, b)


def test_over_a_long_gap_only_what_needs_no_order_is_left() -> None:
    acc = motion(50.0, 10.0)
    acc[100:150] = np.nan
    window = acc_window_features(acc, 50.0, 10.0).window(0)
    assert window.coverage == pytest.approx(0.9)
    assert window.corrected_share == 0.0
    assert window.reason is None
    there = acc[~np.isnan(acc[:, 0])]
    assert window.values["x_sd"] == pytest.approx(there[:, 0].std())
    for name in ("x_dominant_hz", "vm_jerk_rms", "z_acf_peak", "tilt_max_deg", "vertical_power", "y_crossing_hz"):
        assert np.isnan(window.values[name])
        assert window.reasons[name] == "a gap inside the window"


def test_a_lost_sample_is_bridged_and_counted() -> None:
    acc = motion(20.0, 10.0)
    clean = acc_window_features(acc, 20.0, 10.0).window(0)
    acc[[50, 121]] = np.nan
    window = acc_window_features(acc, 20.0, 10.0).window(0)
    assert window.coverage == pytest.approx(0.99)
    assert window.corrected_share == pytest.approx(0.01)
    assert not window.reasons
    assert window.values["x_dominant_hz"] == pytest.approx(clean.values["x_dominant_hz"], abs=0.02)


def test_below_the_least_coverage_there_is_nothing() -> None:
    acc = motion(20.0, 10.0)
    acc[:60] = np.nan
    window = acc_window_features(acc, 20.0, 10.0).window(0)
    assert np.isnan(list(window.values.values())).all()
    assert window.reason == "too little data"
    assert window.coverage == pytest.approx(0.7)


def test_one_motion_at_two_rates_gives_one_vector() -> None:
    t = np.arange(0, 20, 0.01)
    rng = np.random.default_rng(4)
    acc = np.tile([0.2, -0.3, 0.9], (2000, 1))
    for hz in (0.7, 1.4, 2.8, 4.2):
        acc += 0.2 / hz * np.sin(2 * np.pi * hz * t + rng.uniform(0, 6, 3)[:, None]).T
    fast, slow = (acc_window_features(acc[::k], 100.0 / k, 20.0).window(0).values for k in (1, 4))
    loose = ("flatness", "entropy", "crossing_hz", "min", "max")
    for name in ACC_FEATURES:
        if not name.endswith(loose):
            assert fast[name] == pytest.approx(slow[name], rel=0.03, abs=0.01), name


def test_what_is_said_to_survive_a_turn_of_the_sensor_does() -> None:
    acc = motion(50.0, 20.0)
    turn, _ = np.linalg.qr(np.random.default_rng(5).standard_normal((3, 3)))
    a, b = (acc_window_features(x, 50.0, 10.0).window(0).values for x in (acc, acc @ turn))
    kept = ("vm_", "vertical_", "horizontal_", "sd_", "axis_", "tilt_", "second_", "enmo", "gravity_g")
    for name in ACC_FEATURES:
        if name.startswith(kept):
            assert a[name] == pytest.approx(b[name], rel=1e-6, abs=1e-9), name


def test_shape_does_not_depend_on_gain() -> None:
    acc = motion(50.0, 10.0)
    a, b = (acc_window_features(x, 50.0, 10.0).window(0).values for x in (acc, 2.5 * acc))
    free = ("skewness", "kurtosis", "entropy", "hz", "share", "flatness", "acf_peak", "acf_peak_s", "acf_min", "deg")
    for name in ACC_FEATURES:
        if (name.endswith(free) or "_share_" in name) and name != "still_share":
            assert a[name] == pytest.approx(b[name], rel=1e-6, abs=1e-9), name
        elif name not in ("enmo", "still_share", "vm_skewness") and not name.startswith(("vm_", "corr_")):
            power = 2 if name.endswith("power") else 1
            assert b[name] == pytest.approx(a[name] * 2.5**power, rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize("fs", [0.5, 2.0, 10.0, 20.0, 100.0])
@pytest.mark.parametrize("length_s", [0.5, 2.0, 10.0])
def test_nothing_is_raised_and_no_nan_is_silent(fs: float, length_s: float) -> None:
    if fs * length_s < 1:
        with pytest.raises(ValueError, match="at least one sample"):
            acc_window_features(np.zeros((10, 3)), fs, length_s)
        return
    n = round(fs * length_s) * 3
    rng = np.random.default_rng(6)
    sensors: list[ArrayLike] = [
        np.zeros((n, 3)), np.full((n, 3), 0.577), rng.standard_normal((n, 3)), np.full((n, 3), np.nan),
        np.full((n, 3), np.inf), np.full((n, 3), 1e300), np.clip(rng.standard_normal((n, 3)) * 1e6, -8, 8),
        np.where(rng.random((n, 3)) < 0.1, np.nan, 1.0), np.empty((0, 3)), np.arange(3.0 * n).reshape(n, 3),
        np.where(rng.random((n, 1)) < 0.5, -1.0, 1.0) * np.ones(3), np.full((n, 3), -0.0), [],
    ]  # fmt: skip
    for acc in sensors:
        table = acc_window_features(acc, fs, length_s)
        assert (np.isnan(table.values) == (table.code > 0)).all()
        assert np.isfinite(table.values[table.code == 0]).all()
        for window in table.windows():
            assert set(window.reasons) == {name for name, value in window.values.items() if np.isnan(value)}


def test_bands_beyond_the_rate_are_missing_and_not_narrowed() -> None:
    window = acc_window_features(motion(12.5, 10.0), 12.5, 10.0).window(0)
    assert window.reasons["x_share_5_10"] == "needs a higher sampling rate"
    assert np.isfinite(window.values["x_share_3_5"])


def test_the_grid_never_drifts_and_can_lie_on_the_clock() -> None:
    grid = WindowGrid(31.25, 1.0, 1.0)
    starts = grid.starts(31250)
    assert len(starts) == 1000
    assert np.abs(starts - np.arange(1000) * 31.25).max() <= 0.5
    clock = WindowGrid(50.0, 60.0, 60.0, start_us=1_700_000_011_000_000, aligned=True)
    assert clock.time_us(clock.first_sample(0)) % 60_000_000 == 0
    assert clock.starts(6000).tolist() == [clock.first_sample(0)]


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: acc_window_features(np.zeros((5, 2)), 50.0), "acc_g"),
        (lambda: acc_window_features(np.zeros((5, 3)), 0.0), "fs"),
        (lambda: acc_window_features(np.zeros((5, 3)), 50.0, np.inf), "length_s"),
        (lambda: acc_window_features(np.zeros((5, 3)), 50.0, 10.0, 0.0), "hop_s"),
        (lambda: acc_window_features(np.zeros((5, 3)), 50.0, min_coverage=0.0), "min_coverage"),
        (lambda: WindowFeatureStream(50.0, min_coverage=2.0), "min_coverage"),
        (lambda: WindowFeatureStream(50.0).gap(-1), "samples"),
        (lambda: acc_window_features(np.zeros((500, 3)), 50.0, 10.0).column("nope"), "nope"),
    ],
)
def test_wrong_arguments_are_named(call: object, word: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=word):
        call()


STREAMS = """
import sys, numpy as np, vitals_signal as dsp
acc = np.random.default_rng(0).standard_normal((1500, 3))
streams = [dsp.WindowFeatureStream(50.0, 5.0), dsp.ActivityCountsStream(50, 5), dsp.AccCalibrator(50.0)]
streams += [dsp.AccMetricsStream(50.0, 5.0, dsp.ACC_METRICS)]
for stream in streams:
    stream.update(acc)
dsp.activity_counts(acc, 50, 5), dsp.acc_metrics(acc, 50), dsp.mims_units(acc, 50, 5.0), dsp.non_wear(acc, 50)
print(*sorted({name.split(".")[0] for name in sys.modules} & {"scipy", "pandas", "matplotlib", "sklearn", "vitals"}))
"""


def test_accelerometer_streams_load_numpy_only() -> None:
    done = subprocess.run([sys.executable, "-c", STREAMS], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
