"""The feature vector of a sleep model: definitions by hand, gaps with reasons, and against polysomnography."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from vitals_signal import SLEEP_FEATURES, lindert_counts, sleep_activity, sleep_features, sleep_hr_variation
from vitals_signal.synthetic import Bout, motion

COLUMN = {name: k for k, name in enumerate(SLEEP_FEATURES)}


def test_columns_by_hand() -> None:
    activity = np.zeros(100)
    activity[50] = np.e**3 - 1
    heart = np.full(100, 0.48)
    heart[50] = 0.98
    f = sleep_features(activity, heart)
    assert f.values.shape == (100, len(SLEEP_FEATURES))
    assert np.isfinite(f.values).all()
    assert set(f.reason) == {None}

    def at(name: str, epoch: int) -> float:
        return float(f.values[epoch, COLUMN[name]])

    assert at("activity", 50) == pytest.approx(3.0)
    assert at("activity_mean_2", 51) == pytest.approx(3.0 / 5)
    assert at("activity_mean_20", 70) == pytest.approx(3.0 / 41)
    assert at("activity_mean_20", 71) == pytest.approx(0.0)
    assert at("activity_mean_5", 50) == pytest.approx(3.0 / 11)
    assert at("activity_max_5", 55) == pytest.approx(3.0)
    assert at("activity_max_5", 56) == 0.0
    assert at("activity_sd_10", 50) == pytest.approx(np.sqrt(9 / 21 - (3 / 21) ** 2))
    assert at("since_movement", 53) == pytest.approx(np.log(4))
    assert at("until_movement", 48) == pytest.approx(np.log(3))
    assert at("since_movement", 10) == pytest.approx(np.log(61))
    assert at("hr_variation", 50) == pytest.approx(0.0)
    assert at("hr_variation_above_night", 50) == pytest.approx(-np.log(0.5))
    assert at("hr_variation_max_20", 40) == pytest.approx(0.0)
    assert at("hr_variation_min_20", 40) == pytest.approx(np.log(0.5))
    assert at("hours", 99) == pytest.approx(99 * 30 / 3600)
    assert at("clock", 0) == pytest.approx(-np.cos(2 * np.pi * 5 / 24))
    assert f.coverage[50] == 1.0
    assert f.coverage[0] == pytest.approx(21 / 41)


def test_counts_are_those_of_the_published_code() -> None:
    """The steps of `build_activity_counts_without_matlab` and `max2epochs` of Walch 2019, written out."""
    z = motion([Bout("hands", 100), Bout("sleep", 200), Bout("walk", 60)], 50.0).acc_g[:, 2]
    b, a = signal.butter(5, [3 / 25, 11 / 25], "bandpass")
    binned = np.digitize(np.abs(signal.filtfilt(b, a, z)), np.linspace(0, 5, 129))
    seconds = binned.reshape(50, 360, order="F").max(axis=0)
    published = np.maximum((seconds.reshape(15, 24, order="F").sum(axis=0) - 18) * 3.07, 0)
    counts = lindert_counts(z, 50.0)
    assert counts == pytest.approx(published, abs=1e-9)
    assert (counts[-4:] > 30).all()
    assert (counts[8:19] == 0).mean() > 0.5
    z[: 15 * 50] = np.nan
    assert np.isnan(lindert_counts(z, 50.0)).tolist() == [True] + [False] * 23
    for nothing in ([], [np.nan] * 2000, [np.inf] * 2000):
        assert np.isnan(lindert_counts(nothing, 50.0)).all()
    with pytest.raises(ValueError, match="fs"):
        lindert_counts(z, 10.0)


def test_what_is_missing_is_nan_with_its_reason_and_leaves_the_others_alone() -> None:
    activity, heart = np.ones(60), np.ones(60)
    activity[20], heart[30] = np.nan, np.inf
    f = sleep_features(activity, heart)
    assert f.reason[20] == "no activity"
    assert f.reason[30] == "no heart rate"
    assert [r is None for r in f.reason].count(False) == 2
    for epoch in (20, 30):
        assert np.isnan(f.values[epoch]).any()
    rest = np.delete(f.values, [20, 30], axis=0)
    assert np.isfinite(rest).all()
    assert rest[:, COLUMN["activity_mean_10"]] == pytest.approx(np.log(2))


def test_activity_of_constant_counts_is_that_constant_and_a_gap_is_not_filled() -> None:
    assert sleep_activity(np.full(400, 7.0)) == pytest.approx(np.full(200, 7.0))
    counts = np.full(400, 7.0)
    counts[100:200] = np.nan
    out = sleep_activity(counts)
    assert np.isnan(out[55:95]).all()
    assert out[~np.isnan(out)] == pytest.approx(7.0)


def test_one_burst_of_counts_is_spread_as_a_gaussian() -> None:
    counts = np.zeros(201)
    counts[100] = 30.0
    out = sleep_activity(counts, 30.0)  # epochs as long as those of the counts: the middle of both at 30 k + 15 s
    triangle = np.interp(np.arange(-300, 301), [-30, 0, 30], [0, 30, 0])
    weight = np.exp(-0.5 * (np.arange(-300, 301) / 50.0) ** 2)
    assert out[100] == pytest.approx(triangle @ weight / weight.sum(), rel=1e-2)
    assert out[98] == pytest.approx(out[102], rel=0.05)


def test_a_steady_heart_has_no_variation_and_a_change_has() -> None:
    t = np.arange(0, 7200, 5.0)
    assert np.isnan(sleep_hr_variation(t, np.full(len(t), 60.0), 240)).all()  # nothing to measure the night by
    jump = sleep_hr_variation(t, np.where((t > 3500) & (t < 3700), 80.0, 60.0) + 0.1 * np.sin(t / 50), 240)
    assert np.nanargmax(jump) == pytest.approx(120, abs=12)
    assert np.nanmax(jump) > 5 * np.nanmedian(jump)
    gap = np.where((t > 2000) & (t < 4000), np.nan, 60 + np.sin(t / 40))
    assert np.isnan(sleep_hr_variation(t, gap, 240)[85:115]).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(), max_size=60), st.integers(0, 2**32 - 1))
def test_no_numbers_raise(values: list[float], seed: int) -> None:
    x = np.array(values)
    f = sleep_features(x, x[::-1])
    assert f.values.shape == (len(x), len(SLEEP_FEATURES))
    named = np.array([r is not None for r in f.reason], np.bool_)
    assert np.array_equal(np.isnan(f.values).any(axis=1), named)
    assert len(sleep_activity(x)) == len(x) // 2
    assert sleep_hr_variation(np.arange(len(x)), x, 3).shape == (3,)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="one length"):
        sleep_features([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="epoch_s"):
        sleep_activity([1.0], 0)
    with pytest.raises(ValueError, match="ascend"):
        sleep_hr_variation([1.0, 0.0], [60.0, 60.0], 1)
    with pytest.raises(ValueError, match="shape"):
        sleep_hr_variation([1.0], [60.0, 60.0], 1)


def test_in_real_nights_wakeful_epochs_move_more(shared: Path) -> None:
    """Area under the curve of single columns against polysomnography, fitted to nothing: 0.5 would be chance."""
    scores: dict[str, list[float]] = {"activity_mean_5": [], "hr_variation": []}
    wake: list[float] = []
    for path in sorted((shared / "data" / "walch_sleep_features").glob("*.npz")):
        with np.load(path) as night:
            f = sleep_features(night["count_feature"], night["hr_feature"], night["time_feature"])
            wake += (night["psg_labels"] == 0).tolist()
        assert np.isfinite(f.values).all()
        for name, column in scores.items():
            column += f.values[:, COLUMN[name]].tolist()
    label = np.array(wake, np.bool_)
    for name, least in (("activity_mean_5", 0.75), ("hr_variation", 0.6)):
        rank = np.argsort(np.argsort(scores[name])) + 1
        positive = int(label.sum())
        area = (rank[label].sum() - positive * (positive + 1) / 2) / (positive * (len(label) - positive))
        assert area > least, name
