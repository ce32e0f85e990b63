"""Odd input to every shipped model: it abstains or says what is wrong, and is never confident of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vitals_models import Model, load
from vitals_models.errors import InputShapeError
from vitals_models.loading import shipped_names

NAMES = shipped_names()


@pytest.fixture(scope="module", params=NAMES)
def model(request: pytest.FixtureRequest) -> Model:
    return load(request.param, runtime="numpy")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_no_number_silences_its_row_only(model: Model, bad: float) -> None:
    X = np.tile(np.array(model.card.mean), (len(model.card.features) + 1, 1))
    np.fill_diagonal(X[:-1], bad)
    p = model.predict_proba(X)
    assert np.isnan(p[:-1]).all()
    assert np.isfinite(p[-1]).all()
    assert model.unfamiliar(X)[:-1].all()
    assert model.doubtful(X)[:-1].all()
    assert model.prediction_sets(X, 0.1)[:-1].all()
    assert np.isnan(model.contributions(X)[:-1]).all()


@pytest.mark.parametrize(
    "odd", [[], 0.0, [1.0, 2.0], "text", [["a", "b"]], [[1.0], [1.0, 2.0]], np.zeros((2, 3, 4)), {"a": 1}]
)
def test_other_shapes_and_types_are_refused_by_every_question(model: Model, odd: Any) -> None:
    for question in (model.predict_proba, model.unfamiliar, model.contributions, model.doubtful):
        with pytest.raises(InputShapeError):
            question(odd)
    for width in (0, len(model.card.features) - 1, len(model.card.features) + 1):
        with pytest.raises(InputShapeError, match="takes"):
            model.predict_proba(np.zeros((3, width)))


def test_nothing_in_gives_nothing_out(model: Model) -> None:
    empty = np.empty((0, len(model.card.features)))
    assert len(model.predict_proba(empty)) == 0
    assert len(model.contributions(empty)) == 0
    assert len(model.doubtful(empty)) == 0


def test_a_value_far_outside_of_training_is_unfamiliar_in_every_feature(model: Model) -> None:
    assert model.card.familiar is not None
    far = np.array(model.card.mean) + 50.0 * np.array(model.card.std)
    for rows in (far[None], (2 * np.array(model.card.mean) - far)[None], np.full((1, len(far)), 1e300)):
        assert model.unfamiliar(rows).all()
        assert model.doubtful(rows).all()
        p = model.predict_proba(rows)
        assert ((p >= 0) & (p <= 1)).all()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_numbers_abstain_or_give_probabilities(model: Model, data: st.DataObject) -> None:
    width = len(model.card.features)
    row = st.lists(st.floats(width=64), min_size=width, max_size=width)
    X = np.array(data.draw(st.lists(row, min_size=1, max_size=3)))
    p, bad = model.predict_proba(X), ~np.isfinite(X).all(axis=1)
    assert np.isnan(p[bad]).all()
    assert ((p[~bad] >= 0) & (p[~bad] <= 1)).all()
    if p.ndim == 2:
        assert np.allclose(p[~bad].sum(axis=1), 1.0)
    assert model.doubtful(X)[bad].all()
