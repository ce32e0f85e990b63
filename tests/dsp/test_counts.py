"""ActiGraph counts: equal to ActiLife's and to the publishers' own package, in any blocks, honest about gaps."""

from __future__ import annotations

import sqlite3
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals_signal import ACTIGRAPH_RATES, ActivityCountsStream, activity_counts
from vitals_signal.acc.block_filter import block_filter

Floats = NDArray[np.float64]

# agcounts 0.2.6, get_counts(sway(rate), rate, 10): the authors' package on the same samples.
AGCOUNTS = {
    30: [[1285, 1319, 1326], [2098, 2134, 2122], [2914, 2919, 2874]],
    40: [[1286, 1322, 1324], [2103, 2128, 2116], [2911, 2914, 2871]],
    50: [[1291, 1321, 1319], [2103, 2135, 2117], [2916, 2920, 2874]],
    60: [[1285, 1319, 1326], [2098, 2134, 2122], [2914, 2919, 2874]],
    70: [[1293, 1324, 1326], [2101, 2129, 2121], [2917, 2915, 2869]],
    80: [[1292, 1324, 1327], [2103, 2133, 2120], [2917, 2917, 2874]],
    90: [[1285, 1319, 1326], [2098, 2134, 2122], [2914, 2919, 2874]],
    100: [[1296, 1323, 1329], [2102, 2134, 2122], [2917, 2922, 2876]],
}


def sway(rate: int, seconds: float = 35.0) -> Floats:
    """Swings that grow and change pace, different on each axis, in steps of 1/256 g."""
    t = np.arange(round(rate * seconds)) / rate
    axes = [(0.3 + 0.02 * t) * np.sin(2 * np.pi * (0.6 + 0.1 * k) * t + 0.01 * t * t) for k in range(3)]
    steps: Floats = np.round((np.stack(axes, 1) + np.array([0.1, -0.3, 0.9])) * 256)
    return steps / 256


def walk(n: int, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    swing = np.sin(np.arange(n) / 8.0)[:, None] * rng.uniform(0.2, 1.0, 3)
    acc: Floats = swing + rng.standard_normal((n, 3)) * 0.1 + [0, 0, 1]
    return acc


def test_every_epoch_of_a_real_recording_equals_actilifes(shared: Path) -> None:
    folder = shared / "data" / "device_exports" / "actigraph_agcounts"
    with zipfile.ZipFile(folder / "example.gt3x") as archive:
        log = archive.read("log.bin")
    at, blocks = 0, []
    while at < len(log):
        kind, _, size = struct.unpack_from("<xBIH", log, at)
        if kind == 26:
            blocks.append(np.frombuffer(log, "<i2", size // 2, at + 8).reshape(-1, 3))
        at += size + 9
    acc = np.concatenate(blocks) / 256.0
    base = sqlite3.connect(f"{(folder / 'example5sec.agd').as_uri()}?immutable=1", uri=True)
    with base:
        actilife = np.array(base.execute("SELECT axis2, axis1, axis3 FROM data ORDER BY dataTimestamp").fetchall())
    base.close()
    assert actilife.shape == (36, 3)
    np.testing.assert_array_equal(activity_counts(acc, 100, 5).values, actilife)
    stream = ActivityCountsStream(100, 5)
    found = [list(w.values.values()) for k in range(0, len(acc), 777) for w in stream.update(acc[k : k + 777])]
    np.testing.assert_array_equal(found, actilife)


@pytest.mark.parametrize("rate", sorted(AGCOUNTS))
def test_counts_equal_agcounts(rate: int) -> None:
    np.testing.assert_array_equal(activity_counts(sway(rate), rate, 10).values, AGCOUNTS[rate])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 900), max_size=10),
    st.sampled_from([30, 60, 70, 100]),
    st.sampled_from([1, 5, 15]),
    st.sets(st.integers(0, 5999), max_size=5),
)
def test_any_split_of_a_stream_gives_the_counts_of_the_whole(
    cuts: list[int], rate: int, epoch_s: int, lost: set[int]
) -> None:
    acc = walk(6000)
    acc[sorted(lost)] = np.nan
    whole = activity_counts(acc, rate, epoch_s, start_us=5)
    stream, parts = ActivityCountsStream(rate, epoch_s, start_us=5), []
    for block in np.split(acc, np.cumsum(cuts)):
        parts += stream.update(block)
        stream = ActivityCountsStream.from_bytes(stream.to_bytes())
    parts += stream.end()
    np.testing.assert_array_equal([list(w.values.values()) for w in parts], whole.values)
    assert [w.start_us for w in parts] == [w.start_us for w in whole.windows()]
    assert [w.coverage for w in parts] == whole.coverage.tolist()
    assert [w.reason for w in parts] == [whole.reason(k) for k in range(len(whole))]


