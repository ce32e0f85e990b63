"""Two writers and three readers in processes of their own: no error, no inconsistent reading, and the log stays short.

    python run.py campaign store_traffic [--seconds 120]

A writer flushes numbered samples and an event for each flush. A reader looks, in one reading after another, whether the
samples of each session are the numbers from 0 on, without a hole, never fewer than it saw before, and whether every
event that it sees has its samples. Meanwhile the longest write-ahead log is measured. POSIX only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from vitals.store import Store, new_recovery_code, recovery

WRITERS, READERS = 2, 3

WRITER = """
import sys, time
import numpy as np
from vitals.store import Store, chunks, recovery
from vitals.values import Block, DeviceInfo, Event, EventState, Provenance, Timing
path, code, number, seconds = sys.argv[1:]
chunks.FULL_SPAN_US, chunks.RIPE_SAMPLES = 5_000_000, 400
maker, n = Provenance("m", "1"), 0
with Store.open(path, recovery(code)) as store:
    until = time.time() + float(seconds)
    with store.session(device=DeviceInfo(name="w"), source="virtual", zero_utc_us=int(number) * 10**12) as session:
        while time.time() < until:
            session.append(Block("ecg", 0, Timing.REGULAR, 100.0, np.arange(n, n + 100), 1.0, "uV", first=n))
            session.event(Event("e", "ecg", n * 10_000, n * 10_000 + 1, 0.5, 0.5, EventState.CLOSED, maker))
            session.flush()
            n += 100
    print(n)
"""

READER = """
import sys, time
import numpy as np
from vitals.store import Store, recovery
path, code, seconds = sys.argv[1:]
seen, readings, worst = {}, 0, 0.0
with Store.open(path, recovery(code)) as store:
    until = time.time() + float(seconds)
    while time.time() < until:
        began = time.monotonic()
        events = store.event_rows()
        for info in store.streams("ecg"):
            pieces = [block.values for block in store.blocks(info)]
            values = np.concatenate(pieces) if pieces else np.empty(0)
            assert np.array_equal(values, np.arange(len(values))), "a sample is missing, twice, or has another value"
            assert len(values) >= seen.get(info.id, 0), "samples that were seen are gone"
            assert len(values) % 100 == 0, "half of a flush is seen"
            told = [row.event.end_us for row in events if row.stream_id == info.id]
            assert 100 * len(told) <= len(values), "an event is seen before its samples"
            seen[info.id] = len(values)
        readings += 1
        worst = max(worst, time.monotonic() - began)
print(readings, worst)
"""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went on."""

    flushes: int
    readings: int
    slowest_s: float  # of a reading of everything
    wal_bytes: int  # at its longest
    problems: list[str]


def run(seconds: float) -> Traffic:
    """So many seconds of it."""
    code = new_recovery_code()
    problems: list[str] = []
    longest = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s")
        Store.create(path, recovery(code)).close()
        jobs: list[tuple[str, ...]] = [(WRITER, str(number), str(seconds)) for number in range(1, WRITERS + 1)]
        jobs += [(READER, str(seconds))] * READERS
        children = [
            subprocess.Popen(
                [sys.executable, "-c", job[0], str(path), code, *job[1:]],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for job in jobs
        ]  # fmt: skip
        wal = path / "vitals.db-wal"
        while any(child.poll() is None for child in children):
            longest = max(longest, wal.stat().st_size if wal.exists() else 0)
            time.sleep(0.05)
        said = []
        for child in children:
            out, error = child.communicate()
            said.append(out.split())
            problems += [error.strip().splitlines()[-1]] if child.returncode else []
        with Store.open(path, recovery(code)) as store:
            problems += store.verify().problems
            written = sum(int(out[0]) for out in said[:WRITERS] if out)
            if sum(info.n for info in store.streams("ecg")) != written:
                problems.append("samples that were acknowledged are gone")
    read = [out for out in said[WRITERS:] if out]
    return Traffic(
        written // 100, sum(int(out[0]) for out in read), max((float(out[1]) for out in read), default=0.0), longest,
        problems,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0)
    chosen = parser.parse_args()
    if os.name != "posix":
        print("the write-ahead log is watched from outside, which is of POSIX: this campaign cannot run here")
        return 2
    done = run(chosen.seconds)
    print(f"{done.flushes} flushes of {WRITERS} writers, {done.readings} readings of everything by {READERS} readers, "
          f"slowest {done.slowest_s:.2f} s; longest write-ahead log {done.wal_bytes / 1e6:.1f} MB; "
          f"bad: {done.problems}")  # fmt: skip
    return 1 if done.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
