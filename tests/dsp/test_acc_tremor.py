"""Tremor band: a known tremor, its gates, gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals_signal import TREMOR_FEATURES, TremorStream, tremor_power

Floats = NDArray[np.float64]


def limb(hz: float, size_g: float, seconds: float = 20.0, fs: float = 50.0) -> Floats:
    t = np.arange(round(seconds * fs)) / fs
    acc: Floats = np.random.default_rng(0).standard_normal((len(t), 3)) * 0.003 + np.array([0.3, 0.5, 0.8])
    acc[:, 1] += size_g * np.sin(2 * np.pi * hz * t)
    return acc


@pytest.mark.parametrize(("hz", "share"), [(4.6, "rest_share"), (7.1, "posture_share"), (9.8, "action_share")])
def test_a_known_tremor_is_found(hz: float, share: str) -> None:
    row = tremor_power(limb(hz, 0.1), 50.0).window(1).values
    assert row["tremor_hz"] == pytest.approx(hz, abs=0.06)
    assert row["tremor_rms"] == pytest.approx(0.1 / np.sqrt(2), rel=0.03)
    assert row["tremor_displacement_mm"] == pytest.approx(
        1000 * 0.1 * 9.80665 / np.sqrt(2) / (2 * np.pi * hz) ** 2, rel=0.1
    )
    assert row[share] > 0.9
    assert row["tremor_share"] > 0.9
    assert row["at_rest"] == 1.0


def test_turning_the_sensor_changes_nothing() -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))
    a, b = (tremor_power(x, 50.0).values for x in (limb(5.0, 0.1), limb(5.0, 0.1) @ turn))
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def test_walking_and_turning_are_no_rest() -> None:
    walking = limb(5.0, 0.1)
    walking[:, 0] += 0.3 * np.sin(2 * np.pi * 1.0 * np.arange(1000) / 50)
    assert not tremor_power(walking, 50.0).column("at_rest").any()
    turning = limb(5.0, 0.1)
    turning[100:] = turning[100:, ::-1]
    assert tremor_power(turning, 50.0).column("at_rest").tolist() == [0, 1, 1, 1, 1]


def test_gaps_and_flat_lines_have_a_reason() -> None:
    acc = limb(5.0, 0.1)
    acc[250] = np.nan
    table = tremor_power(acc, 50.0)
    assert np.isnan(table.values[1]).all()
    assert table.window(1).reason == "a gap inside the window"
    assert table.coverage.tolist() == [1.0, 0.995, 1.0, 1.0, 1.0]
    for flat in (np.zeros((400, 3)), np.full((400, 3), 1e300), np.full((400, 3), np.nan), np.empty((0, 3))):
        table = tremor_power(flat, 50.0)
        assert (np.isnan(table.values) == (table.code > 0)).all()
    assert tremor_power(np.zeros((400, 3)), 50.0).window(0).reasons["tremor_hz"] == "no variation"
    assert len(TREMOR_FEATURES) == len(set(TREMOR_FEATURES))


@pytest.mark.parametrize(("fs", "length_s", "word"), [(20.0, 4.0, "fs"), (50.0, 1.0, "length_s"), (0.0, 4.0, "fs")])
def test_wrong_arguments_are_named(fs: float, length_s: float, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        tremor_power(np.zeros((400, 3)), fs, length_s)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 500), max_size=8), st.sets(st.integers(0, 999), max_size=3))
def test_any_split_of_a_stream_gives_the_windows_of_the_whole(cuts: list[int], lost: set[int]) -> None:
    acc = limb(5.0, 0.1)
    acc[sorted(lost)] = np.nan
    whole = tremor_power(acc, 50.0, 3.0, 1.5, start_us=9).windows()
    stream, parts = TremorStream(50.0, 3.0, 1.5, start_us=9), []
    for block in np.split(acc, np.cumsum(cuts)):
        parts += stream.update(block)
        stream = TremorStream.from_bytes(stream.to_bytes())
    parts += stream.end()
    assert [(w.start_us, w.end_us, w.coverage, w.reason) for w in parts] == [
        (w.start_us, w.end_us, w.coverage, w.reason) for w in whole
    ]
    for a, b in zip(parts, whole, strict=True):
        np.testing.assert_allclose(list(a.values.values()), list(b.values.values()), rtol=1e-9, atol=1e-12)
