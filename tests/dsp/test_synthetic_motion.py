"""The synthetic wrist does what its script says, at any rate, and the artefacts touch nothing but what they name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals_signal.synthetic import Bout, add_dropouts, add_spikes, motion, saturate, wandering_clock

SCRIPT = [Bout("sit", 30), Bout("stand_up", 4), Bout("walk", 40, 100), Bout("fall", 12), Bout("lie", 30)]


def test_the_same_arguments_give_the_same_numbers_and_another_seed_others() -> None:
    one, again, other = motion(SCRIPT, 50), motion(SCRIPT, 50), motion(SCRIPT, 50, seed=8)
    assert np.array_equal(one.acc_g, again.acc_g)
    assert not np.array_equal(one.acc_g, other.acc_g)


def test_the_rate_only_says_when_the_motion_is_read() -> None:
    slow, fast = motion(SCRIPT, 25, noise_g=0), motion(SCRIPT, 100, noise_g=0)
    assert np.array_equal(slow.steps_s, fast.steps_s)
    assert slow.falls_s == fast.falls_s
    quiet = np.ones(len(slow.acc_g), np.bool_)
    for border in (30, 34, 74, 86):  # the joints between bouts are as wide as the samples let them be
        quiet[(border - 1) * 25 : (border + 1) * 25] = False
    assert np.allclose(slow.acc_g[quiet], fast.acc_g[::4][quiet], atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(60, 190), st.sampled_from([20.0, 33.3, 100.0]), st.integers(0, 1000))
def test_steps_come_at_the_cadence_asked_for(cadence: int, fs: float, seed: int) -> None:
    walked = motion([Bout("walk", 60, cadence)], fs, seed=seed)
    assert len(walked.steps_s) == pytest.approx(cadence, rel=0.03)
    assert np.all(np.diff(walked.steps_s) > 0.5 * 60 / cadence)
    assert len(walked.acc_g) == round(60 * fs)


def test_at_rest_there_is_gravity_and_in_a_fall_there_is_less_then_more() -> None:
    result = motion(SCRIPT, 100)
    size = np.linalg.norm(result.acc_g, axis=1)
    assert np.median(size[: 25 * 100]) == pytest.approx(1.0, abs=0.02)
    impact = round(float(result.falls_s[0]) * 100)
    assert size[impact - 40 : impact - 5].min() < 0.6
    assert size[impact - 5 : impact + 5].max() > 3.0
    assert size[impact + 200 : impact + 500].std() < 0.02
    assert [kind for _, kind in result.transitions] == ["stand_up"]
    assert result.bouts[-1] == (86.0, 116.0, "lie")


def test_the_sensor_clips_at_its_range() -> None:
    assert np.abs(motion([Bout("fall", 10)], 100, range_g=2.0).acc_g).max() == 2.0


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="fs"):
        motion(SCRIPT, 0)
    with pytest.raises(ValueError, match="bout"):
        motion([Bout("walk", 0)], 50)
    with pytest.raises(ValueError, match="bout"):
        motion([Bout("walk", 10, 500)], 50)
    with pytest.raises(ValueError, match="range_g"):
        motion(SCRIPT, 50, range_g=0)
    with pytest.raises(ValueError, match="low"):
        saturate([1.0], 1, 1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 500), st.integers(0, 2**32 - 1), st.booleans())
def test_artefacts_touch_only_what_their_mask_names(n: int, seed: int, axes: bool) -> None:
    clean = np.random.default_rng(seed).standard_normal((n, 3) if axes else n)
    for spoilt in (
        add_dropouts(clean, 10, per_hour=600, mean_s=1, seed=seed),
        add_spikes(clean, share=0.1, size=5, seed=seed),
        saturate(clean, -0.5, 0.5),
    ):
        assert np.array_equal(spoilt.signal[~spoilt.mask], clean[~spoilt.mask])
        same = spoilt.signal[spoilt.mask] == clean[spoilt.mask]
        assert not (same.all(axis=1) if axes else same).any()


def test_dropouts_take_about_the_share_that_was_asked_for() -> None:
    lost = add_dropouts(np.zeros(360_000), 100, per_hour=60, mean_s=3).mask.mean()
    assert lost == pytest.approx(60 * 3 / 3600, rel=0.4)


def test_a_wandering_clock_never_runs_back() -> None:
    exact = wandering_clock(1000, 50)
    assert np.allclose(exact, np.arange(1000) / 50)
    shaken = wandering_clock(1000, 50, jitter_s=0.01, drift_ppm=100, burst=4)
    assert np.all(np.diff(shaken) >= 0)
    assert (np.diff(shaken) == 0).mean() >= 0.74
    assert np.all(np.diff(wandering_clock(1000, 50, jitter_s=0.05)) >= 0)
    assert wandering_clock(1_000_000, 50, drift_ppm=100)[-1] == pytest.approx(20_000 * 1.0001, abs=0.03)
