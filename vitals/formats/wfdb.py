"""WFDB records (PhysioNet): header, signals and annotations, read without the wfdb package.

Laws of this file:
1. Bytes become typed results or a FormatError that names file, field, value and remedy; nothing else comes out.
2. Samples stay the integers of the file; gain and baseline say what one step is worth.
3. What is not supported (multi-segment records, several samples per frame, skew, compressed formats) is refused, never
   guessed.

Sources: WFDB Applications Guide, header(5), signal(5), annot(5) (Moody, PhysioNet); symbols after `wfdb/ecgcodes.h`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from vitals.errors import FormatError

_T = TypeVar("_T", int, float)

BEAT_SYMBOLS: Final = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Annotation symbols that mark a heart beat (WFDB `isqrs`); the others mark rhythm, noise or waves."""

_SYMBOLS: Final = {
    0: " ", 1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E", 11: "j", 12: "/", 13: "Q",
    14: "~", 16: "|", 18: "s", 19: "T", 20: "*", 21: "D", 22: '"', 23: "=", 24: "p", 25: "B", 26: "^", 27: "t", 28: "+",
    29: "u", 30: "?", 31: "!", 32: "[", 33: "]", 34: "e", 35: "n", 36: "@", 37: "x", 38: "f", 39: "(", 40: ")", 41: "r",
}  # fmt: skip
_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63
_DEFAULT_FS: Final = 250.0
_DEFAULT_GAIN: Final = 200.0


@dataclass(frozen=True, slots=True)
class Signal:
    """One line of the header's signal specification."""

    file: str  # name of the signal file beside the header
    format: int
    offset: int  # bytes before the first sample
    name: str
    unit: str
    gain: float  # steps per unit
    baseline: int  # step that stands for 0 of `unit`
    initial: int  # first sample; format 8 starts from it
    checksum: int | None  # 16-bit sum of all samples; None where the header has none


