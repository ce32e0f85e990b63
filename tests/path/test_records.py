"""Real records by both ways: imported, and streamed over the virtual link; judged by a model that never saw them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import vitals_models
from vitals.cli import main

SINUS, IRREGULAR = "101", "203"


def events(store: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["events", "--store", str(store), "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def seconds(found: list[dict[str, Any]], zero: float) -> list[tuple[str, float, float]]:
    return [(e["kind"], *(datetime.fromisoformat(e[k]).timestamp() - zero for k in ("start", "end"))) for e in found]


def first_beat(store: Path, capsys: pytest.CaptureFixture[str]) -> float:
    capsys.readouterr()
    assert main(["streams", "--store", str(store), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return next(datetime.fromisoformat(row["start"]).timestamp() for row in rows if row["kind"] == "rr")


def test_the_shipped_model_never_saw_the_two_records() -> None:
    card = vitals_models.load("irregular-rhythm").card
    assert {f"mitdb/{SINUS}", f"mitdb/{IRREGULAR}"} <= set(card.held_out)
    taught = {f"{source.name}/{subject}" for source in card.sources for subject in source.subjects}
    assert len(taught) > 60
    assert not taught & set(card.held_out)


@pytest.mark.parametrize("record", [IRREGULAR, SINUS])
def test_import_and_stream_agree(
    shared: Path, tmp_path: Path, unlocked: str, capsys: pytest.CaptureFixture[str], record: str
) -> None:
    header = str(shared / "data" / "mitdb" / f"{record}.hea")
    imported, streamed = tmp_path / "imported", tmp_path / "streamed"
    assert main(["import", header, "--store", str(imported)]) == 0
    assert main(["analyze", "--store", str(imported)]) == 0
    assert main(["demo", "--record", header, "--store", str(streamed)]) == 0
    by_import, by_stream = (  # the demo streams no ECG
        [one for one in seconds(events(store, capsys), first_beat(store, capsys)) if one[0] == "irregular_rhythm"]
        for store in (imported, streamed)
    )
    assert [kind for kind, _, _ in by_import] == [kind for kind, _, _ in by_stream]
    for (_, start, end), (_, start2, end2) in zip(by_import, by_stream, strict=True):
        assert abs(start - start2) < 30
        assert abs(end - end2) < 30
    if record == IRREGULAR:
        assert {kind for kind, _, _ in by_import} == {"irregular_rhythm"}
        assert sum(end - start for _, start, end in by_import) > 20 * 60  # nearly all of its 30 minutes
    else:
        assert by_import == []


def test_importing_twice_and_analyzing_twice_changes_nothing(
    shared: Path, tmp_path: Path, unlocked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    header = str(shared / "data" / "mitdb" / f"{IRREGULAR}.hea")
    rows = []
    for _ in range(2):
        assert main(["import", header, "--store", str(tmp_path / "s"), "--json"]) == 0
        assert main(["analyze", "--store", str(tmp_path / "s"), "--json"]) == 0
        capsys.readouterr()
        assert main(["verify", "--store", str(tmp_path / "s"), "--json"]) == 0
        rows.append(json.loads(capsys.readouterr().out)["rows"])
    assert rows[0] == rows[1]


def test_a_recording_is_known_by_the_bytes_of_its_own_files(
    shared: Path, tmp_path: Path, unlocked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, store = shared / "data" / "mitdb", str(tmp_path / "s")
    for name, record in (("x[1]", SINUS), ("x[2]", "106")):
        (tmp_path / f"{name}.hea").write_text((source / f"{record}.hea").read_text())
        (tmp_path / f"{record}.dat").write_bytes((source / f"{record}.dat").read_bytes())
    new = []
    for step in ("first", "first again, beside a stranger", "second", "second, its samples changed"):
        name = "x[1]" if step.startswith("first") else "x[2]"
        if step.endswith("stranger"):
            (tmp_path / "x[1].txt").write_text("a stranger")
        if step.endswith("changed"):
            samples = bytearray((tmp_path / "106.dat").read_bytes())
            samples[3000:6000] = bytes(3000)
            (tmp_path / "106.dat").write_bytes(samples)
        assert main(["import", str(tmp_path / f"{name}.hea"), "--store", store, "--json"]) == 0
        out, err = capsys.readouterr()
        new.append(json.loads(out)["new"])
    assert new == [True, False, True, True]
    assert "sum that the header states" in err  # what was changed is said


def test_a_record_with_annotations_only_gives_its_intervals_and_its_gaps(
    shared: Path, tmp_path: Path, unlocked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    header = str(shared / "data" / "nsr2db" / "nsr001.hea")
    assert main(["import", header, "--store", str(tmp_path / "s"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["streams"] == ["rr"]
    assert main(["analyze", "--store", str(tmp_path / "s"), "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["samples"] > 100_000
    assert done["windows"] > 6_000


def test_rr_text_is_imported(tmp_path: Path, unlocked: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "night.txt"
    text.write_text("# RR in ms\n" + "\n".join(str(800 + k % 7) for k in range(400)) + "\n")
    assert main(["import", str(text), "--store", str(tmp_path / "s"), "--json"]) == 0
    assert main(["analyze", "--store", str(tmp_path / "s"), "--json"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert row["samples"] == 400
    assert row["events"] == 0
