"""events, why, models drift, install, rollback: what a model says of itself at the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vitals.cli import main
from vitals_models import load
from vitals_models.loading import export
from vitals_models.packs import FOLDER_VARIABLE

NAME = "irregular-rhythm"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITALS_PASSPHRASE", "a long test passphrase")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "packs"))


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Fibrillation between two stretches of steady rhythm, analysed."""
    rng = np.random.default_rng(5)
    steady = 850 * (1 + 0.03 * np.sin(np.arange(700) / 3.3) + 0.01 * rng.normal(size=700))
    wild = 700 * np.maximum(0.55 + 0.45 * rng.gamma(5.0, 0.2, 900), 0.45)
    text = tmp_path / "rr.txt"
    text.write_text("\n".join(f"{rr:.3f}" for rr in np.concatenate((steady, wild, steady))))
    path = str(tmp_path / "store")
    assert main(["import", str(text), "--store", path]) == 0
    assert main(["analyze", "--store", path]) == 0
    return path


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_shows_what_moved_the_model_and_how_sure_it_is(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    [event] = rows(capsys, "events", "--store", store, "--kind", "irregular_rhythm")
    assert set(event["contributions"]) == set(load(NAME, runtime="numpy").card.features)
    assert sum(event["contributions"].values()) > 1
    sizes = [abs(value) for value in event["contributions"].values()]
    assert sizes == sorted(sizes, reverse=True)
    assert 0 <= event["doubt"] < 0.5
    assert "clinical" not in event
    [why] = rows(capsys, "why", event["id"], "--store", store)
    assert why["contributions"] == event["contributions"]
    assert why["identical"]
    assert why["windows"] > 20
    assert main(["why", event["id"], "--store", store]) == 0
    said = capsys.readouterr().out
    assert "moved by (logits): " in said
    assert "in doubt or unlike the training" in said


def test_disease_names_need_the_clinical_wording(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["events", "--store", store], ["features", "--store", store], ["streams", "--store", store]):
        capsys.readouterr()
        assert main(words) == 0
        assert "fibrillation" not in capsys.readouterr().out
    assert main(["events", "--store", store, "--wording", "clinical"]) == 0
    assert "possible atrial fibrillation" in capsys.readouterr().out
    [event] = rows(capsys, "events", "--store", store, "--kind", "irregular_rhythm", "--wording", "clinical")
    assert (event["kind"], event["clinical"]) == ("irregular_rhythm", "possible atrial fibrillation")
    assert main(["why", event["id"], "--store", store, "--wording", "clinical"]) == 0
    assert capsys.readouterr().out.startswith("possible atrial fibrillation")


def test_drift_names_each_feature_of_each_model(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, "models", "drift", "--store", store)
    mine = {row["feature"]: row for row in found if row["model"] == NAME}
    assert set(mine) == set(load(NAME, runtime="numpy").card.features)
    assert any(row["verdict"] == "far" for row in mine.values())  # half of the windows are wild, a tenth in training
    assert all(row["windows"] > 100 for row in mine.values())


def test_a_signed_model_comes_and_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = load(NAME, runtime="numpy")
    path = str(export(replace(model, card=replace(model.card, version="9", threshold=0.6)), tmp_path / "new.tflite"))
    [signed] = rows(capsys, "models", "sign", path, "--key", str(tmp_path / "key.pem"))
    assert main(["models", "install", path]) == 1
    assert "is not pinned here" in capsys.readouterr().err
    [pinned] = rows(capsys, "models", "pin", signed["new_key"])
    [done] = rows(capsys, "models", "install", path)
    assert (done["version"], done["key"]) == ("9", pinned["fingerprint"])
    listed = {(row["name"], row["version"]) for row in rows(capsys, "models", "list") if row.get("installed")}
    assert listed == {(NAME, "9")}
    assert load(NAME).threshold == 0.6
    [back] = rows(capsys, "models", "rollback", NAME)
    assert back == {"name": NAME, "version": None}
    assert load(NAME).threshold == model.threshold
    assert main(["models", "unpin", pinned["fingerprint"]]) == 0


def test_an_event_of_another_model_file_gets_no_reasons(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file that scored it is not at hand: nothing is guessed."""
    model = load(NAME, runtime="numpy")
    other = replace(model.card, version="9", sha256="")
    from vitals_models.tflite_write import Dense, quantise
    from vitals_models.training.shipping import ship

    weights = np.ones((1, len(other.features)))
    network = quantise([Dense(weights, np.zeros(1))], np.zeros((4, len(other.features))), clip=4.0)
    ship(other, network, tmp_path / "other")
    path = str(tmp_path / "other" / f"{NAME}.tflite")
    [signed] = rows(capsys, "models", "sign", path, "--key", str(tmp_path / "key.pem"))
    assert main(["models", "pin", signed["new_key"]]) == 0
    assert main(["models", "install", path]) == 0
    [event] = rows(capsys, "events", "--store", store, "--kind", "irregular_rhythm")
    assert "contributions" not in event
    assert "doubt" not in event
