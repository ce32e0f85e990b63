"""RR text -> blocks: the ticks of the file are kept where it has whole milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vitals.formats import LONGEST_RR_S, ImportedRecording
from vitals.formats.rr_text import read_rr_text
from vitals.values import Gap, rr_block


def import_rr_text(path: Path) -> ImportedRecording:
    """Ticks of 1 ms where all intervals are whole milliseconds, else of 1 microsecond (the text's digits end there)."""
    text = read_rr_text(path)
    whole = bool(np.all(text.rr_ms == np.rint(text.rr_ms)))
    tick_hz = 1e3 if whole else 1e6
    ticks = np.maximum(np.rint(text.rr_ms * (tick_hz / 1e3)), 1).astype(np.int64)
    how = "stated in the file" if text.unit_stated else "by the size of the numbers"
    metadata = {"unit": f"{text.unit} ({how})"}
    if text.comments:
        metadata["comments"] = "\n".join(text.comments)
    begins = np.cumsum(ticks) - ticks
    too_long = np.flatnonzero(ticks > LONGEST_RR_S * tick_hz)
    blocks, gaps, at = [], [], 0
    for end in [*too_long.tolist(), len(ticks)]:
        if end > at:
            blocks.append(rr_block(0, ticks[at:end], tick_hz, first=int(begins[at])))
        if end < len(ticks):
            start, stop = (round(int(tick) * 1e6 / tick_hz) for tick in (begins[end], begins[end] + ticks[end]))
            gaps.append(Gap("rr", start, stop, "missing beats"))
        at = end + 1
    return ImportedRecording(
        name=path.stem,
        format="rr-text",
        start=None,
        blocks=tuple(blocks),
        gaps=tuple(gaps),
        marks=(),
        metadata=metadata,
        files=(path,),
    )
