"""A WFDB record -> blocks and gaps.

Signals become regular blocks, one per lead and stretch. RR intervals come from the record's beat annotations only where
it has no signals: beats of an ECG are detected by the caller, as they would be live.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals.errors import FormatError
from vitals.formats import LONGEST_RR_S, ImportedRecording, Mark
from vitals.formats.wfdb import Annotations, Header, Recording, read_annotations, read_header, read_signals
from vitals.values import Block, Gap, Timing, rr_block

ANNOTATORS: Final = ("atr", "ecg", "qrs")  # reference first
_TO_MV: Final = {"mv": 1.0, "v": 1e3, "uv": 1e-3, "µv": 1e-3}
_LEAD: Final = re.compile(
    r"(M?L?|mod\.?)?(I{1,3}|aV[RLF]|V\d?[R]?|D\d|CM\d|CS\d|CC\d|E?CG\d*)|ECG.*|lead.*", re.IGNORECASE
)
_NOT_ECG: Final = {"ppg": "ppg", "pleth": "ppg", "resp": "resp", "spo2": "spo2"}
_LONGEST_NOISY_RR_S: Final = 2.0  # so long and marked as noise inside: beats are missing there


def import_wfdb(path: Path) -> ImportedRecording:
    """Read header, signals and annotations. Raises FormatError, also where a record has neither signals nor beats."""
    header = read_header(path)
    annotators = [ext for ext in ANNOTATORS if path.with_suffix("." + ext).is_file()]
    notes = read_annotations(path, annotators[0]) if annotators else None
    metadata = {"fs_hz": f"{header.fs:g}"}
    if header.comments:
        metadata["comments"] = "\n".join(header.comments)
    if header.start is None and header.start_time is not None:
        metadata["start_time"] = header.start_time.isoformat()
    blocks: list[Block] = []
    gaps: list[Gap] = []
    doubts: tuple[str, ...] = ()
    if header.signals:
        recording = read_signals(path)
        kinds = _kinds(header)
        for channel, kind in enumerate(kinds):
            _signal(recording, channel, kind, blocks, gaps)
            metadata[f"lead of {kind}"] = header.signals[channel].name
        doubts = tuple(
            f"the samples of {name} do not have the sum that the header states: the file was changed or is damaged"
            for name in _damaged(recording)
        )
    elif notes is not None:
        blocks, gaps = rr_from_annotations(notes, header.fs)
        metadata["rr from annotator"] = annotators[0]
    if not blocks:
        wanted = " or ".join("." + ext for ext in ANNOTATORS)
        raise FormatError(
            f"{path.name}: content is 'empty': no samples and no two beats; put the .dat or {wanted} file beside it"
        )
    marks = _marks(notes, header.fs) if notes is not None else ()
    signal_files = dict.fromkeys(path.parent / signal.file for signal in header.signals)
    files = [path.with_suffix(".hea"), *signal_files, *(path.with_suffix("." + ext) for ext in annotators[:1])]
    return ImportedRecording(
        header.record, "wfdb", header.start, tuple(blocks), tuple(gaps), marks, metadata, tuple(files), doubts
    )


def rr_from_annotations(notes: Annotations, fs: float) -> tuple[list[Block], list[Gap]]:
    """RR blocks in ticks of the annotations' clock, and the gaps between them.

    A block ends where ventricular flutter is marked, or an interval is so long that beats must be missing: above 6 s,
    or above 2 s with a mark of noise inside.
    """
    rate = notes.fs or fs
    beat = np.flatnonzero(notes.is_beat)
    at = notes.sample[beat]
    # Two annotations of one moment are one beat.
    first = np.append(True, np.diff(at) > 0)
    beat, at = beat[first[: len(at)]], at[first[: len(at)]]
    if len(at) < 2:
        return [], []
    rr = np.diff(at)
    noisy, flutter = (_between(np.isin(notes.symbol, list(which)), beat) for which in ("~|", "[!]"))
    broken = flutter | (rr > LONGEST_RR_S * rate) | (noisy & (rr > _LONGEST_NOISY_RR_S * rate))
    blocks: list[Block] = []
    gaps: list[Gap] = []
    cuts = [0, *(np.flatnonzero(broken) + 1).tolist(), len(at)]
    for begin, end in pairwise(cuts):
        start_us = last_us = _us(at[begin], rate)
        if end - begin > 1:
            blocks.append(rr_block(start_us, rr[begin : end - 1].astype(np.int64), rate))
            last_us = blocks[-1].end_us  # not rounded anew: a gap begins exactly where its block ends
        if end < len(at):
            reason = "ventricular flutter" if flutter[end - 1] else "missing beats"
            gaps.append(Gap("rr", last_us, _us(at[end], rate), reason))
    return blocks, gaps


def _between(marked: NDArray[np.bool_], beat: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether a marked annotation lies between a beat and the next, shape (len(beat) - 1,)."""
    count = np.concatenate(([0], np.cumsum(marked)))
    return count[beat[1:]] > count[beat[:-1]]


