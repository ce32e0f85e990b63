"""Bytes per value, by stream and codec, and what a day of all streams takes on disk.

python run.py bench store_sizes [HOURS]

The synthetic day: acceleration (52 Hz, 3 axes, 4096 LSB/g, 180 ug/sqrt(Hz)), ECG (130 Hz, 1 uV LSB, 6 uV noise),
PPG (55 Hz, 4 channels, 22 bit) and RR intervals, of one wearer who sleeps 8 h, sits, moves, walks and runs. The
recordings: MIT-BIH (360 Hz ECG) and an Axivity AX3 (100 Hz acceleration), read in place from the shared folder.

`bound` is the Gaussian entropy of the best linear prediction residual (orders 1 to 32, windows of 10 s): a yardstick,
not a floor, for a residual need not be Gaussian.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, signal

from vitals.store import Store, chunks, new_recovery_code, recovery
from vitals.values import Block, DeviceInfo, Timing, rr_block

ROOT = Path(__file__).resolve().parent.parent
ACC_HZ, ECG_HZ, PPG_HZ = 52, 130, 55
# (state, hours of the day, seconds between changes of posture, acceleration of fidgeting in g, beats per minute)
STATES = (
    ("sleep", 8.0, 900.0, 0.0, 56.0),
    ("sedentary", 7.5, 60.0, 0.004, 68.0),
    ("light", 5.5, 6.0, 0.03, 82.0),
    ("walk", 2.0, 3.0, 0.03, 105.0),
    ("run", 1.0, 3.0, 0.08, 150.0),
)
GAIT = {"walk": (1.8, 0.25), "run": (2.7, 0.9)}  # steps per second, g


@dataclass(frozen=True, slots=True)
class Day:
    """One wearer's streams, integers as the sensors give them."""

    acc: NDArray[np.int16]  # (n, 3)
    ecg: NDArray[np.int32]  # (n,)
    ppg: NDArray[np.int32]  # (n, 4)
    rr: NDArray[np.int32]  # (beats,) ms

    def blocks(self) -> dict[str, Block]:
        """One block per stream."""
        return {
            "acc": Block("acc", 0, Timing.REGULAR, ACC_HZ, self.acc, 1 / 4096, "g"),
            "ecg": Block("ecg", 0, Timing.REGULAR, ECG_HZ, self.ecg, 1e-3, "mV"),
            "ppg": Block("ppg", 0, Timing.REGULAR, PPG_HZ, self.ppg, 1.0, "counts"),
            "rr": rr_block(0, self.rr, 1000.0),
        }


def synthetic_day(hours: float = 24.0, seed: int = 1) -> Day:
    """A day, compressed into `hours`: every state keeps its share."""
    rng = np.random.default_rng(seed)
    plan = _plan(hours, rng)
    rate = np.concatenate([np.full(round(s * 4), bpm) for _, s, _, _, bpm in plan])
    rr = _intervals(rate, rng)
    beats = np.cumsum(rr) / 1000.0
    moving = np.concatenate([np.full(round(s * 4), amplitude) for _, s, _, amplitude, _ in plan])
    acc = np.concatenate([_acceleration(*part[:4], rng) for part in plan])
    return Day(acc, _ecg(hours, beats, moving, rng), _ppg(hours, beats, moving, rng), rr)


def _plan(hours: float, rng: np.random.Generator) -> list[tuple[str, float, float, float, float]]:
    """(state, seconds, ...) bouts: sleep, then 16 rounds of the others in any order."""
    share = hours / 24.0
    bouts = [(STATES[0][0], STATES[0][1] * 3600 * share, *STATES[0][2:])]
    for _ in range(16):
        for k in rng.permutation(4) + 1:
            name, length, every, amplitude, bpm = STATES[k]
            bouts.append((name, length * 3600 * share / 16, every, amplitude, bpm))
    return bouts


