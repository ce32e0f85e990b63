"""demo: a wearer, a virtual strap, a Bluetooth link, features, a tiny model, an encrypted store; in virtual time."""

from __future__ import annotations

import argparse
import os
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vitals.cli.speaking import NOT_MEDICAL, emit, iso, say, span
from vitals.cli.unlocking import key_from
from vitals.errors import FormatError, InputError
from vitals.values import Event, EventState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vitals.monitoring import Monitoring
    from vitals.store import Store

SHORTEST_HOURS = 0.5
KINDS = ("hr", "rr", "battery")  # the strap also has ECG and acceleration, which need no part in this
EPISODE = (0.5, 1 / 9)  # of the recording: begins at a half, lasts a ninth (20 min of 3 h)


@dataclass(frozen=True, slots=True)
class Wearer:
    """What the virtual strap plays."""

    words: str
    beats_s: NDArray[np.float64]
    zero_utc_us: int | None  # UTC of time 0; None: so that it ends now
    planted: tuple[float, float] | None  # seconds; None where the truth is not ours


def run(arguments: argparse.Namespace) -> int:
    from vitals import virtual
    from vitals.store import Store, passphrase

    wearer = _recorded(arguments.record) if arguments.record else _synthetic(arguments.hours, arguments.seed)
    virtual.virtual_strap  # noqa: B018  (a missing extra is told before anything is made)
    secret = None
    if arguments.passphrase_file or os.environ.get("VITALS_PASSPHRASE"):
        key = key_from(arguments, new=True)
    else:
        secret = "-".join(secrets.token_hex(2) for _ in range(6))
        key = passphrase(secret)
    path = arguments.store or Path("demo-store") / datetime.now().strftime("%Y%m%d-%H%M%S")
    with Store.open(path, key=key, create=True) as store:
        if secret:
            say(f"passphrase of this demo's store, made now and kept nowhere: {secret}")
        say(f"playing {span(wearer.beats_s[-1])} of {wearer.words} over a virtual Bluetooth link ...")
        began = time.perf_counter()
        events, monitoring, zero_utc_us = virtual.run(_play(wearer, store))
        seconds = time.perf_counter() - began
        rows = len(store.feature_rows())
    bytes_on_disk = sum(file.stat().st_size for file in path.glob("vitals.db*"))
    finished = [event for event in events if event.state is not EventState.OPEN]
    if arguments.json:
        for event in finished:
            emit(_row(event, zero_utc_us))
        return 0
    _summary(wearer, finished, monitoring, zero_utc_us)
    print(f"stored    {path}: {bytes_on_disk / 1e3:.0f} kB, encrypted (SQLCipher); {rows} windows with features")
    print(f"speed     {monitoring.seconds / seconds:,.0f} x real time ({span(monitoring.seconds)} in {seconds:.1f} s)")
    if secret:
        print(f"key       passphrase {secret} (made for this demo; shown only now, kept nowhere)")
    print(f"look      vitals events --store {path}  (from a checkout: python run.py vitals events ...)")
    print(NOT_MEDICAL)
    return 0


def _summary(wearer: Wearer, events: list[Event], monitoring: Monitoring, zero_utc_us: int) -> None:
    beats, gaps = monitoring.counts["rr"], monitoring.gaps["rr"]
    print(f"seen      {monitoring.seconds / 3600:.2f} h, {beats} heart beats, {gaps} gaps, battery, device information")
    for event in events:
        row = _row(event, zero_utc_us)
        length = span((event.end_us - event.start_us) / 1e6)
        print(f"flagged   {row['kind']}  {row['start']} - {row['end']}  ({length}, score {event.score:.2f})")
    if not events:
        print("flagged   nothing")
    if wearer.planted:
        start, end = (iso(zero_utc_us + round(t * 1e6)) for t in wearer.planted)
        print(f"planted   irregular_rhythm  {start} - {end}  (the truth of this synthetic wearer)")


def _row(event: Event, zero_utc_us: int) -> dict[str, object]:
    return {
        "start": iso(event.start_us + zero_utc_us),
        "end": iso(event.end_us + zero_utc_us),
        "kind": event.kind,
        "score": round(event.score, 4),
        "sqi": round(event.sqi, 4),
        "model": event.made_by.algorithm,
    }


async def _play(wearer: Wearer, store: Store) -> tuple[list[Event], Monitoring, int]:
    from vitals import virtual
    from vitals.monitoring import monitor

    zero = wearer.zero_utc_us
    if zero is None:
        zero = time.time_ns() // 1000 - round(wearer.beats_s[-1] * 1e6)
    async with (
        virtual.strap(wearer.beats_s, zero_utc_us=zero) as device,
        monitor(device, store=store, kinds=KINDS) as monitoring,
    ):
        events = [event async for event in monitoring]
    return events, monitoring, device.zero_utc_us


def _synthetic(hours: float, seed: int) -> Wearer:
    from vitals_signal import synthetic

    if not SHORTEST_HOURS <= hours <= 48:
        raise InputError(f"--hours is {hours:g}; give {SHORTEST_HOURS:g} to 48")
    start, length = (share * hours * 3600 for share in EPISODE)
    planted = (start, start + length)
    made = synthetic.wearer(hours=hours, seed=seed, episodes=[planted])
    return Wearer("a synthetic wearer with one irregular episode", made.beats_s, None, planted)


def _recorded(path: Path) -> Wearer:
    from vitals.recording import beats_s, open_recording

    recording = open_recording(path)
    beats = beats_s(recording.of("rr"))
    if len(beats) < 2:
        raise FormatError(f"{path}: no heart beats in it; give an ECG, beat annotations or RR intervals")
    return Wearer(f"the recording {recording.name}", beats, recording.zero_utc_us, None)
