"""ECG: R peaks against peers on MIT-BIH, and what a live update costs: `python run.py bench dsp_ecg [DATA] [--peers]`.

DATA is the folder that holds `mitdb`, `nstdb` and `cpsc2021_sample` (by default `../shared/data`). First lead, 150 ms,
first five minutes and ventricular flutter out (nothing out for the short recordings of CPSC 2021), no number tuned by
record. With --peers each peer runs in a pinned environment of its own, on the same samples, CPU time of one thread.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import PeerUnavailable, run_peer
from vitals.formats.beat_scores import flutter
from vitals.formats.wfdb import read_annotations, read_signals
from vitals_signal import EcgStream, FilterStream, butterworth, causal_r_peaks, detect_r_peaks
from vitals_signal.ecg.ec57 import BeatScore, score_beats, sum_scores

DETECTORS: dict[str, Callable[..., Any]] = {"offline": detect_r_peaks, "stream": causal_r_peaks}
NOISE_RECORDS = ("101", "112", "115", "122", "220", "230")
PEERS = {
    "sleepecg": "import sleepecg; detect = lambda x: sleepecg.detect_heartbeats(x, fs)",
    "neurokit2": (
        "import neurokit2 as nk\n"
        "clean = lambda x: nk.ecg_clean(x, sampling_rate=int(fs))\n"
        "detect = lambda x: nk.ecg_peaks(clean(x), sampling_rate=int(fs))[1]['ECG_R_Peaks']"
    ),
    "wfdb gqrs": "import wfdb.processing as p\ndetect = lambda x: p.gqrs_detect(x, fs=fs, adc_gain=200, adc_zero=0)",
    "wfdb xqrs": "import wfdb.processing as p\ndetect = lambda x: p.xqrs_detect(x, fs, verbose=False)",
}
RUN = """
import json, sys, time, numpy as np
data, fs = np.load(sys.argv[1]), 360.0
{setup}
names, seconds = data.files, 0.0
detect(data[names[0]][:36000])
found = {{}}
for name in names:
    begin = time.process_time()
    found[name] = [int(k) for k in detect(data[name])]
    seconds += time.process_time() - begin
print(json.dumps([seconds, found]))
"""


def row(name: str, score: BeatScore) -> str:
    return (
        f"{name:24s} {100 * score.sensitivity:8.3f} {100 * score.positive_predictivity:8.3f} {100 * score.f1:8.3f}"
        f" {score.fn:5d} {score.fp:5d} {score.offset_mean_ms:+7.1f} {score.offset_sd_ms:6.1f}"
    )


def accuracy(data: Path) -> None:
    for which, detect in DETECTORS.items():
        for folder, learning_s in (("mitdb", 300.0), ("nstdb", 300.0), ("cpsc2021_sample", 0.0)):
            scores, seconds, samples = [], 0.0, 0
            for path in sorted((data / folder).rglob("*.atr")):
                recording, notes = read_signals(path), read_annotations(path, "atr")
                ecg, fs = recording.physical(0), recording.header.fs
                begin = time.process_time()
                found = detect(ecg, fs)
                seconds += time.process_time() - begin
                samples += len(ecg)
                beats = notes.sample[notes.is_beat]
                scores.append(score_beats(beats, found, fs, learning_s=learning_s, exclude=flutter(notes, len(ecg))))
                print(row(f"{which} {path.stem}", scores[-1]))
            worst = min(score.f1 for score in scores)
            print(row(f"{which} {folder}", sum_scores(scores)), f" worst F1 {100 * worst:.2f}", end="")
            print(f"  {1e9 * seconds / max(samples, 1):.0f} ns/sample, {seconds:.2f} s CPU")


def noisy(data: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Clean records with `bw` mixed in at 12, 6 and 0 dB of power, and 118e00: samples and reference beats."""
    noise = read_signals(data / "nstdb" / "bw").physical(0)
    ecg, beats = {}, {}
    for name in NOISE_RECORDS:
        clean = read_signals(data / "mitdb" / name).physical(0)
        notes = read_annotations(data / "mitdb" / name, "atr")
        added = noise[: len(clean)]
        for db in (12, 6, 0):
            ecg[f"{name} {db}"] = clean + added * np.sqrt(clean.var() / added.var() / 10 ** (db / 10))
            beats[f"{name} {db}"] = notes.sample[notes.is_beat]
    notes = read_annotations(data / "nstdb" / "118e00", "atr")
    ecg["118e00"], beats["118e00"] = read_signals(data / "nstdb" / "118e00").physical(0), notes.sample[notes.is_beat]
    return ecg, beats


