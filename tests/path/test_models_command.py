"""vitals models: list, card, export, evaluate and train from the command line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from vitals.cli import main


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_list_card_and_export_agree_on_the_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--json"]) == 0
    rows = {row["name"]: row for row in lines(capsys)}
    assert {"irregular-rhythm", "beats", "activity", "falls", "sleep"} <= set(rows)
    assert all(row["bytes"] <= 15_000 for row in rows.values())
    row = rows["irregular-rhythm"]
    assert main(["models", "card", "irregular-rhythm", "--json"]) == 0
    (card,) = lines(capsys)
    target = tmp_path / "mine.tflite"
    assert main(["models", "export", "irregular-rhythm", str(target)]) == 0
    assert card["sha256"] == row["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()


def test_evaluate_scores_the_records_that_were_held_out(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(shared / "data")
    assert main(["models", "evaluate", "irregular-rhythm", "--data", data, "--subjects", "203,101", "--json"]) == 0
    rows = {row["record"]: row for row in lines(capsys) if "record" in row}
    assert rows["mitdb/203"]["found"] >= 0.95 * rows["mitdb/203"]["positive"] > 20
    assert rows["mitdb/101"]["false"] == 0 < rows["mitdb/101"]["negative"]


def test_train_writes_a_model_that_evaluate_takes(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = str(shared / "data"), tmp_path / "out"
    some = "04043,04126,03665,nsr001,nsr003,nsr005,chf201,106,119"
    command = ["models", "train", "irregular-rhythm", "--data", data, "--out", str(out), "--subjects", some, "--json"]
    assert main(command) == 0
    made = lines(capsys)[-1]
    assert made["bytes"] <= 2048
    evaluate = ["models", "evaluate", str(out / "irregular-rhythm.tflite"), "--data", data, "--subjects", "203,101"]
    assert main([*evaluate, "--json"]) == 0
    rows = {row["record"]: row for row in lines(capsys) if "record" in row}
    assert rows["mitdb/203"]["found"] > 0.9 * rows["mitdb/203"]["positive"]


def test_mistakes_get_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command, word in (
        (["models", "card", "no-such"], "no-such"),
        (["models", "train", "no-such", "--data", str(tmp_path)], "no-such"),
        (["models", "train", "irregular-rhythm", "--data", str(tmp_path / "none")], "none"),
        (["models", "evaluate", "irregular-rhythm", "--data", str(tmp_path)], str(tmp_path.name)),
    ):
        assert main(command) == 1
        assert word in capsys.readouterr().err
