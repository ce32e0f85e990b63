"""A day of acceleration at 100 Hz: counts, metrics and windows against their peers: `python run.py bench dsp_acc`.

CPU time on one thread, each peer in its own pinned environment, in turn over the same made-up day (rest, walking,
fidgeting, with sensor noise, in steps of 1/256 g). Every figure of ours is the median of five runs, a peer's of one
(the slow ones: windows of skdh and TSFEL are timed over a part of the day and scaled, as the line says). `equal` is the
share of 60-s counts that are those of agcounts, which are ActiLife's. Memory beyond the samples: ours is the peak of
what numpy held, a peer's the growth of its process (less than it took, where earlier calls had grown it already).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.peers import ONE_THREAD, PeerUnavailable, run_peer

HEAD: Final = """
import json, resource, sys, time
import numpy as np
x = np.load(sys.argv[1])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def timed(f):
    begin, before = time.process_time(), peak()
    value = f()
    return time.process_time() - begin, peak() - before, value
"""
AGCOUNTS: Final = (
    HEAD
    + """
from agcounts.extract import get_counts
s, mb, counts = timed(lambda: get_counts(x, 100, 60))
np.save(sys.argv[2], counts)
print(json.dumps([s, mb]))
"""
)
SKDH: Final = (
    HEAD
    + """
import skdh.features as F
from skdh.activity import metrics
from skdh.utility.activity_counts import get_activity_counts
t = np.arange(len(x)) / 100.0
counts = timed(lambda: get_activity_counts(100.0, t, x, epoch_seconds=60))
three = timed(lambda: [m(x, wlen=500) for m in (metrics.metric_enmo, metrics.metric_mad, metrics.metric_anglez)])
names = [n for n in F.__all__ if n not in ("Bank", "SampleEntropy")] if hasattr(F, "__all__") else [
    "Autocorrelation", "ComplexityInvariantDistance", "DetailPower", "DetailPowerRatio", "DimensionlessJerk",
    "DominantFrequency", "DominantFrequencyValue", "IQR", "JerkMetric", "Kurtosis", "LinearSlope", "Mean",
    "MeanCrossRate", "PermutationEntropy", "PowerSpectralSum", "RMS", "Range", "RangePowerSum",
    "RatioBeyondRSigma", "SPARC", "SignalEntropy", "Skewness", "SpectralEntropy", "SpectralFlatness", "StdDev"]
bank = F.Bank()
bank.add([getattr(F, n)() for n in names])
w = x[: 144 * 6000].reshape(144, 6000, 3)
bank.compute(w[:2], fs=100.0, axis=1)
windows = timed(lambda: bank.compute(w, fs=100.0, axis=1))
print(json.dumps([counts[:2], three[:2], windows[0] * 10, len(names)]))
"""
)
WRISTPY: Final = (
    HEAD
    + """
import polars as pl
from datetime import datetime, timedelta
from wristpy.core.models import Measurement
from wristpy.processing import metrics
us = np.arange(len(x)) * 10_000
m = Measurement(measurements=x, time=pl.Series(us).cast(pl.Datetime("us")).cast(pl.Datetime("ns")))
three = timed(lambda: [f(m, epoch_length=5.0) for f in (
    metrics.euclidean_norm_minus_one, metrics.mean_amplitude_deviation, metrics.angle_relative_to_horizontal)])
counts = timed(lambda: metrics.actigraph_activity_counts(m, epoch_length=60.0))
print(json.dumps([three[:2], counts[:2]]))
"""
)
TSFEL: Final = (
    HEAD
    + """
import tsfel
cfg = tsfel.get_features_by_domain()
part = x[: 24 * 6000]
f = lambda y: tsfel.time_series_features_extractor(cfg, y, fs=100, window_size=6000, verbose=0, n_jobs=None)
table = f(part[:6000])
s, _, table = timed(lambda: f(part))
print(json.dumps([s * 60, table.shape[1]]))
"""
)
OURS: Final = """
import json, sys, time, tracemalloc
import numpy as np
import vitals_signal as dsp
x = np.load(sys.argv[1])
calls = {
    "counts": lambda: dsp.activity_counts(x, 100, 60),
    "three": lambda: dsp.acc_metrics(x, 100, 5.0, ("enmo", "mad", "angle_z")),
    "filtered": lambda: dsp.acc_metrics(x, 100, 5.0, ("hfen", "bfen")),
    "windows": lambda: dsp.acc_window_features(x, 100, 60.0),
}
out = {}
for name, call in calls.items():
    call() if name != "counts" else dsp.activity_counts(x[:6000], 100, 60)
    seconds = []
    for _ in range(5):
        begin = time.process_time()
        value = call()
        seconds.append(time.process_time() - begin)
    tracemalloc.start()
    call()
    megabytes = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    out[name] = [sorted(seconds)[2], megabytes, len(getattr(value, "names", ()))]
    if name == "counts":
        np.save(sys.argv[2], value.values)
