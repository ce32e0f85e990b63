"""Loading and scoring: what the card promises, what tampering does, what odd input gives."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vitals_models
from vitals_models.card import Card
from vitals_models.errors import CardError, InputShapeError, ModelFileError, ModelNotFound
from vitals_models.loading import Model, export, load
from vitals_signal.rr.rhythm import RHYTHM_FEATURES, RHYTHM_VERSION


@pytest.fixture(scope="module")
def model() -> Model:
    return load("irregular-rhythm")


@pytest.fixture
def copied(model: Model, tmp_path: Path) -> Path:
    return export(model, tmp_path / "copy.tflite")


def test_the_shipped_model_is_small_and_speaks_the_features_of_today(model: Model) -> None:
    assert len(model.data) == model.card.size_bytes <= 2048
    assert model.card.features == RHYTHM_FEATURES
    assert model.card.feature_version == RHYTHM_VERSION
    assert {"mitdb/101", "mitdb/203"} <= set(model.card.held_out)
    trained_on = {f"{source.name}/{subject}" for source in model.card.sources for subject in source.subjects}
    assert not trained_on & set(model.card.held_out)


def test_the_card_shows_the_figures_asked_for(model: Model) -> None:
    found = {(m.data, m.name): m for m in model.card.measures}
    assert found["afdb_rr", "sensitivity"].value >= 0.95
    assert found["afdb_rr", "specificity"].value >= 0.97
    assert found["nsr2db", "specificity"].value >= 0.99
    assert found["all", "int8_label_agreement"].value >= 0.995
    assert found["all", "int8_auroc_loss"].value <= 0.003
    for key in (("afdb_rr", "sensitivity"), ("afdb_rr", "auroc"), ("chf2db", "specificity"), ("mitdb", "specificity")):
        low, high = found[key].low, found[key].high
        assert low is not None
        assert high is not None
        assert low <= found[key].value <= high


def test_more_disorder_is_more_probable(model: Model) -> None:
    mean, std = np.array(model.card.mean), np.array(model.card.std)
    steps = mean + np.linspace(-1.5, 1.5, 13)[:, None] * std
    p = model.predict_proba(steps)
    assert p.dtype == np.float64
    assert np.all(np.diff(p) >= 0)
    assert p[0] < 0.01 < model.threshold < 0.99 < p[-1]


def test_contributions_add_up_to_the_logit(model: Model) -> None:
    x = np.array(model.card.mean) + np.random.default_rng(0).normal(size=(50, len(RHYTHM_FEATURES))) * 0.1
    parts = model.contributions(x)
    at_mean = model.network.real(np.zeros((1, len(RHYTHM_FEATURES))))[0, 0]
    p = model.predict_proba(x)
    assert parts.shape == x.shape
    # Half a level of the output, and 8 inputs that are each half a level off.
    assert np.allclose(parts.sum(axis=1) + at_mean, np.log(p / (1 - p)), atol=0.04 + 8 * 0.016 * 0.75)


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.lists(st.floats(), min_size=8, max_size=8), max_size=4))
def test_any_numbers_give_a_probability_or_nan(rows: list[list[float]]) -> None:
    model = load("irregular-rhythm", runtime="numpy")
    x = np.array(rows, dtype=np.float64).reshape(-1, 8)
    p, parts = model.predict_proba(x), model.contributions(x)
    finite = np.isfinite(x).all(axis=1)
    assert p.shape == (len(x),)
    assert np.array_equal(np.isnan(p), ~finite)
    assert np.array_equal(np.isnan(parts).all(axis=1), ~finite)
    assert np.all((p[finite] > 0) & (p[finite] < 1))


@pytest.mark.parametrize(
    "bad", [np.zeros(8), np.zeros((2, 7)), np.zeros((1, 2, 8)), 3.0, "text", [["a"] * 8], None, [[1.0], [1.0, 2.0]]]
)
def test_other_shapes_and_types_are_named(model: Model, bad: object) -> None:
    with pytest.raises(InputShapeError, match="X "):
        model.predict_proba(bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="X "):
        model.contributions(bad)  # type: ignore[arg-type]


def test_no_rows_give_no_scores(model: Model) -> None:
    assert model.predict_proba(np.empty((0, 8))).shape == (0,)


def test_export_and_load_are_inverse(model: Model, copied: Path) -> None:
    again = load(copied)
    assert again.card == model.card
    assert again.data == model.data
    with pytest.raises(ValueError, match="format is 'onnx'"):
        export(model, copied, format="onnx")


def test_a_changed_file_is_not_loaded(copied: Path) -> None:
    data = bytearray(copied.read_bytes())
    data[len(data) // 2] ^= 1
    copied.write_bytes(data)
    with pytest.raises(CardError, match="is not the one its card names"):
        load(copied)


def test_a_file_of_another_shape_is_refused_even_with_its_hash(copied: Path) -> None:
    import hashlib

    from vitals_models.tflite_write import Dense, quantise, write

    data = write(quantise([Dense(np.ones((1, 5)), np.zeros(1))], np.ones((3, 5)), clip=4.0))
    copied.write_bytes(data)
    card = json.loads(copied.with_suffix(".json").read_text())
    copied.with_suffix(".json").write_text(json.dumps({**card, "sha256": hashlib.sha256(data).hexdigest()}))
    with pytest.raises(ModelFileError, match="5 inputs"):
        load(copied)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threshold", 1.5),
        ("threshold", None),
        ("mean", [0.0]),
        ("mean", "no"),
        ("std", [0.0] * 8),
        ("std", [math.nan] * 8),
        ("features", [1] * 8),
        ("sources", [{"name": "x"}]),
        ("measures", [[]]),
        ("measures", None),
        ("clip", -1),
        ("size_bytes", "640"),
        ("sha256", 5),
    ],
)
def test_a_damaged_card_names_its_field(model: Model, field: str, value: object) -> None:
    raw = json.loads(model.card.to_json())
    with pytest.raises(CardError, match=field):
        Card.from_json(json.dumps({**raw, field: value}))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{", '"card"', "[" * 100_000, "\x00"])
def test_no_card_at_all_is_a_card_error(text: str) -> None:
    with pytest.raises(CardError):
        Card.from_json(text)


def test_a_card_survives_its_json(model: Model) -> None:
    assert Card.from_json(model.card.to_json()) == model.card


def test_missing_models_are_named(tmp_path: Path, copied: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"there are: .*irregular-rhythm"):
        load("irregular")
    for name in ("../shipped/irregular-rhythm", "", "."):
        with pytest.raises(ModelNotFound):
            load(name)
    with pytest.raises(ModelNotFound, match="no model file"):
        load(tmp_path / "none.tflite")
    copied.with_suffix(".json").write_bytes(b"\xff\xfe")
    with pytest.raises(CardError, match="UTF-8"):
        load(copied)
    copied.with_suffix(".json").unlink()
    with pytest.raises(CardError, match="no card beside it"):
        load(copied)


def test_importing_costs_nothing_and_the_names_are_there() -> None:
    code = (
        "import sys, vitals_models\n"
        "heavy = {'numpy','scipy','sklearn','wfdb','pandas','ai_edge_litert','flatbuffers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "vitals_models.load('irregular-rhythm', runtime='numpy')\n"
        "heavy = {'scipy','sklearn','wfdb','pandas','ai_edge_litert','vitals_signal'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {"PYTHONPATH": ":".join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert all(hasattr(vitals_models, name) for name in vitals_models.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = vitals_models.nothing