def _signal(recording: Recording, channel: int, kind: str, blocks: list[Block], gaps: list[Gap]) -> None:
    signal, fs = recording.header.signals[channel], recording.header.fs
    missing = recording.missing[:, channel]
    values = recording.samples[:, channel].astype(np.int64) - signal.baseline
    if len(values) and max(-int(values.min()), int(values.max())) < 2**31:
        values = values.astype(np.int32)
    millivolt = _TO_MV.get(signal.unit.lower()) if kind.startswith("ecg") else None
    scale, unit = (millivolt / signal.gain, "mV") if millivolt else (1.0 / signal.gain, signal.unit)
    cuts = [0, *(np.flatnonzero(np.diff(missing)) + 1).tolist(), len(values)]
    for begin, end in pairwise(cuts):
        if begin == end:
            continue
        if missing[begin]:
            gaps.append(Gap(kind, _us(begin, fs), _us(end, fs), "no data"))
        else:
            blocks.append(Block(kind, _us(begin, fs), Timing.REGULAR, fs, values[begin:end], scale, unit))


def _kinds(header: Header) -> list[str]:
    """A kind per signal: the first ECG lead is "ecg", further ones "ecg:NAME"; nothing appears twice."""
    named = [bool(_LEAD.match(s.name)) and s.unit.lower() in _TO_MV for s in header.signals]
    # Some records do not name their leads; then whatever is measured in volts counts.
    is_ecg = named if any(named) else [s.unit.lower() in _TO_MV for s in header.signals]
    kinds: list[str] = []
    for signal, ecg in zip(header.signals, is_ecg, strict=True):
        lower = signal.name.lower()
        other = next((kind for word, kind in _NOT_ECG.items() if lower.startswith(word)), None)
        plain = other or ("ecg" if ecg else re.sub(r"[^a-z0-9]+", "_", lower).strip("_") or "signal")
        kind = plain if plain not in kinds else f"{plain}:{signal.name.split(',')[0]}"
        while kind in kinds:
            kind += "'"
        kinds.append(kind)
    return kinds


def _damaged(recording: Recording) -> list[str]:
    """Signals whose sum does not match the header's 16-bit checksum."""
    sums = recording.samples.sum(axis=0, dtype=np.int64)
    return [
        signal.name
        for signal, total in zip(recording.header.signals, sums.tolist(), strict=True)
        if signal.checksum is not None and (total - signal.checksum) % 65536
    ]


def _marks(notes: Annotations, fs: float) -> tuple[Mark, ...]:
    rate = notes.fs or fs
    index = np.flatnonzero(~notes.is_beat).tolist()
    return tuple(Mark(_us(notes.sample[k], rate), str(notes.symbol[k]), notes.aux[k]) for k in index)


def _us(sample: int | np.int64, fs: float) -> int:
    return round(int(sample) * 1e6 / fs)