def against_peers(data: Path) -> None:
    ecg, beats = noisy(data)
    ecg["speed"] = read_signals(data / "mitdb" / "101").physical(0)
    ours = {which: _timed(detect, ecg["speed"]) for which, detect in DETECTORS.items()}
    with tempfile.TemporaryDirectory() as folder:
        files = {kind: Path(folder) / f"{kind}.npz" for kind in ("noise", "speed")}
        noise: dict[str, Any] = {name: x for name, x in ecg.items() if name != "speed"}
        np.savez(files["noise"], **noise)
        np.savez(files["speed"], speed=ecg["speed"])
        found: dict[str, dict[str, Any]] = {
            which: {name: detect(x, 360.0) for name, x in ecg.items()} for which, detect in DETECTORS.items()
        }
        print(
            f"\n30 minutes at 360 Hz: offline {1e3 * ours['offline']:.1f} ms, stream {1e3 * ours['stream']:.1f} ms CPU"
        )
        for peer, setup in PEERS.items():
            script = RUN.format(setup=setup)
            try:
                seconds = min(run_peer(peer.split()[0], script, str(files["speed"]))[0] for _ in range(3))
                found[peer] = run_peer(peer.split()[0], script, str(files["noise"]))[1]
            except (PeerUnavailable, json.JSONDecodeError) as error:
                print(f"{peer:24s} {error}")
                continue
            print(f"{peer:24s} {1e3 * seconds:9.1f} ms CPU, {seconds / ours['offline']:7.2f} x ours")
    print("\nnoise: F1 %, beats from the sixth minute on")
    for which, peaks in found.items():
        parts = []
        for key in ("12", "6", "0", "118e00"):
            names = [name for name in beats if name.endswith(f" {key}") or name == key]
            total = sum_scores([score_beats(beats[name], peaks[name], 360.0) for name in names])
            parts.append(f"{key + (' dB' if key.isdigit() else ''):>7s} {100 * total.f1:7.3f}")
        print(f"{which:24s}", *parts)


def _timed(detect: Callable[..., Any], ecg: np.ndarray) -> float:
    best = float("inf")
    for _ in range(5):
        begin = time.process_time()
        detect(ecg, 360.0)
        best = min(best, time.process_time() - begin)
    return best


def live(data: Path) -> None:
    """Blocks as a strap sends them: 130 Hz, 73 samples; and of 26 samples."""
    from scipy.signal import sosfilt, sosfilt_zi

    ecg = read_signals(data / "mitdb" / "101").physical(0)[: 360 * 600]
    for size in (26, 73):
        blocks = [ecg[k : k + size] for k in range(0, len(ecg) - size, size)]
        sections = butterworth(2, (8.0, 25.0), 360.0, "band")
        stream, sos = FilterStream(sections), np.array(sections)
        zi = sosfilt_zi(sos)
        ours, theirs, whole = np.inf, np.inf, np.inf
        for _ in range(3):
            begin = time.process_time()
            for block in blocks:
                stream.update(block)
            ours = min(ours, (time.process_time() - begin) / len(blocks))
            begin = time.process_time()
            for block in blocks:
                _, zi = sosfilt(sos, block, zi=zi)
            theirs = min(theirs, (time.process_time() - begin) / len(blocks))
            beats = EcgStream(360.0)
            begin = time.process_time()
            for block in blocks:
                beats.update(block)
            whole = min(whole, (time.process_time() - begin) / len(blocks))
        print(
            f"block of {size}: filter {1e6 * ours:.1f} us, {ours / theirs:.3f} x sosfilt of SciPy ({1e6 * theirs:.1f});"
            f" whole ECG and RR update {1e6 * whole:.1f} us"
        )


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    data = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2] / "shared" / "data"
    print(f"{'record':24s} {'Se %':>8s} {'+P %':>8s} {'F1 %':>8s} {'FN':>5s} {'FP':>5s} {'mean':>7s} {'sd ms':>6s}")
    accuracy(data)
    live(data)
    if "--peers" in sys.argv:
        against_peers(data)


if __name__ == "__main__":
    main()
