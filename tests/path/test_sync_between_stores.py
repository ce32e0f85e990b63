"""From one store to another by the command line: sealed, applied once, the same events on the other side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vitals.cli import main


def test_a_bundle_carries_everything_and_twice_is_once(
    demo: Any, unlocked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    phone, desk = tmp_path / "phone", tmp_path / "desk"
    shutil.copytree(demo.store, phone)
    text = tmp_path / "rr.txt"
    text.write_text("\n".join(["800"] * 100))
    assert main(["import", str(text), "--store", str(desk)]) == 0
    capsys.readouterr()
    assert main(["sync", "identity", "--store", str(desk)]) == 0
    recipient = capsys.readouterr().out.strip()
    bundle = tmp_path / "bundle.age"
    assert main(["sync", "bundle", "--to", recipient, "--store", str(phone), str(bundle)]) == 0
    assert bundle.read_bytes().startswith(b"age-encryption.org/v1")
    capsys.readouterr()
    assert main(["sync", "apply", "--store", str(desk), str(bundle), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["new"] == first["rows"] > 1000
    assert main(["sync", "apply", "--store", str(desk), str(bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["new"] == 0
    both = []
    for store in (phone, desk):
        assert main(["verify", "--store", str(store)]) == 0
        capsys.readouterr()
        assert main(["events", "--store", str(store), "--json"]) == 0
        both.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert both[0] == both[1]
    assert len(both[0]) == 1


def test_a_bundle_for_somebody_else_is_refused(
    demo: Any, unlocked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stores = [tmp_path / name for name in ("a", "b")]
    text = tmp_path / "rr.txt"
    text.write_text("\n".join(["800"] * 100))
    for store in stores:
        assert main(["import", str(text), "--store", str(store)]) == 0
    capsys.readouterr()
    assert main(["sync", "identity", "--store", str(stores[0])]) == 0
    recipient = capsys.readouterr().out.strip()
    bundle = tmp_path / "bundle.age"
    assert main(["sync", "bundle", "--to", recipient, "--store", str(stores[1]), str(bundle)]) == 0
    assert main(["sync", "apply", "--store", str(stores[1]), str(bundle)]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert main(["sync", "bundle", "--to", "not-a-key", "--store", str(stores[1]), str(tmp_path / "x")]) == 1
    assert not (tmp_path / "x").exists()
