"""`vitals erase`, `backup`, `restore`, `keep`, `expire`, `audit`, as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vitals.cli import main
from vitals.store import Store, passphrase
from vitals.values import DeviceInfo, rr_block

KEY = "first of all"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two people, ten beats each."""
    monkeypatch.setenv("VITALS_PASSPHRASE", KEY)
    with Store.create(tmp_path / "s", passphrase(KEY)) as made:
        for number, name in enumerate(("anna", "berta")):
            with made.session(
                device=DeviceInfo(name=name), source="live", zero_utc_us=10**15 + number, subject=name
            ) as one:
                one.append(rr_block(0, np.full(10, 800), 1024, 0))
    return tmp_path / "s"


def subjects(path: Path) -> list[str]:
    with Store.open(path, passphrase(KEY)) as opened:
        assert opened.verify().ok
        return opened.subjects()


def test_a_subject_is_erased_with_a_receipt(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    receipt = tmp_path / "receipt.json"
    assert main(["erase", "--store", str(store), "--subject", "anna"]) == 1
    assert "cannot be undone" in capsys.readouterr().err
    assert main(["erase", "--store", str(store), "--subject", "anna", "--yes", "--receipt", str(receipt)]) == 0
    out, err = capsys.readouterr()
    assert "1 samples" in out
    assert "backups" in err
    assert "anna" not in receipt.read_text()
    assert subjects(store) == ["berta"]
    assert main(["check-receipt", str(receipt), "--store", str(store)]) == 0
    receipt.write_text(receipt.read_text().replace('"samples": 1', '"samples": 2'))
    assert main(["check-receipt", str(receipt), "--store", str(store)]) == 1
    assert main(["audit", "--store", str(store), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["action"] == "erased"


def test_what_to_erase_must_be_said(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--everything", "--subject", "anna"], ["--finish", "--kind", "rr"]):
        assert main(["erase", "--store", str(store), "--yes", *words]) == 1
        assert "say what to erase" in capsys.readouterr().err
    assert main(["erase", "--store", str(store), "--yes", "--subject", "nobody"]) == 1
    assert "nothing was erased" in capsys.readouterr().err
    assert subjects(store) == ["anna", "berta"]


def test_a_store_is_destroyed(store: Path) -> None:
    assert main(["erase", "--store", str(store), "--everything", "--yes"]) == 0
    assert not store.exists()


def test_a_backup_brings_a_lost_store_back_and_merges_into_one_that_went_on(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "backup"
    assert main(["backup", str(out), "--store", str(store)]) == 0
    assert "verified" in capsys.readouterr().out
    assert main(["backup", str(out), "--store", str(store)]) == 1
    assert "not empty" in capsys.readouterr().err
    assert main(["restore", str(out), "--store", str(store)]) == 0
    assert "0 rows came back" in capsys.readouterr().out
    assert main(["erase", "--store", str(store), "--everything", "--yes"]) == 0
    assert main(["restore", str(out), "--store", str(store)]) == 0
    assert subjects(store) == ["anna", "berta"]
    assert main(["restore", str(tmp_path / "nothing"), "--store", str(store)]) == 1
    assert "no backup" in capsys.readouterr().err


def test_samples_are_kept_for_as_long_as_said(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keep", "--store", str(store)]) == 0
    assert "for ever" in capsys.readouterr().err
    for bad, word in ((["rr"], "how many days"), (["rr", "soon"], "no number"), (["rr", "0"], "above 0")):
        assert main(["keep", *bad, "--store", str(store)]) == 1
        assert word in capsys.readouterr().err
    assert main(["keep", "rr", "30", "--store", str(store)]) == 0
    assert capsys.readouterr().out == "rr  30 days\n"
    assert main(["expire", "--store", str(store)]) == 0
    assert "2 samples" in capsys.readouterr().out
    assert main(["keep", "rr", "forever", "--store", str(store)]) == 0
    assert subjects(store) == ["anna", "berta"]
