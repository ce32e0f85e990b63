"""Recordings: files of others as the streams that a device would have given, and as a device to replay.

RR intervals of an ECG are computed here once, for import, replay and the virtual strap alike: R peaks in samples of the
ECG, so that the tick of an interval is the sample of its source.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vitals.device import Source, Tap, only
from vitals.formats import LONGEST_RR_S, ImportedRecording, read
from vitals.values import Block, DeviceInfo, Gap, Provenance, Timing, rr_block

if TYPE_CHECKING:
    import os

R_PEAKS = Provenance("r-peaks", "1", {"longest_rr_s": LONGEST_RR_S})
_PIECE_US = 10_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A file as streams; all times are microseconds from its start."""

    name: str
    format: str
    zero_utc_us: int | None  # UTC of its start; None where the file does not say
    items: tuple[Block | Gap, ...]  # of all streams, by time
    made_by: Mapping[str, Provenance]  # streams that were computed from others, by kind
    sha256: str  # of the bytes of all files that were read
    doubts: tuple[str, ...]  # what is wrong with the files and did not stop the reading

    def of(self, kind: str) -> list[Block | Gap]:
        """Blocks and gaps of one stream, by time."""
        return [item for item in self.items if item.kind == kind]

    @property
    def end_us(self) -> int:
        return max((item.end_us for item in self.items), default=0)


def open_recording(path: str | os.PathLike[str]) -> Recording:
    """Read a WFDB record (.hea) or RR text. Where there is an ECG, its RR intervals come with it.

    Raises FormatError.
    """
    found = read(Path(path))
    items: list[Block | Gap] = [*found.blocks, *found.gaps]
    made_by: dict[str, Provenance] = {}
    if "rr" not in found.kinds and "ecg" in found.kinds:
        made_by["rr"] = R_PEAKS
        items += rr_of_ecg([block for block in found.blocks if block.kind == "ecg"])
    items.sort(key=lambda item: (item.start_us, isinstance(item, Block), item.end_us))
    zero = round(found.start.timestamp() * 1e6) if found.start else None
    return Recording(found.name, found.format, zero, tuple(items), made_by, _sha256(found), found.doubts)


def _sha256(found: ImportedRecording) -> str:
    digest = hashlib.sha256()
    for file in found.files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def rr_of_ecg(ecg: list[Block]) -> Iterator[Block | Gap]:
    """RR intervals between the R peaks of an ECG, in samples; gaps where no beat was found for longer than 6 s."""
    from vitals_signal import detect_r_peaks

    last_us: int | None = None
    for block in ecg:
        peaks = detect_r_peaks(block.physical(), block.rate_hz)
        breaks = np.flatnonzero(np.diff(peaks) > LONGEST_RR_S * block.rate_hz) + 1
        for run in np.split(peaks, breaks):
            if len(run) < 2:
                continue
            made = rr_block(block.t0_us, np.diff(run).astype(np.int32), block.rate_hz, block.first + int(run[0]))
            if last_us is not None:
                yield Gap("rr", last_us, made.start_us, "no beats found")
            last_us = made.end_us
            yield made


def beats_s(items: list[Block | Gap]) -> NDArray[np.float64]:
    """Times of all beats of RR blocks, seconds from the start of the recording, increasing."""
    blocks = [item for item in items if isinstance(item, Block) and item.kind == "rr"]
    times = [np.append(block.start_us, block.times_us()) for block in blocks]
    return np.unique(np.concatenate(times)) / 1e6 if times else np.empty(0)


class RecordedDevice:
    """A recording that streams like a device, as fast as it is read."""

    source: Source = "import"

    def __init__(self, recording: Recording) -> None:
        self.name = recording.name
        self.info = DeviceInfo(name=recording.name, model=recording.format)
        self.zero_utc_us = recording.zero_utc_us or 0
        self.made_by = recording.made_by
        self._recording = recording

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item.kind for item in self._recording.items if isinstance(item, Block)))

    def stream(self, kind: str) -> AbstractAsyncContextManager[AsyncIterator[Block]]:
        return only(self, kind)

    @asynccontextmanager
    async def items(
        self, until: asyncio.Event | None = None, *, kinds: Collection[str] | None = None, tap: Tap | None = None
    ) -> AsyncIterator[AsyncIterator[Block | Gap]]:
        yield self._play(until, self.kinds if kinds is None else kinds)

    async def _play(self, until: asyncio.Event | None, kinds: Collection[str]) -> AsyncIterator[Block | Gap]:
        pieces = [piece for item in self._recording.items if item.kind in kinds for piece in _pieces(item)]
        pieces.sort(key=lambda piece: piece.end_us)
        for piece in pieces:
            if until is not None and until.is_set():
                return
            yield piece
            await asyncio.sleep(0)


def _pieces(item: Block | Gap) -> Iterator[Block | Gap]:
    """A long block in pieces as a device would send them; the anchor stays, so nothing moves."""
    if isinstance(item, Gap) or item.timing is Timing.STAMPED:
        yield item
        return
    steps = np.ones(len(item), np.int64) if item.timing is Timing.REGULAR else item.values.astype(np.int64)
    begins = np.cumsum(steps) - steps
    piece = begins // max(1, round(_PIECE_US * item.rate_hz / 1e6))
    for at in np.split(np.arange(len(item)), np.flatnonzero(np.diff(piece)) + 1):
        if len(at):
            yield replace(item, values=item.values[at[0] : at[-1] + 1], first=item.first + int(begins[at[0]]))


def replay(path: str | os.PathLike[str]) -> RecordedDevice:
    """A device from a recording: WFDB (.hea) or RR text. Where the file has no date, time counts from 1970-01-01 UTC.

    Raises FormatError.
    """
    return RecordedDevice(open_recording(path))
