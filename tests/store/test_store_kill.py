"""kill -9 in the middle of a stream: what was acknowledged is there, and at most ten seconds more are gone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vitals.store import Store, new_recovery_code, recovery

# A stream of one block per 100 ms of stream time; its lines say what was handed over, and what was acknowledged.
WRITER = """
import sys
import numpy as np
from vitals.store import Store, recovery
from vitals.values import DeviceInfo, Event, EventState, Gap, Provenance, rr_block

path, code, seed = sys.argv[1:]
rng = np.random.default_rng(int(seed))
maker = Provenance("m", "1")
with Store.open(path, recovery(code)) as store:
    with store.session(device=DeviceInfo(name="strap"), source="live", zero_utc_us=0) as session:
        for k in range(10**6):
            session.append(rr_block(0, np.array([100], np.int32), 1000, 100 * k))
            if k % 50 == 49:
                session.gap(Gap("rr", k * 100_000, k * 100_000 + 1, "x"))
                session.event(Event("e", "rr", k * 100_000, k * 100_000 + 1, 0.5, 0.5, EventState.CLOSED, maker))
            if k % 37 == 36 and int(seed) % 2:
                session.flush()
                print("acknowledged", k + 1, flush=True)
            print("given", k + 1, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_everything_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    code = new_recovery_code()
    path = tmp_path / "s"
    Store.create(path, recovery(code)).close()
    rng = random.Random(3)
    total, flushed_rounds = 0, 0
    for seed in range(8):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(path), code, str(seed)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.4))
        child.send_signal(signal.SIGKILL)
        lines = [first, *child.stdout.read().split(b"\n")]
        child.wait()
        child.stdout.close()
        said = [line.split() for line in lines if len(line.split()) == 2]
        given = max(int(words[1]) for words in said if words[0] == b"given")
        acknowledged = max([int(words[1]) for words in said if words[0] == b"acknowledged"], default=0)
        with Store.open(path, recovery(code)) as store:
            report = store.verify()
            assert report.ok, report.problems
            stored = report.samples - total
            assert stored >= acknowledged
            assert given - stored <= 100  # ten seconds of 100 ms
            assert stored <= given + 1  # the last line may not have been said
            total = report.samples
            flushed_rounds += stored > 0
            for info in store.streams():
                values = np.concatenate([block.values for block in store.blocks(info)])
                assert (values == 100).all()
                assert info.session.state is None
    assert flushed_rounds >= 4
