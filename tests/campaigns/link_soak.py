"""A day with a device on a bad radio, in virtual time: what is lost is said, and everything comes back.

    python run.py campaign link_soak [--hours 24] [--faults 100] [--seed S] [--load heart_rate|h10]

A virtual strap plays to `vitals.connect` at a connection interval of 45 ms while a seeded script breaks links at one
end or both, carries the strap away, mutes it, reboots it, loses connection requests and notifications. It prints what
was counted; the digest is that of everything that came out (two runs of a seed agree on every Python). Exit 1 where a
law of `Outcome.broken` does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import logging
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import psutil  # type: ignore[import-untyped]

import vitals
from vitals.device import Item, LinkedDevice
from vitals.values import Block, Disconnected, Gap, Timing
from vitals.virtual import FaultScript, VirtualRadio, play, run, virtual_strap
from vitals.virtual.radio import SUPERVISION_S
from vitals_signal import synthetic

INTERVAL_S = 0.045
LOADS = {"heart_rate": ("hr", "rr", "battery"), "h10": ("hr", "rr", "battery", "ecg", "acc")}
BLOCKING = {"out_of_range", "reboot", "mute"}  # the device cannot be heard while they last
SILENCE_S = 2.5  # between two heart rates: longer is an outage
SPARE_GAPS = 3  # a loss while a rhythm is learned may show in two parts
LIMITS = {"coverage": 0.99, "recovery_s": 8.0, "growth_mb": 5.0}


@dataclass
class Outcome:
    """What a soak counted."""

    seconds: float
    digest: str = ""
    coverage: dict[str, float] = field(default_factory=dict)  # share of the time in samples or declared gaps, by kind
    recoveries_s: list[float] = field(default_factory=list)  # from "reachable again" to the first heart rate
    happened: Counter[str] = field(default_factory=Counter)
    reboots: int | None = None  # how many clock resets there were to find; None: nothing carries the device's clock
    dropped: int | None = None  # notifications that the operating system lost; None: not counted
    complaints: list[str] = field(default_factory=list)  # of asyncio and bumble; tasks left
    growth_mb: float = 0.0
    wall_s: float = 0.0

    def broken(self) -> list[str]:
        """Laws that do not hold."""
        said = [f"{kind}: only {share:.4f} covered" for kind, share in self.coverage.items()]
        said = [words for words, share in zip(said, self.coverage.values(), strict=True) if share < LIMITS["coverage"]]
        if max(self.recoveries_s, default=0) > LIMITS["recovery_s"]:
            said.append(f"a recovery took {max(self.recoveries_s):.2f} s")
        if self.growth_mb > LIMITS["growth_mb"]:
            said.append(f"memory grew by {self.growth_mb:.1f} MB")
        if self.reboots is not None and self.happened["ClockReset"] != self.reboots:
            said.append(f"{self.happened['ClockReset']} clock resets were found, there were {self.reboots}")
        if self.dropped is not None:
            true = self.dropped + self.happened["Connected"] + self.happened["Stall"]
            for kind in self.coverage:
                if self.happened[f"{kind} gaps"] > true + SPARE_GAPS:
                    said.append(f"{kind}: {self.happened[f'{kind} gaps']} gaps are declared, at most {true} are true")
        return said + self.complaints


class _Complaints(logging.Handler):
    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._into = into

    def emit(self, record: logging.LogRecord) -> None:
        self._into.append(f"{record.name}: {record.getMessage()}")


class Account:
    """Takes what a device gives: a digest of all of it, and which time each stream accounts for."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.happened: Counter[str] = Counter()
        self.heart_rates_s: list[float] = []
        self._until: dict[str, float] = {}
        self._covered: defaultdict[str, float] = defaultdict(float)

    def take(self, item: Item) -> None:
        if isinstance(item, Block):
            start, end = item.start_us / 1e6, item.end_us / 1e6
            self.digest.update(f"{item.kind} {item.t0_us} {item.first} {item.values.tolist()}\n".encode())
            self.happened[f"{item.kind} samples"] += len(item)
            if item.kind == "hr":
                self.heart_rates_s.append(start)
                start -= 1.0 + 2 * INTERVAL_S  # one value tells of the second before it, as punctual as the radio is
            if item.timing is Timing.REGULAR:
                end += 1 / item.rate_hz
            self._cover(item.kind, start, end)
            return
        self.digest.update(f"{item}\n".encode())
        if isinstance(item, Gap):
            self.happened[f"{item.kind} gaps"] += 1
            self._cover(item.kind, item.start_us / 1e6, item.end_us / 1e6)
        else:
            self.happened[type(item).__name__ + (f" ({item.reason})" if isinstance(item, Disconnected) else "")] += 1

    def _cover(self, kind: str, start: float, end: float) -> None:
        """Items of a stream come in order of time; they may touch and overlap."""
        known = self._until.get(kind, start)
        self._covered[kind] += max(0.0, end - max(start, known))
        self._until[kind] = max(known, end)

    def coverage(self, began: float, ended: float, kinds: list[str]) -> dict[str, float]:
        return {kind: self._covered[kind] / (ended - began) for kind in kinds}


