"""Energy by published equations, and joint features of heart rate and motion, by hand."""

from __future__ import annotations

import csv
import gzip
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals_signal import (
    HEART_ACTIVITY_FEATURES,
    branched_energy,
    energy_kcal,
    energy_mets,
    heart_activity,
    keytel_kj_min,
    sleep_wake,
)


@pytest.mark.parametrize(
    ("equation", "activity", "mets"),
    [
        ("freedson-1998", 1952.0, 2.99),  # its cut-point of 3 METs
        ("freedson-1998", 5725.0, 5.99),  # and of 6 METs
        ("sasaki-2011", 2690.0, 2.99),
        ("sasaki-2011", 6166.0, 5.99),
        ("hildebrand-2014-hip", 69.1, 3.0),  # the paper's cut-points: 69.1 and 258.7 mg at the hip
        ("hildebrand-2014-hip", 258.7, 6.0),
        ("hildebrand-2014-wrist", 100.6, 3.0),  # and 100.6 and 428.8 mg at the wrist
        ("hildebrand-2014-wrist", 428.8, 6.0),
        ("ellingson-2017-wrist", 0.0, 3.0 / 3.5),
    ],
)
def test_equations_meet_their_published_cut_points(equation: str, activity: float, mets: float) -> None:
    result = energy_mets([activity], equation)  # type: ignore[arg-type]
    assert result.mets[0] == pytest.approx(mets, abs=0.01)
    assert result.method == equation


def test_energy_of_an_hour_and_of_the_unknown() -> None:
    assert energy_kcal(np.full(60, 3.0), 70.0) == pytest.approx(210.0)
    assert energy_kcal([np.nan, 3.0], 60.0, 1800.0) == pytest.approx(90.0)
    assert np.isnan(energy_kcal([np.nan], 60.0))
    nothing = energy_mets([np.nan, -1.0, np.inf], "freedson-1998")
    assert nothing.reason is not None
    assert np.isnan(nothing.mets).all()


def test_keytel_by_hand() -> None:
    man = keytel_kj_min([130.0, 40.0, 500.0], weight_kg=75, age_years=40, female=False)
    assert man[0] == pytest.approx(-55.0969 + 0.6309 * 130 + 0.1988 * 75 + 0.2017 * 40)
    assert np.isnan(man[1:]).all()
    woman = keytel_kj_min([130.0], weight_kg=60, age_years=40, female=True)
    assert woman[0] == pytest.approx(-20.4022 + 0.4472 * 130 - 0.1263 * 60 + 0.074 * 40)


def test_the_four_branches() -> None:
    out = branched_energy(
        [8.0] * 5, [2.0] * 5, [150.0, 90.0, 100.0, 60.0, np.nan], [1000.0, 1000.0, 0.0, 0.0, 0.0],
        flex_bpm=85, transition_bpm=130,
    )  # fmt: skip
    assert out[:4].tolist() == [8.0, 5.0, 5.0, 2.0]
    assert np.isnan(out[4])
    # An estimate that has no share need not be known.
    assert branched_energy([np.nan], [2.0], [60.0], [0.0], flex_bpm=85, transition_bpm=130)[0] == 2.0


def test_joint_features_by_hand() -> None:
    n = 24 * 60
    asleep = np.zeros(n)
    asleep[:480] = 1
    bpm = np.where(asleep == 1, 55.0, 75.0)
    bpm[200:230] = 48.0
    activity = np.zeros(n)
    x = np.arange(n) % 2
    activity[480:] = np.expm1(2.0 * x[480:])
    bpm[480:] = 70 + 10.0 * x[480:]  # 5 bpm per unit of ln(1 + activity)
    v = heart_activity(bpm, activity, asleep=asleep).values
    assert v["resting_bpm_sleep"] == pytest.approx(48.0)
    assert v["mean_bpm_sleep"] == pytest.approx((55 * 450 + 48 * 30) / 480)
    assert v["mean_bpm_wake"] == pytest.approx(75.0)
    assert v["dip_pct"] == pytest.approx(100 * (1 - v["mean_bpm_sleep"] / 75))
    assert v["bpm_per_activity"] == pytest.approx(5.0)
    assert v["bpm_at_no_activity"] == pytest.approx(70.0)
    assert v["activity_r"] == pytest.approx(1.0)
    assert v["answer_lag_min"] == 0.0


