"""The PPG room against its goals and its peers.

    python run.py bench dsp_ppg [DATA] [beats] [speed] [rate] [breath] [rhythm]

DATA is the folder with `mimic_perform_af`, `bidmc` and `ieee_spc2015` (by default `../shared/data`). Without a topic,
all run. Peers: NeuroKit2 and HeartPy, each in an environment of its own, one thread, CPU time.

beats   F1 against the R peaks of the ECG (`detect_r_peaks`), 150 ms, one-to-one, after the constant delay that suits a
        recording and a detector best (Charlton et al. 2022, doi 10.1088/1361-6579/ac826d)
speed   one hour at 64 Hz
rate    pulse rate under motion, causal; the numbers as they are, and chosen anew without the subject that is scored
breath  respiratory rate of 32-s windows against the mean of the monitor's impedance rate
rhythm  AF or not from 64 pulse intervals by the shipped model, beside 64 RR intervals of the ECG
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
from numpy.typing import NDArray

import vitals_signal as dsp
from benchmarks.peers import PeerUnavailable, run_peer
from vitals.formats.wfdb import read_signals
from vitals_signal.ppg import motion_rate
from vitals_signal.ppg.beat_intervals import MIN_QUALITY

Floats = NDArray[np.float64]
FS = 125.0
DELAYS_S = np.arange(-0.3, 1.2, 0.02)

NEUROKIT = """
import json, sys, time, numpy as np, neurokit2 as nk
out = {"elgendi": {}, "charlton": {}, "seconds": {"elgendi": 0.0, "charlton": 0.0}}
fs = int(sys.argv[2])
with np.load(sys.argv[1]) as data:
    for name in data.files:
        x = data[name]
        for method in ("elgendi", "charlton"):
            y = nk.ppg_clean(x, sampling_rate=fs) if method == "elgendi" else x
            begin = time.process_time()
            peaks = nk.ppg_findpeaks(y, sampling_rate=fs, method=method)["PPG_Peaks"]
            out["seconds"][method] += time.process_time() - begin
            out[method][name] = np.asarray(peaks).tolist()
print(json.dumps(out))
"""
HEARTPY = """
import json, sys, time, numpy as np, heartpy
out, seconds = {}, 0.0
fs = float(sys.argv[2])
with np.load(sys.argv[1]) as data:
    for name in data.files:
        begin = time.process_time()
        try:
            y = heartpy.filter_signal(data[name], [0.7, 3.5], fs, order=3, filtertype="bandpass")
            found = heartpy.process(y, fs)[0]
            peaks = [int(p) for p, ok in zip(found["peaklist"], found["binary_peaklist"]) if ok]
        except Exception:
            peaks = []
        seconds += time.process_time() - begin
        out[name] = peaks
