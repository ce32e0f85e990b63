"""Beats of a detector, or of another annotator, against the reference of WFDB records: the report of ANSI/AAMI EC57."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from vitals.errors import InputError
from vitals.formats.wfdb import Annotations, read_annotations, read_signals

if TYPE_CHECKING:
    from vitals_signal import BeatLabels, Ec57Report

Detector = Literal["offline", "stream"]


def score_records(
    records: Iterable[Path],
    *,
    reference: str = "atr",
    test: str | None = None,
    detector: Detector = "offline",
    channel: int = 0,
    learning_s: float = 300.0,
) -> Ec57Report:
    """Score beats record by record and over all: sensitivity, +P, classes where `test` has them, RR error.

    `records`: paths with or without extension; `reference`, `test`: annotators (file extensions). Without `test` the
    beats are those of vitals' own detector on a channel: "offline" looks ahead, "stream" is what a live ECG gives. The
    first `learning_s` of each record (EC57: five minutes) and ventricular flutter are left out. Raises FormatError,
    InputError.
    """
    import vitals_signal as dsp

    found = []
    detect = {"offline": dsp.detect_r_peaks, "stream": dsp.causal_r_peaks}[detector]
    for path in records:
        recording = read_signals(path)
        n, fs = len(recording.samples), recording.header.fs
        if not 0 <= channel < len(recording.header.signals):
            last = len(recording.header.signals) - 1
            raise InputError(f"channel is {channel}; {Path(path).stem} has channels 0 to {last}")
        if test is None:
            beats = dsp.beat_labels(detect(recording.physical(channel), fs))
        else:
            beats = _labelled(read_annotations(path, test), n)
        truth = _labelled(read_annotations(path, reference), n)
        found.append(dsp.compare_beats(Path(path).stem, truth, beats, fs, length=n, learning_s=learning_s))
    if not found:
        raise InputError("no records were given: name one or more, e.g. mitdb/*.hea")
    return dsp.Ec57Report(tuple(found))


def _labelled(notes: Annotations, n: int) -> BeatLabels:
    import vitals_signal as dsp

    symbols = dsp.aami_labels(notes.symbol[notes.is_beat])
    return dsp.beat_labels(notes.sample[notes.is_beat], symbols, flutter=flutter(notes, n))


def flutter(notes: Annotations, n: int) -> list[tuple[float, float]]:
    """Stretches of ventricular flutter, between "[" and "]", in samples; the last may be open to the end `n`."""
    starts, ends = (notes.sample[np.asarray(notes.symbol) == mark].tolist() for mark in "[]")
    return list(zip(starts, [*ends, n][: len(starts)], strict=True))
