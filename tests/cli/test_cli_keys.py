"""`vitals keys`: what a person does who changes, loses or doubts a key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vitals.cli import main
from vitals.store import Store, passphrase, recovery


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("VITALS_PASSPHRASE", "first of all")
    Store.create(tmp_path / "s", passphrase("first of all")).close()
    return str(tmp_path / "s")


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    out, err = capsys.readouterr()
    return out.strip(), err


def test_a_recovery_code_is_made_shown_once_and_drilled(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["keys", "list", "--store", store]) == 0
    out, err = said(capsys)
    assert out == "0  passphrase"
    assert "one key only" in err
    assert main(["keys", "recovery", "--store", store]) == 0
    code, _ = said(capsys)
    assert len(code.replace("-", "")) == 56
    paper = tmp_path / "paper"
    paper.write_text(code + "\n")
    assert main(["keys", "drill", "--store", store, "--recovery-file", str(paper), "--json"]) == 0
    assert json.loads(said(capsys)[0]) == {"number": 1, "kind": "recovery code", "opens": True}
    paper.write_text(code[:-1] + "\n")
    assert main(["keys", "drill", "--store", store, "--recovery-file", str(paper)]) == 1
    assert "mistyped" in said(capsys)[1]
    monkeypatch.delenv("VITALS_PASSPHRASE")
    paper.write_text(code)
    assert main(["streams", "--store", store, "--recovery-file", str(paper)]) == 0


def test_the_passphrase_changes(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITALS_NEW_PASSPHRASE", "short")
    assert main(["keys", "passphrase", "--store", store]) == 1
    assert "8 or more" in said(capsys)[1]
    monkeypatch.setenv("VITALS_NEW_PASSPHRASE", "second of all")
    assert main(["keys", "passphrase", "--store", store]) == 0
    assert main(["verify", "--store", store]) == 1
    assert "does not open" in said(capsys)[1]
    monkeypatch.setenv("VITALS_PASSPHRASE", "second of all")
    assert main(["verify", "--store", store]) == 0


def test_a_key_is_removed_but_never_the_last(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "remove", "0", "--store", store]) == 1
    assert "last key" in said(capsys)[1]
    assert main(["keys", "recovery", "--store", store]) == 0
    assert main(["keys", "remove", "1", "--store", store]) == 0
    assert main(["keys", "remove", "1", "--store", store]) == 1
    assert "no key 1" in said(capsys)[1]


def test_a_rekey_gives_a_new_code_and_keeps_the_passphrase(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "recovery", "--store", store]) == 0
    old, _ = said(capsys)
    assert main(["keys", "rekey", "--store", store]) == 0
    new, err = said(capsys)
    assert "encrypted anew" in err
    Store.open(store, recovery(new)).close()
    Store.open(store, passphrase("first of all")).close()
    assert main(["verify", "--store", store]) == 0
    assert old != new


def test_without_a_keyring_the_sentence_says_what_to_do(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    monkeypatch.setattr("vitals.store.os_keyring.BACKENDS", {3: ("Secret Service", "no_such_module", "Keyring")})
    assert main(["keys", "to-keyring", "--store", store]) == 1
    assert "use a passphrase instead" in said(capsys)[1]
    assert main(["streams", "--store", store, "--keyring", "default"]) == 1
    assert "no slot for a key of this kind" in said(capsys)[1]
