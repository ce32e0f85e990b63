"""R peaks on MIT-BIH by EC57, record by record: `python run.py bench dsp_ecg [DATA]`.

DATA is the folder that holds `mitdb`, `nstdb` and `cpsc2021_sample` (by default `../shared/data`). First lead, 150 ms,
first five minutes and ventricular flutter out (nothing out for the short recordings of CPSC 2021), no number tuned by
record.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from vitals.formats.wfdb import Annotations, read_annotations, read_signals
from vitals_signal import detect_r_peaks
from vitals_signal.ecg.ec57 import BeatScore, score_beats, sum_scores


def flutter(notes: Annotations, n: int) -> list[tuple[float, float]]:
    """Stretches between "[" and "]"; the last may be open."""
    starts, ends = notes.sample[notes.symbol == "["].tolist(), notes.sample[notes.symbol == "]"].tolist()
    return list(zip(starts, [*ends, n][: len(starts)], strict=True))


def row(name: str, score: BeatScore) -> str:
    return (
        f"{name:14s} {100 * score.sensitivity:8.3f} {100 * score.positive_predictivity:8.3f} {100 * score.f1:8.3f}"
        f" {score.fn:5d} {score.fp:5d} {score.offset_mean_ms:+7.1f} {score.offset_sd_ms:6.1f}"
    )


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data"
    print(f"{'record':14s} {'Se %':>8s} {'+P %':>8s} {'F1 %':>8s} {'FN':>5s} {'FP':>5s} {'mean':>7s} {'sd ms':>6s}")
    for folder, learning_s in (("mitdb", 300.0), ("nstdb", 300.0), ("cpsc2021_sample", 0.0)):
        scores, seconds, samples = [], 0.0, 0
        for path in sorted((data / folder).rglob("*.atr")):
            recording, notes = read_signals(path), read_annotations(path, "atr")
            ecg, fs = recording.physical(0), recording.header.fs
            begin = time.process_time()
            found = detect_r_peaks(ecg, fs)
            seconds += time.process_time() - begin
            samples += len(ecg)
            scores.append(
                score_beats(
                    notes.sample[notes.is_beat], found, fs, learning_s=learning_s, exclude=flutter(notes, len(ecg))
                )
            )
            print(row(path.stem, scores[-1]))
        worst = min(score.f1 for score in scores)
        print(row(folder, sum_scores(scores)), f" worst F1 {100 * worst:.2f}", end="")
        print(f"  {1e9 * seconds / max(samples, 1):.0f} ns/sample, {seconds:.2f} s CPU, numpy {np.__version__}")


if __name__ == "__main__":
    main()