print(json.dumps(out))
"""


def make_day(path: Path) -> None:
    import numpy as np

    rng = np.random.default_rng(7)
    n = 86_400 * 100
    t = np.arange(n) / 100.0
    acc = rng.standard_normal((n, 3)) * 0.01
    hour = (t // 900).astype(int)
    up = rng.standard_normal((hour[-1] + 1, 3))
    acc += (up / np.linalg.norm(up, axis=1, keepdims=True))[hour]
    walking = hour % 8 == 3
    acc[:, 0] += np.where(walking, 0.35 * np.sin(2 * np.pi * 1.8 * t), 0.0)
    acc[:, 2] += np.where(walking, 0.25 * np.sin(2 * np.pi * 3.6 * t + 1), 0.0)
    fidget = hour % 3 == 1
    for axis in range(3):
        acc[:, axis] += np.where(fidget, 0.15 * np.sin(2 * np.pi * (0.4 + 0.3 * axis) * t) * np.sin(0.11 * t), 0.0)
    np.save(path, np.round(acc * 256) / 256)


def ours(day: Path, counts: Path) -> Any:
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(root / "signal")}
    done = subprocess.run(
        [sys.executable, "-c", OURS, str(day), str(counts)], capture_output=True, text=True, check=True, env=environment
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def attempt(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except PeerUnavailable as error:
        print(error)
        return None


def line(what: str, peer: str, peer_s: float, own_s: float, goal: float, note: str = "") -> None:
    ratio = peer_s / own_s
    print(f"{what:26s} {peer:20s} {peer_s:9.3f} s {own_s:8.3f} s {ratio:8.1f}x  (goal {goal:g}x)  {note}")


def main() -> None:
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        day, own_counts, peer_counts = (Path(folder) / name for name in ("day.npy", "own.npy", "peer.npy"))
        make_day(day)
        first = ours(day, own_counts)
        agcounts = attempt(lambda: run_peer("agcounts", AGCOUNTS, str(day), str(peer_counts)))
        skdh = attempt(lambda: run_peer("skdh", SKDH, str(day)))
        wristpy = attempt(lambda: run_peer("wristpy", WRISTPY, str(day)))
        tsfel = attempt(lambda: run_peer("tsfel", TSFEL, str(day)))
        second = ours(day, own_counts)
        own = {name: statistics.mean((first[name][0], second[name][0])) for name in first}
        print(f"{time.strftime('%Y-%m-%d')}  24 h at 100 Hz, three axes, CPU seconds of the peer and of ours")
        print("memory beyond the samples:", ", ".join(f"{name} {row[1]:.0f} MB" for name, row in first.items()))
        if agcounts:
            equal = float((np.load(own_counts) == np.load(peer_counts)).mean())
            line(
                "counts, 60 s",
                "agcounts 0.2.6",
                agcounts[0],
                own["counts"],
                80,
                f"{agcounts[1]:.0f} MB, equal {equal:.4f}",
            )
        if skdh:
            line("counts, 60 s", "skdh 0.17.18", skdh[0][0], own["counts"], 2, f"{skdh[0][1]:.0f} MB")
            line("ENMO + MAD + angle, 5 s", "skdh 0.17.18", skdh[1][0], own["three"], 4, f"{skdh[1][1]:.0f} MB")
        if wristpy:
            line("counts, 60 s", "wristpy 0.2.10", wristpy[1][0], own["counts"], 2, f"{wristpy[1][1]:.0f} MB")
            line(
                "ENMO + MAD + angle, 5 s", "wristpy 0.2.10", wristpy[0][0], own["three"], 25, f"{wristpy[0][1]:.0f} MB"
            )
        features = first["windows"][2]
        if skdh:
            note = f"{skdh[3]} x 3 features of a tenth of the day, times 10; ours {features}"
            line("60-s windows", "skdh 0.17.18 Bank", skdh[2], own["windows"], 15, note)
        if tsfel:
            note = f"{tsfel[1]} features of 24 windows, times 60; ours {features}"
            line("60-s windows", "tsfel 0.2.0", tsfel[0], own["windows"], 40, note)
        print(f"HFEN + BFEN, 5 s: {own['filtered']:.3f} s")


if __name__ == "__main__":
    main()
