"""What a model says of its own doubt: prediction sets, unfamiliar windows, more classes than two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals_models import Model, load
from vitals_models.card import Card, Conformal
from vitals_models.tflite_write import Dense, quantise
from vitals_models.training import evaluate, train
from vitals_models.training.shipping import conformal, familiar, ship

NAMES = ("still", "walk", "jog")


@pytest.fixture(scope="module")
def of_three(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Three classes by two features and a hidden layer; class k leads where feature k leads, "jog" where none does."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2))
    hidden = Dense(np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros(2), relu=True)
    out = Dense(np.array([[2.0, 0.0], [0.0, 2.0], [-1.0, -1.0]]), np.array([0.0, 0.0, 1.0]))
    card = Card(
        name="three", version="1", task="", output="", feature_version="f-1", features=("a", "b"), mean=(0.0, 0.0),
        std=(1.0, 1.0), clip=4.0, classes=NAMES, threshold=0.5, sources=(), held_out=(), split="", measures=(),
        conformal=(Conformal(0.1, (0.2, 0.2, 0.2)),), familiar=familiar(X), limits=(), recipe=(), sha256="",
        size_bytes=0,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("three")
    ship(card, quantise([hidden, out], X, clip=4.0), folder)
    return load(folder / "three.tflite")


def test_each_class_has_its_probability_and_unscored_rows_have_none(of_three: Model) -> None:
    p = of_three.predict_proba([[3.0, 0.0], [0.0, 3.0], [-1.0, -1.0], [np.nan, 0.0]])
    assert p.shape == (4, 3)
    assert p[:3].argmax(axis=1).tolist() == [0, 1, 2]
    assert np.allclose(p[:3].sum(axis=1), 1.0)
    assert np.isnan(p[3]).all()
    assert of_three.predict_proba(np.empty((0, 2))).shape == (0, 3)
    assert of_three.classes == NAMES


def test_what_moved_the_leading_class_is_shown(of_three: Model) -> None:
    moved = of_three.contributions([[3.0, 0.0], [0.0, 3.0]])
    assert moved[0, 0] > moved[0, 1]
    assert moved[1, 1] > moved[1, 0]


def test_sets_hold_what_cannot_be_excluded(of_three: Model) -> None:
    sets = of_three.prediction_sets([[4.0, 0.0], [1.5, 1.5], [np.nan, 1.0]], 0.1)
    assert sets.tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    with pytest.raises(ValueError, match=r"no prediction sets at alpha 0\.3; it has: 0\.1"):
        of_three.prediction_sets([[0.0, 0.0]], 0.3)


def test_windows_unlike_all_of_training_are_named(of_three: Model) -> None:
    strange = of_three.unfamiliar([[0.0, 0.0], [50.0, -50.0], [np.inf, 0.0]])
    assert strange.tolist() == [False, True, True]


def test_the_true_class_is_left_out_as_often_as_said_and_each_person_weighs_the_same() -> None:
    rng = np.random.default_rng(1)
    person = np.repeat(np.arange(40), 50)
    y = rng.integers(0, 2, len(person))
    positive = np.clip(rng.beta(2 + 3 * y, 5 - 3 * y), 0.001, 0.999)
    p = np.column_stack((1 - positive, positive))
    for one in conformal(p, y, person):
        left_out = np.mean(
            [np.mean(p[(person == k), y[person == k]] < np.array(one.least)[y[person == k]]) for k in range(40)]
        )
        assert left_out == pytest.approx(one.alpha, abs=0.02)
    # One person with a thousand windows does not decide for nine with ten each.
    many = np.concatenate((np.zeros(1000, np.intp), np.repeat(np.arange(1, 10), 10)))
    score = np.where(many == 0, 0.01, 0.9)
    limits = {
        c.alpha: c.least[1] for c in conformal(np.column_stack((1 - score, score)), np.ones(len(many), np.intp), many)
    }
    assert limits[0.05] == 0.01
    assert limits[0.2] == 0.9


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(), min_size=8, max_size=8), min_size=1, max_size=5))
def test_no_input_is_scored_with_confidence_where_it_cannot_be(rows: list[list[float]]) -> None:
    model = load("irregular-rhythm", runtime="numpy")
    X = np.array(rows)
    p, bad = model.predict_proba(X), ~np.isfinite(X).all(axis=1)
    assert np.isnan(p[bad]).all()
    assert model.unfamiliar(X)[bad].all()
    assert model.prediction_sets(X, 0.1)[bad].all()
    assert ((p[~bad] >= 0) & (p[~bad] <= 1)).all()


def test_a_model_without_a_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no recipe for 'x'; there are: .*irregular-rhythm"):
        train("x", tmp_path, tmp_path)
    with pytest.raises(ValueError, match="no shipped model 'x'"):
        evaluate("x", tmp_path)
