"""HRV against its peers: CPU time, memory and accuracy, each peer in an environment of its own, one thread.

python run.py bench dsp_hrv [DATA] [PART...]      parts: short, day, entropy, lomb, correction, patterns (default: all)

DATA is the folder that holds `nsr2db` and `dsp_golden` (by default `../shared/data`). CPU time is the least of several
runs for short work, one run for a day. Ratios are peer / vitals, so above 1 is faster. "core" is time domain, Welch,
Lomb, Poincare, DFA alpha1 and alpha2, and SampEn; a peer is timed on what it has of that, vitals on all of it ("core")
and on the same items ("same").
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

if __name__ == "__main__" and "OPENBLAS_NUM_THREADS" not in os.environ:
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    raise SystemExit(subprocess.call([sys.executable, *sys.argv]))

import numpy as np
from numpy.typing import NDArray

import vitals_signal as dsp
from benchmarks.peers import PeerUnavailable, run_peer
from vitals.formats.wfdb import read_annotations

Floats = NDArray[np.float64]

TIMER: Final = """
import gc, json, resource, sys, time
import numpy as np
np.trapz = getattr(np, "trapz", None) or np.trapezoid
rr = np.load(sys.argv[1])
out = {}
def cpu(name, work, runs):
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    try:
        for _ in range(runs):
            begin = time.process_time()
            work()
            times.append(time.process_time() - begin)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        out[name] = [min(times), grown / 1024]
    except Exception as error:
        out[name] = f"{type(error).__name__}: {error}"
"""
SHORT: Final = {
    "hrv-analysis": """
import hrvanalysis as h
x = rr.tolist()
def core():
    h.get_time_domain_features(x); h.get_geometrical_features(x); h.get_frequency_domain_features(x)
    h.get_frequency_domain_features(x, method="lomb"); h.get_poincare_plot_features(x); h.get_csi_cvi_features(x)
    h.get_sampen(x)
cpu("core", core, 7)
""",
    "heartpy": """
import heartpy as hp
def core():
    hp.process_rr(rr, calc_freq=True)
cpu("core", core, 7)
""",
    "pyhrv": """
import matplotlib
matplotlib.use("agg")
import pyhrv.time_domain as td, pyhrv.frequency_domain as fd, pyhrv.nonlinear as nl
def core():
    td.time_domain(nni=rr, plot=False, show=False)
    fd.welch_psd(nni=rr, mode="dev"); fd.lomb_psd(nni=rr, mode="dev")
    nl.poincare(nni=rr, mode="dev"); nl.sample_entropy(nni=rr); nl.dfa(nn=rr, mode="dev")
cpu("core", core, 5)
import pyhrv
cpu("hrv()", lambda: pyhrv.hrv(nni=rr, show=False, interval=[0, 10]), 2)
""",
    "neurokit2": """
import neurokit2 as nk
r = {"RRI": rr}
def core():
    nk.hrv_time(r); nk.hrv_frequency(r)
    nk.entropy_sample(rr, dimension=2, tolerance=0.2 * np.std(rr, ddof=1))
    nk.fractal_dfa(rr, scale=np.arange(4, 17)); nk.fractal_dfa(rr, scale=np.arange(16, 65))
cpu("core", core, 5)
cpu("all", lambda: nk.hrv(r), 3)
""",
}
DAY: Final = """
import neurokit2 as nk
r = {"RRI": rr}
cpu("time", lambda: nk.hrv_time(r), 1)
cpu("sampen", lambda: nk.entropy_sample(rr, dimension=2, tolerance=0.2 * np.std(rr, ddof=1)), 1)
cpu("dfa", lambda: [nk.fractal_dfa(rr, scale=np.arange(*s)) for s in ((4, 17), (16, 65))], 1)
cpu("frequency", lambda: nk.hrv_frequency(r), 1)
"""
VITALS_DAY: Final = """
import vitals_signal as dsp
dsp.hrv_core(rr[:500])  # code is loaded, as theirs is
dsp.hrv_frequency(rr[:500], method="lomb")
cpu("time", lambda: dsp.hrv_time(rr), 3)
cpu("sampen", lambda: dsp.hrv_nonlinear(rr, names=("SampEn",)), 3)
cpu("dfa", lambda: dsp.hrv_nonlinear(rr, names=("SD1", "SD2", "DFA_alpha1", "DFA_alpha2")), 3)
cpu("frequency", lambda: dsp.hrv_frequency(rr), 3)
"""
ENTROPY: Final = {
    "neurokit2": """