def _noise(shape: tuple[int, ...], cut_hz: float, fs: float, rng: np.random.Generator) -> NDArray[np.float64]:
    b, a = signal.butter(2, cut_hz / (fs / 2))
    quiet = signal.lfilter(b, a, rng.normal(0, 1, shape), axis=0)
    return np.asarray(quiet / max(float(quiet.std()), 1e-12))


def _acceleration(
    state: str, seconds: float, every: float, amplitude: float, rng: np.random.Generator
) -> NDArray[np.int16]:
    n = round(seconds * ACC_HZ)
    t = np.arange(n) / ACC_HZ
    knots = rng.normal(0, 1, (int(seconds / every) + 3, 3))
    knots /= np.linalg.norm(knots, axis=1)[:, None]
    if state in ("sleep", "sedentary"):  # turns over, then lies still
        keep = np.exp(-2.0 / ACC_HZ)
        g = signal.lfilter([1 - keep], [1, -keep], knots[(t / every).astype(int)], axis=0, zi=keep * knots[:1])[0]
    else:
        g = np.stack([np.interp(t, np.arange(len(knots)) * every, knots[:, k]) for k in range(3)], axis=1)
    if state in GAIT:
        steps_hz, size = GAIT[state]
        wander = signal.lfilter([0.02], [1, -0.98], rng.normal(0, 3, n))
        phase = 2 * np.pi * np.cumsum(steps_hz * (1 + 0.03 * wander)) / ACC_HZ
        for harmonic in range(1, 7):
            shape = size / harmonic**1.3 * rng.uniform(0.4, 1, 3)
            g = g + shape * np.sin(harmonic * phase[:, None] + rng.uniform(0, 2 * np.pi, 3))
    if amplitude and n:
        bursts = signal.lfilter([0.002], [1, -0.998], np.abs(rng.normal(0, 1, n)))
        g = g + amplitude * 2.5 * bursts[:, None] * _noise((n, 3), 5.0, ACC_HZ, rng)
    g = g + rng.normal(0, 180e-6 * np.sqrt(ACC_HZ / 2), (n, 3))
    counts: NDArray[np.int16] = np.clip(np.rint(g * 4096), -32768, 32767).astype(np.int16)
    return counts


def _intervals(rate_bpm: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int32]:
    """RR intervals in ms along a heart rate (4 per second): respiration, slow waves, and a jitter of 8 ms."""
    found: list[float] = []
    t, end = 0.0, len(rate_bpm) / 4
    smooth = signal.lfilter([0.02], [1, -0.98], rate_bpm, zi=[0.98 * rate_bpm[0]])[0]
    jitter = rng.normal(0, 8.0, int(end * 3) + 10)
    while t < end:
        mean = 60_000.0 / smooth[int(t * 4)]
        depth = mean / 1000.0
        waves = 25 * np.sin(2 * np.pi * 0.25 * t) + 20 * np.sin(2 * np.pi * 0.09 * t)
        found.append(mean + depth * waves + jitter[len(found)])
        t += found[-1] / 1000.0
    return np.rint(found).astype(np.int32)


def _ecg(
    hours: float, beats: NDArray[np.float64], moving: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int32]:
    n = round(hours * 3600 * ECG_HZ)
    t = np.arange(-0.3, 0.5, 1 / ECG_HZ)
    waves = ((-0.18, 90, 0.022), (-0.03, -110, 0.009), (0.0, 1150, 0.011), (0.03, -240, 0.010), (0.26, 260, 0.05))
    beat = sum(height * np.exp(-((t - at) ** 2) / (2 * width**2)) for at, height, width in waves)
    out = np.zeros(n + 2 * len(t))
    at = (beats * ECG_HZ).astype(int)
    for place, size in zip(at[at < n], rng.normal(1.0, 0.03, len(at)), strict=False):
        out[place : place + len(t)] += size * np.asarray(beat)
    out = out[len(t) - round(0.5 * ECG_HZ) :][:n]
    times = np.arange(n) / ECG_HZ
    out += 60 * np.sin(2 * np.pi * 0.25 * times) + 40 * _noise((n,), 0.3, ECG_HZ, rng)
    muscle = np.repeat(moving, 40)[: n + 40]
    level = np.interp(np.arange(n), np.arange(len(muscle)) * (n / len(muscle)), muscle)
    out += 250 * level * _noise((n,), 40.0, ECG_HZ, rng)
    return np.rint(out + rng.normal(0, 6.0, n)).astype(np.int32)