def test_recovery_and_lag_by_hand() -> None:
    activity, bpm = np.zeros(200), np.full(200, 60.0)
    for start in (40, 100, 160):
        activity[start : start + 10] = 1000.0
        bpm[start + 2 : start + 10] = 120.0  # two minutes late
        bpm[start + 10] = 95.0
    v = heart_activity(bpm, activity).values
    assert v["recoveries"] == 3
    assert v["recovery_60s_bpm"] == pytest.approx(25.0)
    assert v["answer_lag_min"] == 1.0
    assert heart_activity(bpm, activity).reasons["dip_pct"] == "asleep was not given"


def test_of_real_days_the_night_is_found_and_the_heart_is_slower_in_it(shared: Path) -> None:
    """Plausibility against a diary, not accuracy: two days of MMASH, counts and rates in 5-s rows."""
    folder = shared / "data" / "mmash_sample"
    with (folder / "mmash_diary.csv").open(newline="") as lines:
        diary = {row["pid"]: row for row in csv.DictReader(lines)}
    for person in ("1", "18"):
        with gzip.open(folder / f"actigraph_{person}.csv.gz", "rt", newline="") as lines:
            rows = list(csv.DictReader(lines))
        times = [datetime.strptime(row["time"], "%Y-%b-%d %H:%M:%S") for row in rows]
        minute = np.array([(t - times[0]).total_seconds() // 60 for t in times], np.int64)
        counts, bpm = (
            np.bincount(minute, [float(row[name] or 0) for row in rows]) for name in ("Vector Magnitude", "HR")
        )
        number = np.bincount(minute)
        start, end = (
            int((datetime.fromisoformat(diary[person][key]) - times[0]).total_seconds() // 60)
            for key in ("sleep_onset", "sleep_offset")
        )
        asleep = np.zeros(len(number))
        asleep[start:end] = 1
        for method in ("cole-kripke", "sadeh", "oakley"):
            scored = sleep_wake(counts, method=method).asleep
            assert np.nanmean(scored[asleep == 1]) > 0.7
            assert np.nanmean(scored[asleep == 0]) < 0.4
        joint = heart_activity(bpm / np.maximum(number, 1), counts, asleep=asleep)
        assert joint.reason is None
        assert 40 < joint.values["resting_bpm_sleep"] < joint.values["mean_bpm_sleep"] < joint.values["mean_bpm_wake"]
        assert joint.values["activity_r"] > 0.4


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(), st.floats(), st.sampled_from([0.0, 1.0, np.nan])), max_size=60))
def test_no_numbers_raise_and_none_is_missing_in_silence(rows: list[tuple[float, float, float]]) -> None:
    table = np.array(rows).reshape(-1, 3)
    result = heart_activity(table[:, 0], table[:, 1], asleep=table[:, 2])
    assert tuple(result.values) == HEART_ACTIVITY_FEATURES
    missing = {name for name, value in result.values.items() if np.isnan(value)}
    assert result.reason is not None or missing == set(result.reasons)
    for equation in ("freedson-1998", "ellingson-2017-wrist"):
        energy_mets(table[:, 0], equation)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="equation"):
        energy_mets([1.0], "mine")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="weight_kg"):
        energy_kcal([1.0], 5)
    with pytest.raises(ValueError, match="one length"):
        heart_activity([60.0], [])
    with pytest.raises(ValueError, match="transition_bpm"):
        branched_energy([1.0], [1.0], [60.0], [0.0], flex_bpm=100, transition_bpm=90)
