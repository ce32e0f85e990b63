"""sqlite-utils' own test suite, of the pinned version, over our encrypted connection.

    python run.py campaign store_sqlite_utils [--sdist FILE] [PYTEST OPTIONS]

Fetches the source distribution of the installed version with pip (or takes `--sdist`), unpacks it into a temporary
folder, and runs its tests with `sqlite3.connect` giving keyed SQLCipher connections: files that the tests make are
encrypted with a fixed key. Tests of the command line and of plugins are left out: neither is used here (they open
files themselves, with the standard library).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

# Left out: the command line, plugins and their documentation, SpatiaLite, and ATTACH, which a store denies.
_WITHOUT = (
    "test_cli.py", "test_cli_bulk.py", "test_cli_convert.py", "test_cli_insert.py", "test_cli_memory.py",
    "test_plugins.py", "test_docs.py", "test_gis.py", "test_attach.py",
)  # fmt: skip

PLUGIN = """
import os, sqlite3, tempfile
from pathlib import Path
from vitals.store.connection import Connection, _give_key, _both_families, engine

def connect(database=":memory:", *args, **options):
    options.pop("factory", None)
    options.setdefault("check_same_thread", False)
    with _both_families():
        connection = engine.connect(str(database), *args, factory=Connection, **options)
    connection.execute("PRAGMA cipher_log_level=NONE")
    if str(database) not in (":memory:", ""):
        _give_key(connection, bytes(range(32)))
    return connection

sqlite3.connect = connect
sqlite3.Connection = Connection
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sdist", type=Path)
    chosen, options = parser.parse_known_args()
    version = importlib.metadata.version("sqlite-utils")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sdist = chosen.sdist or _fetch(folder, version)
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (source,) = (path for path in folder.iterdir() if path.is_dir())
        (folder / "keyed_sqlite.py").write_text(PLUGIN)
        ignored = [f"--ignore=tests/{file}" for file in _WITHOUT]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "keyed_sqlite", "-p", "no:cacheprovider", *ignored]
        done = subprocess.run([*command, "tests", *options], cwd=source, check=False, env=_environment(folder, source))
    return done.returncode


def _fetch(folder: Path, version: str) -> Path:
    wanted = f"sqlite-utils=={version}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        "sqlite-utils",
        "-d",
        str(folder),
    ]
    subprocess.run([*command, wanted], check=True)
    return next(folder.glob("sqlite_utils-*.tar.gz"))


def _environment(folder: Path, source: Path) -> dict[str, str]:
    root = Path(__file__).resolve().parent.parent.parent
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(root), str(source)])}


if __name__ == "__main__":
    raise SystemExit(main())
