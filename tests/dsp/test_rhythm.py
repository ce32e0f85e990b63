"""Irregularity features: known rhythms in order, the traps that must not look like fibrillation, artefacts and gaps."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals_signal.rr.rhythm import (
    RHYTHM_FEATURES,
    RHYTHM_VERSION,
    TOO_MANY_ARTEFACTS,
    WINDOW,
    RhythmStream,
    rhythm_features,
    rhythm_windows,
)

Floats = NDArray[np.float64]


def steady(rows: int, rr_ms: float = 800.0, spread: float = 0.015, seed: int = 0) -> Floats:
    """Sinus rhythm with a slow swing and small independent jitter."""
    rng = np.random.default_rng(seed)
    beat = np.arange(WINDOW) + rng.uniform(0, 20, (rows, 1))
    return rr_ms * (1 + 0.03 * np.sin(2 * np.pi * beat / 15) + spread * rng.standard_normal((rows, WINDOW)))


def fibrillation(rows: int, rr_ms: float = 700.0, seed: int = 1) -> Floats:
    """Independent intervals, spread 20 %, refractory floor (Corino et al. 2013 give 15-25 %)."""
    rng = np.random.default_rng(seed)
    return rr_ms * np.maximum(0.55 + 0.45 * rng.gamma(5.0, 0.2, (rows, WINDOW)), 0.45)


def as_times(rr_ms: Floats, start_us: int = 0) -> NDArray[np.int64]:
    return start_us + np.cumsum(np.rint(rr_ms * 1000).astype(np.int64))


def test_every_feature_ranks_fibrillation_above_sinus_rhythm() -> None:
    sinus, af = rhythm_features(steady(200)), rhythm_features(fibrillation(200))
    assert sinus.shape == (200, len(RHYTHM_FEATURES))
    for name, low, high in zip(RHYTHM_FEATURES, sinus.T, af.T, strict=True):
        assert np.quantile(low, 0.99) < np.quantile(high, 0.01), name


def test_a_metronome_has_no_disorder_at_all() -> None:
    values = dict(zip(RHYTHM_FEATURES, rhythm_features(np.full((1, WINDOW), 900.0))[0], strict=True))
    # One occupied cell of 63 (62) points, everything else zero.
    assert values.pop("poincare_occupancy_5pct") == values.pop("poincare_occupancy_8pct") == pytest.approx(1 / 63)
    assert values.pop("lorenz_occupancy") == pytest.approx(1 / 62)
    assert set(values.values()) == {0.0}


def test_rate_is_no_evidence() -> None:
    """Slow fibrillation under medication has the features of fast fibrillation, up to rounding at cell borders."""
    fast = fibrillation(50, 520.0)
    assert np.allclose(rhythm_features(fast), rhythm_features(fast * 2.0), atol=0.05)


def _trap(name: str, rows: int) -> Floats:
    rng = np.random.default_rng(5)
    rr = steady(rows, spread=0.01, seed=6)
    beat = np.arange(WINDOW)
    if name == "bigeminy":
        rr[:, 0::2] *= 0.6
        rr[:, 1::2] *= 1.4
    elif name == "trigeminy":
        rr[:, 1::3] *= 0.62
        rr[:, 2::3] *= 1.36
    elif name == "frequent ectopy":
        for row in rr:
            for at in rng.choice(np.arange(0, WINDOW - 1, 2), 9, replace=False):
                row[at], row[at + 1] = row[at] * 0.6, row[at + 1] * 1.4
    elif name == "sinus arrhythmia":
        phase = 2 * np.pi * (beat / 4.5 + rng.uniform(0, 1, (rows, 1)))
        rr = 900 * (1 + 0.14 * np.sin(phase) + 0.01 * rng.standard_normal((rows, WINDOW)))
    elif name == "apnoea cycles":
        phase = 2 * np.pi * (beat / 40 + rng.uniform(0, 1, (rows, 1)))
        rr = 850 * (1 + 0.2 * np.sin(phase) + 0.01 * rng.standard_normal((rows, WINDOW)))
    elif name == "missed beats":
        for row in rr:
            row[rng.choice(WINDOW, 6, replace=False)] *= 2
    elif name == "flutter with fixed block changes":
        rr = np.where(beat < 30, 400.0, 600.0) + 4 * rng.standard_normal((rows, WINDOW))
    return rr


@pytest.mark.parametrize(
    "name",
    [
        "bigeminy",
        "trigeminy",
        "frequent ectopy",
        "sinus arrhythmia",
        "apnoea cycles",
        "missed beats",
        "flutter with fixed block changes",
    ],
)
def test_the_known_traps_stay_below_fibrillation(name: str) -> None:
    """The mean of the features, each scaled by sinus rhythm (0) and fibrillation (1)."""
    sinus, af = rhythm_features(steady(200)).mean(axis=0), rhythm_features(fibrillation(200)).mean(axis=0)

    def disorder(rr: Floats) -> Floats:
        scaled: Floats = ((rhythm_features(rr) - sinus) / (af - sinus)).mean(axis=1)
        return scaled

    assert np.quantile(disorder(_trap(name, 200)), 0.95) < 0.6
    assert np.quantile(disorder(fibrillation(200, seed=9)), 0.05) > 0.75


@pytest.mark.parametrize("ticks_per_s", [128, 250, 1024])
def test_the_clock_of_the_recorder_hardly_shows(ticks_per_s: int) -> None:
    for rr in (steady(100), fibrillation(100)):
        ticked = np.rint(rr / 1000 * ticks_per_s) * 1000 / ticks_per_s
        assert np.abs(rhythm_features(ticked).mean(axis=0) - rhythm_features(rr).mean(axis=0)).max() < 0.03


def test_few_artefacts_are_bridged_and_more_are_refused() -> None:
    rr = steady(1)
    for bad in (np.nan, 120.0, 8000.0, np.inf, -5.0):
        few, many = rr.copy(), rr.copy()
        few[0, [0, 10, 20, 21, 22, 63]] = bad
        many[0, [0, 10, 20, 21, 22, 40, 63]] = bad
        straight = rr.copy()
        straight[0, 0], straight[0, 63] = rr[0, 1], rr[0, 62]
        straight[0, 10] = (rr[0, 9] + rr[0, 11]) / 2
        straight[0, 20:23] = rr[0, 19] + (rr[0, 23] - rr[0, 19]) * np.array([0.25, 0.5, 0.75])
        assert np.allclose(rhythm_features(few), rhythm_features(straight), rtol=0, atol=1e-12)
        assert np.isnan(rhythm_features(many)).all()


def test_a_row_depends_on_its_own_intervals_only() -> None:
    rr = np.concatenate((steady(150), fibrillation(150)))
    rr[7, :9] = np.nan
    alone = np.concatenate([rhythm_features(row[None]) for row in rr])
    assert np.array_equal(rhythm_features(rr), alone, equal_nan=True)


def test_windows_carry_their_interval_range_and_reason() -> None:
    rr = np.concatenate((steady(1)[0], np.full(7, 10.0), steady(1)[0]))
    times = as_times(rr, 5_000_000)
    first, *_, last = rhythm_windows(times, rr, hop=16)
    assert (first.start_us, first.end_us, first.reason) == (5_000_000, times[63], None)
    assert list(first.values.values()) == rhythm_features(rr[None, :64])[0].tolist()
    assert (first.coverage, first.corrected_share, first.method) == (1.0, 0.0, RHYTHM_VERSION)
    assert last.reason == TOO_MANY_ARTEFACTS
    assert np.isnan(list(last.values.values())).all()
    assert (last.coverage, last.corrected_share) == (57 / 64, 0.0)
    assert rhythm_windows(times[:63], rr[:63], hop=1) == []


def test_no_window_straddles_a_gap() -> None:
    rr = np.tile(steady(1)[0], 3)
    times = as_times(rr)
    times[100:] += 7_000_000
    windows = rhythm_windows(times, rr, hop=1)
    assert all(w.end_us <= times[99] or w.start_us >= times[99] + 6_000_000 for w in windows)
    assert len(windows) == (100 - 63) + (92 - 63)
    spanning = rr.copy()
    spanning[100] = 7000.0 + rr[100]  # the file counts the silence as one interval: of neither side
    assert len(rhythm_windows(times, spanning, hop=1)) == len(windows) - 1


def test_an_announced_gap_restarts_the_window() -> None:
    rr = steady(1)[0]
    times = as_times(rr)
    stream = RhythmStream(16)
    assert stream.update(times[:40], rr[:40]) == []
    stream.gap()
    assert stream.update(times[40:], rr[40:]) == []
    later = stream.update(as_times(rr[:40], int(times[-1])), rr[:40])
    assert [w.start_us for w in later] == [times[39]]


@pytest.mark.parametrize("shape", [(64,), (2, 63), (2, 64, 1)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(windows, 64\)"):
        rhythm_features(np.ones(shape))


def test_bad_input_is_named() -> None:
    rr = steady(1)[0]
    with pytest.raises(ValueError, match="hop is 0"):
        RhythmStream(0)
    with pytest.raises(ValueError, match="hop is 65"):
        rhythm_windows(as_times(rr), rr, hop=65)
    with pytest.raises(ValueError, match="int64 microseconds"):
        rhythm_windows(as_times(rr).astype(np.float64), rr, hop=1)
    with pytest.raises(ValueError, match=r"shapes \(64,\) and \(63,\)"):
        rhythm_windows(as_times(rr), rr[1:], hop=1)
    with pytest.raises(ValueError, match="must increase"):
        rhythm_windows(as_times(rr)[::-1], rr, hop=1)
    stream = RhythmStream(1)
    stream.update(as_times(rr), rr)
    with pytest.raises(ValueError, match="must increase"):
        stream.update(as_times(rr), rr)


def test_one_window_costs_little() -> None:
    """Target 300 us of CPU per window; the bound leaves room for slow and shared machines."""
    rr = fibrillation(5).ravel()
    times = as_times(rr)
    stream = RhythmStream(1)
    stream.update(times[:64], rr[:64])
    spent = []
    for at in range(64, len(rr)):
        begin = time.process_time()
        stream.update(times[at : at + 1], rr[at : at + 1])
        spent.append(time.process_time() - begin)
    assert np.median(spent) < 900e-6
