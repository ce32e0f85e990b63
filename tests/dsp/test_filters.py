"""Filters: SciPy's numbers without SciPy, any split of the input, and nothing carried over a gap."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as scipy_signal

from vitals_signal import (
    FilterStream,
    butterworth,
    notch,
    powerline_notches,
    remove_baseline,
    remove_powerline,
    zero_phase,
)

FS = 250.0
X = np.random.default_rng(0).standard_normal(3000).cumsum()
BAND = butterworth(2, (8.0, 25.0), FS, "band")


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize(
    ("kind", "cut"), [("low", 20.0), ("low", FS / 4), ("high", 0.5), ("band", (0.5, 40.0)), ("band", (8.0, 25.0))]
)
def test_butterworth_is_scipys(
    order: int, kind: Literal["low", "high", "band"], cut: float | tuple[float, float]
) -> None:
    theirs = scipy_signal.butter(order, cut, kind, fs=FS, output="sos")
    f = np.linspace(0.01, FS / 2, 500)
    _, mine = scipy_signal.sosfreqz(np.array(butterworth(order, cut, FS, kind)), f, fs=FS)
    _, expected = scipy_signal.sosfreqz(theirs, f, fs=FS)
    np.testing.assert_allclose(mine, expected, atol=1e-9)


@pytest.mark.parametrize(("hz", "quality"), [(50.0, 30.0), (60.0, 30.0), (100.0, 5.0)])
def test_notch_is_scipys(hz: float, quality: float) -> None:
    b, a = scipy_signal.iirnotch(hz, quality, fs=360.0)
    np.testing.assert_allclose(notch(hz, 360.0, quality)[0], (*b, *a), atol=1e-14)


@pytest.mark.parametrize("sections", [BAND, butterworth(3, 0.5, FS, "high"), powerline_notches(FS)])
def test_the_stream_is_sosfilt(sections: tuple[tuple[float, float, float, float, float, float], ...]) -> None:
    sos = np.array(sections)
    expected, _ = scipy_signal.sosfilt(sos, X, zi=scipy_signal.sosfilt_zi(sos) * X[0])
    np.testing.assert_allclose(FilterStream(sections).update(X), expected, atol=1e-9)


def test_zero_phase_is_sosfiltfilt() -> None:
    """scipy.signal.sosfiltfilt(sos, x, padtype="odd"), away from the ends, where the padding differs in length."""
    expected = scipy_signal.sosfiltfilt(np.array(BAND), X, padlen=500)
    np.testing.assert_allclose(zero_phase(BAND, X)[200:-200], expected[200:-200], atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=10), st.lists(st.integers(0, 2999), max_size=5))
def test_any_split_gives_the_whole(blocks: list[int], holes: list[int]) -> None:
    x = X.copy()
    x[holes] = np.nan
    stream, parts, at, turn = FilterStream(BAND), [], 0, 0
    while at < len(x):
        step = blocks[turn % len(blocks)] or (1 if not any(blocks) else 0)
        parts.append(stream.update(x[at : at + step]))
        at, turn = at + step, turn + 1
        if turn == 3:
            stream = FilterStream.from_bytes(stream.to_bytes())
    out = np.concatenate(parts)
    np.testing.assert_allclose(out, FilterStream(BAND).update(x), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(x))


def test_nothing_is_carried_over_a_gap() -> None:
    x = X.copy()
    x[1000:1010] = np.nan
    alone = FilterStream(BAND).update(X[1010:])
    np.testing.assert_allclose(FilterStream(BAND).update(x)[1010:], alone, atol=1e-9)
    np.testing.assert_allclose(zero_phase(BAND, x)[1010:], zero_phase(BAND, X[1010:]), atol=1e-9)
    stream = FilterStream(BAND)
    stream.update(X[:1000])
    stream.gap()
    np.testing.assert_allclose(stream.update(X[1010:]), alone, atol=1e-9)


def test_a_start_is_settled() -> None:
    assert np.abs(FilterStream(butterworth(2, 0.5, FS, "high")).update(np.full(500, 7.0))).max() < 1e-9
    np.testing.assert_allclose(FilterStream(butterworth(2, 5.0, FS, "low")).update(np.full(500, 7.0)), 7.0)


def test_baseline_and_mains_leave_and_the_rest_stays() -> None:
    t = np.arange(5000) / FS
    wave = np.sin(2 * np.pi * 10 * t)
    middle = slice(1000, -1000)
    drifting = wave + 3.0 + 0.5 * np.sin(2 * np.pi * 0.1 * t)
    np.testing.assert_allclose(remove_baseline(drifting, FS)[middle], wave[middle], atol=0.01)
    humming = wave + np.sin(2 * np.pi * 50 * t) + 0.3 * np.sin(2 * np.pi * 100 * t)
    np.testing.assert_allclose(remove_powerline(humming, FS)[middle], wave[middle], atol=0.01)
    assert len(powerline_notches(FS, 60.0)) == 2  # 180 Hz lies beyond 125


@pytest.mark.parametrize("x", [[], [np.nan], [1.0], [np.inf, 1.0, 2.0], np.full(300, np.nan)])
def test_little_input(x: list[float]) -> None:
    for out in (FilterStream(BAND).update(x), zero_phase(BAND, x)):
        np.testing.assert_array_equal(np.isnan(out), ~np.isfinite(np.asarray(x, float)))


def test_wrong_arguments_are_refused() -> None:
    for call, words in (
        (lambda: butterworth(0, 5.0, FS, "low"), "order must"),
        (lambda: butterworth(2, 125.0, FS, "low"), "cut_hz must"),
        (lambda: butterworth(2, (9.0, 5.0), FS, "band"), "cut_hz must"),
        (lambda: butterworth(2, 5.0, FS, "stop"), "kind must"),  # type: ignore[arg-type]
        (lambda: notch(125.0, FS), "cut_hz must"),
        (lambda: notch(50.0, FS, 0.0), "quality must"),
        (lambda: FilterStream(()), "sections must"),
        (lambda: FilterStream(BAND).update(np.zeros((2, 2))), "one dimension"),
        (lambda: zero_phase(BAND, np.zeros((2, 2))), "one dimension"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_no_scipy_is_loaded() -> None:
    code = (
        "import sys, numpy as np, vitals_signal as d;"
        "d.FilterStream(d.butterworth(2, 5.0, 100.0, 'low')).update(np.ones(9));"
        "d.remove_powerline(np.ones(500), 250.0); print('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"
