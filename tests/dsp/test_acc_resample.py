"""Resampling: known motions through jitter, bursts and gaps; a real bursty recording."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals_signal import even_times, resample_acc

Floats = NDArray[np.float64]


def swing(t: Floats, hz: float = 1.5) -> Floats:
    return np.stack([np.sin(2 * np.pi * hz * t), np.cos(2 * np.pi * hz * t), np.ones_like(t)], 1)


def burst_stamps(n: int, rate: float, seed: int = 0) -> tuple[Floats, Floats]:
    """True times, and stamps of arrival in bursts of five, each with a latency of its own, in microseconds."""
    rng = np.random.default_rng(seed)
    true = np.arange(n) / rate * 1e6
    last = true[np.minimum(np.arange(n) // 5 * 5 + 4, n - 1)]
    late = np.repeat(rng.uniform(2_000, 12_000, n // 5 + 1), 5)[:n]
    return true, last + late + np.arange(n) % 5 * 1500.0


def test_bursts_become_a_clock() -> None:
    true, stamps = burst_stamps(5000, 50.0)
    off = even_times(stamps) - true
    assert np.std(off) < 1500
    assert np.std(stamps - true) > 20_000
    assert np.abs(np.diff(even_times(stamps)) - 20_000).max() < 500


def test_motion_comes_through_bursts() -> None:
    true, stamps = burst_stamps(3000, 50.0)
    acc = swing(true * 1e-6)
    even, raw = (resample_acc(stamps, acc, 50.0, dejitter=on) for on in (True, False))
    error = [float(np.abs(r.acc_g[100:2900] - _best(r.acc_g, 100, 2900)).max()) for r in (even, raw)]
    assert error[0] < 0.03
    assert error[1] > 0.2
    assert even.jitter_us > 15_000
    assert even.coverage == 1.0


def _best(acc: Floats, first: int, last: int) -> Floats:
    """The swing that fits best: amplitude and phase free."""
    t = np.arange(len(acc))[:, None] / 50.0
    basis = np.concatenate([np.sin(3 * np.pi * t), np.cos(3 * np.pi * t), np.ones_like(t)], 1)[first:last]
    fit: Floats = basis @ np.linalg.lstsq(basis, acc[first:last], rcond=None)[0]
    return fit


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([25.0, 31.25, 50.0, 100.0]))
def test_true_uneven_stamps_give_the_motion_at_any_rate(seed: int, fs: float) -> None:
    rng = np.random.default_rng(seed)
    t = np.cumsum(rng.uniform(0.008, 0.012, 2000))
    out = resample_acc(t * 1e6, swing(t), fs, dejitter=False)
    grid = out.start_us * 1e-6 + np.arange(len(out.acc_g)) / fs
    inner = slice(3, -3)
    limit = 0.002 if fs >= 100.0 / 1.5 else 0.01
    np.testing.assert_allclose(out.acc_g[inner], swing(grid)[inner], atol=limit)


def test_a_parabola_is_kept_between_uneven_samples() -> None:
    t = np.cumsum(np.random.default_rng(8).uniform(0.005, 0.04, 300))
    out = resample_acc(t * 1e6, np.stack([t, t**2, 3 - t**2], 1), 50.0, dejitter=False)
    grid = t[0] + np.arange(len(out.acc_g)) / 50.0
    inner = (grid > t[1]) & (grid < t[-2])
    expected = np.stack([grid, grid**2, 3 - grid**2], 1)
    np.testing.assert_allclose(out.acc_g[inner], expected[inner], atol=1e-9)


def test_what_lies_beyond_the_grid_does_not_fold_back() -> None:
    t = np.arange(0, 20, 0.01)
    acc = np.ones((len(t), 3)) * np.sin(2 * np.pi * 24.0 * t)[:, None]
    assert np.abs(resample_acc(t * 1e6, acc, 25.0).acc_g[1:-1]).max() < 0.1


@pytest.mark.parametrize("dejitter", [True, False])
def test_gaps_stay_gaps(dejitter: bool) -> None:
    t = np.concatenate([np.arange(0, 10, 0.02), np.arange(13, 20, 0.02)])
    acc = swing(t)
    acc[100:150] = np.nan
    out = resample_acc(t * 1e6, acc, 50.0, dejitter=dejitter)
    missing = np.isnan(out.acc_g[:, 0])
    expected = np.zeros(len(missing), np.bool_)
    expected[100:150] = True
    expected[500:650] = True
    assert (missing == expected).mean() > 0.997
    assert out.coverage == pytest.approx(1 - missing.mean())
    short = resample_acc(np.delete(t, [40, 41]) * 1e6, np.delete(acc, [40, 41], axis=0), 50.0, dejitter=False)
    assert np.isfinite(short.acc_g[30:50]).all()


def test_the_bursts_of_a_real_watch_are_made_even(shared: Path) -> None:
    seen = 0
    with np.load(shared / "data" / "weda_fall" / "U01.npz") as archive:
        stamped, offsets = archive["accel_t_xyz"], archive["accel_offsets"]
    for begin, end in pairwise(offsets[:21].tolist()):
        times = stamped[begin:end, 0].astype(np.float64) * 1e6
        out = resample_acc(times, stamped[begin:end, 1:] / 9.80665, 50.0)
        assert 38.0 < out.rate_hz < 52.0
        assert out.jitter_us > 10_000
        there, raw = (np.linalg.norm(x, axis=1) for x in (out.acc_g, stamped[begin:end, 1:] / 9.80665))
        assert np.nanmedian(there) == pytest.approx(np.median(raw), rel=0.05)
        seen += 1
    assert seen == 20


def test_nothing_is_raised_on_odd_stamps() -> None:
    rng = np.random.default_rng(3)
    acc = rng.standard_normal((50, 3))
    stamps = [
        np.zeros(50), np.arange(50.0)[::-1] * 1e4, np.full(50, np.nan), rng.uniform(0, 1e6, 50),
        np.where(np.arange(50) == 7, np.nan, np.arange(50) * 2e4),
    ]  # fmt: skip
    for times in stamps:
        for dejitter in (True, False):
            out = resample_acc(times, acc, 25.0, dejitter=dejitter)
            assert out.acc_g.shape[1] == 3
    assert resample_acc([], np.empty((0, 3)), 25.0).acc_g.shape == (0, 3)
    assert resample_acc([5.0], np.ones((1, 3)), 25.0).start_us == 5


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((np.zeros(3), np.zeros((4, 3)), 50.0), "times_us"),
        ((np.zeros(4), np.zeros((4, 2)), 50.0), "acc_g"),
        ((np.zeros(4), np.zeros((4, 3)), -1.0), "fs"),
    ],
)
def test_wrong_arguments_are_named(arguments: tuple[Floats, Floats, float], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        resample_acc(*arguments)
    with pytest.raises(ValueError, match="max_gap_s"):
        even_times([1, 2], max_gap_s=0)
