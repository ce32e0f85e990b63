"""The sleep model: what ships, what its recipe gives on few people, and what it must not do."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from vitals_models import load
from vitals_models.datasets.sleep_nights import read_nights
from vitals_models.errors import DataError, InputShapeError
from vitals_models.training import evaluate, sleep, sleep_fitting, train
from vitals_models.training.sleep import kappa
from vitals_models.training.sleep_fitting import stages
from vitals_signal.sleep import SLEEP_NIGHT_FEATURES, SLEEP_NIGHT_VERSION, sleep_night_features

FEW = ("46343", "781756", "1066528", "1449548")


def test_the_shipped_model_is_small_and_says_what_it_takes() -> None:
    model = load("sleep")
    assert model.card.size_bytes <= 15_000
    assert model.card.classes == ("wake", "nrem", "rem")
    assert model.card.features == SLEEP_NIGHT_FEATURES
    assert model.card.feature_version == SLEEP_NIGHT_VERSION
    named = {one.name: one for one in model.card.measures}
    assert named["auroc_wake"].low is not None
    assert {"kappa_sleep_wake", "kappa_3", "wake_at_sleep_93", "int8_label_agreement"} <= set(named)


def test_a_still_night_is_sleep_and_a_restless_evening_is_not() -> None:
    model = load("sleep")
    rng = np.random.default_rng(1)
    activity = np.concatenate((rng.uniform(30, 120, 60), np.zeros(840), rng.uniform(30, 120, 60)))
    variation = np.concatenate((rng.uniform(0.8, 1.2, 60), rng.uniform(0.2, 0.35, 840), rng.uniform(0.8, 1.2, 60)))
    found = sleep_night_features(activity, variation)
    p = model.predict_proba(found.values)
    stage = stages(p, model.threshold)
    assert np.mean(stage[:50] == 0) > 0.9
    assert np.mean(stage[120:800] != 0) > 0.95
    assert p.sum(axis=1) == pytest.approx(np.ones(len(p)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_with_a_feature_that_is_no_number_is_not_scored(bad: float) -> None:
    model = load("sleep")
    row = np.array(model.card.mean)[None, :].repeat(3, axis=0)
    row[1, 7] = bad
    p = model.predict_proba(row)
    assert np.isnan(p[1]).all()
    assert np.isfinite(p[[0, 2]]).all()
    assert model.unfamiliar(row).tolist() == [False, True, False]


@pytest.mark.parametrize("shape", [(0,), (3, 5), (2, 2, 2)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputShapeError):
        load("sleep").predict_proba(np.zeros(shape))


def test_no_rows_give_no_scores() -> None:
    assert load("sleep").predict_proba(np.empty((0, len(SLEEP_NIGHT_FEATURES)))).shape == (0, 3)


def test_a_constant_night_gives_finite_features_and_an_empty_one_none() -> None:
    flat = sleep_night_features(np.zeros(100), np.full(100, 0.3))
    assert np.isfinite(flat.values).all()
    assert sleep_night_features([], []).values.shape == (0, len(SLEEP_NIGHT_FEATURES))
    gone = sleep_night_features(np.full(50, np.nan), np.full(50, 0.3))
    assert set(gone.reason) == {"no activity"}


def test_context_by_hand() -> None:
    activity = np.zeros(200)
    activity[100] = np.e - 1  # ln(1 + a) = 1
    at = {name: k for k, name in enumerate(SLEEP_NIGHT_FEATURES)}
    values = sleep_night_features(activity, np.full(200, 0.3)).values
    # 21 epochs hold the movement; 40 epochs later it is 20 min before.
    assert values[140, at["activity_before_20"]] == pytest.approx(1 / 21)
    assert values[151, at["activity_before_20"]] == 0.0
    assert values[60, at["activity_after_20"]] == pytest.approx(1 / 21)
    assert values[80, at["activity_after_10"]] == pytest.approx(1 / 11)
    assert values[100, at["activity_share"]] == pytest.approx(1 / 0.3)
    assert values[100, at["activity_rank"]] == pytest.approx(179 / 200)
    assert values[120, at["log_hours"]] == pytest.approx(np.log(1 + 4 * 1.0))


def test_a_gap_is_not_filled_and_does_not_reach_far() -> None:
    activity = np.random.default_rng(3).uniform(0, 30, 400)
    activity[200:210] = np.nan
    found = sleep_night_features(activity, np.full(400, 0.3))
    missing = [k for k, why in enumerate(found.reason) if why]
    assert missing == list(range(200, 210))


def test_kappa_by_hand() -> None:
    # 20 and 15 agree of 50; chance .5 * .6 + .5 * .4 = .5 (the example of Cohen's kappa in textbooks): 0.4.
    y = np.array([0] * 25 + [1] * 25)
    found = np.array([0] * 20 + [1] * 5 + [0] * 10 + [1] * 15)
    assert kappa(y, found) == pytest.approx(0.4)


def test_nights_are_read_and_mistakes_named(shared: Path, tmp_path: Path) -> None:
    data = shared / "data"
    nights = list(read_nights(data, FEW))
    assert [night.subject for night in nights] == sorted(FEW)
    assert {int(s) for night in nights for s in np.unique(night.stage)} == {0, 1, 2}
    first = next(night for night in nights if night.subject == "1066528")
    assert [int((first.stage == k).sum()) for k in range(3)] == [138, 409, 270]
    with pytest.raises(DataError, match="nobody"):
        list(read_nights(data, ("nobody",)))
    with pytest.raises(DataError, match="no nights"):
        list(read_nights(tmp_path))
    folder = tmp_path / "walch_sleep_features"
    folder.mkdir()
    (folder / "broken.npz").write_bytes(b"not a zip")
    with pytest.raises(DataError, match="broken"):
        list(read_nights(tmp_path))


def test_training_on_few_is_the_same_twice_and_scores_others(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sleep, "DRAWS", 20)  # intervals are not looked at here
    monkeypatch.setattr(sleep_fitting, "RIDGES", (0.01,))
    data = shared / "data"
    first = train("sleep", data, tmp_path / "a", subjects=FEW)
    second = train("sleep", data, tmp_path / "b", subjects=FEW)
    assert first == second
    for name in ("sleep.tflite", "sleep.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    other = tmp_path / "data" / "walch_sleep_features"
    other.mkdir(parents=True)
    for subject in ("1818471", "5498603"):
        shutil.copyfile(data / "walch_sleep_features" / f"{subject}.npz", other / f"{subject}.npz")
    report = evaluate(tmp_path / "a" / "sleep.tflite", tmp_path / "data")
    assert [one.record for one in report.subjects] == ["walch_sleep_features/1818471", "walch_sleep_features/5498603"]
    named = {one.name: one.value for one in report.measures}
    # Chance is 0.5 and 0; people it has not seen, four in training.
    assert named["auroc_wake"] > 0.75
    assert named["kappa_3"] > 0.1


def test_too_few_people_are_refused(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="three nights"):
        train("sleep", shared / "data", tmp_path, subjects=FEW[:2])
