"""The store in CPU seconds: ingest, encryption, opening, reading, write amplification.

python run.py bench store_speed [HOURS]        (24 by default; the reads of a day need 24)

Every figure is CPU time of this process, the smallest of several runs for reads; ratios are of one run. The unkeyed
engine is the same library without a key.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

from benchmarks.store_sizes import record, synthetic_day
from vitals.store import Store, new_recovery_code, passphrase, recovery
from vitals.store.keys import DEFAULT_KDF
from vitals.values import Block, DeviceInfo

ZERO = 1_700_000_000_000_000
HOUR = 3600 * 1_000_000


def cpu(job: Callable[[], object]) -> float:
    began = time.process_time()
    job()
    return time.process_time() - began


def least(job: Callable[[], object], times: int = 7) -> float:
    return min(cpu(job) for _ in range(times))


def written() -> int:
    """Bytes that this process has given to write calls."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["wchar"])


def imported(store: Store, streams: list[Block]) -> None:
    """One import: chunks are ripe when they are written."""
    with store.session(device=DeviceInfo(name="file"), source="import", zero_utc_us=ZERO) as session:
        for block in streams:
            session.append(block)


def unkeyed() -> ExitStack:
    """The engine without a cipher; only here, and only to compare."""
    stack = ExitStack()
    stack.enter_context(mock.patch("vitals.store.connection._give_key", return_value=None))
    stack.enter_context(mock.patch("vitals.store.opening._is_plain", return_value=False))
    return stack


def compared(folder: Path, streams: list[Block]) -> tuple[float, float, float, float]:
    """CPU seconds of (write, read) with and without encryption, taken in turns."""
    code = new_recovery_code()
    writes: dict[bool, list[float]] = {True: [], False: []}
    reads: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(3):
        for keyed in (True, False):
            path = folder / f"{keyed}-{turn}"
            with ExitStack() if keyed else unkeyed(), Store.create(path, recovery(code)) as store:
                writes[keyed].append(cpu(lambda store=store: imported(store, streams)))  # type: ignore[misc]
                reads[keyed].append(least(lambda store=store: [store.arrays(b.kind) for b in streams], 3))  # type: ignore[misc]
    return min(writes[True]), min(writes[False]), min(reads[True]), min(reads[False])


OPENER = """
import sys, time
from vitals.store import Store, passphrase, recovery
path, kind, secret = sys.argv[1:]
key = recovery(secret) if kind == "recovery" else passphrase(secret)
import vitals.store.folder, numpy
Store.open(path, key).close()  # imports and byte code
times = []
for _ in range(5):
    began = time.process_time()
    with Store.open(path, key) as store:
        store.streams()
    times.append(time.process_time() - began)
print(min(times))
"""


def opening(path: Path, kind: str, secret: str) -> float:
    command = [sys.executable, "-c", OPENER, str(path), kind, secret]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main(hours: float) -> None:
    day = list(synthetic_day(hours).blocks().values())
    values = sum(block.values.size for block in day)
    raw = sum(block.values.size * (2 if block.kind in ("acc", "rr") else 3) for block in day)
    code = new_recovery_code()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store.create(folder / "import", recovery(code)) as store:
            seconds = cpu(lambda: imported(store, day))
        print(f"import of {hours:g} h, verified, hashed, with pyramids: {values / seconds / 1e6:.2f} M values/s")
        before = written()
        with Store.create(folder / "live", [recovery(code), passphrase("a benchmark")], kdf=DEFAULT_KDF) as store:
            seconds = cpu(lambda: record(store, day))
        amplification = (written() - before) / raw
        print(f"live in pieces of 1 s, flushed and merged: {values / seconds / 1e6:.2f} M values/s")
        print(f"write amplification, merge and checkpoints among it: {amplification:.2f} x raw")
        print(f"open and first query: {opening(folder / 'live', 'recovery', code) * 1e3:.2f} ms with a recovery code, "
              f"{opening(folder / 'live', 'passphrase', 'a benchmark') * 1e3:.0f} ms with a passphrase")  # fmt: skip
        with Store.open(folder / "live", recovery(code)) as store:
            middle = ZERO + int(hours * HOUR / 2)
            for what, length in (("10 s", 10_000_000), ("1 h", HOUR), ("24 h", 24 * HOUR)):
                starts = [ZERO] if what == "24 h" else [middle + k * 37_000_000 for k in range(-10, 11)]
                each = sorted(least(lambda a=a, n=length: store.arrays("acc", a, a + n)) for a in starts)  # type: ignore[misc]
                half = each[len(each) // 2]
                print(f"acc, {what}: median {half * 1e3:.2f} ms, worst {each[-1] * 1e3:.2f} ms of {len(each)} places")
            print(f"acc, 24 h overview (30 s): {least(lambda: store.arrays('acc', resolution=30)) * 1e3:.2f} ms")
            print(f"verify: {cpu(store.verify):.2f} s")
        short = list(synthetic_day(min(hours, 4.0)).blocks().values())
        write, plain_write, read, plain_read = compared(folder, short)
        print(f"encryption: write {write / plain_write:.2f} x, read {read / plain_read:.2f} x the unkeyed engine")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 24.0)
