"""A personal baseline: known answers by hand, what it must not say, and NightSignal after its published code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals_models.baseline import LEAST, TRACKED, Baseline, judge, night_signal


def pulse(*values: float) -> dict[str, NDArray[np.float64]]:
    return {"resting_heart_rate": np.array(values, dtype=np.float64)}


def usual(n: int) -> list[float]:
    return [59.0, 60.0, 61.0] * (n // 3)


def test_how_much_a_measure_moved_by_hand() -> None:
    verdicts = judge(range(32), pulse(*usual(30), 60, 68))
    moved = verdicts[-1].measures[0]
    # 29 known days (two left out): median 60, MAD 1 -> 1.4826; with 7 days at 2.5 the spread is
    # sqrt((29 * 1.4826^2 + 7 * 2.5^2) / 36) = 1.728, and the median's own error makes it 1.774.
    assert (moved.name, moved.unit, moved.value, moved.usual, moved.change, moved.days) == (
        "resting_heart_rate", "bpm", 68.0, 60.0, 8.0, 29,
    )  # fmt: skip
    assert moved.z == pytest.approx(8.0 / 1.774, abs=0.01)


def test_two_days_in_a_row_and_no_single_day() -> None:
    one = judge(range(34), pulse(*usual(30), 70, 60, 60, 60))
    assert not any(verdict.unusual for verdict in one)
    two = judge(range(36), pulse(*usual(30), 70, 70, 70, 60, 60, 60))
    assert [verdict.unusual for verdict in two[30:]] == [False, True, True, True, False, False]


def test_two_odd_days_apart_are_two_single_days() -> None:
    assert not any(one.unusual for one in judge(range(38), pulse(*usual(30), 75, 60, 60, 60, 60, 60, 75, 60)))


def test_a_day_is_pooled_with_the_one_before_and_not_with_one_long_ago() -> None:
    next_day = judge([*range(31), 31], pulse(*usual(30), 75, 60))[-1]
    long_after = judge([*range(31), 40], pulse(*usual(30), 75, 60))[-1]
    assert next_day.strength > 2 > 0 > long_after.strength


def test_what_moved_is_named_and_the_rest_is_not() -> None:
    values = pulse(*usual(30), 70, 70)
    values["skin_temperature"] = np.array([33.4, 33.5, 33.6] * 10 + [33.5, 33.5])
    verdict = judge(range(32), values)[-1]
    assert verdict.unusual
    assert [one.name for one in verdict.moved] == ["resting_heart_rate"]
    assert [one.name for one in verdict.measures] == ["resting_heart_rate", "skin_temperature"]


def test_a_relative_measure_is_judged_by_its_ratio() -> None:
    values = {"hrv_rmssd": np.array([38.0, 40.0, 42.0] * 10 + [40.0, 20.0])}
    (moved,) = judge(range(32), values)[-1].measures
    assert moved.usual == pytest.approx(40.0)
    assert moved.change == pytest.approx(-20.0)
    assert moved.z < -4


def test_nothing_is_said_before_two_weeks_are_known() -> None:
    verdicts = judge(range(17), pulse(*[60.0] * 15, 90.0, 90.0))
    assert [verdict.reason is None for verdict in verdicts] == [False] * (LEAST + 2) + [True]
    assert not any(verdict.unusual for verdict in verdicts)


def test_a_slow_start_does_not_become_its_own_baseline() -> None:
    rising = judge(range(34), pulse(*usual(30), 64, 67, 69, 70))
    assert rising[-1].measures[0].usual == 60.0
    assert rising[-1].unusual


def test_missing_measures_and_days_are_not_zero() -> None:
    values = pulse(*usual(30), math.nan, 60)
    values["steps"] = np.full(32, math.nan)
    verdicts = judge([*range(30), 40, 41], values)
    assert verdicts[30].reason is not None
    assert verdicts[31].reason is None
    assert not verdicts[31].unusual


@pytest.mark.parametrize("strange", [math.inf, -math.inf, 0.0, -5.0, 1e300])
def test_strange_values_of_relative_measures_are_finite_or_unknown(strange: float) -> None:
    verdict = judge(range(31), {"steps": np.array([9000.0] * 30 + [strange])})[-1]
    assert verdict.reason is not None or math.isfinite(verdict.strength)


def test_mistakes_are_named() -> None:
    baseline = Baseline()
    baseline.update(3, {})
    with pytest.raises(ValueError, match="order: 3 after 3"):
        baseline.update(3, {})
    with pytest.raises(ValueError, match="not tracked: mood"):
        baseline.update(4, {"mood": 1.0})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.floats(40, 90), st.just(math.nan)), min_size=20, max_size=60), st.floats(-200, 200))
def test_only_differences_matter(rates: list[float], shift: float) -> None:
    here = judge(range(len(rates)), pulse(*rates))
    there = judge(range(100, 100 + len(rates)), pulse(*(rate + shift for rate in rates)))
    for one, other in zip(here, there, strict=True):
        assert one.strength == pytest.approx(other.strength, abs=1e-6, nan_ok=True)


def test_false_alerts_are_few_where_days_are_like_those_before() -> None:
    """Twenty people of half a year, six independent measures, nothing planted."""
    alerts = judged = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = {name: rng.normal(0, one.spread, 180) for name, one in TRACKED.items()}
        values = {n: np.exp(6 + v) if TRACKED[n].relative else 100 + v for n, v in values.items()}
        verdicts = [one for one in judge(range(180), values) if one.reason is None]
        alerts += sum(one.unusual for one in verdicts)
        judged += len(verdicts)
    assert alerts / judged * 365 < 4


def test_night_signal_after_its_published_code() -> None:
    # The published script, run by hand on these nights: the median of all nights so far, this one included, is 60.
    assert night_signal(np.array([60, 60, 60, 60, 60, 64, 64, 63, 60])).tolist() == [0, 0, 0, 0, 0, 0, 2, 1, 0]
    # A single missing night is the mean of its neighbours; two are not bridged.
    assert night_signal(np.array([60, 60, 60, 60, 60, 64, np.nan, 64, 60.0])).tolist() == [0, 0, 0, 0, 0, 0, 2, 2, 0]
    assert night_signal(np.array([60, 60, 60, 60, 64, np.nan, np.nan, 64.0])).tolist() == [0] * 8
    # 63.9 is cut to 63.
    assert night_signal(np.array([60, 60, 60, 60, 63.9, 63.9])).tolist() == [0, 0, 0, 0, 0, 1]
