"""Files in, blocks and gaps out; one file per format.

Laws of this room:
1. A file becomes an `ImportedRecording` or a FormatError that names file, field, value and remedy.
2. Numbers stay the integers of the file. What the file does not hold becomes a `Gap`, never a zero.
3. Nothing is detected or corrected here: R peaks and features are made by whoever calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vitals.errors import FormatError
from vitals.values import Block, Gap

LONGEST_RR_S = 6.0  # without a beat for longer, beats are missing rather than the heart pausing
_WFDB_SUFFIXES = (".hea", ".dat", ".atr", ".ecg", ".qrs")


@dataclass(frozen=True, slots=True)
class Mark:
    """A note of the recording's annotators that is not a beat, e.g. the onset of a rhythm."""

    time_us: int
    symbol: str  # as in the file ("+" for a change of rhythm in WFDB)
    text: str  # as in the file, e.g. "(AFIB"


@dataclass(frozen=True, slots=True, eq=False)
class ImportedRecording:
    """What one recording holds; all times are microseconds from its start."""

    name: str
    format: str  # as `detect` gives it
    start: datetime | None  # UTC; None where the file does not say
    blocks: tuple[Block, ...]  # "ecg" (mV; further leads "ecg:V1"), "ppg", "resp", ... and "rr"
    gaps: tuple[Gap, ...]
    marks: tuple[Mark, ...]
    metadata: Mapping[str, str]
    files: tuple[Path, ...]  # all that were read
    doubts: tuple[str, ...] = ()  # what is wrong with them and did not stop the reading

    @property
    def kinds(self) -> tuple[str, ...]:
        """Streams in the recording, in the order of the file."""
        return tuple(dict.fromkeys(block.kind for block in self.blocks))


def detect(path: Path | str) -> str:
    """The format of a file: "wfdb" or "rr-text". Raises FormatError where it is neither, or not readable."""
    path = Path(path)
    if not path.is_file():
        what = "a folder" if path.is_dir() else "missing"
        raise FormatError(f"{path}: file is {what!r}: check the path; of a WFDB record give the .hea file")
    if path.suffix.lower() in _WFDB_SUFFIXES:
        if path.with_suffix(".hea").is_file():
            return "wfdb"
        raise FormatError(f"{path.name}: header is 'missing': put {path.stem}.hea beside it")
    if _starts_with_a_number(path):
        return "rr-text"
    raise FormatError(
        f"{path.name}: format is 'unknown': vitals reads WFDB records (.hea) and RR text (one interval per line)"
    )


def read(path: Path | str) -> ImportedRecording:
    """Read a recording of any format that `detect` knows. Raises FormatError."""
    if detect(path) == "wfdb":
        from vitals.formats._wfdb_import import import_wfdb

        return import_wfdb(Path(path))
    from vitals.formats._rr_text_import import import_rr_text

    return import_rr_text(Path(path))


def _starts_with_a_number(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4096)
    for line in head.decode("latin-1").removeprefix("\xef\xbb\xbf").splitlines():
        body = line.partition("#")[0].strip().rstrip(",;")
        if body:
            return body.replace(".", "", 1).isdigit()
    return False