print(json.dumps({"heartpy": out, "seconds": {"heartpy": seconds}}))
"""


def recordings(data: Path) -> dict[str, tuple[Floats, Floats]]:
    """PPG and ECG of all recordings with both, by name."""
    found = {}
    for path in sorted((data / "mimic_perform_af").glob("*.hea")):
        recording = read_signals(path)
        found[path.stem] = (recording.physical(0), recording.physical(1))
    for path in sorted((data / "bidmc").glob("bidmc_*.npz")):
        with np.load(path) as file:
            found[path.stem] = (file["pleth"] * 1e-6, file["ii"] * 1e-6)
    return found


def group(name: str) -> str:
    return "bidmc" if name.startswith("bidmc") else "mimic non-AF" if "non_af" in name else "mimic AF"


def paired(truth_s: Floats, found_s: Floats, tolerance_s: float = 0.15) -> int:
    """One-to-one matches within the tolerance, both ascending."""
    i = j = hits = 0
    truth, found = truth_s.tolist(), found_s.tolist()
    while i < len(truth) and j < len(found):
        apart = found[j] - truth[i]
        if abs(apart) <= tolerance_s:
            hits, i, j = hits + 1, i + 1, j + 1
        elif apart < 0:
            j += 1
        else:
            i += 1
    return hits


def aligned(r_s: Floats, pulse_s: Floats) -> Floats:
    """Pulse beats moved by the constant delay with which most R peaks have one near."""
    if len(pulse_s) < 2:
        return pulse_s

    def near(delay: float) -> int:
        moved = pulse_s - delay
        k = np.clip(np.searchsorted(moved, r_s), 1, len(moved) - 1)
        return int(np.sum(np.minimum(np.abs(moved[k] - r_s), np.abs(moved[k - 1] - r_s)) <= 0.15))

    delay: float = max(DELAYS_S.tolist(), key=near)
    return pulse_s - delay


def bridged(ppg: Floats) -> Floats:
    """Peers take no NaN."""
    at = np.arange(len(ppg))
    there = np.isfinite(ppg)
    return np.interp(at, at[there], ppg[there])


def peers(signals: dict[str, Floats], fs: float) -> tuple[dict[str, dict[str, list[int]]], dict[str, float]]:
    """Peaks by detector and recording, and CPU seconds by detector."""
    peaks: dict[str, dict[str, list[int]]] = {}
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ppg.npz"
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: bridged(ppg) for name, ppg in signals.items()})
        for peer, script in (("neurokit2", NEUROKIT), ("heartpy", HEARTPY)):
            try:
                answer = run_peer(peer, script, str(path), str(int(fs)))
            except PeerUnavailable as error:
                print(f"{peer} is passed over: {error}")
                continue
            seconds |= answer.pop("seconds")
            peaks |= answer
    return peaks, seconds


def beats(data: Path) -> None:
    pairs = recordings(data)
    r_s = {name: dsp.refine_r_peaks(ecg, FS, dsp.detect_r_peaks(ecg, FS)) / FS for name, (_, ecg) in pairs.items()}
    found: dict[str, dict[str, Floats]] = {"ours: peaks": {}, "ours: upstrokes": {}, "ours: MSPTDfast": {}}
    begin = time.process_time()
    for name, (ppg, _) in pairs.items():
        pulse = dsp.pulse_beats(ppg, FS)
        found["ours: peaks"][name], found["ours: upstrokes"][name] = pulse.peak / FS, pulse.upstroke / FS
    seconds = time.process_time() - begin
    begin = time.process_time()
    for name, (ppg, _) in pairs.items():
        found["ours: MSPTDfast"][name] = dsp.detect_pulse_peaks(ppg, FS, method="msptdfast") / FS
    msptd_seconds = time.process_time() - begin
    others, times = peers({name: ppg for name, (ppg, _) in pairs.items()}, FS)
    for method, by_file in others.items():
        found[method] = {name: np.array(peaks, np.float64) / FS for name, peaks in by_file.items()}
    times["ours: MSPTDfast"] = msptd_seconds
    groups = ("mimic AF", "mimic non-AF", "bidmc")
    print(f"{'F1 %, pooled beats':20s}" + "".join(f"{g:>14s}" for g in (*groups, "mimic", "all")) + "   CPU s")
    for method, by_name in found.items():
        counts = {g: np.zeros(3) for g in (*groups, "mimic", "all")}
        for name, pulse_s in by_name.items():
            score = np.array([paired(r_s[name], aligned(r_s[name], pulse_s)), len(r_s[name]), len(pulse_s)])
            for key in {group(name), group(name).split()[0], "all"}:
                counts[key] += score
        cells = "".join(f"{200 * c[0] / (c[1] + c[2]):14.2f}" for c in counts.values())
        print(f"{method:20s}{cells}{times.get(method, seconds):8.2f}")


def speed(data: Path) -> None:
    pairs = recordings(data)
    hour = np.concatenate([bridged(ppg)[::2] for name, (ppg, _) in pairs.items() if group(name) == "bidmc"])[:230400]
    _, seconds = peers({"warm": hour[:6400], "hour": hour}, 64.0)
    methods: tuple[Literal["upstroke", "msptdfast"], ...] = ("upstroke", "msptdfast")
    for ours in methods:
        rounds = []
        for _ in range(7):
            begin = time.process_time()
            dsp.detect_pulse_peaks(hour, 64.0, method=ours)
            rounds.append(time.process_time() - begin)
        cost = float(np.median(rounds))
        print(f"detect_pulse_peaks, {ours}, 1 h at 64 Hz: {1e3 * cost:.1f} ms (goals: 15x elgendi, 40x charlton)")
        for method, spent in seconds.items():
            print(f"  {method:10s}{1e3 * spent:10.1f} ms {spent / cost:8.1f}x")
    stream, block = dsp.PulsePeakStream(64.0), hour[:64]
    begin = time.process_time()
    for _ in range(3000):
        stream.update(block)
    print(f"PulsePeakStream.update of 1 s: {1e6 * (time.process_time() - begin) / 3000:.0f} us")


def rate(data: Path) -> None:
    from scipy.io import loadmat

    runs = []
    for path in sorted((data / "ieee_spc2015").glob("DATA_*TYPE0?.mat")):
        signal = loadmat(path)["sig"].astype(float)
        truth = loadmat(path.with_name(path.stem + "_BPMtrace.mat"))["BPM0"].ravel()
        runs.append((signal[1:3].T, signal[3:6].T, truth))

    def score(ppg: Floats, acc: Floats | None, truth: Floats) -> tuple[Floats, Floats]:
        windows = dsp.pulse_rate(ppg, acc, FS)[: len(truth)]
        error = np.array([abs(w.values["pulse_rate_bpm"] - t) for w, t in zip(windows, truth, strict=True)])
        return error, np.array([w.values["quality"] for w in windows])

    ways: dict[str, Callable[[Floats, Floats], tuple[Floats, Floats | None]]] = {
        "two channels": lambda ppg, acc: (ppg, acc),
        "first channel": lambda ppg, acc: (ppg[:, 0], acc),
        "second channel": lambda ppg, acc: (ppg[:, 1], acc),
        "no accelerometer": lambda ppg, _: (ppg, None),
    }
    print("mean absolute error, bpm, 12 recordings, causal (goal <= 2.0; TROIKA 2.34, JOSS 1.28, both not causal)")
    for way, pick in ways.items():
        begin = time.process_time()
        scores = [score(*pick(ppg, acc), truth) for ppg, acc, truth in runs]
        cost = 1e3 * (time.process_time() - begin) / sum(len(truth) for *_, truth in runs)
        each = [error.mean() for error, _ in scores]
        error, quality = (np.concatenate([pair[k] for pair in scores]) for k in (0, 1))
        sure = quality > 0.8
        print(
            f"  {way:18s}{np.mean(each):6.2f}  " + " ".join(f"{value:.1f}" for value in each),
            f"  quality > 0.8: {100 * sure.mean():.0f} % at {error[sure].mean():.2f}, rest {error[~sure].mean():.2f};"
            f" {cost:.2f} ms per window",
        )
    names = ("_EVIDENCE", "_DRIFT_BPM", "_HARMONIC")
    grid = list(itertools.product((2.0, 3.0, 4.0, 6.0), (3.0, 4.0, 5.0), (0.0, 0.3)))
    table = []
    usual = [getattr(motion_rate, name) for name in names]
    for choice in (*grid, usual):
        for name, value in zip(names, choice, strict=True):
            setattr(motion_rate, name, value)
        table.append([score(*run)[0].mean() for run in runs])
    errors = np.array(table[:-1])
    left_out = [errors[np.argmin(np.delete(errors, k, axis=1).mean(axis=1)), k] for k in range(len(runs))]
    print(
        f"  {', '.join(names)} chosen from {len(grid)} without the subject scored: {np.mean(left_out):.2f}"
        f" (range over the grid {errors.mean(axis=1).min():.2f}..{errors.mean(axis=1).max():.2f})"
    )


def breath(data: Path) -> None:
    for ecg_too in (False, True):
        errors, qualities, count = [], [], 0
        for path in sorted((data / "bidmc").glob("bidmc_*.npz")):
            with np.load(path) as file:
                ppg, ecg, numerics = file["pleth"] * 1e-6, file["ii"] * 1e-6, file["numerics"]
            others = []
            if ecg_too:
                peaks = dsp.detect_r_peaks(ecg, FS)
                fine = dsp.refine_r_peaks(ecg, FS, peaks) / FS
                others = [(fine, ecg[peaks]), (fine[1:], np.diff(fine))]
            for window in dsp.respiratory_rate(ppg, FS, others=others):
                at = numerics[:, 0]
                monitor = numerics[(at >= window.start_us / 1e6) & (at < window.end_us / 1e6), 3]
                monitor = monitor[monitor > 0]
                count += 1
                if len(monitor) and window.reason is None:
                    errors.append(abs(window.values["respiratory_rate_per_min"] - monitor.mean()))
                    qualities.append(window.values["quality"])
        error, quality = np.array(errors), np.array(qualities)
        print(f"{'PPG and ECG' if ecg_too else 'PPG alone'}: {count} windows of 32 s, MAE per minute by share kept")
        for share in (1.0, 0.9, 0.5):
            kept = quality >= np.quantile(quality, 1.0 - share)
            print(f"  {100 * share:4.0f} % {error[kept].mean():6.2f} (median {np.median(error[kept]):.2f})")
        good = quality > 0.9
        print(
            f"  quality > 0.9: {100 * good.mean():.0f} % at {error[good].mean():.2f}  goals: 4.0 at 90 %, 1.5 on good"
        )


def rhythm(data: Path) -> None:
    import vitals_models

    model = vitals_models.load("irregular-rhythm")
    for source in ("pulse intervals", "all of them", "ECG"):
        scores: dict[bool, list[Floats]] = {True: [], False: []}
        asked = {True: 0, False: 0}
        for name, (ppg, ecg) in recordings(data).items():
            if group(name) == "bidmc":
                continue
            sick = group(name) == "mimic AF"
            if source == "ECG":
                r_s = dsp.refine_r_peaks(ecg, FS, dsp.detect_r_peaks(ecg, FS)) / FS
                times, rr = np.rint(r_s[1:] * 1e6).astype(np.int64), np.diff(r_s) * 1e3
            else:
                found = dsp.pulse_intervals(ppg, FS, min_quality=0.0 if source == "all of them" else MIN_QUALITY)
                times, rr = found.time_us, found.rr_ms
            windows = dsp.rhythm_windows(times, rr, hop=32)
            asked[sick] += len(windows)
            values = [list(window.values.values()) for window in windows if window.reason is None]
            if values:
                scores[sick].append(np.asarray(model.predict_proba(np.array(values))).reshape(len(values), -1)[:, -1])
        sick_p, well_p = np.concatenate(scores[True]), np.concatenate(scores[False])
        area = np.mean((sick_p[:, None] > well_p).astype(float) + 0.5 * (sick_p[:, None] == well_p))
        silent = [100 * (1 - len(p) / asked[sick]) for sick, p in ((True, sick_p), (False, well_p))]
        print(
            f"{source:16s} AUROC {area:.4f}  Se {100 * np.mean(sick_p >= 0.5):5.1f} %"
            f"  Sp {100 * np.mean(well_p < 0.5):5.1f} %  abstained: AF {silent[0]:.0f} %, rest {silent[1]:.0f} %"
        )


TOPICS = {"beats": beats, "speed": speed, "rate": rate, "breath": breath, "rhythm": rhythm}


def main() -> None:
    arguments = sys.argv[1:]
    topics = [word for word in arguments if word in TOPICS] or list(TOPICS)
    folders = [word for word in arguments if word not in TOPICS]
    data = Path(folders[0]) if folders else Path(__file__).resolve().parents[2] / "shared" / "data"
    for topic in topics:
        print(f"== {topic}")
        TOPICS[topic](data)


if __name__ == "__main__":
    main()
