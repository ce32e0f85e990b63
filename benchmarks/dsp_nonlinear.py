"""Nonlinear HRV against its peers: CPU time and memory, each peer in an environment of its own, one thread.

python run.py bench dsp_nonlinear [DATA] [PART...]      parts: short, longer, entropy, day, windows (default: all)

DATA is the folder that holds `nsr2db` (by default `../shared/data`). CPU time is the least of several runs for short
work, one run for a day. Ratios are peer / vitals, so above 1 is faster. `short` also says how far the values of both
are apart.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

if __name__ == "__main__" and "OPENBLAS_NUM_THREADS" not in os.environ:
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    raise SystemExit(subprocess.call([sys.executable, *sys.argv]))

import numpy as np

from benchmarks.dsp_hrv import Floats, ask, line, person
from benchmarks.peers import PeerUnavailable
from vitals_signal import nn_intervals

NEUROKIT: Final = """
import neurokit2 as nk
p = {"RRI": rr, "RRI_Time": np.cumsum(rr) / 1000}
r = 0.2 * np.std(rr, ddof=1)
values = {k[4:]: float(v) for k, v in nk.hrv_nonlinear(p).iloc[0].items()}
cpu("hrv_nonlinear, 60 names", lambda: nk.hrv_nonlinear(p), 3)
cpu("hrv_rqa", lambda: nk.hrv_rqa(p), 3)
cpu("CMSEn, RCMSEn", lambda: [nk.entropy_multiscale(rr, dimension=2, tolerance=r, method=m)
                              for m in ("CMSEn", "RCMSEn")], 1)
cpu("MSEn", lambda: nk.entropy_multiscale(rr, dimension=2, tolerance=r, method="MSEn"), 3)
cpu("ApEn, SampEn", lambda: [f(rr, dimension=2, tolerance=r) for f in (nk.entropy_approximate, nk.entropy_sample)], 5)
cpu("FuzzyEn", lambda: nk.entropy_fuzzy(rr, dimension=2, tolerance=r), 5)
cpu("CD", lambda: nk.fractal_correlation(rr, delay=1, dimension=2), 5)
from neurokit2.hrv.hrv_nonlinear import _hrv_dfa
cpu("DFA, MFDFA", lambda: _hrv_dfa(rr, {}), 3)
cpu("LZC", lambda: nk.complexity_lempelziv(rr), 5)
cpu("HFD", lambda: nk.fractal_higuchi(rr, k_max=10), 5)
out = {"cpu": dict(out), "values": values}
"""
VITALS: Final = """
import vitals_signal as dsp
every = dsp.HRV_NONLINEAR_FEATURES
sixty = [n for n in every if not n.startswith("RQA_") and n not in ("Hurst", "PermEn")]
def names(*some):
    return lambda: dsp.hrv_nonlinear(rr, convention="neurokit", names=some)
values = names(*sixty)()
names(*every)()
cpu("hrv_nonlinear, 60 names", names(*sixty), 9)
cpu("hrv_rqa", names("RQA_L"), 9)
cpu("CMSEn, RCMSEn", names("CMSEn", "RCMSEn"), 9)
cpu("MSEn", names("MSEn"), 9)
cpu("ApEn, SampEn", names("ApEn", "SampEn"), 9)
cpu("FuzzyEn", names("FuzzyEn"), 9)
cpu("CD", names("CD"), 9)
cpu("DFA, MFDFA", names("DFA_alpha1", "DFA_alpha2", "MFDFA_alpha1_Width", "MFDFA_alpha2_Width"), 9)
cpu("LZC", names("LZC"), 9)
cpu("HFD", names("HFD"), 9)
out = {"cpu": dict(out), "values": values}
"""
SAMPEN: Final = {
    "neurokit2": """
import neurokit2 as nk
cpu("SampEn", lambda: nk.entropy_sample(rr, dimension=2, tolerance=0.2 * np.std(rr, ddof=1)), 1)
""",
    "antropy": """
import antropy
antropy.sample_entropy(rr[:300], order=2, tolerance=0.2 * np.std(rr, ddof=1))  # numba compiles
cpu("SampEn", lambda: antropy.sample_entropy(rr, order=2, tolerance=0.2 * np.std(rr, ddof=1)), 1)
""",
}
DFA: Final = {
    "neurokit2": """
import neurokit2 as nk
cpu("DFA", lambda: nk.fractal_dfa(rr, scale=np.arange(4, 65), overlap=False), 1)
""",
    "antropy": """