def _ppg(
    hours: float, beats: NDArray[np.float64], moving: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int32]:
    n = round(hours * 3600 * PPG_HZ)
    times = np.arange(n) / PPG_HZ
    phase = np.interp(times, beats, np.arange(len(beats)))
    pulse = np.sin(2 * np.pi * phase) + 0.35 * np.sin(4 * np.pi * phase + 1.0) + 0.1 * np.sin(6 * np.pi * phase + 2.0)
    level = np.interp(np.arange(n), np.linspace(0, n, len(moving)), moving)
    artefact = _noise((n,), 4.0, PPG_HZ, rng)
    columns = []
    for depth, base in zip((1.0, 0.8, 0.6, 0.4), (1.2e6, 1.0e6, 0.9e6, 0.5e6), strict=True):
        motion = level * 60_000 * (0.8 * artefact + 0.2 * _noise((n,), 4.0, PPG_HZ, rng))
        drift = 4_000 * _noise((n,), 0.05, PPG_HZ, rng)
        columns.append(base + 5_000 * depth * pulse + drift + depth * motion + rng.normal(0, 32.0, n))
    return np.clip(np.rint(np.stack(columns, axis=1)), 0, (1 << 22) - 1).astype(np.int32)


def bound(values: NDArray[Any], window: int) -> float:
    """Bytes per value: the Gaussian entropy of the best LPC residual over some windows of each column."""
    bits = []
    wide = values.reshape(len(values), -1).astype(np.float64)
    for start in np.linspace(0, max(0, len(wide) - window), 60).astype(int):
        for x in wide[start : start + window].T:
            x = x - x.mean()
            r = np.correlate(x, x, "full")[len(x) - 1 :][:33] / len(x)
            if r[0] <= 0:
                bits.append(0.0)
                continue
            variances = [r[0]]
            for order in (1, 2, 4, 8, 16, 32):
                a = linalg.solve_toeplitz(r[:order] + np.eye(1, order)[0] * 1e-9 * r[0], r[1 : order + 1])
                variances.append(float(r[0] - a @ r[1 : order + 1]))
            bits.append(max(0.0, 0.5 * np.log2(2 * np.pi * np.e * max(min(variances), 1 / 12))))
    return float(np.mean(bits)) / 8


def recordings(shared: Path) -> Iterator[Block]:
    """Real ECG and acceleration."""
    from vitals.recording import open_recording

    for name in ("101", "201", "223"):
        path = shared / "data" / "mitdb" / f"{name}.hea"
        if path.exists():
            for item in open_recording(path).items:
                if isinstance(item, Block) and item.kind.startswith("ecg"):
                    yield item
    axivity = shared / "data" / "device_exports" / "ggirread"
    if axivity.is_dir():
        for rate, frames in (_cwa(axivity / "ax3_testfile.cwa"), _wave(axivity / "ax3test.wav")):
            yield Block("acc", 0, Timing.REGULAR, rate, frames, 1 / 4096, "g")


def _cwa(path: Path) -> tuple[float, NDArray[np.int16]]:
    """Rate and samples of an Axivity AX3 file: sectors of 512 bytes, three 10-bit axes and an exponent in 32 bits
    (AX3/AX6 data format, OmGui)."""
    data = path.read_bytes()
    sectors = [data[at : at + 512] for at in range(0, len(data), 512) if data[at : at + 2] == b"AX"]
    v = np.concatenate([np.frombuffer(s[30:510], "<u4")[: int.from_bytes(s[28:30], "little")] for s in sectors])
    shift = (6 - (v >> 30)).astype(np.int16)
    axes = [(part & 0xFFC0).astype(np.uint16).view(np.int16) >> shift for part in (v << 6, v >> 4, v >> 14)]
    return 3200 / (1 << (15 - (sectors[0][24] & 15))), np.stack(axes, axis=1)


