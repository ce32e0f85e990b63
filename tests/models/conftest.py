"""Python environments of their own for runtimes that cannot live beside ours."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

LINUX = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64") and sys.version_info[:2] == (3, 11)


@pytest.fixture(scope="session")
def own_python(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a fresh Python with the packages given, once a session; skips where they cannot be had here."""
    made: dict[tuple[str, ...], Path] = {}

    def make(*packages: str) -> Path:
        if packages not in made:
            made[packages] = _environment(tmp_path_factory.mktemp("python") / "own", *packages)
        return made[packages]

    return make


def _environment(folder: Path, *packages: str) -> Path:
    """A fresh Python with these packages; skips where the index cannot be reached."""
    if not LINUX:
        pytest.skip("these runtimes have wheels for Linux and this Python only up to 3.11")
    python = folder / "bin" / "python"
    if uv := shutil.which("uv"):
        commands = [[uv, "venv", "-q", "-p", sys.executable, str(folder)]]
        commands += [[uv, "pip", "install", "-q", "--prerelease", "allow", "-p", str(python), *packages]]
    else:
        venv.create(folder, with_pip=True)
        commands = [[str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages]]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = f"{' '.join(packages)} cannot be installed here: {done.stderr.strip()[-200:]}"
            if os.environ.get("VITALS_REQUIRE_DATA") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
    return python
