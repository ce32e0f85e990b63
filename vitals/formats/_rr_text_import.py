"""RR text -> blocks: the ticks of the file are kept where it has whole milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vitals.formats import ImportedRecording
from vitals.formats.rr_text import read_rr_text
from vitals.values import rr_block


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
    return ImportedRecording(
        name=path.stem,
        format="rr-text",
        start=None,
        blocks=(rr_block(0, ticks, tick_hz),),
        gaps=(),
        marks=(),
        metadata=metadata,
    )
