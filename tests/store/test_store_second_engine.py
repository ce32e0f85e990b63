"""The way out: another implementation of the cipher reads the file, given the right key."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vitals.store import Key, Store, header

# In a process of its own: two SQLite libraries on one file in one process lose each other's locks.
READER = """
import sys
import apsw
path, key = sys.argv[1:3]
db = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
db.pragma("cipher", "sqlcipher")
db.pragma("legacy", 4)
db.pragma("hexkey", b"x'".hex() + key.encode().hex() + b"'".hex())
try:
    print(*db.execute("SELECT count(*), sum(n), sum(length(payload)) FROM chunk").fetchone())
    print(db.pragma("integrity_check"))
except apsw.NotADBError:
    print("not a database")
"""


def read(path: Path, key: str) -> list[str]:
    command = [sys.executable, "-c", READER, str(path), key]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_second_engine_reads_the_file_with_the_right_key(tmp_path: Path, key: Key, fill: Callable[..., int]) -> None:
    pytest.importorskip("apsw", reason="the second engine is the package apsw-sqlite3mc")
    with Store.create(tmp_path / "s", key) as store:
        n = fill(store, seconds=300)
        connection = store.fresh()
        size = connection.execute("SELECT sum(length(payload)), count(*) FROM chunk").fetchone()
        connection.close()
    raw = header.read(tmp_path / "s" / "vitals.key", key).database_key()
    path = tmp_path / "s" / "vitals.db"
    assert read(path, raw.hex()) == [f"{size[1]} {n} {size[0]}", "ok"]
    wrong = bytes([raw[0] ^ 1]) + raw[1:]
    assert read(path, wrong.hex()) == ["not a database"]
