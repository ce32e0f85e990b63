"""Epoch metrics of acceleration: a peer's numbers, SciPy's filters, gaps, and one kernel for stream and batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from vitals_signal import ACC_METRICS, AccMetricsStream, acc_metrics, enmo, mad
from vitals_signal.acc.butterworth import butterworth

Floats = NDArray[np.float64]

# skdh 0.17.18, skdh.activity.metrics.metric_<name>(sway(50, 15), wlen=250)
SKDH = {
    "en": [1.0048059783461911, 1.0754478753928878, 1.142016445727253],
    "enmo": [0.10511599389064649, 0.1628318698515884, 0.23479189238716128],
    "mad": [0.20530723773055146, 0.24292247852542723, 0.3095120023820089],
}


def sway(rate: int, seconds: float) -> Floats:
    """Swings that grow and change pace, different on each axis, in steps of 1/256 g."""
    t = np.arange(round(rate * seconds)) / rate
    axes = [(0.3 + 0.02 * t) * np.sin(2 * np.pi * (0.6 + 0.1 * k) * t + 0.01 * t * t) for k in range(3)]
    steps: Floats = np.round((np.stack(axes, 1) + np.array([0.1, -0.3, 0.9])) * 256)
    return steps / 256


@pytest.mark.parametrize("name", sorted(SKDH))
def test_unfiltered_metrics_equal_skdh(name: str) -> None:
    assert acc_metrics(sway(50, 15.0), 50, 5.0, (name,))[name] == pytest.approx(SKDH[name], rel=1e-9)


def test_enmo_of_samples_and_mad_of_epochs_are_those_of_the_table() -> None:
    acc = sway(50, 15.0)
    table = acc_metrics(acc, 50, 5.0, ("enmo", "mad"))
    assert enmo(acc).reshape(3, 250).mean(1) == pytest.approx(table["enmo"])
    assert mad(acc, 50)["mad"] == pytest.approx(table["mad"])
    assert enmo([[0, 0, 1.5], [np.nan, 0, 0], [np.inf, 0, 0], [0.1, 0, 0]]).tolist() == pytest.approx(
        [0.5, np.nan, np.nan, 0.0], nan_ok=True
    )


@pytest.mark.parametrize(
    ("attitude", "angles"),
    [((0, 0, 1), (0, 0, 90)), ((0, 0, -1), (0, 0, -90)), ((1, 0, 1), (45, 0, 45)), ((0, -1, 0), (0, -90, 0))],
)
def test_angles_of_known_attitudes(attitude: tuple[float, ...], angles: tuple[float, ...]) -> None:
    acc = np.tile(np.array(attitude) / np.linalg.norm(attitude), (500, 1))
    table = acc_metrics(acc, 50, 5.0, ("angle_x", "angle_y", "angle_z"))
    np.testing.assert_allclose(table.values, [angles, angles], atol=1e-9)


def test_filtered_metrics_are_those_of_scipys_recursion() -> None:
    signal = pytest.importorskip("scipy.signal")
    acc = np.random.default_rng(0).standard_normal((2500, 3)) * 0.3 + np.array([0, 0, 1.0])
    table = acc_metrics(acc, 50, 5.0, ("hfen", "hfenplus", "bfen", "lfenmo"))

    def norm(edges: float | list[float], kind: str) -> Floats:
        sections = signal.butter(4, edges, kind, fs=50.0, output="sos")
        settled = signal.sosfilt_zi(sections)[:, None, :] * acc[0][None, :, None]
        y = np.stack([signal.sosfilt(sections, acc[:, k], zi=settled[:, k])[0] for k in range(3)])
        total: Floats = np.sqrt((y**2).sum(0))
        return total

    high, low = norm(0.2, "highpass"), norm(0.2, "lowpass")
    expected = {
        "hfen": high, "hfenplus": np.maximum(high + low - 1, 0), "bfen": norm([0.2, 15.0], "bandpass"),
        "lfenmo": np.maximum(norm(15.0, "lowpass") - 1, 0),
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(table[name], values.reshape(-1, 250).mean(1), rtol=1e-9)


@pytest.mark.parametrize("fs", [20.0, 31.25, 100.0])
@pytest.mark.parametrize(("low", "high"), [(0.2, None), (None, 0.2), (0.2, 5.0), (None, 9.0)])
def test_butterworth_is_scipys(fs: float, low: float | None, high: float | None) -> None:
    signal = pytest.importorskip("scipy.signal")
    kind = "bandpass" if low and high else "highpass" if low else "lowpass"
    edges = [low, high] if low and high else low or high
    _, expected = signal.freqz_sos(signal.butter(4, edges, kind, fs=fs, output="sos"), 500)
    _, found = signal.freqz_sos(np.array([[*b, *a] for b, a in butterworth(4, low, high, fs)]), 500)
    np.testing.assert_allclose(found, expected, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 700), max_size=10),
    st.sampled_from([(50.0, 5.0), (31.25, 1.0), (40.0, 2.5)]),
    st.sets(st.integers(0, 2999), max_size=40),
    st.booleans(),
)
def test_any_split_of_a_stream_gives_the_epochs_of_the_whole(
    cuts: list[int], shape: tuple[float, float], lost: set[int], filtered: bool
) -> None:
    fs, epoch_s = shape
    metrics = ACC_METRICS if filtered else ACC_METRICS[:7]
    acc = np.random.default_rng(1).standard_normal((3000, 3)) * 0.3 + np.array([0, 0, 1.0])
    acc[sorted(lost)] = np.nan
    whole = acc_metrics(acc, fs, epoch_s, metrics, start_us=7)
    stream, parts = AccMetricsStream(fs, epoch_s, metrics, start_us=7), []
    for block in np.split(acc, np.cumsum(cuts)):
        parts += stream.update(block)
        stream = AccMetricsStream.from_bytes(stream.to_bytes())
    parts += stream.end()
    assert len(parts) == len(whole) == int(3000 / (fs * epoch_s))
    np.testing.assert_allclose([list(w.values.values()) for w in parts], whole.values, rtol=1e-9, atol=1e-12)
    expected = whole.windows()
    assert [(w.start_us, w.end_us, w.reason, w.reasons) for w in parts] == [
        (w.start_us, w.end_us, w.reason, w.reasons) for w in expected
    ]
    assert [w.coverage for w in parts] == [w.coverage for w in expected]


def test_means_are_over_what_is_there_and_too_little_is_nothing() -> None:
    acc = sway(50, 15.0)
    acc[250:350] = np.nan  # 2 s of the second epoch
    acc[500:650] = np.nan  # 3 s of the third
    table = acc_metrics(acc, 50, 5.0, ("enmo", "mad", "angle_z", "en"))
    there = acc[350:500]
    norm = np.linalg.norm(there, axis=1)
    middle = there.mean(0)
    assert table.coverage.tolist() == [1.0, 0.6, 0.4]
    assert table.values[1] == pytest.approx(
        [
            np.maximum(norm - 1, 0).mean(),
            np.abs(norm - norm.mean()).mean(),
            np.degrees(np.arctan(middle[2] / np.hypot(*middle[:2]))),
            norm.mean(),
        ]
    )
    assert np.isnan(table.values[2]).all()
    assert table.reason(2) == "too little data"


def test_single_precision_samples_are_enough() -> None:
    acc = sway(50, 15.0)
    a, b = (acc_metrics(x, 50, 5.0, ACC_METRICS).values for x in (acc, acc.astype(np.float32)))
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_a_filter_does_not_cross_a_gap() -> None:
    acc = np.tile([0.0, 0.0, 1.0], (1000, 1))
    acc[500:] = [1.0, 0.0, 0.0]  # the sensor was turned while nothing was recorded
    acc[450:500] = np.nan
    torn = acc_metrics(acc, 50, 5.0, ("hfen",))["hfen"]
    np.testing.assert_allclose(torn, 0.0, atol=1e-9)
    acc[450:500] = [0.0, 0.0, 1.0]
    assert acc_metrics(acc, 50, 5.0, ("hfen",))["hfen"][2] > 0.1


def test_a_gap_of_the_stream_is_missing_samples_of_the_batch() -> None:
    acc = sway(50, 30.0)
    stream = AccMetricsStream(50, 5.0, ("hfen", "mad"))
    parts = stream.update(acc[:333]) + stream.gap(100) + stream.update(acc[433:]) + stream.end()
    acc[333:433] = np.nan
    whole = acc_metrics(acc, 50, 5.0, ("hfen", "mad"))
    np.testing.assert_allclose([list(w.values.values()) for w in parts], whole.values, rtol=1e-9)


def test_nothing_is_raised_on_what_a_sensor_may_send() -> None:
    rng = np.random.default_rng(2)
    sensors: list[ArrayLike] = [
        np.zeros((600, 3)), np.full((600, 3), 1e300), np.full((600, 3), np.inf), np.full((600, 3), np.nan),
        np.clip(rng.standard_normal((600, 3)) * 1e6, -8, 8), np.empty((0, 3)), np.ones((1, 3)), [],
    ]  # fmt: skip
    for acc in sensors:
        table = acc_metrics(acc, 40, 5.0, ACC_METRICS)
        assert (np.isnan(table.values).all(1) == (table.coverage < 0.5)).all()
        enmo(acc)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((np.zeros((9, 2)), 50), "acc_g"),
        ((np.zeros((9, 3)), 0), "fs"),
        ((np.zeros((9, 3)), 50, 0.01), "epoch_s"),
        ((np.zeros((9, 3)), 50, 5.0, ("nope",)), "nope"),
        ((np.zeros((9, 3)), 50, 5.0, ()), "metrics"),
        ((np.zeros((9, 3)), 25, 5.0, ("bfen",)), "fs"),
    ],
)
def test_wrong_arguments_are_named(arguments: tuple[object, ...], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        acc_metrics(*arguments)  # type: ignore[arg-type]
