"""The main job as a newcomer sees it: the planted episode is flagged, nothing else is, and it is all in the store."""

from __future__ import annotations

import json
import re
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vitals.cli import main

TIME = r"\d{4}-\d\d-\d\dT[\d:.]+Z"


def spans(output: str, word: str) -> list[tuple[float, float]]:
    found = re.findall(rf"^{word} +irregular_rhythm +({TIME}) - ({TIME})", output, re.M)
    return [tuple(datetime.fromisoformat(t).timestamp() for t in pair) for pair in found]  # type: ignore[misc]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_planted_episode_is_flagged_within_two_minutes_and_nothing_else(demo: Any) -> None:
    flagged, planted = spans(demo.output, "flagged"), spans(demo.output, "planted")
    assert len(planted) == 1
    assert len(re.findall(r"^flagged", demo.output, re.M)) == 1
    ((start, end),) = flagged
    assert abs(start - planted[0][0]) < 120
    assert abs(end - planted[0][1]) < 120


def test_the_summary_says_what_was_seen_stored_how_fast_and_what_it_is_not(demo: Any) -> None:
    for words in ("seen ", "stored ", "speed ", "x real time", str(demo.store), "Not a medical device"):
        assert words in demo.output
    assert demo.output.count("Not a medical device") == 1
    assert "passphrase" not in demo.output  # it was given, so it is not shown


def test_the_command_line_finds_the_event_in_the_store(
    demo: Any, unlocked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["events", "--store", str(demo.store), "--json"]) == 0
    (event,) = lines(capsys)
    assert event["kind"] == "irregular_rhythm"
    assert event["state"] == "closed"
    assert datetime.fromisoformat(event["start"]).tzinfo == UTC
    ((start, _),) = spans(demo.output, "flagged")
    assert abs(datetime.fromisoformat(event["start"]).timestamp() - start) < 0.01
    assert {"end", "score", "sqi", "model"} <= event.keys()


def test_analysis_over_the_store_finds_what_the_live_stream_found_and_changes_nothing(
    demo: Any, unlocked: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store = tmp_path / "copy"
    shutil.copytree(demo.store, store)
    main(["verify", "--store", str(store), "--json"])
    (before,) = lines(capsys)
    assert before["ok"] is True
    for _ in range(2):
        assert main(["analyze", "--store", str(store), "--json"]) == 0
        done = {row["kind"]: row for row in lines(capsys)}
        assert done["rr"]["events"] == 1
    main(["verify", "--store", str(store), "--json"])
    (after,) = lines(capsys)
    derived = ("feature", "event", "chunk", "gap", "provenance")
    assert {k: after["rows"][k] for k in derived} == {k: before["rows"][k] for k in derived}


def test_features_come_as_json_and_csv(demo: Any, unlocked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "--store", str(demo.store), "--json"]) == 0
    rows = lines(capsys)
    assert {"hrv", "irregular-rhythm"} <= {row["maker"] for row in rows}
    assert sum(row["maker"] == "hrv" for row in rows) == 36
    assert main(["features", "--store", str(demo.store), "--csv"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert len(table) == len(rows) + 1
    assert "RMSSD" in table[0]


def test_streams_and_battery_are_there(demo: Any, unlocked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["streams", "--store", str(demo.store), "--json"]) == 0
    rows = {row["kind"]: row for row in lines(capsys)}
    assert rows["rr"]["samples"] > 10_000
    assert rows["hr"]["samples"] > 10_000
    assert rows["rr"]["unit"] == "ms"


def test_the_store_is_closed_to_others(demo: Any) -> None:
    assert stat.S_IMODE(demo.store.stat().st_mode) == 0o700
    for file in demo.store.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert not file.read_bytes().startswith(b"SQLite format 3")


def test_the_default_passphrase_is_made_shown_once_and_opens_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("VITALS_PASSPHRASE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--hours", "0.5"]) == 0
    output = capsys.readouterr().out
    (secret,) = re.findall(r"^key +passphrase (\S+)", output, re.M)
    (store,) = (tmp_path / "demo-store").iterdir()
    monkeypatch.setenv("VITALS_PASSPHRASE", secret)
    assert main(["verify", "--store", str(store)]) == 0


def test_another_seed_is_another_wearer_with_the_same_truth(
    tmp_path: Path, unlocked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in (11, 12):
        assert main(["demo", "--seed", str(seed), "--hours", "1", "--store", str(tmp_path / str(seed))]) == 0
        output = capsys.readouterr().out
        ((start, end),), ((planted_start, planted_end),) = spans(output, "flagged"), spans(output, "planted")
        assert abs(start - planted_start) < 120
        assert abs(end - planted_end) < 120
