"""The disk takes no more: a clear error, nothing acknowledged lost, and the rest written once there is room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vitals.store import Store, new_recovery_code, recovery

resource = pytest.importorskip("resource")  # of POSIX

WRITER = """
import resource, sys
import numpy as np
from vitals.errors import StoreError
from vitals.store import Store, recovery
from vitals.values import Block, DeviceInfo, Timing

path, code, limit = sys.argv[1:]
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
rng = np.random.default_rng(1)
with Store.create(path, recovery(code)) as store:
    session = store.session(device=DeviceInfo(), source="live", zero_utc_us=0)
    given = acknowledged = 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), hard))
    try:
        while True:
            values = rng.integers(-30000, 30000, 1000).astype(np.int16)
            session.append(Block("ecg", 0, Timing.REGULAR, 500.0, values, 1.0, "mV", first=given))
            given += 1000
            session.flush()
            acknowledged = given
            assert given < 10**7, "the limit was never met"
    except StoreError as error:
        given = acknowledged + 1000  # the block went in before the flush failed
        assert "free some space and flush again" in str(error), error
    held = store.streams()[0].n if acknowledged else 0
    assert held == acknowledged, (held, acknowledged)
    try:
        session.flush()
        raise SystemExit("the disk is full, and yet it flushed")
    except StoreError:
        pass
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    session.flush()
    assert store.streams()[0].n == given
    print(acknowledged, given)
"""


@pytest.mark.parametrize("limit", [180_000, 300_000, 1_000_000])
def test_a_full_disk_loses_nothing(tmp_path: Path, limit: int) -> None:
    code = new_recovery_code()
    path = tmp_path / "s"
    command = [sys.executable, "-c", WRITER, str(path), code, str(limit)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    _, given = map(int, ran.stdout.split())
    with Store.open(path, recovery(code)) as store:
        report = store.verify()
        assert report.ok, report.problems
        assert report.samples == given