import antropy
antropy.detrended_fluctuation(rr[:300])  # numba compiles
cpu("DFA", lambda: antropy.detrended_fluctuation(rr), 3)
""",
}
DAY: Final = """
import vitals_signal as dsp
for name in ("SampEn", "ApEn", "FuzzyEn", "CD", "DFA_alpha1", "DFA_alpha2", "MFDFA_alpha2_Width", "MSEn", "CMSEn",
             "HFD", "KFD", "LZC", "Hurst", "PermEn", "ShanEn", "SD1", "SI", "PIP", "Symbolic_EqualProb4_0V"):
    dsp.hrv_nonlinear(rr[:300], names=[name])
    cpu(name, lambda: dsp.hrv_nonlinear(rr, names=[name]), 1)
"""
WINDOWS: Final = """
import vitals_signal as dsp
edges = np.searchsorted(np.cumsum(rr), 300_000 * np.arange(269))
parts = [rr[a:b] for a, b in zip(edges[:-1], edges[1:])]
parts = [part for part in parts if len(part) > 60]
four = ("SD1", "SampEn", "DFA_alpha1", "DFA_alpha2")
cpu("some", lambda: [dsp.hrv_nonlinear(part, names=four) for part in parts], 3)
cpu("all", lambda: [dsp.hrv_nonlinear(part) for part in parts], 1)
out["windows"] = len(parts)
"""


def fine(rr: Floats) -> Floats:
    """The same day as a strap would tell it, in 1/1024 s."""
    return np.rint(rr * 1.024 + np.random.default_rng(0).uniform(-4, 4, len(rr))) / 1.024


def versus(work: str, peers: dict[str, str], ours: str, rr: Floats) -> None:
    own = ask("vitals", ours, rr)
    for name, script in peers.items():
        try:
            theirs = ask(name, script, rr)
        except PeerUnavailable as error:
            print(f"{work}: {error}")
            continue
        for part, value in theirs.items():
            if isinstance(value, str):
                print(f"{work} {part}, {name}: {value}")
            else:
                line(f"{work}", name, value[0], own[part][0], f"memory {value[1]:.0f} / {own[part][1]:.0f} MB")


def values_of_both(label: str, rr: Floats) -> None:
    ours: dict[str, Any] = ask("vitals", VITALS, rr)
    try:
        theirs: dict[str, Any] = ask("neurokit2", NEUROKIT, rr)
    except PeerUnavailable as error:
        print(f"{label}: {error}")
        return
    for part, value in theirs["cpu"].items():
        if isinstance(value, str):
            print(f"{label} {part}, neurokit2: {value}")
        else:
            line(f"{label} {part}", "neurokit2", value[0], ours["cpu"][part][0])
    apart = {
        name: abs(ours["values"][name] - value) / max(abs(value), 1e-300) for name, value in theirs["values"].items()
    }
    worst = max(apart, key=apart.__getitem__)
    print(f"{label}: {len(apart)} values, farthest apart {worst}, {apart[worst]:.1e} of it")


def short(data: Path) -> None:
    """Five minutes, 489 beats."""
    values_of_both("5 min", nn_intervals(person(data)).nn_ms[5000:5489])


def longer(data: Path) -> None:
    """Where the peers' quadratic memory shows."""
    values_of_both("2000 beats", nn_intervals(person(data)).nn_ms[5000:7000])


def entropy(data: Path) -> None:
    """Exact SampEn of a day, on the lattice of a Holter and on that of a strap; DFA 4..64 of a day."""
    coarse = person(data)
    ours = 'import vitals_signal as d\nd.sample_entropy(rr[:300])\ncpu("SampEn", lambda: d.sample_entropy(rr), 3)'
    versus("SampEn 24 h, 1/128 s", SAMPEN, ours, coarse)
    versus("SampEn 24 h, 1/1024 s", SAMPEN, ours, fine(coarse))
    ours = 'import vitals_signal as d\ncpu("DFA", lambda: d.dfa(rr, scales=range(4, 65)), 5)'
    versus("DFA 24 h", DFA, ours, coarse)


def day(data: Path) -> None:
    """Each measure over a day, alone: most of these no peer gives within hours, or within 80 GB."""
    coarse = person(data)
    for lattice, rr in (("1/128 s", coarse), ("1/1024 s", fine(coarse))):
        for name, value in ask("vitals", DAY, rr).items():
            print(f"{name:24s} 24 h, {lattice:8s} {1e3 * value[0]:10.1f} ms, memory +{value[1]:.0f} MB")


def windows(data: Path) -> None:
    """Windows of 300 s of a day."""
    found = ask("vitals", WINDOWS, fine(person(data)))
    print(
        f"{found['windows']} windows of 300 s: SD1, SampEn, DFA {found['some'][0]:.2f} s; all {found['all'][0]:.2f} s"
    )


PARTS: Final[dict[str, Callable[[Path], None]]] = {
    "short": short,
    "longer": longer,
    "entropy": entropy,
    "day": day,
    "windows": windows,
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