def recoveries(script: FaultScript, zero: float, heart_rates_s: list[float]) -> Iterator[float]:
    """How long after the strap could be heard again each outage lasted.

    A link that only the strap has lost is not noticed before the supervision time-out; one that only the app has lost
    keeps the strap from advertising for as long.
    """
    faults = [(zero + one.at_s, zero + one.at_s + one.duration_s, one) for one in script.faults]
    for last, first in pairwise(heart_rates_s):
        if first - last <= SILENCE_S:
            continue
        reachable = last
        for begin, end, fault in faults:
            if begin > first or end < last - SUPERVISION_S:
                continue
            if fault.kind in BLOCKING and begin <= reachable + SILENCE_S:
                reachable = max(reachable, end)
            elif fault.kind in ("central_loses_link", "device_loses_link") and begin <= reachable + SILENCE_S:
                reachable = max(reachable, begin + SUPERVISION_S)
            elif begin <= reachable + SILENCE_S:
                reachable = max(reachable, begin)
        yield first - reachable


async def _listen(device: LinkedDevice, account: Account) -> None:
    async with device.items() as items:
        async for item in items:
            account.take(item)


async def _soak(script: FaultScript, hours: float, seed: int, kinds: tuple[str, ...], outcome: Outcome) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: outcome.complaints.append(str(context)))
    account = Account()
    beats = synthetic.wearer(hours=hours, seed=seed).beats_s
    radio = VirtualRadio(seed=seed, interval_s=INTERVAL_S)
    memory = psutil.Process()
    async with (
        virtual_strap(beats, radio=radio) as near,
        vitals.connect(
            near.name, backend=near.backend, kinds=kinds, ended=near.strap.finished, rng=random.Random(seed)
        ) as device,
    ):
        loses, outcome.dropped = near.central.loses, 0

        def count_loss() -> bool:
            lost = loses()
            outcome.dropped = (outcome.dropped or 0) + lost
            return lost

        near.central.loses = count_loss  # type: ignore[method-assign]
        began = loop.time()
        listening = asyncio.create_task(_listen(device, account))
        faults = asyncio.create_task(play(script, near))
        await asyncio.sleep(min(3600.0, hours * 1800))  # caches, pools and code are warm then
        gc.collect()
        before = memory.memory_info().rss
        await listening
        ended = loop.time()
        gc.collect()
        outcome.growth_mb = (memory.memory_info().rss - before) / 1e6
        faults.cancel()
        await asyncio.gather(faults, return_exceptions=True)
    left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    outcome.complaints += [f"task left: {name}" for name in left]
    outcome.seconds = ended - began
    outcome.digest = account.digest.hexdigest()
    outcome.happened = account.happened
    outcome.coverage = account.coverage(began, ended, [kind for kind in kinds if kind != "battery"])
    if "ecg" in kinds:
        outcome.reboots = sum(fault.kind == "reboot" for fault in script.faults)
    outcome.recoveries_s = list(recoveries(script, began, account.heart_rates_s))


def soak(hours: float, faults: int, seed: int, load: str = "heart_rate") -> Outcome:
    """One run; see the head of this file."""
    outcome = Outcome(hours * 3600)
    listener = _Complaints(outcome.complaints)
    for name in ("bumble", "asyncio", "bleak"):
        logging.getLogger(name).addHandler(listener)
    began = time.perf_counter()
    try:
        run(_soak(FaultScript.random(seed, hours, faults / hours), hours, seed, LOADS[load], outcome))
        gc.collect()  # exceptions that nobody retrieved complain when they are collected
    finally:
        for name in ("bumble", "asyncio", "bleak"):
            logging.getLogger(name).removeHandler(listener)
    outcome.wall_s = time.perf_counter() - began
    return outcome


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--load", choices=sorted(LOADS), default="heart_rate")
    chosen = parser.parse_args(arguments)
    outcome = soak(chosen.hours, chosen.faults, chosen.seed, chosen.load)
    print(f"seed {chosen.seed}, {chosen.load}, {outcome.seconds / 3600:.2f} h virtual in {outcome.wall_s:.0f} s")
    for kind, share in outcome.coverage.items():
        print(f"{kind}: {100 * share:.3f} % of the time is samples or declared gaps")
    if outcome.recoveries_s:
        p50, p95 = np.percentile(outcome.recoveries_s, [50, 95])
        worst = max(outcome.recoveries_s)
        print(f"{len(outcome.recoveries_s)} outages; recovery p50 {p50:.2f} s, p95 {p95:.2f} s, worst {worst:.2f} s")
    print(", ".join(f"{name} {count}" for name, count in sorted(outcome.happened.items())))
    print(f"memory grew by {outcome.growth_mb:.1f} MB")
    print(f"digest {outcome.digest}")
    for words in outcome.broken():
        print(f"BROKEN {words}")
    return 1 if outcome.broken() else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
