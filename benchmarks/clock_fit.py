"""Time from radio arrivals: device clocks, sample times and beat times against the truth, and bleakheart beside them.

python run.py bench clock_fit [HOURS]

Frames of 73 samples at 130 Hz and heart-rate notifications once a second reach the host over a radio with a 45 ms
connection interval, 5 to 30 % packet errors, 12 ms at least, and a host that stalls for 0.2 to 2 s once a minute.
bleakheart 0.2.0 is unmodified: its handlers get the same payloads, and `time_ns` tells them the time of arrival. It is
installed, pinned by its hash, into a folder of its own in the system's folder for temporary files.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals.timeline import DeviceClock, RrTimeline, SampleTimeline
from vitals.values import Block, Gap

PEER = "bleakheart==0.2.0"
PEER_SHA256 = "c755846a0471bfe955cd55e328f15a2898b183f91b24f4a3457f6cf3257a5894"
HZ, N = 130, 73
ORIGIN_US = 599_616_000_000_000  # 2019-01-01 on a Polar clock
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def radio(sent_s: Floats, rng: np.random.Generator) -> Floats:
    """When frames that are ready at these host times arrive [s]."""
    errors = 0.175 + 0.125 * np.sin(sent_s / 1800 * 2 * np.pi)
    arrival = np.ceil((sent_s + 0.012) / 0.045) * 0.045 + 0.045 * (rng.geometric(1 - errors) - 1)
    begins = np.cumsum(rng.exponential(60, int(sent_s[-1] / 40) + 10))
    for begin, length in zip(begins, rng.uniform(0.2, 2, len(begins)), strict=True):
        first, last = np.searchsorted(arrival, (begin, begin + length))
        arrival[first:last] = np.maximum(arrival[first:last], begin + length)
    arrived: Floats = np.maximum.accumulate(arrival) + rng.exponential(0.0003, len(arrival))
    return arrived


def frames(hours: float, ppm: float, seed: int = 1) -> tuple[Floats, Ints, Ints]:
    """Host time of the last sample [us], its stamp [us] and its arrival [us], each of shape (frames,)."""
    device = np.arange(1, int(hours * 3600 * HZ / N) + 1) * N / HZ
    true = device / (1 + ppm * 1e-6)
    arrival = radio(true, np.random.default_rng(seed))
    return true * 1e6, np.rint(device * 1e6).astype(np.int64) + ORIGIN_US, np.rint(arrival * 1e6).astype(np.int64)


def heart(hours: float, ppm: float, loss: float, seed: int = 1) -> tuple[Floats, Ints, list[list[int]], list[bool]]:
    """Beats [s of the host], and of each notification its arrival [us], intervals [ticks], and whether it is lost."""
    rng = np.random.default_rng(seed)
    count = int(hours * 3600 * 1.5)
    rr = np.clip(0.86 + 0.05 * np.sin(np.arange(count) / 6) + rng.normal(0, 0.02, count), 0.4, 2)
    beats = np.cumsum(rr)
    beats = beats[beats < hours * 3600]
    ticks = np.rint(beats * (1 + ppm * 1e-6) * 1024).astype(np.int64)
    seconds = np.arange(1, int(hours * 3600) + 1)
    arrival = np.rint(radio(seconds / (1 + ppm * 1e-6), rng) * 1e6).astype(np.int64)
    upto = np.searchsorted(ticks, seconds * 1024)
    edges = np.maximum(np.concatenate(([0], upto)) - 1, 0)
    steps = np.diff(ticks)
    lists = [steps[a:b].tolist() for a, b in itertools.pairwise(edges.tolist())]
    return beats, arrival, lists, (rng.random(len(seconds)) < loss).tolist()


def row(name: str, error_us: Floats, note: str = "") -> None:
    """Beside the constant (the mean), in milliseconds."""
    mean = float(np.mean(error_us))
    worst = float(np.max(np.abs(error_us - mean)))
    print(f"  {name:42} mean {mean / 1e3:9.1f}  sd {np.std(error_us) / 1e3:9.3f}  max {worst / 1e3:9.1f} ms {note}")


def clock_table(hours: float, ppm: float, peer: Path | None) -> None:
    true, stamps, arrivals = frames(hours, ppm)
    print(f"device time on the host's clock, {hours:g} h, {ppm:g} ppm, {len(true)} frames")
    row("arrival time", arrivals - true)
    row("offset fixed at the first frame", stamps - stamps[0] + arrivals[0] - true)
    if peer is not None:
        row(PEER, run_peer(peer, "ecg", stamps=stamps, arrivals=arrivals) - true)
    clock = DeviceClock()
    placed = np.empty(len(true))
    bound = np.empty(len(true))
    pairs = list(zip(stamps.tolist(), arrivals.tolist(), strict=True))
    cpu = time.process_time()
    for k, (stamp, arrival) in enumerate(pairs):
        clock.observe(stamp, arrival)
        placed[k] = clock.host_us(stamp)
    cpu = (time.process_time() - cpu) / len(pairs)
    row("DeviceClock, every frame as it comes", placed - true, f"{cpu * 1e6:.1f} us CPU/frame")
    row("DeviceClock, after ten minutes", (placed - true)[int(600 * HZ / N) :])
    clock = DeviceClock()
    for k, (stamp, arrival) in enumerate(pairs):
        clock.observe(stamp, arrival)
        fit = clock.fit
        bound[k] = fit.error_us if fit else 0
    assert fit is not None
    held = np.mean(np.abs(placed - true - np.mean(placed - true)) <= bound)
    print(
        f"  drift found {fit.drift_ppb / 1e3:.3f} ppm; error bound {np.median(bound):.0f} us (median), holds {held:.2%}"
    )


def sample_table(hours: float, ppm: float, loss: float) -> None:
    true, stamps, arrivals = frames(hours, ppm)
    lost = np.random.default_rng(2).random(len(true)) < loss
    line = SampleTimeline("ecg", HZ)
    out: list[Any] = []
    cpu = time.process_time()
    for k in np.flatnonzero(~lost).tolist():
        out += line.push(int(arrivals[k]), np.arange(k * N, (k + 1) * N, dtype=np.int32), int(stamps[k]))
    out += line.end("end of stream")
    cpu = (time.process_time() - cpu) / len(true)
    blocks = [one for one in out if isinstance(one, Block)]
    gaps = sum(isinstance(one, Gap) for one in out)
    losses = int(np.sum(np.diff(lost.astype(int)) == 1))
    numbers = np.concatenate([b.values for b in blocks])
    error = np.concatenate([b.times_us() for b in blocks]) - (numbers + 1) / HZ / (1 + ppm * 1e-6) * 1e6
    print(f"sample times, {hours:g} h, {ppm:g} ppm, {loss:.0%} of the frames lost")
    row("SampleTimeline", error, f"{cpu * 1e6:.1f} us CPU/frame")
    anchors = len({b.t0_us for b in blocks})
    print(f"  {gaps} gaps declared, {losses} true ones; {anchors} anchors in {len(blocks)} blocks")


def spacing(
    name: str, placed_us: Floats, beats: Floats, numbers: Ints, apart: NDArray[np.bool_], note: str = ""
) -> None:
    """Beat and spacing errors; the spacing between beats that follow each other with no gap between."""
    error = placed_us - beats[numbers] * 1e6
    steps = (np.diff(placed_us) - np.diff(beats[numbers]) * 1e6)[(np.diff(numbers) == 1) & ~apart]
    back = int(np.sum(np.diff(placed_us) <= 0))
    row(name + ", beats", error, note)
    row(name + ", spacing", steps, f"{back} not increasing")


def beat_table(hours: float, ppm: float, loss: float, peer: Path | None) -> None:
    beats, arrivals, lists, lost = heart(hours, ppm, loss)
    firsts = np.cumsum([1] + [len(ticks) for ticks in lists])
    kept = [k for k in range(len(lists)) if not lost[k]]
    numbers = np.array([n for k in kept for n in range(firsts[k], firsts[k + 1])], dtype=np.int64)
    whole = np.zeros(len(numbers) - 1, dtype=bool)
    print(f"beat times, {hours:g} h, {ppm:g} ppm, {loss:.0%} of the notifications lost, {len(numbers)} beats")
    naive = [arrivals[k] - (sum(lists[k]) - np.cumsum(lists[k])) / 1024 * 1e6 for k in kept if lists[k]]
    spacing("arrival - sum(RR)", np.concatenate(naive), beats, numbers, whole)
    if peer is not None:
        ticks = np.array([tick for k in kept for tick in lists[k]], dtype=np.int64)
        sizes = np.array([len(lists[k]) for k in kept], dtype=np.int64)
        found = run_peer(peer, "hr", arrivals=arrivals[kept], ticks=ticks, sizes=sizes)
        spacing(PEER, found, beats, numbers, whole)
    line = RrTimeline()
    out: list[Block | Gap] = []
    cpu = time.process_time()
    for k in kept:
        out += line.push(int(arrivals[k]), lists[k])
    out += line.end("end of stream")
    cpu = (time.process_time() - cpu) / len(kept)
    placed = np.concatenate([one.times_us() for one in out if isinstance(one, Block)]).astype(np.float64)
    starts = np.array([one.start_us for one in out if isinstance(one, Gap)])
    apart = np.searchsorted(starts, placed[:-1] - 1) != np.searchsorted(starts, placed[1:] - 2)
    spacing("RrTimeline", placed, beats, numbers, apart, f"{cpu * 1e6:.1f} us CPU/notification")
    before = placed[np.flatnonzero(np.diff(numbers) > 1)]
    near = [bool(len(starts)) and np.abs(starts - one).min() < 4e6 for one in before]
    print(f"  {len(starts)} gaps declared, {len(before)} true ones, {sum(near)} of them within 4 s of a declared one")


def install_peer() -> Path | None:
    """The folder that holds the peer, made on demand; None, and a word, where it cannot be had."""
    folder = Path(tempfile.gettempdir()) / "vitals-peers" / PEER.replace("==", "-")
    if folder.is_dir():
        return folder
    fresh = folder.with_suffix(".new")
    fresh.mkdir(parents=True, exist_ok=True)
    wanted = folder.with_suffix(".txt")
    wanted.write_text(f"{PEER} --hash=sha256:{PEER_SHA256}\n")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run([*command, "--upgrade", "--target", str(fresh), "-r", str(wanted)], capture_output=True)
    if done.returncode:
        print(f"{PEER} cannot be installed here: its rows are missing")
        return None
    return fresh.rename(folder)


def run_peer(folder: Path, what: str, **arrays: Ints) -> Floats:
    """Times [us] that the peer gives the same stream, in a process of its own."""
    with tempfile.TemporaryDirectory() as work:
        given, made = Path(work) / "stream.npz", Path(work) / "times.npy"
        np.savez(given, **arrays)  # type: ignore[arg-type]
        paths = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, __file__, "peer", what, str(given), str(made)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": paths})
        times: Floats = np.load(made)
    return times


async def be_peer(what: str, given: Path, made: Path) -> None:
    core: Any = importlib.import_module("bleakheart._core")
    stream = np.load(given)
    arrivals = stream["arrivals"].tolist()
    now = [0]
    core.time_ns = lambda: now[0]
    times: list[float] = []
    if what == "ecg":
        device = core.PolarMeasurementData(None, callback=lambda data: times.append(data[1] / 1e3))
        for stamp, arrival in zip(stream["stamps"].tolist(), arrivals, strict=True):
            now[0] = arrival * 1000
            await device._pmd_data_handler(None, struct.pack("<BQB", 0, stamp * 1000, 0) + bytes(3 * N))
    else:
        strap = core.HeartRate(None, callback=lambda data: times.append(data[1] / 1e3))
        ticks, at = stream["ticks"].tolist(), 0
        for size, arrival in zip(stream["sizes"].tolist(), arrivals, strict=True):
            now[0] = arrival * 1000
            payload = struct.pack(f"<BB{size}H", 0x10 if size else 0, 70, *ticks[at : at + size])
            at += size
            await strap._handler(None, payload)
    np.save(made, np.array(times))


def main(hours: float) -> None:
    peer = install_peer()
    for h, ppm in ((1.0, 20.0), (hours, 20.0), (hours, 60.0)):
        clock_table(h, ppm, peer)
    sample_table(hours, 60, 0.01)
    for h, loss in ((1.0, 0.0), (hours, 0.0), (hours, 0.01)):
        beat_table(h, 60, loss, peer)


if __name__ == "__main__":
    if sys.argv[1:2] == ["peer"]:
        asyncio.run(be_peer(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 24.0)
