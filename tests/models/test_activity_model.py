"""Activity: the shipped model on wearers at hand, turns of the watch, the filter, inputs that are no motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import vitals_models
from vitals_models.activity import ACTIVITY_FEATURES, ACTIVITY_VERSION, GROUPS, ActivityFilter, activity_vector
from vitals_models.datasets.motion import read_motion
from vitals_models.errors import DataError
from vitals_models.training.activity_windows import collect as collect_windows
from vitals_models.training.activity_windows import confusion, f1_by_group, figures, group_of
from vitals_signal.synthetic import Bout, motion
from vitals_signal.windows import acc_window_features


def vector(acc_g: NDArray[np.float64], fs: float = 25.0) -> NDArray[np.float64]:
    return activity_vector(acc_window_features(acc_g, fs, 10.0).values)


def test_the_card_says_what_it_is() -> None:
    model = vitals_models.load("activity")
    assert model.classes == GROUPS
    assert model.card.features == ACTIVITY_FEATURES
    assert model.card.feature_version == ACTIVITY_VERSION
    assert model.card.size_bytes <= 12_000
    assert {one.name for one in model.card.sources} == {"wisdm51_watch_acc"}
    unseen = {one.name: one for one in model.card.measures if one.data == "wisdm51_watch_acc"}
    assert unseen["macro_f1"].low is not None
    assert {"macro_f1_filtered", "macro_f1_seed_1", "macro_f1_seed_2", "int8_label_agreement"} <= set(unseen)
    assert unseen["int8_label_agreement"].value >= 0.995


def test_a_wearer_is_scored_by_the_command(shared: Path) -> None:
    report = vitals_models.evaluate("activity", shared / "data", subjects=["1600"])
    found = {one.name: one.value for one in report.measures}
    assert [one.record for one in report.subjects] == ["wisdm51_watch_acc/1600"]
    assert found["macro_f1"] > 0.9  # it was trained on 1600: this is the path, not the accuracy
    assert report.subjects[0].figures["windows"] > 500


def test_missing_sets_and_subjects_are_named(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wisdm51_watch_acc"):
        vitals_models.evaluate("activity", tmp_path)
    with pytest.raises(DataError, match="nobody"):
        vitals_models.evaluate("activity", shared / "data", subjects=["nobody"])


def test_half_a_turn_of_the_watch_changes_nothing() -> None:
    acc = motion([Bout("walk", 20), Bout("hands", 20)], 25.0).acc_g
    assert vector(acc * [-1.0, -1.0, 1.0]) == pytest.approx(vector(acc), abs=2e-4)


def test_any_turn_changes_only_the_posture_of_the_arm() -> None:
    acc = motion([Bout("walk", 20), Bout("run", 20)], 25.0).acc_g
    turn, _ = np.linalg.qr(np.random.default_rng(5).standard_normal((3, 3)))
    free = [i for i, name in enumerate(ACTIVITY_FEATURES) if not name.startswith(("angle_", "xyz_"))]
    one, other = vector(acc)[:, free], vector(acc @ turn)[:, free]
    assert one == pytest.approx(other, abs=2e-3)


@pytest.mark.parametrize("fs", [19.9, 20.0, 52.0, 100.0])
def test_every_rate_from_twenty_on_is_scored_alike(fs: float) -> None:
    model = vitals_models.load("activity")
    p = model.predict_proba(vector(motion([Bout("run", 60)], fs, seed=2).acc_g, fs))
    assert np.isfinite(p).all()
    assert p[:, GROUPS.index("still")].max() < 0.1


@pytest.mark.parametrize("level", [0.0, 1.0, np.nan, np.inf])
def test_what_is_no_motion_is_not_scored(level: float) -> None:
    model = vitals_models.load("activity")
    assert np.isnan(model.predict_proba(vector(np.full((500, 3), level)))).all()
    assert np.isnan(model.predict_proba(np.full((2, len(ACTIVITY_FEATURES)), level))[:, 0]).all() or np.isfinite(level)


def test_a_wrong_width_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        activity_vector(np.zeros((3, 7)))
    assert activity_vector(np.empty((0, 152))).shape == (0, len(ACTIVITY_FEATURES))


def test_the_filter_follows_slowly_and_passes_over_what_is_not_known() -> None:
    follow = ActivityFilter()
    walk, hands = np.array([0.8, 0.05, 0.05, 0.05, 0.05]), np.array([0.05, 0.05, 0.05, 0.05, 0.8])
    for _ in range(10):
        before = follow.push(walk)
    assert before[0] > 0.95
    once = follow.push(hands)
    assert once.argmax() == 0  # one window is an outlier
    for _ in range(3):
        later = follow.push(hands)
    assert later.argmax() == 4
    unknown = follow.push(np.full(5, np.nan))
    assert unknown.sum() == pytest.approx(1.0)
    assert unknown.max() < later.max()  # what is not known is forgotten, not invented
    follow.reset()
    assert follow.push(np.full(5, np.nan)) == pytest.approx(np.full(5, 0.2))


def test_groups_are_those_of_the_card() -> None:
    assert [group_of("wisdm51_watch_acc", letter) for letter in "ABCDEFMS"] == [
        "walk", "jog", "stairs", "still", "still", "hands", "hands", "hands",
    ]  # fmt: skip
    assert group_of("sp_sw_har_watch", "transition") is None


def test_f1_by_hand() -> None:
    counts = np.zeros((5, 5), np.int64)
    counts[0, 0], counts[0, 2], counts[2, 2] = 6, 2, 4
    f1 = f1_by_group(counts)
    assert f1[0] == pytest.approx(2 * 6 / (8 + 6))
    assert f1[2] == pytest.approx(2 * 4 / (4 + 6))
    assert np.isnan(f1[[1, 3, 4]]).all()


def test_geotec_is_scored_by_recall_only(shared: Path) -> None:
    windows = collect_windows(read_motion(shared / "data", ("sp_sw_har_watch",), ["s01", "s03", "s05"]))
    assert set(windows.y.tolist()) == {GROUPS.index("walk")}
    p = np.tile([0.9, 0.025, 0.025, 0.025, 0.025], (len(windows.y), 1))
    assert confusion(windows, p).sum() == len(windows.y)
    assert {one.name: one.value for one in figures(windows, p)} == {"accuracy": 1.0, "recall_walk": 1.0}
