"""`vitals ec57`: the report of the standard over records, and what a wrong call says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vitals.cli import main


def test_the_detector_is_scored_record_by_record_and_over_all(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = [str(path) for path in sorted((shared / "data" / "mitdb").rglob("10[16].hea"))]
    assert len(records) == 2
    for detector in ("offline", "stream"):
        assert main(["ec57", *records, "--detector", detector, "--json"]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [row["record"] for row in rows] == ["101", "106", "Gross"]
        assert rows[2]["qrs_sensitivity"] > 0.99
    assert main(["ec57", *records]) == 0
    assert "Average" in capsys.readouterr().out


def test_an_annotator_against_itself_is_perfect(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record,) = (shared / "data" / "mitdb").rglob("106.hea")
    assert main(["ec57", str(record), "--test", "atr", "--json"]) == 0
    (row, gross) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert gross["veb_sensitivity"] == gross["veb_positive_predictivity"] == row["qrs_sensitivity"] == 1.0
    assert row["rms_rr_error_ms"] == 0.0


def test_wrong_calls_are_named(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record,) = (shared / "data" / "mitdb").rglob("106.hea")
    for words, said in (
        ([str(record), "--channel", "7"], "channels 0 to 1"),
        ([str(record), "--test", "nobody"], "106.nobody"),
        ([str(tmp_path / "none.hea")], "none"),
    ):
        assert main(["ec57", *words]) == 1
        err = capsys.readouterr().err
        assert said in err
        assert "Traceback" not in err
