"""Drift against the deciles of the card, and a wearer's own threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vitals_models import load
from vitals_models.card import Card
from vitals_models.drift import drift
from vitals_models.errors import DriftError, InputShapeError, PersonalError
from vitals_models.loading import Model
from vitals_models.personal import MOST, Personal, personal_threshold, with_personal
from vitals_models.training.shipping import familiar


@pytest.fixture(scope="module")
def model() -> Model:
    return load("irregular-rhythm", runtime="numpy")


def card_of(model: Model, X: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Card:
    return replace(model.card, features=("a", "b"), mean=(0.0, 0.0), std=(1.0, 1.0), familiar=familiar(X))


def test_the_same_distribution_is_steady_and_a_shift_of_one_sigma_is_far(model: Model) -> None:
    """PSI of N(1, 1) against N(0, 1) over deciles is about 0.9, of N(0.2, 1) about 0.04; KS is 2 Phi(d / 2) - 1."""
    rng = np.random.default_rng(0)
    card = card_of(model, rng.normal(size=(20_000, 2)))
    shifted = rng.normal((0.0, 1.0), size=(20_000, 2))
    same, far = drift(card, shifted)
    assert same.psi < 0.01
    assert same.ks < 0.02
    assert same.verdict == "steady"
    assert far.verdict == "far"
    assert 0.7 < far.psi < 1.2
    assert far.ks == pytest.approx(0.383, abs=0.02)
    assert far.median - far.trained_median == pytest.approx(1.0, abs=0.05)


def test_a_value_that_many_windows_share_is_no_drift(model: Model) -> None:
    rng = np.random.default_rng(1)

    def draw(n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return np.where(rng.random((n, 2)) < 0.55, 0.0, rng.random((n, 2)))

    assert all(one.verdict == "steady" for one in drift(card_of(model, draw(20_000)), draw(5000)))


def test_little_or_odd_input_is_refused(model: Model) -> None:
    width = len(model.card.features)
    with pytest.raises(DriftError, match="99 windows"):
        drift(model.card, np.zeros((99, width)))
    with pytest.raises(DriftError, match="0 windows"):
        drift(model.card, np.full((500, width), np.nan))
    with pytest.raises(InputShapeError):
        drift(model.card, np.zeros((500, width + 1)))
    with pytest.raises(DriftError, match="holds no deciles"):
        drift(replace(model.card, familiar=None), np.zeros((500, width)))


def test_the_card_of_the_shipped_model_can_tell_drift(model: Model) -> None:
    rng = np.random.default_rng(2)
    far = np.array(model.card.mean) + 3 * np.array(model.card.std) + 0.01 * rng.normal(size=(500, 8))
    assert all(one.verdict == "far" for one in drift(model.card, far))
    assert Card.from_json(model.card.to_json()) == model.card


def near_threshold(model: Model, logit: float, rows: int = 400) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Windows whose score lies about `logit` above the threshold."""
    rng = np.random.default_rng(3)
    steps = np.linspace(-1, 2, 400)[:, None] * np.array(model.card.std) + np.array(model.card.mean)
    odds = np.log(model.predict_proba(steps) / (1 - model.predict_proba(steps)))
    wanted = np.log(model.card.threshold / (1 - model.card.threshold)) + logit
    row = steps[int(np.argmin(np.abs(odds - wanted)))]
    return np.asarray(row + 0.02 * np.array(model.card.std) * rng.normal(size=(rows, 8)))


def test_a_wearers_threshold_silences_what_is_just_above_and_can_be_taken_off(model: Model) -> None:
    X = near_threshold(model, 0.3)
    own = personal_threshold(model, X)
    assert 0 < own.offset <= MOST
    assert own.after < own.before
    moved = with_personal(model, own)
    assert moved.threshold > model.threshold
    assert np.mean(moved.predict_proba(X) >= moved.threshold) < 0.1 < np.mean(model.predict_proba(X) >= model.threshold)
    assert with_personal(moved, None).threshold == model.threshold
    assert Personal.from_json(own.to_json()) == own


def test_it_never_moves_further_than_its_limit_nor_where_it_does_not_hold(model: Model) -> None:
    with pytest.raises(PersonalError, match="not kept"):  # fibrillation, called harmless: out of reach
        personal_threshold(model, near_threshold(model, 3.0))
    with pytest.raises(PersonalError, match="nothing needs to change"):
        personal_threshold(model, near_threshold(model, -2.0))
    late = np.concatenate((near_threshold(model, 0.3, 300), near_threshold(model, -2.0, 300)))
    with pytest.raises(PersonalError, match="not kept"):
        personal_threshold(model, late)
    with pytest.raises(PersonalError, match="199 windows"):
        personal_threshold(model, near_threshold(model, 0.3, 199))


def test_a_threshold_of_another_file_or_out_of_limits_is_refused(model: Model) -> None:
    own = Personal("irregular-rhythm", "0" * 64, 0.5, 300, 0.2, 0.1)
    with pytest.raises(PersonalError, match="another file"):
        with_personal(model, own)
    for text in ("", "[]", "{}", own.to_json().replace("0.5", "1.5"), own.to_json().replace("0.5", "-0.1")):
        with pytest.raises(PersonalError, match="damaged or out of its limits"):
            Personal.from_json(text)
