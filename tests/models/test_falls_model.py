"""Falls: the shipped linear model, its recipe, figures by hand, inputs that are no blow, steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vitals_models
from vitals_models.datasets.motion import is_fall, read_motion
from vitals_models.errors import DataError
from vitals_models.training import falls
from vitals_models.training.fall_blows import Blows, alarms, collect, figures, synthetic_blows, trial_scores
from vitals_signal import FALL_FEATURES, fall_candidates
from vitals_signal.synthetic import Bout, motion


def by_hand() -> Blows:
    """Three trials of a fall set, one of daily life; blows of the last at 1, 5 and 30 s."""
    X = np.zeros((6, len(FALL_FEATURES)))
    return Blows(
        X, np.array([1.0, 2.0, 1.0, 1.0, 5.0, 30.0]), np.array([0, 0, 2, 3, 3, 3]), np.array([0, 0, 1, 2]),
        np.array([True, True, False, False]), np.array([10.0, 10.0, 10.0, 8640.0]),
        ("weda_fall/U01", "weda_fall/U23", "wisdm51_watch_acc/1600"), 0,
    )  # fmt: skip


def test_a_trial_counts_once_and_alarms_in_ten_seconds_are_one() -> None:
    blows, p = by_hand(), np.array([0.2, 0.9, 0.7, 0.9, 0.8, 0.9])
    assert trial_scores(blows, p).tolist() == [0.9, -1.0, 0.7, 0.9]
    assert alarms(blows, p, 0.6).tolist() == [1, 0, 1, 2]
    found = {(one.data, one.name): one for one in figures(blows, p, 0.6)}
    assert found["weda_fall", "sensitivity"].value == 0.5  # the trial without a blow is missed
    assert found["weda_fall", "specificity"].value == 0.0
    rate = found["wisdm51_watch_acc", "false_alarms_per_day"]
    assert rate.value == 20.0
    assert (rate.low, rate.high) == pytest.approx((2.422, 72.25), abs=0.01)  # Garwood: 0.2422 and 7.2247 for two


def test_the_shipped_model_has_seen_no_fall_of_a_person() -> None:
    card = vitals_models.load("falls").card
    assert {one.name for one in card.sources} == {"wisdm51_watch_acc", "synthetic"}
    assert card.features == FALL_FEATURES
    assert card.size_bytes <= 15_000
    found = {(one.data, one.name): one for one in card.measures}
    for dataset in ("weda_fall", "umafall_wrist"):
        assert found[dataset, "auroc"].value > 0.9
        assert found[dataset, "sensitivity"].low is not None
    assert found["wisdm51_watch_acc", "false_alarms_per_day"].high is not None


def test_falls_of_one_wearer_through_the_command(shared: Path) -> None:
    report = vitals_models.evaluate("falls", shared / "data", subjects=["weda_fall/U01", "1600"])
    found = {(one.data, one.name): one.value for one in report.measures}
    assert found["weda_fall", "sensitivity"] > 0.8
    assert found["weda_fall", "specificity"] > 0.6
    rows = {one.record: one.figures for one in report.subjects}
    assert rows["weda_fall/U01"]["falls"] > 10
    assert rows["wisdm51_watch_acc/1600"]["hours"] == pytest.approx(0.9, abs=0.05)
    with pytest.raises(DataError, match="U99"):
        vitals_models.evaluate("falls", shared / "data", subjects=["U99"])


def test_the_same_seed_gives_the_same_bytes(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(falls, "MOTIONS", 24)
    monkeypatch.setattr(falls, "_others", lambda *_: None)
    few = ["1600", "1604", "1608", "1612"]
    cards = [falls.train(shared / "data", tmp_path / name, subjects=few) for name in ("a", "b")]
    assert cards[0] == cards[1]
    assert (tmp_path / "a" / "falls.json").read_bytes() == (tmp_path / "b" / "falls.json").read_bytes()
    assert 0.5 < cards[0].threshold < 1.0


def test_synthetic_falls_have_their_blow_and_belong_to_a_motion() -> None:
    X, fall, owner = synthetic_blows(12, 4)
    assert np.isfinite(X).all()
    assert np.unique(owner[fall]).size >= 11
    assert np.array_equal(X, synthetic_blows(12, 4)[0])


@pytest.mark.parametrize("kind", ["walk", "run", "hands"])
def test_steps_are_no_falls(kind: str) -> None:
    model = vitals_models.load("falls")
    rows = [
        list(one.window.values.values())
        for seed in range(3)
        for one in fall_candidates(motion([Bout(kind, 60)], 50.0, seed=seed).acc_g, 50.0)  # type: ignore[arg-type]
    ]
    p = model.predict_proba(np.array(rows).reshape(-1, len(FALL_FEATURES)))
    assert not (p >= model.threshold).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_blow_that_is_not_known_is_not_scored(value: float) -> None:
    model = vitals_models.load("falls")
    X = np.tile(np.array(model.card.mean), (2, 1))
    X[0, 3] = value
    p = model.predict_proba(X)
    assert np.isnan(p[0])
    assert np.isfinite(p[1])


def test_trials_are_named_as_their_sets_name_them(shared: Path) -> None:
    (weda,) = read_motion(shared / "data", ("weda_fall",), ["U01"])
    (uma,) = read_motion(shared / "data", ("umafall_wrist",), ["01"])
    assert {one.label[0] for one in weda.stretches} == {"D", "F"}
    assert any(is_fall(one.label) for one in weda.stretches)
    assert {one.label.split("/")[0] for one in uma.stretches} <= {"ADL", "FALL"}
    still = weda.stretches[0].acc_g
    assert float(np.median(np.linalg.norm(still[np.isfinite(still).all(axis=1)], axis=1))) == pytest.approx(
        1.0, abs=0.1
    )
    assert collect([uma]).keys == ("umafall_wrist/01",)