import neurokit2 as nk
cpu("sampen", lambda: nk.entropy_sample(rr, dimension=2, tolerance=0.2 * np.std(rr, ddof=1)), 1)
""",
    "antropy": """
import antropy
antropy.sample_entropy(rr[:300], order=2, tolerance=0.2 * np.std(rr, ddof=1))  # numba compiles
cpu("sampen", lambda: antropy.sample_entropy(rr, order=2, tolerance=0.2 * np.std(rr, ddof=1)), 1)
""",
}
CORRECTION: Final = """
import neurokit2 as nk
rmssd, seconds, beats = [], 0.0, 0
series = np.split(rr, np.flatnonzero(np.isnan(rr)))
for x in series:
    x = x[~np.isnan(x)]
    if not len(x):
        continue
    peaks = np.concatenate(([0], np.cumsum(np.rint(x)))).astype(int)
    begin = time.process_time()
    _, fixed = nk.signal_fixpeaks(peaks, sampling_rate=1000, iterative=True, method="Kubios")
    seconds += time.process_time() - begin
    beats += len(x)
    rmssd.append(float(np.sqrt(np.mean(np.diff(np.diff(fixed)) ** 2))))
out = {"rmssd": rmssd, "us": 1e6 * seconds / beats}
"""


def ask(name: str, script: str, rr: Floats) -> Any:
    """The script's `out`, made by a peer from these intervals."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rr.npy"
        np.save(path, rr)
        code = f"{TIMER}{script}\nprint(json.dumps(out))\n"
        if name != "vitals":
            return run_peer(name, code, str(path))
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])


def line(work: str, peer: str, theirs: float, ours: float, more: str = "") -> None:
    print(
        f"{work:24s} {peer:14s} {1e3 * theirs:11.2f} ms {1e3 * ours:9.3f} ms {theirs / ours:9.1f} x  {more}", flush=True
    )


def person(data: Path, name: str = "nsr001") -> Floats:
    return np.diff(read_annotations(data / "nsr2db" / name, "ecg").sample) * (1000.0 / 128.0)


def short(data: Path) -> None:
    """Five minutes, 489 beats."""
    rr = dsp.nn_intervals(person(data)).nn_ms
    rr = rr[5000:5489]
    script = """
import vitals_signal as dsp
def core():
    dsp.hrv_core(rr); dsp.hrv_frequency(rr, method="lomb")
poincare, entropy = ("SD1", "SD2", "SD1SD2"), ("SD1", "SD2", "SD1SD2", "SampEn")
def same(names, lomb):
    dsp.hrv_time(rr); dsp.hrv_frequency(rr); dsp.hrv_nonlinear(rr, names=names)
    if lomb:
        dsp.hrv_frequency(rr, method="lomb")
core(); dsp.hrv(rr); same(entropy, True)
cpu("core", core, 15)
cpu("heartpy", lambda: same(poincare, False), 15)
cpu("hrv-analysis", lambda: same(entropy, True), 15)
cpu("neurokit2", lambda: dsp.hrv_core(rr), 15)
cpu("welch", lambda: dsp.hrv_frequency(rr), 15)
cpu("time", lambda: dsp.hrv_time(rr), 15)
cpu("all", lambda: dsp.hrv(rr, convention="neurokit"), 5)
"""
    ours = ask("vitals", script, rr)
    for name, peer_script in SHORT.items():
        try:
            theirs = ask(name, peer_script, rr)
        except PeerUnavailable as error:
            print(f"5 min core: {error}")
            continue
        for part, value in theirs.items():
            if isinstance(value, str):
                print(f"5 min {part}, {name}: {value}")
            else:
                line(f"5 min {part}", name, value[0], ours["core" if part == "hrv()" else part][0])
        if name in ours and not isinstance(theirs["core"], str):
            line("5 min same", name, theirs["core"][0], ours[name][0])
    print(f"vitals alone: time {1e3 * ours['time'][0]:.2f} ms, Welch {1e3 * ours['welch'][0]:.2f} ms")


