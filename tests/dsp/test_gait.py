"""Regularity of gait, bouts, sitting and standing: known walks, known lags, real walks against other work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitals_signal import gait_regularity, sit_stand, walking_bouts
from vitals_signal.synthetic import Bout, motion


@pytest.mark.parametrize("fs", [20.0, 50.0, 100.0])
@pytest.mark.parametrize("cadence", [80, 110, 130])
def test_the_step_time_of_a_known_walk(fs: float, cadence: int) -> None:
    truth = motion([Bout("walk", 40, cadence)], fs)
    result = gait_regularity(truth.acc_g, fs)
    assert result.reason is None
    assert result.step_s == pytest.approx(np.diff(truth.steps_s).mean(), rel=0.02)


def test_regularity_of_a_sine_is_one_and_the_harmonic_ratio_tells_even_from_odd() -> None:
    t = np.arange(2000) / 100
    even = 1 + 0.3 * np.sin(2 * np.pi * 2.0 * t) + 0.03 * np.sin(2 * np.pi * 1.0 * t)  # step 0.5 s, stride 1 s
    result = gait_regularity(even, 100)
    assert result.step_s == pytest.approx(0.5, abs=0.002)
    assert result.stride_regularity == pytest.approx(1.0, abs=0.01)
    # A(1 step) of a stride wave of a hundredth of the power: (1 - 0.01) / (1 + 0.01).
    assert result.step_regularity == pytest.approx(0.99 / 1.01, abs=0.01)
    assert result.harmonic_ratio == pytest.approx(10.0, rel=0.1)


def test_more_jitter_is_less_regular() -> None:
    regular, jittery = (
        gait_regularity(motion([Bout("walk", 60)], 50, step_jitter=jitter).acc_g, 50) for jitter in (0.01, 0.10)
    )
    assert regular.stride_regularity > jittery.stride_regularity + 0.1


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan, np.inf, 1e200])
def test_without_a_walk_there_is_a_reason(value: float) -> None:
    result = gait_regularity(np.full((1000, 3), value), 50)
    assert result.reason is not None
    assert np.isnan(result.step_s)
    assert gait_regularity(np.empty((0, 3)), 50).reason == "less than 4 s in a row"


def test_the_longest_part_without_a_gap_is_taken() -> None:
    acc = motion([Bout("walk", 30, 110)], 50).acc_g
    acc[300] = np.nan
    assert gait_regularity(acc, 50) == gait_regularity(acc[301:], 50)


def test_bouts_by_hand() -> None:
    times = [*np.arange(0, 10, 0.5), *np.arange(20, 22, 0.5), *np.arange(30, 36, 0.6)]
    bouts = walking_bouts(times)
    assert [(b.start_s, b.steps) for b in bouts] == [(0.0, 20), (30.0, 10)]
    assert bouts[0].cadence_spm == pytest.approx(120)
    assert bouts[0].step_time_cv == pytest.approx(0, abs=1e-12)
    assert walking_bouts([]) == ()
    with pytest.raises(ValueError, match="times_s"):
        walking_bouts([1.0, 0.0])


def test_standing_up_and_sitting_down_are_found_where_they_are() -> None:
    script = [
        Bout("sit", 15), Bout("stand_up", 4), Bout("stand", 8), Bout("walk", 15),
        Bout("stand", 5), Bout("sit_down", 4), Bout("sit", 15),
    ]  # fmt: skip
    for seed in range(5):
        truth = motion(script, 50, seed=seed)
        found = sit_stand(truth.acc_g, 50)
        assert [t.kind for t in found.transitions] == ["stand_up", "sit_down"]
        assert [t.time_s for t in found.transitions] == pytest.approx([t for t, _ in truth.transitions], abs=0.6)


@pytest.mark.parametrize("acc", [np.empty((0, 3)), np.full((500, 3), np.nan), np.full((500, 3), np.inf)])
def test_no_signal_no_transition_but_a_reason(acc: np.ndarray) -> None:
    result = sit_stand(acc, 50)
    assert (result.transitions, result.coverage, result.reason) == ((), 0.0, "no two seconds in a row")


def test_a_flat_signal_has_no_transition() -> None:
    assert sit_stand(np.ones((500, 3)), 50).transitions == ()


def test_real_walks_are_more_regular_than_eating(shared: Path) -> None:
    regularity = {}
    for activity in "AL":
        values = []
        for path in sorted((shared / "data" / "wisdm51_watch_acc").glob("*.npz"))[:3]:
            with np.load(path) as recording:
                chosen = recording["label"] == np.flatnonzero(recording["label_names"] == activity)
                acc = recording["acc"][chosen].astype(np.float64) / 9.80665
            for start in range(0, len(acc) - 400, 400):
                result = gait_regularity(acc[start : start + 400], 20.0)
                values.append(result.stride_regularity if result.reason is None else 0.0)
        regularity[activity] = np.median(values)
    assert regularity["A"] > regularity["L"] + 0.3
