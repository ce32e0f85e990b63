"""What a core dump of a process that has closed or locked its store would hold: no copy of a key."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vitals.store import Store, header, new_recovery_code, recovery

USER = """
import sys
import numpy as np
from vitals.store import Store, recovery
from vitals.values import Block, DeviceInfo, Timing
path, file, what = sys.argv[1:]
def use():
    with open(file) as f:
        store = Store.open(path, recovery(f.read()))
    if what == "brief":
        return store
    with store.session(device=DeviceInfo(name="w"), source="live", zero_utc_us=0) as session:
        session.append(Block("ecg", 0, Timing.REGULAR, 100.0, np.arange(500), 1.0, "uV"))
    store.arrays("ecg"), store.verify(), store.db.table_names()
    return store
store = use()
if what == "rekey":
    with open(file) as f:
        key = recovery(f.read())
    store.keys.rekey([key], proof=key)
if what == "open":
    print("ready", flush=True)
    sys.stdin.readline()
store.lock() if what == "lock" else store.close()
print("ready", flush=True)
sys.stdin.readline()
"""


def memory(pid: int) -> bytes:
    """All that a process has written to its memory, as a core dump would hold it."""
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", 0) as mem:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if span and "[v" not in line:
                mem.seek(int(span[1], 16))
                try:
                    found.append(mem.read(int(span[2], 16) - int(span[1], 16)))
                except OSError:
                    continue
    return b"\0".join(found)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="/proc is of Linux")
@pytest.mark.parametrize(("what", "wanted"), [("open", True), ("lock", False), ("brief", False), ("rekey", False)])
def test_a_core_dump_after_closing_holds_no_key(tmp_path: Path, what: str, wanted: bool) -> None:
    code, path, file = new_recovery_code(), tmp_path / "s", tmp_path / "code"
    Store.create(path, recovery(code)).close()
    file.write_text(code)
    child = subprocess.Popen(
        [sys.executable, "-c", USER, str(path), str(file), what],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ready\n"
        try:
            held = memory(child.pid)
        except PermissionError:
            pytest.skip("this system does not let a parent read the memory of its child")
    finally:
        child.communicate("\n\n", timeout=60)
    assert child.returncode == 0
    opened = header.read(path / "vitals.key", recovery(code))
    copies = {
        f"{name}, {form}": held.count(text)
        for name, secret in (("data key", opened.data_key), ("database key", opened.database_key()))
        for form, text in (("raw", secret), ("hex", secret.hex().encode()), ("HEX", secret.hex().upper().encode()))
    }
    copies["recovery code"] = held.count(code.encode())
    if wanted:  # the search finds what is there
        assert copies["database key, raw"] > 0
    else:
        assert copies == dict.fromkeys(copies, 0)