def day(data: Path) -> None:
    """A day: time domain, Welch (ours with Lomb for ULF and VLF), SampEn, DFA."""
    rr = dsp.nn_intervals(person(data)).nn_ms
    rr = rr[~np.isnan(rr)]
    ours = ask("vitals", VITALS_DAY, rr)
    try:
        theirs = ask("neurokit2", DAY, rr)
    except PeerUnavailable as error:
        print(f"24 h: {error}")
        return
    numbers = [(value, ours[name]) for name, value in theirs.items() if not isinstance(value, str)]
    for name, value in theirs.items():
        if isinstance(value, str):
            print(f"24 h {name}, neurokit2: {value}")
        else:
            more = f"memory {value[1]:.0f} / {ours[name][1]:.0f} MB"
            line(f"24 h {name}", "neurokit2", value[0], ours[name][0], more)
    memory = f"memory {sum(t[1] for t, _ in numbers):.0f} / {sum(o[1] for _, o in numbers):.0f} MB, {len(rr)} beats"
    line("24 h core", "neurokit2", sum(t[0] for t, _ in numbers), sum(o[0] for _, o in numbers), memory)


def entropy(data: Path) -> None:
    """Exact SampEn of a day on the lattice of a Holter (1/128 s) and of a strap (1/1024 s)."""
    coarse = person(data)
    fine = np.rint(coarse * 1.024 + np.random.default_rng(0).uniform(-4, 4, len(coarse))) / 1.024
    for lattice, rr in (("1/128 s", coarse), ("1/1024 s", fine)):
        script = 'import vitals_signal as d\nd.sample_entropy(rr[:300])\ncpu("sampen", lambda: d.sample_entropy(rr), 3)'
        ours = ask("vitals", script, rr)["sampen"]
        for name, peer_script in ENTROPY.items():
            try:
                theirs = ask(name, peer_script, rr)["sampen"]
            except PeerUnavailable as error:
                print(f"SampEn: {error}")
                continue
            if isinstance(theirs, str):
                print(f"SampEn 24 h {lattice}, {name}: {theirs}")
            else:
                line(f"SampEn 24 h {lattice}", name, theirs[0], ours[0], f"memory {theirs[1]:.0f} / {ours[1]:.0f} MB")


def lomb(data: Path) -> None:
    """A day of beats at every 1/T up to 0.4 Hz; SciPy is timed at 100 of the frequencies and scaled up."""
    from scipy.signal import lombscargle

    rr = person(data)
    t = np.cumsum(rr) / 1000.0
    step, x = 1.0 / (t[-1] - t[0]), rr - rr.mean()
    n = int(0.4 / step)
    ours = cpu(lambda: dsp.lomb_scargle(t, x, step, n), 5)
    power = dsp.lomb_scargle(t, x, step, n)
    some = np.unique(np.linspace(0, n - 1, 100).astype(np.int64))
    theirs = cpu(lambda: lombscargle(t, x, 2 * np.pi * step * (some + 1)), 1) * n / len(some)
    error = np.abs(power[some] - lombscargle(t, x, 2 * np.pi * step * (some + 1))).max() / power.max()
    line(f"Lomb 24 h, {n} frequencies", "scipy (scaled)", theirs, ours, f"error {error:.1e} of the highest power")


def cpu(work: Callable[[], object], runs: int) -> float:
    import time

    times = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def stretches(data: Path, seed: int) -> list[Floats]:
    """600 normal intervals without a jump above 20 % at a random place of each person."""
    rng, out = np.random.default_rng(seed), []
    for header in sorted((data / "nsr2db").glob("*.hea")):
        notes = read_annotations(header, "ecg")
        rr = np.diff(notes.sample) * (1000.0 / 128.0)
        good = (notes.symbol[1:] == "N") & (notes.symbol[:-1] == "N") & (rr > 300) & (rr < 2000)
        good[1:] &= np.abs(np.diff(rr)) <= 0.2 * rr[:-1]
        bad = np.concatenate(([0], np.cumsum(~good)))
        starts = np.flatnonzero(bad[600:] == bad[:-600])
        if len(starts):
            start = int(rng.choice(starts))
            out.append(rr[start : start + 600])
    return out