def test_an_epoch_with_a_gap_is_missing_and_what_follows_is_a_new_recording() -> None:
    acc = walk(60 * 100)
    whole = activity_counts(acc, 100, 10).values
    torn = acc.copy()
    torn[1234] = np.nan
    series = activity_counts(torn, 100, 10)
    assert np.isnan(series.values[1]).all()
    assert series.reason(1) == "too little data"
    assert series.reason(0) is None
    assert series.coverage[1] == pytest.approx(0.999)
    np.testing.assert_array_equal(series.values[0], whole[0])
    alone = activity_counts(acc[1300:], 100, 1).values
    np.testing.assert_array_equal(series.values[2], alone[7:17].sum(0))


def test_a_gap_of_the_stream_is_missing_samples_of_the_batch() -> None:
    acc = walk(3000)
    stream = ActivityCountsStream(50, 5)
    parts = stream.update(acc[:720]) + stream.gap(100) + stream.update(acc[820:])
    acc[720:820] = np.nan
    np.testing.assert_array_equal([list(w.values.values()) for w in parts], activity_counts(acc, 50, 5).values)


@pytest.mark.parametrize("rate", ACTIGRAPH_RATES)
def test_rest_counts_nothing_and_the_pass_band_counts_alike_at_every_rate(rate: int) -> None:
    assert not activity_counts(np.tile([0.3, -0.5, 0.8], (rate * 20, 1)), rate, 10).values.any()
    reference = activity_counts(sway(30), 30, 10).values
    np.testing.assert_allclose(activity_counts(sway(rate), rate, 10).values, reference, rtol=0.02)


def test_nothing_is_raised_on_what_a_sensor_may_send() -> None:
    for acc in (np.full((3000, 3), 1e300), np.full((3000, 3), np.inf), np.full((3000, 3), np.nan)):
        assert np.isnan(activity_counts(acc, 50, 10).values).all()
    noise = np.clip(np.random.default_rng(0).standard_normal((3000, 3)) * 1e6, -8, 8)
    assert np.isfinite(activity_counts(noise, 50, 10).values).all()
    assert activity_counts(np.empty((0, 3)), 50).values.shape == (0, 3)
    assert activity_counts([], 50).values.shape == (0, 3)


@pytest.mark.parametrize(
    ("acc", "fs", "epoch_s", "word"),
    [(np.zeros((9, 2)), 30, 1, "acc_g"), (np.zeros((9, 3)), 25, 1, "fs"), (np.zeros((9, 3)), 30, 0.5, "epoch_s")],
)
def test_wrong_arguments_are_named(acc: Floats, fs: float, epoch_s: int, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        activity_counts(acc, fs, epoch_s)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 64), st.integers(0, 2**32 - 1))
def test_a_filter_by_blocks_is_the_recursion(blocks: int, length: int, seed: int) -> None:
    signal = pytest.importorskip("scipy.signal")
    sections = signal.butter(4, [0.2, 5.0], "bandpass", fs=50.0, output="sos")
    x = np.random.default_rng(seed).standard_normal((3, blocks, length))
    band = block_filter(tuple((tuple(s[:3]), tuple(s[3:])) for s in sections.tolist()), length)
    y, _ = band.run(x, np.zeros((3, band.order)))
    np.testing.assert_allclose(y.reshape(3, -1), signal.sosfilt(sections, x.reshape(3, -1)), atol=1e-9)
