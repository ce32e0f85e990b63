"""Heartbeat classes: the shipped model, its recipe, and what it must not be sure of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitals_models.beat_classes import BEAT_CLASSES, beat_classes
from vitals_models.datasets import read_ecg
from vitals_models.errors import DataError, InputShapeError
from vitals_models.loading import load
from vitals_models.tflite_write import write
from vitals_models.training import evaluate, train
from vitals_models.training.beat_fitting import fit, operating_point
from vitals_models.training.beat_rows import collect
from vitals_models.training.beat_scores import confusion, macro_f1, measures
from vitals_signal.ecg.morphology import BEAT_FEATURES, BEAT_VERSION


def test_the_shipped_file_is_small_and_of_these_features() -> None:
    model = load("beats", runtime="numpy")
    assert model.card.size_bytes <= 15_000
    assert model.card.feature_version == BEAT_VERSION
    assert set(model.card.features) <= set(BEAT_FEATURES)
    assert model.classes == ("N", "S", "V", "F")


def test_the_card_says_what_was_found_on_people_left_out() -> None:
    """Goals of the model; the figures are those of training, and a later training must not lose them in silence."""
    found = {one.name: one for one in load("beats", runtime="numpy").card.measures}
    assert found["sveb_sensitivity"].value >= 0.85
    assert found["veb_sensitivity"].value >= 0.95
    assert found["int8_label_agreement"].value >= 0.995
    assert found["int8_auroc_loss"].value <= 0.003
    assert all(one.low is not None for one in found.values() if not one.name.startswith("int8"))


def test_beats_of_the_development_set_are_those_that_the_literature_counts(shared: Path) -> None:
    """De Chazal et al. 2004, table I, DS1; the three records with most S beats."""
    counts = np.zeros(5, np.int64)
    for one in read_ecg(shared / "data", ["209", "223", "124"]):
        rows = collect([one], ("rr_prev_s",))
        counts += np.bincount(rows.y, minlength=5)
    assert dict(zip(BEAT_CLASSES, counts.tolist(), strict=True)) == {"N": 6202, "S": 487, "V": 521, "F": 19, "Q": 0}


def test_the_lead_is_the_one_of_a_chest_strap_and_paced_records_are_left_out(shared: Path) -> None:
    (one,) = read_ecg(shared / "data", ["mitdb/114"])
    assert one.ecg_mv[:3].tolist() == pytest.approx([0.015, 0.015, 0.015])  # MLII, held second
    assert [r.record for r in read_ecg(shared / "data", paced=True)] == ["102", "104"]
    assert not list(read_ecg(shared / "data", ["102"]))
    with pytest.raises(DataError, match="999"):
        list(read_ecg(shared / "data", ["999"]))
    with pytest.raises(DataError, match="paced"):
        collect(read_ecg(shared / "data", ["102"]), ("rr_prev_s",))


def test_any_record_can_be_scored_at_annotated_and_detected_beats(shared: Path) -> None:
    report = evaluate("beats", shared / "data", subjects=["119"], runtime="numpy")
    figures = {(one.data, one.name): one.value for one in report.measures}
    assert figures["annotated", "veb_sensitivity"] >= 0.99
    assert figures["detected", "veb_sensitivity"] >= 0.99
    assert figures["detected", "veb_ppv"] >= 0.99
    assert [row.record for row in report.subjects] == ["mitdb/119"]


def test_training_gives_the_same_bytes_again(shared: Path, tmp_path: Path) -> None:
    few = ("114", "205", "208", "209", "223")
    card = train("beats", shared / "data", tmp_path, subjects=few)
    rows = collect(read_ecg(shared / "data", few), card.features)
    again = write(fit(rows, np.arange(len(few)), seed=0).network)
    assert (tmp_path / "beats.tflite").read_bytes() == again
    assert load(tmp_path / "beats.tflite", runtime="numpy").card == card
    assert card.sources[0].subjects == few


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_whole_is_not_classified(value: float) -> None:
    model = load("beats", runtime="numpy")
    X = np.tile(model.card.mean, (3, 1))
    X[1, 4] = value
    called = beat_classes(model.predict_proba(X), model.threshold)
    assert BEAT_CLASSES[called[1]] == "Q"
    assert called[0] == called[2] != called[1]
    with pytest.raises(InputShapeError):
        model.predict_proba(X[:, 1:])


def test_no_class_leads_below_the_threshold() -> None:
    p = np.array([[0.26, 0.25, 0.25, 0.24], [0.1, 0.2, 0.6, 0.1], [np.nan] * 4])
    assert [BEAT_CLASSES[k] for k in beat_classes(p, 0.3)] == ["Q", "V", "Q"]
    assert beat_classes(np.empty((0, 4)), 0.3).shape == (0,)


def test_figures_of_a_table_by_hand() -> None:
    """EC57: a fusion beat called V is no error of V; one called S is one of S."""
    truth = np.array([0] * 6 + [1] * 4 + [2] * 5 + [3] * 2 + [4])
    called = np.array([0, 0, 0, 0, 1, 2, 1, 1, 1, 0, 2, 2, 2, 2, 4, 2, 1, 1])
    found = {one.name: one for one in measures("x", [confusion("r", truth, called)], ["r"], seed=0)}
    assert found["sveb_sensitivity"].value == 0.75
    assert found["sveb_ppv"].value == 0.6  # 3 of 3 + N + F; the Q beat does not count
    assert found["veb_sensitivity"].value == 0.8
    assert found["veb_ppv"].value == 0.8  # 4 of 4 + N; the F beat does not count
    assert found["sveb_sensitivity"].low is None
    f1 = [2 * 4 / (6 + 5), 2 * 3 / (4 + 6), 2 * 4 / (5 + 6), 0.0]
    assert macro_f1(confusion("r", truth, called)) == pytest.approx(np.mean(f1))


def test_the_operating_point_reaches_its_sensitivities_where_they_can_be_reached() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2, 3], [4000, 300, 300, 40])
    logits = rng.normal(size=(len(y), 4))
    logits[np.arange(len(y)), y] += 3.0
    logits[:, 0] += 1.5
    called = (logits + operating_point(logits, y)).argmax(axis=1)
    assert np.mean(called[y == 1] == 1) >= 0.85
    assert np.mean(called[y == 2] == 2) >= 0.963
