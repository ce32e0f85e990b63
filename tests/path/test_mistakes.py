"""A user's mistake gets a sentence and an exit status, never a traceback."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vitals.cli import main


def said(capsys: pytest.CaptureFixture[str], argv: list[str], status: int) -> str:
    assert main(argv) == status
    return capsys.readouterr().err


def test_wrong_command_lines_end_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in ([], ["no-such-command"], ["events"], ["record", "X", "--store", "s", "--for", "soon"]):
        assert main(argv) == 2
    assert "not a duration" in capsys.readouterr().err


def test_a_wrong_passphrase_is_refused(
    demo: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITALS_PASSPHRASE", "something else entirely")
    assert "passphrase" in said(capsys, ["events", "--store", str(demo.store)], 1)


def test_no_store_no_passphrase_no_file(
    demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITALS_PASSPHRASE", "correct horse battery")
    assert "no store at" in said(capsys, ["events", "--store", str(tmp_path / "none")], 1)
    words = said(capsys, ["import", str(tmp_path / "none.hea"), "--store", str(tmp_path / "s")], 1)
    assert "none.hea" in words
    monkeypatch.delenv("VITALS_PASSPHRASE")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert "--passphrase-file" in said(capsys, ["events", "--store", str(demo.store)], 1)
    assert not (tmp_path / "s").exists()


def test_a_file_that_is_no_recording(tmp_path: Path, unlocked: str, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "holiday.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0 not a recording")
    assert "holiday.jpg" in said(capsys, ["import", str(bad), "--store", str(tmp_path / "s")], 1)
    assert "holiday.jpg" in said(capsys, ["demo", "--record", str(bad), "--store", str(tmp_path / "t")], 1)
    assert not (tmp_path / "t").exists()


def test_without_bluetooth_the_virtual_watch_is_named(
    tmp_path: Path, unlocked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nobody-listens-here")
    if sys.platform != "linux":
        pytest.skip("the missing D-Bus socket is a matter of Linux")
    assert "vitals demo" in said(capsys, ["scan", "--for", "1"], 1)
    words = said(capsys, ["record", "Polar H10", "--store", str(tmp_path / "s"), "--for", "1s"], 1)
    assert "vitals demo" in words
    assert not (tmp_path / "s").exists()


def test_without_bumble_the_extra_is_named(tmp_path: Path, unlocked: str) -> None:
    code = (
        "import sys; sys.modules['bumble'] = None\n"
        "from vitals.cli import main\n"
        f"raise SystemExit(main(['demo', '--store', {str(tmp_path / 's')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'pip install "vitals[sim]"' in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "s").exists()


def test_without_any_runtime_the_demo_still_flags(tmp_path: Path, unlocked: str) -> None:
    code = (
        "import sys\n"
        "for name in ('ai_edge_litert', 'tflite_runtime', 'tensorflow'): sys.modules[name] = None\n"
        "from vitals.cli import main\n"
        f"raise SystemExit(main(['demo', '--hours', '1', '--store', {str(tmp_path / 's')!r}, '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("irregular_rhythm") == 1


@pytest.mark.parametrize(
    ("argv", "status", "word"),
    [
        (["demo", "--seed", "-1"], 2, "not a seed"),
        (["models", "train", "irregular-rhythm", "--data", ".", "--seed", "x"], 2, "not a seed"),
        (["models", "export", "irregular-rhythm", "x.bin"], 1, ".tflite"),
        (["events", "--store", "STORE", "--from", "yesterday"], 1, "yesterday"),
        (["import", ".", "--store", "STORE"], 1, "a folder"),
        (["sync", "bundle", "--to", "age1nonsense", "--store", "STORE", "x.age"], 1, "vitals sync identity"),
        (["sync", "apply", "--store", "STORE", "none.age"], 1, "none.age"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else str(value),
)
def test_mistakes_of_every_kind_get_a_sentence(
    demo: Any, unlocked: str, capsys: pytest.CaptureFixture[str], argv: list[str], status: int, word: str
) -> None:
    assert word in said(capsys, [str(demo.store) if a == "STORE" else a for a in argv], status)


def test_passphrases_that_are_not_text(
    demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(b"\xff\xfe\x00")
    words = said(capsys, ["events", "--store", str(demo.store), "--passphrase-file", str(file)], 1)
    assert "not UTF-8" in words
    monkeypatch.setenv("VITALS_PASSPHRASE", "abcdefgh\udcff")
    assert "not text" in said(capsys, ["events", "--store", str(demo.store)], 1)


def test_a_closed_stdout_is_no_traceback(demo: Any) -> None:
    command = [sys.executable, "-m", "vitals", "events", "--store", str(demo.store)]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command], env=demo.environment, capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr
    first_line_only = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1', "sh", *command[:3], "features", *command[4:]],
        env=demo.environment,
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in first_line_only.stderr


def test_a_short_passphrase_makes_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITALS_PASSPHRASE", "short")
    assert "8 or more" in said(capsys, ["demo", "--store", str(tmp_path / "s")], 1)
    assert not (tmp_path / "s").exists()


def test_a_store_in_an_occupied_folder(tmp_path: Path, unlocked: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    assert "not empty" in said(capsys, ["demo", "--store", str(tmp_path / "letters")], 1)
