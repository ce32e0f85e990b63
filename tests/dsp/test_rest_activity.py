"""Rest-activity rhythm: values by hand, cosinor against SciPy, gaps honoured."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vitals_signal import REST_ACTIVITY_FEATURES, cosinor, rest_activity

DAY = np.repeat([0.0, 1.0], 12)  # hourly


def test_the_same_square_day_twice() -> None:
    """m = 1/2, sum (x - m)^2 = 12; three steps of 1 in 47 pairs: IV = 48 x 3 / (47 x 12)."""
    result = rest_activity(np.tile(DAY, 2), 3600)
    v = result.values
    assert tuple(v) == REST_ACTIVITY_FEATURES
    assert v["IS"] == pytest.approx(1.0)
    assert v["IV"] == pytest.approx(48 * 3 / (47 * 12))
    assert (v["L5"], v["L5_onset_h"], v["M10"], v["M10_onset_h"], v["RA"]) == (0.0, 0.0, 1.0, 12.0, 1.0)
    assert result.coverage == 1.0
    assert result.days == 2.0


def test_a_square_and_a_flat_day() -> None:
    """x_h = 1/4, 3/4; between 24 x 2 x 1/16 = 3, total 6: IS = 1/2 (Witting: 48 x 1.5 / (24 x 6))."""
    v = rest_activity(np.concatenate((DAY, np.full(24, 0.5))), 3600).values
    assert v["IS"] == pytest.approx(0.5)
    assert v["L5"] == pytest.approx(0.25)
    assert v["M10"] == pytest.approx(0.75)
    assert v["RA"] == pytest.approx(0.5)


def test_minutes_and_hours_agree_and_the_clock_is_the_wall_clock() -> None:
    minutes = np.tile(np.repeat(DAY, 60), 4)
    from_midnight, from_nine = rest_activity(minutes, 60), rest_activity(minutes, 60, start_h=9.0)
    assert from_nine.values["M10_onset_h"] == pytest.approx((from_midnight.values["M10_onset_h"] + 9) % 24)
    assert from_nine.values["acrophase_h"] == pytest.approx((from_midnight.values["acrophase_h"] + 9) % 24)
    assert from_nine.values["IS"] == pytest.approx(1.0)
    # Noon to midnight active: the crest at 18 h; the middle of the hour is what is fitted.
    assert from_midnight.values["acrophase_h"] == pytest.approx(18.0, abs=1e-9)


def test_noise_has_no_rhythm() -> None:
    v = rest_activity(np.random.default_rng(5).random(1440 * 28), 60).values
    assert v["IS"] < 0.1
    assert v["IV"] == pytest.approx(2.0, abs=0.2)
    assert v["RA"] < 0.03
    assert v["cosinor_p"] > 1e-4


def test_gaps_are_left_out_of_sums_and_denominators() -> None:
    x = np.tile(DAY, 5)
    holed = x.copy()
    holed[30:41] = np.nan
    v = rest_activity(holed, 3600)
    assert v.values["IS"] == pytest.approx(1.0)
    assert v.coverage == pytest.approx(109 / 120)
    # Pairs over the gap are none: 120 - 1 - 12 remain, of which 8 change (one of 9 lies in the gap).
    known = holed[np.isfinite(holed)]
    spread = ((known - known.mean()) ** 2).sum()
    assert v.values["IV"] == pytest.approx(109 * 8 / (107 * spread))
    never = np.tile(DAY, 5)
    never[3::24] = np.nan
    lacking = rest_activity(never, 3600)
    assert np.isnan(lacking.values["IS"])
    assert {"IS", "L5", "M10", "RA"} <= set(lacking.reasons)
    assert np.isfinite(lacking.values["mesor"])


def test_cosinor_finds_what_was_put_in_and_tests_it_like_scipy() -> None:
    t = np.arange(96) * 0.5 + 7.0
    wave = 10 + 4 * np.cos(2 * np.pi * (t - 16.25) / 24)
    fit = cosinor(wave, 0.5, start_h=7.0)
    assert (fit.mesor, fit.amplitude, fit.acrophase_h) == pytest.approx((10, 4, 16.25))
    assert fit.r2 == pytest.approx(1)
    noisy = wave + np.random.default_rng(1).normal(0, 8, 96)
    noisy[10:20] = np.nan
    fit = cosinor(noisy, 0.5, start_h=7.0)
    f = (fit.r2 / 2) / ((1 - fit.r2) / (fit.n - 3))
    assert fit.n == 86
    assert fit.p == pytest.approx(float(stats.f.sf(f, 2, fit.n - 3)))


def test_without_data_there_are_reasons() -> None:
    for x in ([], [1.0] * 30, [np.nan] * 100):
        assert rest_activity(x, 3600).reason is not None
    flat = rest_activity(np.zeros(72), 3600)
    assert {n for n, v in flat.values.items() if np.isnan(v)} == set(flat.reasons)
    assert cosinor([1.0, 2.0, 3.0], 6.0).reason is not None
    assert cosinor([1.0, 2.0, 3.0, 4.0, 5.0], 1.0).reason is not None
    assert cosinor(np.tile([1.0, 5.0], 20), 12.0).reason is not None  # two times of day tell no three parameters apart


def test_of_a_month_of_steps_people_rest_at_night(shared: Path) -> None:
    """Plausibility: hourly steps of the wearers of a Fitbit export."""
    days: defaultdict[str, dict[datetime, float]] = defaultdict(dict)
    path = shared / "data" / "fitbit_bellabeat" / "hourlySteps_merged.csv.gz"
    with gzip.open(path, "rt", newline="") as lines:
        for row in csv.DictReader(lines):
            hour = datetime.strptime(row["ActivityHour"], "%m/%d/%Y %I:%M:%S %p")
            days[row["Id"]][hour] = float(row["StepTotal"])
    rhythms = []
    for hours in days.values():
        first = min(hours)
        series = np.full(int((max(hours) - first).total_seconds() // 3600) + 1, np.nan)
        for hour, taken in hours.items():
            series[int((hour - first).total_seconds() // 3600)] = taken
        rhythms.append(rest_activity(series, 3600, start_h=float(first.hour)).values)
    assert len(rhythms) >= 15
    at_night = [(v["L5_onset_h"] + 2.5) % 24 < 8 for v in rhythms]
    by_day = [5 <= v["M10_onset_h"] <= 15 and 10 <= v["acrophase_h"] <= 20 for v in rhythms]
    assert np.mean(at_night) > 0.9
    assert np.mean(by_day) > 0.9
    assert all(0 < v["IS"] < 0.7 and 0.5 < v["IV"] < 2 and v["RA"] > 0.8 for v in rhythms)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(), min_size=48, max_size=120), st.floats(0, 23.9))
def test_no_numbers_raise_and_is_stays_in_its_range(values: list[float], start: float) -> None:
    result = rest_activity(values, 3600, start_h=float(int(start)))
    if np.isfinite(result.values["IS"]):
        assert -1e-9 <= result.values["IS"] <= 1 + 1e-9
    missing = {n for n, v in result.values.items() if np.isnan(v)}
    assert result.reason is not None or missing == set(result.reasons)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="epoch_s"):
        rest_activity([1.0], 7)
    with pytest.raises(ValueError, match="start_h"):
        rest_activity([1.0], 60, start_h=24)
    with pytest.raises(ValueError, match="step_h"):
        cosinor([1.0], 0)
