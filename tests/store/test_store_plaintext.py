"""Not one byte that we write can be read by whoever lacks the key."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Plants markers in every kind of text and in samples, sorts and groups them, rewrites the file, makes a bundle.
WRITER = """
import random, sys
from pathlib import Path
import numpy as np
from vitals import sync
from vitals.store import Store, recovery
from vitals.values import Block, DeviceInfo, Event, EventState, Features, Gap, Provenance, Timing

folder, code, peer = sys.argv[1:]
markers = Path(sys.argv[1], "..", "markers").resolve().read_text().split()
with Store.create(Path(folder, "s"), recovery(code)) as store:
    with store.session(device=DeviceInfo(name=markers[0], serial=markers[1]), source="live", zero_utc_us=0,
                       subject=markers[2]) as session:
        for k, marker in enumerate(markers):
            # The samples spell the marker too: raw int8 noise around it, so that no codec changes it.
            noise = np.random.default_rng(k).integers(-128, 128, 200).astype(np.int8)
            values = np.concatenate([noise, np.frombuffer(marker.encode(), np.int8), noise])
            session.append(Block("ecg", k * 20_000_000, Timing.REGULAR, 100.0, values, 1.0, "mV"))
            session.gap(Gap("ecg", k, k + 1, marker))
            made_by = Provenance(marker, "1", {marker: marker}, None)
            session.features(Features("ecg", k, k + 1, {marker: 1.0}, 1.0, marker, made_by))
            session.event(Event(marker, "ecg", k, k + 1, 0.5, 0.5, EventState.CLOSED, made_by))
        session.flush()
        db = store.db
        db.table("notes").insert_all({"id": k, "text": m * 20} for k, m in enumerate(markers * 20))
        rows = db.execute("SELECT a.text, count(*) FROM notes a JOIN notes b ON a.text > b.text WHERE a.id % 40 = 0 "
                          "AND b.id % 40 = 1 GROUP BY a.text ORDER BY a.text DESC, 2").fetchall()
        assert rows
        db.execute("CREATE TEMP TABLE t AS SELECT * FROM notes ORDER BY text DESC")
        db.execute("CREATE INDEX i ON notes(text)")
        db.conn.commit()
        assert len(store.event_rows()) == len(markers)
    db.execute("VACUUM")
    sync.bundle(store, peer, Path(folder, "out.age"))
    assert store.verify().ok
    sys.stdout.write("done")
    sys.stdout.flush()
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)  # so that -wal and -shm stay
"""


def test_a_thousand_markers_are_in_no_byte_that_is_written(tmp_path: Path) -> None:
    pyrage = pytest.importorskip("pyrage")
    from vitals.store import new_recovery_code

    rng = random.Random(11)
    markers = ["".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=12)) for _ in range(1000)]
    (tmp_path / "markers").write_text(" ".join(markers))
    work, temp = tmp_path / "work", tmp_path / "temp"
    work.mkdir()
    temp.mkdir()
    code = new_recovery_code()
    peer = str(pyrage.x25519.Identity.generate().to_public())
    command = [sys.executable, "-c", WRITER, str(work), code, peer]
    trace = tmp_path / "trace"
    traced = shutil.which("strace") is not None
    if traced:
        calls = "trace=write,pwrite64,writev,pwritev,sendto,sendmsg"
        command = ["strace", "-f", "-qq", "-xx", "-s", "1000000", "-e", calls, "-o", str(trace), *command]
    variables = {**os.environ, "TMPDIR": str(temp), "SQLITE_TMPDIR": str(temp), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, capture_output=True, env=variables, timeout=200, check=False)
    assert ran.stdout == b"done", ran.stderr.decode()[-2000:]
    files = [path for folder in (work, temp) for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {
        "vitals.db",
        "vitals.db-wal",
        "vitals.db-shm",
        "vitals.key",
        "vitals.ballast",
        "vitals.inbox",
        "out.age",
    }
    written = [path.read_bytes() for path in files]
    assert sum(map(len, written)) > 1_000_000
    if traced:
        digits = "".join(re.findall(r'"((?:\\x[0-9a-f]{2})*)"', trace.read_text())).replace("\\x", "")
        written.append(bytes.fromhex(digits))
        assert len(written[-1]) > 2_000_000
        assert b"done" in written[-1]  # the control: what is written in clear is seen here
    known = {m.encode() for m in markers}
    for data in written:
        for form in (data, data.replace(b"\0", b"")):  # also as UTF-16
            runs = re.findall(rb"[A-Z]{12,}", form)
            assert not known & {run[at : at + 12] for run in runs for at in range(len(run) - 11)}
        assert code.encode() not in data


def test_the_search_finds_what_is_there() -> None:
    runs = re.findall(rb"[A-Z]{12,}", b"..XABCDEFGHIJKLM..".replace(b"\0", b""))
    assert b"ABCDEFGHIJKL" in {run[at : at + 12] for run in runs for at in range(len(run) - 11)}
