"""kill -9 at any moment of writing, merging and building pyramids: nothing acknowledged is lost, nothing is damaged.

    python run.py campaign store_kill [--kills 1000] [--seed S]

A child of this process writes to a store, says what was acknowledged, and is killed after a random time; then the store
is opened, verified, and read. POSIX only.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from unittest import mock

import numpy as np

from vitals.errors import StoreError
from vitals.store import Key, Store, chunks, new_recovery_code, recovery
from vitals.values import Block, DeviceInfo, Gap, Timing

_A_STORE = 20  # kills that one store has to bear


def _write(path: Path, key: Key, seed: int, say: int) -> None:
    """Write for ever; every line says how many samples of this session are acknowledged."""
    with (
        mock.patch.object(chunks, "FULL_SPAN_US", 2_000_000),
        mock.patch.object(chunks, "RIPE_SAMPLES", 150),
        Store.open(path, key) as store,
        store.session(device=DeviceInfo(name="w"), source="virtual", zero_utc_us=seed * 10**10) as session,
    ):
        n = step = 0
        while True:
            size = 20 + (step * 61 + seed) % 90
            values = ((np.arange(n, n + size) + seed) * 7919 % 2003).astype(np.int16)
            session.append(Block("ecg", 0, Timing.REGULAR, 100.0, values, 1.0, "uV", first=n))
            session.gap(Gap("ecg", n * 10_000, n * 10_000 + 1, "x"))
            session.flush()
            n += size
            step += 1
            os.write(say, b"%d\n" % n)
            if step % 11 == 10:
                store.compact()


def _killed(path: Path, key: Key, seed: int, rng: random.Random) -> int:
    """One child, killed; returns what it had acknowledged."""
    hear, say = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(hear)
            _write(path, key, seed, say)
        finally:
            os._exit(1)
    os.close(say)
    time.sleep(rng.expovariate(1 / 0.06))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(hear, "rb") as pipe:
        said = pipe.read().split(b"\n")[:-1]
    if not os.WIFSIGNALED(status):
        raise RuntimeError("the child ended by itself")
    return int(said[-1]) if said else 0


def run(kills: int, seed: int) -> tuple[Counter[str], int]:
    """What was wrong, and how many kills came after something was acknowledged."""
    problems: Counter[str] = Counter()
    rng = random.Random(seed)
    key = recovery(new_recovery_code())
    met = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for k in range(kills):
            if k % _A_STORE == 0:
                path = Path(folder, str(k))
                Store.create(path, key).close()
                expected: dict[int, int] = {}
            expected[k + 1] = _killed(path, key, k + 1, rng)
            met += expected[k + 1] > 0
            problems += Counter(_wrong(path, key, expected))
    return problems, met


def _wrong(path: Path, key: Key, expected: dict[int, int]) -> list[str]:
    found = []
    try:
        with Store.open(path, key) as store:
            report = store.verify()
            found += ["damaged"] * (not report.ok)
            streams = {info.session.zero_utc_us // 10**10: info for info in store.streams("ecg")}
            for seed, acknowledged in expected.items():
                pieces = [block.values for block in store.blocks(streams[seed])] if seed in streams else []
                values = np.concatenate(pieces) if pieces else np.empty(0, np.int16)
                found += ["acknowledged samples are gone"] * (len(values) < acknowledged)
                if not np.array_equal(values, (np.arange(len(values)) + seed) * 7919 % 2003):
                    found.append("a sample has another value")
    except StoreError:
        found.append("does not open")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if os.name != "posix":
        print("kill -9 is of POSIX: this campaign cannot run here")
        return 2
    problems, met = run(chosen.kills, chosen.seed)
    print(f"{chosen.kills} kills, {met} of them after something was acknowledged; bad: {dict(problems)}")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