def with_artefacts(rr: Floats, rng: np.random.Generator) -> Floats:
    """6 beats missed and 6 spare beats, at least three beats apart."""
    while True:
        at = np.sort(rng.choice(np.arange(5, len(rr) - 5), 12, replace=False))
        if np.diff(at).min() >= 3:
            break
    kind = rng.permutation([True] * 6 + [False] * 6)
    beats = np.concatenate(([0.0], np.cumsum(rr)))
    spare = beats[at[~kind]] + rr[at[~kind]] * rng.uniform(0.1, 0.9, 6)
    return np.diff(np.sort(np.concatenate((np.delete(beats, at[kind]), spare))))


def correction(data: Path) -> None:
    """RMSSD after 1 % missed and 1 % extra beats, a new stretch per person and seed; the first seed also by a peer."""
    pool = []
    for seed in range(101, 106):
        clean, rng = stretches(data, seed), np.random.default_rng(seed)
        dirty = [with_artefacts(rr, rng) for rr in clean]
        truth = np.array([dsp.hrv_time(rr)["RMSSD"] for rr in clean])
        seconds = cpu(lambda dirty=dirty: [dsp.nn_intervals(rr) for rr in dirty], 3)  # type: ignore[misc]
        us = 1e6 * seconds / sum(map(len, dirty))
        found = np.array([dsp.hrv_time(dsp.nn_intervals(rr))["RMSSD"] for rr in dirty])
        pool += list(zip(found, truth, strict=True))
        print(f"correction, seed {seed}, {len(clean)} x 600: {errors(found, truth)}, {us:.1f} us/beat")
        if seed == 101:
            joined = np.concatenate([np.append(rr, np.nan) for rr in dirty])
            try:
                theirs = ask("neurokit2", CORRECTION, joined)
                found = np.array(theirs["rmssd"])
                ratio = theirs["us"] / us
                print(f"  neurokit2 'Kubios': {errors(found, truth)}, {theirs['us']:.0f} us/beat, {ratio:.0f} x")
            except PeerUnavailable as error:
                print(f"  {error}")
    print(f"correction, all {len(pool)} stretches: {errors(*np.array(pool).T)}")


def errors(found: Floats, truth: Floats) -> str:
    error = 100.0 * np.abs(found / truth - 1.0)
    return (
        f"RMSSD error median {np.median(error):.2f} %, p90 {np.percentile(error, 90):.2f} %, worst {error.max():.1f} %"
    )


def patterns(data: Path) -> None:
    """The EC57 patterns by the default method."""
    for k, (name, power) in {2: ("HF", 612.5), 3: ("LF", 2450.0), 4: ("VLF", 39200.0), 5: ("ULF", 9800.0)}.items():
        with gzip.open(data / "dsp_golden" / "ec57_hrv" / f"HRV256_TP{k}.txt.gz", "rt") as file:
            rr = np.loadtxt(file, delimiter=",")[:, 1] * 1000.0
        out = dsp.hrv_frequency(rr)
        others = {band: round(100 * out[band] / power, 2) for band in ("ULF", "VLF", "LF", "HF") if band != name}
        error = 100.0 * (out[name] / power - 1.0)
        print(f"EC57 TP{k}: {name} {out[name]:.1f} of {power} ms2 ({error:+.2f} %), others in %: {others}")


PARTS: Final[dict[str, Callable[[Path], None]]] = {
    "short": short,
    "day": day,
    "entropy": entropy,
    "lomb": lomb,
    "correction": correction,
    "patterns": patterns,
}


def main(arguments: list[str]) -> None:
    asked = [part for part in arguments if part in PARTS]
    folders = [part for part in arguments if part not in PARTS]
    data = Path(folders[0]) if folders else Path(__file__).resolve().parents[2] / "shared" / "data"
    print(f"{'work':24s} {'peer':14s} {'peer CPU':>14s} {'vitals':>12s} {'ratio':>11s}")
    for part in asked or PARTS:
        PARTS[part](data)


if __name__ == "__main__":
    main(sys.argv[1:])
