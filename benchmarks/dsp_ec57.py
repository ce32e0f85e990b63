"""The EC57 report of a detector over MIT-BIH: `python run.py bench dsp_ec57 [offline|stream] [DATA]`.

DATA is the folder that holds `mitdb` (by default `../shared/data`). First lead; the detector names no classes, so that
the columns of ectopic beats say what a detector alone gives.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.dsp_ecg import flutter
from vitals.formats.wfdb import read_annotations, read_signals
from vitals_signal import Ec57Report, aami_labels, beat_labels, causal_r_peaks, compare_beats, detect_r_peaks

DETECTORS = {"offline": detect_r_peaks, "stream": causal_r_peaks}


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument not in DETECTORS]
    detect = DETECTORS[next((argument for argument in sys.argv[1:] if argument in DETECTORS), "offline")]
    data = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2] / "shared" / "data"
    records = []
    for path in sorted((data / "mitdb").rglob("*.atr")):
        recording, notes = read_signals(path), read_annotations(path, "atr")
        n, fs = len(recording.samples), recording.header.fs
        reference = beat_labels(
            notes.sample[notes.is_beat], aami_labels(notes.symbol[notes.is_beat]), flutter=flutter(notes, n)
        )
        records.append(
            compare_beats(path.stem, reference, beat_labels(detect(recording.physical(0), fs)), fs, length=n)
        )
    print(Ec57Report(tuple(records)))


if __name__ == "__main__":
    main()
