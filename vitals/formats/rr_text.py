"""RR intervals as text: one interval per line, as Kubios, HRV4Training, Elite HRV and most straps' apps export it.

Laws of this file:
1. A line is an interval, a comment (`#`), or empty; anything else is refused with its line number.
2. The unit is one for the whole file, and the result says how it was found out.

Format: plain text, UTF-8 or Latin-1; milliseconds or seconds; a trailing comma or semicolon is allowed, a decimal
comma is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from vitals.errors import FormatError

# No heart beats at 6000 bpm nor pauses for 100 s: below, a median is seconds, above milliseconds.
_SECONDS_BELOW: Final = 10.0
_LONGEST_MS: Final = 3_600_000.0


@dataclass(frozen=True, slots=True, eq=False)
class RrText:
    """The intervals of a file."""

    rr_ms: NDArray[np.float64]  # (n,)
    unit: Literal["ms", "s"]  # in the file
    unit_stated: bool  # whether a comment named the unit; else it follows from the size of the numbers
    comments: tuple[str, ...]


def read_rr_text(path: Path | str) -> RrText:
    """Read RR intervals from a text file.

    Raises FormatError where the file cannot be read, holds no interval, or a line is not a positive number.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as err:
        raise FormatError(f"{path.name}: file is {err.strerror or 'unreadable'!r}: check the path") from None
    if b"\0" in raw:
        raise FormatError(f"{path.name}: content is binary: RR text has one number per line; is this another format?")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return parse_rr_text(text, path.name)


def parse_rr_text(text: str, name: str = "RR text") -> RrText:
    """The intervals in `text`; `name` stands in the errors (see `read_rr_text`)."""
    values: list[float] = []
    comments: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        body, mark, comment = line.partition("#")
        body = body.strip().rstrip(",;").strip()
        if mark:
            comments.append(comment.strip())
        if body:
            values.append(_interval(body, number, name))
    if not values:
        raise FormatError(f"{name}: intervals are 'none': expected one RR interval per line, in ms or s")
    stated = _stated_unit(comments)
    unit = stated or ("s" if float(np.median(values)) < _SECONDS_BELOW else "ms")
    rr_ms = np.array(values) * (1000.0 if unit == "s" else 1.0)
    if float(rr_ms.max()) > _LONGEST_MS:
        raise FormatError(
            f"{name}: an interval is longer than an hour in {unit}: state the unit in a comment, e.g. '# unit: ms'"
        )
    return RrText(rr_ms, unit, stated is not None, tuple(comments))


def _interval(body: str, number: int, name: str) -> float:
    try:
        value = float(body)
    except ValueError:
        value = math.nan
    # float() also takes "1_000", "inf" and "nan": none of them is an interval.
    if not (math.isfinite(value) and value > 0 and "_" not in body):
        remedy = "use a decimal point" if "," in body else "expected one positive number; put '#' before comments"
        raise FormatError(f"{name}: line {number} is {body[:40]!r}: {remedy}")
    return value


def _stated_unit(comments: list[str]) -> Literal["ms", "s"] | None:
    """A comment such as "unit: ms" or "RR intervals [s]"."""
    for comment in comments:
        words = comment.lower().replace("[", " ").replace("]", " ").replace("(", " ").replace(")", " ").split()
        if ("unit:" in words or "units:" in words or "rr" in words) and ("ms" in words) != ("s" in words):
            return "ms" if "ms" in words else "s"
    return None
