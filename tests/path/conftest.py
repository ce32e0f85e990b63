"""A store that the demo made, once for all tests of the path."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSPHRASE = "correct horse battery staple 42"


@dataclass(frozen=True)
class Demo:
    store: Path
    output: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`vitals demo` as a user runs it, in a process of its own."""
    store = tmp_path_factory.mktemp("demo") / "store"
    environment = {**os.environ, "VITALS_PASSPHRASE": PASSPHRASE}
    done = subprocess.run(
        [sys.executable, "-m", "vitals", "demo", "--store", str(store)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Demo(store, done.stdout, environment)


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> str:
    """The passphrase in the environment, as the command line reads it."""
    monkeypatch.setenv("VITALS_PASSPHRASE", PASSPHRASE)
    return PASSPHRASE