def _wave(path: Path) -> tuple[float, NDArray[np.int16]]:
    """Rate and the first three channels of a 16-bit RIFF WAVE file (also WAVE_FORMAT_EXTENSIBLE, which the standard
    library's reader of Python 3.11 refuses)."""
    data = path.read_bytes()
    at, channels, rate = 12, 1, 0
    while data[at : at + 4] != b"data":
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"fmt ":
            channels = int.from_bytes(data[at + 10 : at + 12], "little")
            rate = int.from_bytes(data[at + 12 : at + 16], "little")
        at += 8 + size + size % 2
    size = min(int.from_bytes(data[at + 4 : at + 8], "little"), len(data) - at - 8)
    whole = size // (2 * channels) * 2 * channels
    return float(rate), np.frombuffer(data[at + 8 : at + 8 + whole], "<i2").reshape(-1, channels)[:, :3].copy()


def measure(block: Block) -> tuple[float, float]:
    """Bytes per value of the chunks of a block as they lie in the store once merged, and CPU seconds to make them."""
    began = time.process_time()
    size = sum(len(chunk.payload) for chunk in chunks.pack([block]))
    return size / block.values.size, time.process_time() - began


def main(hours: float) -> None:
    day = synthetic_day(hours).blocks()
    raw = 0.0
    for name, block in day.items():
        each, cpu = measure(block)
        least = bound(block.values, int(10 * block.rate_hz) if name != "rr" else 600)
        raw += block.values.size * {"acc": 2, "rr": 2}.get(name, 3)
        speed = block.values.size / cpu / 1e6
        print(f"{name:4} synthetic  {each:.3f} bytes/value (bound {least:.3f}, x{each / least:.2f}) {speed:5.1f} M/s")
    shared = Path(os.environ.get("VITALS_DATA") or ROOT.parent / "shared")
    for block in recordings(shared):
        each, _ = measure(block)
        least = bound(block.values, int(10 * block.rate_hz))
        print(f"{block.kind:4} recorded   {each:.3f} bytes/value (bound {least:.3f}, x{each / least:.2f})")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        key = recovery(new_recovery_code())
        with Store.create(path, key) as store:
            record(store, list(day.values()))
            assert store.verify().ok
        size = sum(file.stat().st_size for file in path.iterdir())
        values = sum(block.values.size for block in day.values())
    print(f"{hours:g} h of all streams, flushed every 10 s and merged: {size / 1e6:.1f} MB on disk, {values} values, ")
    print(f"  {size / 1e6 * 24 / hours:.1f} MB a day; raw samples would be {raw / 1e6:.1f} MB")


def record(store: Store, streams: list[Block], seconds: float = 1.0) -> None:
    """A live session: every stream in pieces of `seconds`, in the order in which a device would send them."""
    ends = [block.end_us for block in streams]
    at = [0] * len(streams)
    steps = [np.cumsum(block.values) if block.timing is Timing.INTERVAL else None for block in streams]
    with store.session(device=DeviceInfo(name="watch"), source="virtual", zero_utc_us=1_700_000_000_000_000) as session:
        t = 0.0
        while t * 1e6 < max(ends):
            t += seconds
            for k, block in enumerate(streams):
                sums = steps[k]
                stop = int(np.searchsorted(sums, t * block.rate_hz)) if sums is not None else round(t * block.rate_hz)
                stop = min(stop, len(block))
                if stop > at[k]:
                    session.append(chunks.cut(block, at[k], stop))
                    at[k] = stop


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 24.0)
