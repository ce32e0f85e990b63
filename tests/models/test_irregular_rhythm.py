"""The shipped model on records it has never seen, on the known traps, and the training that made it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals_models.datasets import read
from vitals_models.errors import DataError
from vitals_models.loading import load
from vitals_models.training import evaluate
from vitals_models.training.fitting import folds, weigh
from vitals_models.training.irregular_rhythm import train
from vitals_models.training.scores import auroc, measures
from vitals_models.training.windows import Windows
from vitals_signal.rr.rhythm import WINDOW, rhythm_features

Floats = NDArray[np.float64]
FEW = ("afdb_rr/04015", "afdb_rr/04126", "mitdb/201", "nsr2db/nsr033", "mitdb/106", "mitdb/119")


def test_records_never_seen_are_told_apart(shared: Path) -> None:
    """203: fibrillation almost throughout, with many ectopic beats; 101: sinus rhythm."""
    report = evaluate("irregular-rhythm", shared / "data", subjects=["203", "mitdb/101"])
    rows = {row.record: row.figures for row in report.subjects}
    assert rows["mitdb/203"]["positive"] >= 60
    assert rows["mitdb/203"]["found"] / rows["mitdb/203"]["positive"] >= 0.95
    assert rows["mitdb/101"]["negative"] >= 50
    assert rows["mitdb/101"]["false"] == 0
    assert report.sha256 == load("irregular-rhythm").card.sha256


def test_people_of_other_sensors_are_told_apart_by_ecg_and_by_pulse(shared: Path) -> None:
    """Two people in fibrillation and two not, intensive care, who never trained a model; beats of our own detectors."""
    names = [f"mimic_perform_{kind}_{number}" for kind in ("af", "non_af") for number in ("001", "003")]
    report = evaluate("irregular-rhythm", shared / "data", subjects=names)
    assert len(report.subjects) == 8
    for one in report.subjects:
        if "non_af" in one.record:
            assert one.figures["false"] <= 0.02 * one.figures["negative"]
        else:
            assert one.figures["found"] >= 0.9 * one.figures["positive"]
        assert one.figures["positive"] + one.figures["negative"] >= 15  # it did not just abstain


def rhythm(name: str, rows: int = 300) -> Floats:
    """Windows of a synthetic rhythm; spreads and couplings from the literature named beside them."""
    rng = np.random.default_rng(11)
    beat = np.arange(WINDOW)
    rr = 850 * (1 + 0.03 * np.sin(beat / 3 + rng.uniform(0, 6, (rows, 1))) + 0.012 * rng.normal(size=(rows, WINDOW)))
    if name.startswith("fibrillation"):
        middle = {"fast": 480.0, "medicated slow": 1050.0, "usual": 720.0}[name.removeprefix("fibrillation, ")]
        rr = middle * np.maximum(0.55 + 0.45 * rng.gamma(5.0, 0.2, (rows, WINDOW)), 0.45)
    elif name == "bigeminy":
        rr[:, 0::2] *= 0.6
        rr[:, 1::2] *= 1.4
    elif name == "trigeminy":
        rr[:, 1::3] *= 0.62
        rr[:, 2::3] *= 1.36
    elif name == "one ectopic beat in seven":
        for row in rr:
            for at in rng.choice(np.arange(0, WINDOW - 1, 2), 9, replace=False):
                row[at], row[at + 1] = row[at] * rng.normal(0.6, 0.02), row[at + 1] * rng.normal(1.4, 0.02)
    elif name == "sinus arrhythmia of the young":
        rr = 900 * (1 + 0.12 * np.sin(2 * np.pi * (beat / 5 + rng.uniform(0, 1, (rows, 1)))))
        rr *= 1 + 0.015 * rng.normal(size=rr.shape)
    elif name == "sleep apnoea cycles":
        rr = 850 * (1 + 0.2 * np.sin(2 * np.pi * (beat / 40 + rng.uniform(0, 1, (rows, 1)))))
        rr *= 1 + 0.012 * rng.normal(size=rr.shape)
    elif name == "every tenth beat missed":
        for row in rr:
            row[rng.choice(WINDOW, 6, replace=False)] *= 2
    elif name == "flutter, block 2:1 and 3:1 in runs":
        rr = np.where((beat // 16) % 2 == 0, 400.0, 600.0) + 5 * rng.normal(size=(rows, WINDOW))
    return np.asarray(rr, dtype=np.float64)


@pytest.mark.parametrize("kind", ["fast", "usual", "medicated slow"])
def test_fibrillation_is_found_at_any_rate(kind: str) -> None:
    model = load("irregular-rhythm")
    p = model.predict_proba(rhythm_features(rhythm(f"fibrillation, {kind}")))
    assert np.mean(p >= model.threshold) >= 0.99


@pytest.mark.parametrize(
    "trap",
    [
        "steady",
        "bigeminy",
        "trigeminy",
        "one ectopic beat in seven",
        "sinus arrhythmia of the young",
        "sleep apnoea cycles",
        "every tenth beat missed",
        "flutter, block 2:1 and 3:1 in runs",
    ],
)
def test_the_known_traps_are_not_flagged(trap: str) -> None:
    model = load("irregular-rhythm")
    p = model.predict_proba(rhythm_features(rhythm(trap)))
    assert np.mean(p >= model.threshold) <= 0.01


def test_training_twice_gives_the_same_bytes(shared: Path, tmp_path: Path) -> None:
    said: list[str] = []
    for name in ("one", "two"):
        train(shared / "data", tmp_path / name, seed=3, subjects=FEW, progress=said.append)
    for file in ("irregular-rhythm.tflite", "irregular-rhythm.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    model = load(tmp_path / "one" / "irregular-rhythm.tflite")
    assert {s for source in model.card.sources for s in source.subjects} == {key.split("/")[1] for key in FEW}
    assert any("fold 5 of 5" in line for line in said)


def test_excluded_records_never_reach_training(shared: Path, tmp_path: Path) -> None:
    card = train(
        shared / "data", tmp_path, subjects=[*FEW, "203", "101"], exclude=["mitdb/203", "mitdb/101", "mitdb/106"]
    )
    used = {s for source in card.sources for s in source.subjects}
    assert used == {"04015", "04126", "201", "nsr033", "119"}
    assert card.held_out == ("mitdb/101", "mitdb/106", "mitdb/203")


def _windows() -> Windows:
    rng = np.random.default_rng(0)
    keys = ("a/1", "a/2", "a/3", "b/4", "b/5", "b/6", "b/201", "b/202")
    record = np.repeat(np.arange(8), [300, 20, 50, 900, 10, 40, 30, 30])
    y = np.isin(record, [0, 1, 6]) & (rng.random(len(record)) < 0.6)
    people = ("1", "2", "3", "4", "5", "6", "201", "201")
    sets = tuple(k[0] for k in keys)
    return Windows(rng.normal(size=(len(record), 8)), y, record, keys, sets, people, 0)


def test_nobody_is_in_two_folds_and_everybody_in_one() -> None:
    windows = _windows()
    for seed in range(5):
        parts = folds(windows, np.arange(8), 3, seed)
        assert sorted(np.concatenate(parts)) == list(range(8))
        assert sum({6, 7} <= set(part) for part in parts) == 1  # one person, two records
        assert all(np.isin([0, 1, 6], part).sum() == 1 for part in parts)  # fibrillation in every fold


def test_no_record_and_no_class_dominates() -> None:
    windows = _windows()
    weight = weigh(windows, np.arange(8))
    assert weight.sum() == pytest.approx(1)
    assert weight[windows.y].sum() == pytest.approx(0.5)
    share = np.bincount(windows.record, weight * ~windows.y, 8)
    assert share[3] == pytest.approx(share[4] * 50 / 10)  # 900 windows count as 50


def test_auroc_counts_ties_as_half() -> None:
    score = np.array([0.1, 0.4, 0.4, 0.8])
    assert auroc(score, np.array([False, False, True, True])) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert np.isnan(auroc(score, np.ones(4, dtype=np.bool_)))


def test_figures_are_counted_by_hand() -> None:
    score = np.array([0.9, 0.2, 0.7, 0.1, 0.6, 0.3])
    y = np.array([True, True, True, False, False, False])
    found = {m.name: m for m in measures("x", score, 0.5, y, np.array([0, 0, 1, 1, 2, 3]))}
    assert found["sensitivity"].value == pytest.approx(2 / 3, abs=1e-5)
    assert found["specificity"].value == pytest.approx(2 / 3, abs=1e-5)
    assert found["sensitivity"].low is None  # two records only
    assert found["specificity"].low is not None
    assert (found["specificity"].subjects, found["specificity"].windows) == (3, 3)
    assert found["auroc"].value == pytest.approx(7 / 9, abs=1e-5)


def test_readers_say_what_is_missing(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not known; there are: afdb_rr"):
        list(read(shared / "data", ["ptb"]))
    with pytest.raises(DataError, match="no records of mitdb in"):
        list(read(tmp_path, ["mitdb"]))
    with pytest.raises(DataError, match="no records named 999"):
        list(read(shared / "data", ["mitdb"], ["999", "101"]))
    (tmp_path / "afdb_rr").mkdir()
    (tmp_path / "afdb_rr" / "1.npz").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match="record 1 of afdb_rr cannot be read"):
        list(read(tmp_path, ["afdb_rr"]))


def test_readers_follow_the_annotations(shared: Path) -> None:
    """Figures from the data sets' own documentation: beats, share of fibrillation, first intervals."""
    [af] = read(shared / "data", ["afdb_rr"], ["03665"])
    assert len(af.rr_ms) == 52764
    assert (af.rhythm == 1).mean() == pytest.approx(0.21, abs=0.005)
    assert af.rr_ms[0] == pytest.approx((246 - 61) * 4)
    [mit] = read(shared / "data", ["mitdb"], ["203"])
    assert len(mit.rr_ms) == 2980 - 1  # beats of 203 by the table of the database
    assert {"N", "V"} <= set(mit.beats)
    assert set(np.unique(mit.rhythm)) == {-1, 0, 1}
    [chf] = read(shared / "data", ["chf2db"], ["chf201"])
    assert chf.rr_ms[0] == pytest.approx(97 * 1000 / 128)
    assert chf.times_us[0] == round((751 + 97) * 1e6 / 128)
    for recording in (af, mit, chf):
        assert np.allclose(np.diff(recording.times_us) / 1000, recording.rr_ms[1:], atol=1e-3)
