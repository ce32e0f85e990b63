"""The whole path in virtual time: strap -> Bluetooth -> decode -> features -> model -> encrypted store. CPU and speed.

python run.py bench path [HOURS]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import vitals
from vitals import virtual
from vitals_signal import synthetic

ZERO_UTC_US = 1_700_000_000_000_000


async def link_only(beats_s: NDArray[Any]) -> int:
    async with virtual.strap(beats_s) as device, device.stream("rr") as blocks:
        return sum([len(block) async for block in blocks])


async def monitored(beats_s: NDArray[Any], store: vitals.Store | None) -> int:
    async with (
        virtual.strap(beats_s, zero_utc_us=ZERO_UTC_US) as device,
        vitals.monitor(device, store=store, kinds=("hr", "rr", "battery")) as events,
    ):
        async for _ in events:
            pass
    return events.counts["rr"]


def timed(what: str, hours: float, job: Callable[[], Coroutine[Any, Any, int]]) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    beats = virtual.run(job())
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    seconds = hours * 3600
    speed, each = seconds / wall, cpu / beats * 1e6
    print(f"{what:28} {wall:7.2f} s wall {cpu:7.2f} s CPU {speed:9,.0f} x real time {each:7.0f} us/beat")


def main(hours: float) -> None:
    beats = synthetic.wearer(hours=hours, seed=1).beats_s
    virtual.run(monitored(beats[:200], None))  # imports, byte code
    print(f"{hours:g} h, {len(beats)} beats")
    timed("link and decoding", hours, lambda: link_only(beats))
    timed("... and features and model", hours, lambda: monitored(beats, None))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        with vitals.Store.open(path, key=vitals.passphrase("a benchmark"), create=True) as store:
            timed("... and the encrypted store", hours, lambda: monitored(beats, store))
        size = sum(file.stat().st_size for file in path.iterdir())
        print(
            f"store {size / 1e3:.0f} kB; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