@dataclass(frozen=True, slots=True)
class Header:
    """A record's header."""

    record: str
    fs: float  # Hz
    n_samples: int | None  # per signal; None where the header leaves it open
    start: datetime | None  # base date and time; header(5) knows no zone, UTC is assumed
    start_time: time | None  # base time of day where the header has no date
    signals: tuple[Signal, ...]
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The signals of a record."""

    header: Header
    samples: NDArray[np.int32]  # (n, channels), steps as in the file
    missing: NDArray[np.bool_]  # (n, channels), where the file holds the format's "no sample" mark

    def physical(self, channel: int) -> NDArray[np.float64]:
        """Samples of one channel in its unit, shape (n,); NaN where missing."""
        signal = self.header.signals[channel]
        values = (self.samples[:, channel].astype(np.float64) - signal.baseline) / signal.gain
        values[self.missing[:, channel]] = np.nan
        return values


@dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """The annotations of a record, in the order of the file."""

    sample: NDArray[np.int64]  # (n,), in samples of `fs`
    symbol: NDArray[np.str_]  # (n,), WFDB or custom symbol each; "<15>" for a code without one
    aux: tuple[str, ...]  # (n,), "" where an annotation has no text, e.g. "(AFIB"
    fs: float | None  # time resolution stated in the file itself; None: that of the header

    @property
    def is_beat(self) -> NDArray[np.bool_]:
        """Which annotations mark a beat, shape (n,)."""
        return np.isin(self.symbol, sorted(BEAT_SYMBOLS))


_RECORD_LINE: Final = re.compile(
    r"(?P<name>[-\w]+)(?P<segments>/\d+)?\s+(?P<n_sig>\d+)"
    r"(\s+(?P<fs>[\d.eE+-]+)(/[-\d.eE+]+(\([-\d.eE+]+\))?)?(\s+(?P<n>\d+)(\s+(?P<time>[\d:.]+)(\s+(?P<date>[\d/]+))?)?)?)?\s*"
)
_FORMAT: Final = re.compile(r"(?P<format>\d+)(x(?P<per_frame>\d+))?(:(?P<skew>\d+))?(\+(?P<offset>\d+))?")
_GAIN: Final = re.compile(r"(?P<gain>[-+\d.eE]+)(\((?P<baseline>[-+]?\d+)\))?(/(?P<unit>\S+))?")


def read_header(path: Path | str) -> Header:
    """Read a .hea file.

    Raises FormatError where the header breaks header(5) or asks for what vitals does not read.
    """
    path = Path(path).with_suffix(".hea")
    lines = [line.strip() for line in _bytes(path).decode("latin-1").splitlines()]
    comments = tuple(line[1:].strip() for line in lines if line.startswith("#"))
    body = [line for line in lines if line and not line.startswith("#")]
    match = _RECORD_LINE.fullmatch(body[0]) if body else None
    if match is None:
        raise _refuse(
            path, "record line", body[0] if body else "", "expected: NAME SIGNALS [FS [SAMPLES [TIME [DATE]]]]"
        )
    if match["segments"] is not None:
        raise _refuse(
            path, "number of segments", match["segments"][1:], "multi-segment records are not read; join them first"
        )
    fs = _number(path, "sampling frequency", match["fs"], float, _DEFAULT_FS)
    if not 0 < fs < 1e9:
        raise _refuse(path, "sampling frequency", match["fs"], "it must lie above 0 Hz")
    n_sig = int(match["n_sig"])
    if len(body) - 1 < n_sig:
        raise _refuse(path, "signal lines", str(len(body) - 1), f"the record line announces {n_sig}")
    signals = tuple(_signal_line(path, k, line) for k, line in enumerate(body[1 : n_sig + 1]))
    start, start_time = _start(path, match["time"], match["date"])
    return Header(match["name"], fs, int(match["n"] or 0) or None, start, start_time, signals, comments)


def read_signals(path: Path | str, *, start: int = 0, stop: int | None = None) -> Recording:
    """Read the signals of a record; `start` and `stop` are samples, as in a slice (not negative).

    Raises FormatError where header or signal file are missing, short, or in a format vitals does not read
    (it reads 8, 16, 24, 32, 61, 80 and 212).
    """
    header = read_header(path)
    folder = Path(path).parent
    if not header.signals:
        raise _refuse(Path(path).with_suffix(".hea"), "number of signals", "0", "this record has annotations only")
    if start < 0 or (stop is not None and stop < start):
        raise FormatError(f"{path}: samples {start} to {stop} are not a stretch of the record; use 0 <= start <= stop")
    columns: list[NDArray[np.int32]] = []
    missing: list[NDArray[np.bool_]] = []
    for name in dict.fromkeys(signal.file for signal in header.signals):
        group = [signal for signal in header.signals if signal.file == name]
        frames, void = _read_signal_file(folder / name, group, header.n_samples, start, stop)
        columns.append(frames)
        missing.append(void)
    if len({len(column) for column in columns}) > 1:
        lengths = ", ".join(str(len(column)) for column in columns)
        raise _refuse(Path(path), "samples per signal file", lengths, "the files of one record must be equally long")
    order = np.argsort(
        [
            k
            for name in dict.fromkeys(s.file for s in header.signals)
            for k, s in enumerate(header.signals)
            if s.file == name
        ]
    )
    return Recording(header, np.hstack(columns)[:, order], np.hstack(missing)[:, order])


def read_annotations(path: Path | str, extension: str) -> Annotations:
    """Read the annotation file of a record in MIT format; `extension` is its annotator name ("atr", "ecg", "qrs").

    Raises FormatError where the file ends within an annotation or times run below 0.
    """
    path = Path(path).with_suffix("." + extension)
    raw = _bytes(path)
    words = np.frombuffer(raw[: len(raw) & ~1], "<u2")
    codes, steps = (words >> 10).astype(np.int64), (words & 0x3FF).astype(np.int64)
    # Plain annotations come in long runs between the few words that carry something else; whole runs are taken at once.
    special = np.flatnonzero((codes >= _SKIP) | (words == 0))
    runs_code: list[NDArray[np.int64]] = []
    runs_step: list[NDArray[np.int64]] = []
    texts: dict[int, str] = {}
    at, count, ended, pending = 0, 0, False, 0
    for word in special.tolist():
        if word < at:
            continue  # it is payload of a special word before it
        run = steps[at:word].copy()
        if len(run):
            run[0] += pending
            pending = 0
            runs_code.append(codes[at:word])
            runs_step.append(run)
            count += len(run)
        code, at = int(codes[word]), word + 1
        if words[word] == 0:
            ended = True
            break
        if code == _SKIP:
            if word + 2 >= len(words):
                raise _refuse(path, "SKIP", f"at byte {2 * word}", "the file is cut off; fetch it again")
            pending += int(np.int32(np.uint32((int(words[word + 1]) << 16) | int(words[word + 2]))))
            at = word + 3
        elif code == _AUX:
            length = int(steps[word])
            at = word + 1 + (length + 1) // 2
            if at > len(words):
                raise _refuse(path, "AUX", f"{length} bytes at byte {2 * word}", "the file is cut off; fetch it again")
            texts[count - 1] = raw[2 * word + 2 : 2 * word + 2 + length].decode("latin-1").rstrip("\0")
    if not ended:
        raise _refuse(path, "end mark", "none", "the file is cut off or not a WFDB annotation file; fetch it again")
    code_of = np.concatenate(runs_code) if runs_code else np.empty(0, np.int64)
    sample = np.cumsum(np.concatenate(runs_step)) if runs_step else np.empty(0, np.int64)
    table = np.array([_SYMBOLS.get(code, f"<{code}>") for code in range(_SKIP)])
    return _without_definitions(path, sample, table[code_of], [texts.get(k, "") for k in range(count)])


def _without_definitions(
    path: Path, sample: NDArray[np.int64], symbol: NDArray[np.str_], aux: list[str]
) -> Annotations:
    """Notes at time 0 that start with "##" speak about the file, not about the heart: read them, then drop them.

    They give the time resolution and, between two marks, one custom symbol per note ("45 y some words"). Annotations
    of code 0 mark nothing; WFDB writes one where these notes end.
    """
    if len(sample) and int(sample.min()) < 0:
        raise _refuse(path, "annotation time", str(int(sample.min())), "it lies before the record; the file is damaged")
    fs: float | None = None
    keep = symbol != _SYMBOLS[0]
    custom: dict[str, str] = {}
    defining = False
    for k, text in enumerate(aux):
        if sample[k] != 0 or symbol[k] not in ('"', _SYMBOLS[0]):
            break
        keep[k] &= not (text.startswith("## ") or defining)
        if text.startswith("## time resolution:"):
            fs = _number(path, "time resolution", text.partition(":")[2].strip(), float, _DEFAULT_FS)
            if not 0 < fs < 1e9:
                raise _refuse(path, "time resolution", str(fs), "it must lie above 0 Hz")
        elif text.startswith("## "):
            defining = text == "## annotation type definitions"
        elif defining:
            code, _, meaning = text.partition(" ")
            custom[f"<{code}>"] = meaning.partition(" ")[0]
    symbol = np.array([custom.get(one, one) for one in symbol.tolist()]) if custom else symbol
    return Annotations(sample[keep], symbol[keep], tuple(text for k, text in zip(keep, aux, strict=True) if k), fs)


def _signal_line(path: Path, index: int, line: str) -> Signal:
    fields = line.split(maxsplit=8)
    what = f"signal line {index + 1}"
    if len(fields) < 2:
        raise _refuse(path, what, line, "expected: FILE FORMAT [GAIN [BITS [ZERO [FIRST [CHECKSUM [BLOCK [NAME]]]]]]]")
    form = _FORMAT.fullmatch(fields[1])
    if form is None:
        raise _refuse(path, f"{what}, format", fields[1], "expected a number such as 212 or 16")
    if int(form["per_frame"] or 1) != 1 or int(form["skew"] or 0) != 0:
        raise _refuse(
            path, f"{what}, format", fields[1], "several samples per frame and skew are not read; convert with xform"
        )
    if "/" in fields[0] or "\\" in fields[0] or fields[0] in {"~", "-", "..", "."}:
        raise _refuse(path, f"{what}, file", fields[0], "the signal file must lie beside the header")
    gain_match = _GAIN.fullmatch(fields[2]) if len(fields) > 2 else None
    if len(fields) > 2 and gain_match is None:
        raise _refuse(path, f"{what}, gain", fields[2], "expected GAIN[(BASELINE)][/UNIT]")
    gain = _number(path, f"{what}, gain", gain_match["gain"] if gain_match else None, float, 0.0)
    zero = _number(path, f"{what}, ADC zero", fields[4] if len(fields) > 4 else None, int, 0)
    baseline = _number(path, f"{what}, baseline", gain_match["baseline"] if gain_match else None, int, zero)
    initial = _number(path, f"{what}, initial value", fields[5] if len(fields) > 5 else None, int, zero)
    checksum = _number(path, f"{what}, checksum", fields[6], int, 0) if len(fields) > 6 else None
    if not np.isfinite(gain) or max(map(abs, (zero, baseline, initial))) > 2**31 - 1:
        raise _refuse(path, what, line, "gain, ADC zero, baseline and initial value must be 32-bit numbers")
    return Signal(
        file=fields[0],
        format=int(form["format"]),
        offset=int(form["offset"] or 0),
        name=fields[8] if len(fields) > 8 else f"signal {index + 1}",
        unit=(gain_match["unit"] if gain_match else None) or "mV",
        gain=gain or _DEFAULT_GAIN,  # header(5): 0 or absent means uncalibrated, and 200 steps per unit
        baseline=baseline,
        initial=initial,
        checksum=checksum,
    )


def _start(path: Path, clock: str | None, day: str | None) -> tuple[datetime | None, time | None]:
    if clock is None:
        return None, None
    try:
        parts = [float(part) for part in clock.split(":")]
        # header(5): a bare number counts seconds, MM:SS minutes and seconds.
        hour, minute, second = [0.0, 0.0, 0.0, *parts][-3:]
        moment = time(int(hour), int(minute), int(second), round(second % 1 * 1e6) % 1_000_000)
        if day is None:
            return None, moment
        dd, mm, yyyy = (int(part) for part in day.split("/"))
        return datetime.combine(date(yyyy, mm, dd), moment, UTC), moment
    except (ValueError, OverflowError):
        raise _refuse(
            path, "base time", f"{clock} {day or ''}".strip(), "expected HH:MM:SS[.fff] [DD/MM/YYYY]"
        ) from None


_Decoder = Callable[[NDArray[np.uint8]], NDArray[np.int32]]


def _packed_212(raw: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Two 12-bit two's complement samples in three bytes; a last single sample takes two bytes."""
    whole = np.zeros(-(-len(raw) // 3) * 3, np.uint8)
    whole[: len(raw)] = raw
    low, middle, high = whole.reshape(-1, 3).astype(np.int32).T
    out = np.empty(2 * len(low), np.int32)
    out[0::2] = low | ((middle & 0x0F) << 8)
    out[1::2] = high | ((middle & 0xF0) << 4)
    out[out > 2047] -= 4096
    return out[: len(raw) // 3 * 2 + (len(raw) % 3 == 2)]


def _packed_24(raw: NDArray[np.uint8]) -> NDArray[np.int32]:
    low, middle, high = raw[: len(raw) // 3 * 3].reshape(-1, 3).astype(np.int32).T
    return low | (middle << 8) | ((high ^ 0x80) << 16) - (0x80 << 16)


def _plain(dtype: str, shift: int = 0) -> _Decoder:
    size = np.dtype(dtype).itemsize
    return lambda raw: np.frombuffer(raw[: len(raw) // size * size].tobytes(), dtype).astype(np.int32) - np.int32(shift)


# format -> (decoder, bits per sample, the value that means "no sample")
_DECODERS: Final[dict[int, tuple[_Decoder, int, int | None]]] = {
    8: (_plain("i1"), 8, None),
    16: (_plain("<i2"), 16, -(2**15)),
    24: (_packed_24, 24, -(2**23)),
    32: (_plain("<i4"), 32, -(2**31)),
    61: (_plain(">i2"), 16, -(2**15)),
    80: (_plain("u1", 128), 8, -128),
    212: (_packed_212, 12, -(2**11)),
}


def _read_signal_file(
    path: Path, group: list[Signal], n_samples: int | None, start: int, stop: int | None
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The frames start..stop of one signal file, shape (n, channels of that file), and where they are missing."""
    if len({(signal.format, signal.offset) for signal in group}) > 1:
        raise _refuse(
            path, "format", ", ".join(str(s.format) for s in group), "all signals of a file must share one format"
        )
    kind, channels = group[0].format, len(group)
    if kind not in _DECODERS:
        raise _refuse(
            path, "format", str(kind), f"vitals reads {', '.join(map(str, _DECODERS))}; convert with xform -O 16"
        )
    decode, bits, void = _DECODERS[kind]
    raw = np.frombuffer(_bytes(path), np.uint8)[group[0].offset :]
    held = len(raw) * 8 // (bits * channels)
    if n_samples is not None and held < n_samples:
        raise _refuse(
            path, "samples", str(held), f"the header announces {n_samples}; the file is cut off, fetch it again"
        )
    total = held if n_samples is None else n_samples
    stop = total if stop is None else min(stop, total)
    start = min(start, stop)
    # Format 8 is a running sum and must be read from its start; the others from an even frame (212 packs pairs).
    first = 0 if kind == 8 else start - start % 2
    begin, end = first * channels * bits // 8, -(-stop * channels * bits // 8)
    flat = decode(raw[begin:end])[: (stop - first) * channels]
    frames = flat.reshape(-1, channels)
    if kind == 8:
        frames = np.cumsum(frames, axis=0, dtype=np.int32) + np.array([s.initial for s in group], np.int32)
    frames = frames[start - first :]
    return frames, frames == void if void is not None else np.zeros(frames.shape, np.bool_)


def _number(path: Path, field: str, text: str | None, kind: type[_T], default: _T) -> _T:
    if text is None:
        return default
    try:
        return kind(text)
    except ValueError:
        raise _refuse(path, field, text, f"expected {'a whole number' if kind is int else 'a number'}") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise _refuse(
            path, "file", err.strerror or "unreadable", "put all files of the record into one folder"
        ) from None


def _refuse(path: Path, field: str, value: str, remedy: str) -> FormatError:
    return FormatError(f"{path.name}: {field} is {value[:80]!r}: {remedy}")
