"""What needs no device: recordings into a store, and analysis over what a store holds.

Both are idempotent: a file is known by the hash of its bytes, a derived row by stream, maker and time.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vitals.analysis import Analysis
from vitals.intake import Intake
from vitals.journal import Damage, journal_bytes, unpack
from vitals.recording import Recording, open_recording
from vitals.stages import SOURCES
from vitals.usual_days import made_by as days_made_by
from vitals.usual_days import unusual_days
from vitals.values import Block, ClockReset, DeviceInfo, Event, EventState, Frame, Gap, LinkEvent

if TYPE_CHECKING:
    from vitals.store import SessionInfo, Store, StreamInfo
    from vitals.store.instants import Instant
    from vitals_models import Model


PIECE_US = 5_000_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What one file brought in."""

    recording: Recording
    new: bool  # False: the store had it already, nothing was written
    session: str  # its name in the store


def import_recording(store: Store, path: Path, *, subject: str = "self", zero_utc_us: int | None = None) -> Imported:
    """Read a recording into a store, once: the same bytes a second time change nothing.

    `zero_utc_us` says when it began where the file does not; without both, time counts from 1970-01-01 UTC.
    Raises FormatError, StoreError.
    """
    recording = open_recording(path)
    known = store.find_import(recording.sha256)
    if known is not None:
        return Imported(recording, False, known.uid)
    zero = recording.zero_utc_us if recording.zero_utc_us is not None else zero_utc_us or 0
    device = DeviceInfo(name=recording.name, model=recording.format)
    with store.session(
        device=device, source="import", zero_utc_us=zero, subject=subject, source_sha256=recording.sha256
    ) as session:
        for item in recording.items:
            if isinstance(item, Gap):
                session.gap(item)
            else:
                session.append(item, made_by=recording.made_by.get(item.kind))
    kept = store.find_import(recording.sha256)  # another process may have been faster
    assert kept is not None
    return Imported(recording, kept.uid == session.uid, kept.uid)


@dataclass(frozen=True, slots=True)
class Analyzed:
    """What the analysis of one stream found."""

    stream: StreamInfo
    samples: int
    windows: int
    events: int


def analyze(store: Store, *, model: Model | None = None) -> Iterator[Analyzed]:
    """Compute features and events over every stream of a store that something is computed from, as live streams would
    have given them; then the days of each wearer against those before (see `vitals.usual_days`).

    Results are stored with their makers; a second run changes nothing. Raises StoreError, ModelError.
    """
    for kind in SOURCES:
        for stream in store.streams(kind):
            yield _analyze_stream(store, stream, model)
    for stream, derived in unusual_days(store):
        with store.analysis(stream, days_made_by()) as made:
            for one in derived:
                if isinstance(one, Event):
                    made.event(one)
                else:
                    made.features(one)
        events = sum(isinstance(one, Event) for one in derived)
        yield Analyzed(stream, 0, len(derived) - events, events)


def _analyze_stream(store: Store, stream: StreamInfo, model: Model | None) -> Analyzed:
    analysis = Analysis(model, source=stream.kind)
    windows = events = 0
    with ExitStack() as contexts:
        made = {
            maker.algorithm: contexts.enter_context(store.analysis(stream, maker))
            for maker in analysis.made_by(stream.kind)
        }
        derived = [d for item in items_around(store, stream) for d in analysis.push(item)] + analysis.end()
        for one in derived:
            if isinstance(one, Event):
                made[one.made_by.algorithm].event(one)
                events += one.state is not EventState.OPEN
            else:
                made[one.made_by.algorithm].features(one)
                windows += 1
    return Analyzed(stream, stream.n, windows, events)


def items_around(store: Store, stream: StreamInfo) -> Iterator[Block | Gap]:
    """Blocks and gaps of a stream, and of the other kinds of its session that what is computed from it listens to, by
    time; with others, in pieces of a few seconds (see `vitals.stages.Stage`, law 2)."""
    context = Analysis(source=stream.kind).kinds - {stream.kind}
    beside: dict[str, StreamInfo] = {}
    for other in store.streams():
        if other.session.id == stream.session.id and other.kind in context:
            beside.setdefault(other.kind, other)
    if not beside:
        return items_of(store, stream)
    lines = (_in_pieces(items_of(store, one)) for one in (stream, *beside.values()))
    return heapq.merge(*lines, key=lambda item: item.start_us)


def _in_pieces(items: Iterator[Block | Gap]) -> Iterator[Block | Gap]:
    from vitals.store.chunks import cut

    for item in items:
        if not isinstance(item, Block) or item.end_us - item.start_us <= PIECE_US:
            yield item
            continue
        edges = np.searchsorted(item.times_us(), np.arange(item.start_us, item.end_us, PIECE_US)).tolist()
        for start, stop in itertools.pairwise([*dict.fromkeys(edges), len(item)]):
            yield cut(item, start, stop)


def items_of(store: Store, stream: StreamInfo) -> Iterator[Block | Gap]:
    """Blocks and gaps of one stream, by time."""
    return heapq.merge(
        store.gap_list(stream), store.blocks(stream), key=lambda item: (item.start_us, isinstance(item, Block))
    )


def redecoded(store: Store, stream: StreamInfo) -> Iterator[Block | Gap]:
    """What the frames of a stream "journal" decode to today, in UTC microseconds; feed it to `vitals.analysis.analyze`.

    The same blocks and gaps, in the same order, as the live stream gave, where the decoders are still the same.
    Raises FormatError for a journal of a later version.
    """
    intake = Intake()
    zero = stream.session.zero_utc_us
    entries = (one for one in unpack(journal_bytes(store.blocks(stream))) if not isinstance(one, Damage | ClockReset))
    for item in itertools.chain(*map(intake.take, entries), intake.end("end of stream")):
        if isinstance(item, Block):
            yield replace(item, t0_us=item.t0_us + zero)
        elif isinstance(item, Gap):
            yield replace(item, start_us=item.start_us + zero, end_us=item.end_us + zero)


@dataclass(frozen=True, slots=True)
class LinkRow:
    """What happened to the link of a recording; `event.at_us` is UTC in microseconds."""

    event: LinkEvent | ClockReset
    session: SessionInfo


def link_events(store: Store, start: Instant | None = None, end: Instant | None = None) -> list[LinkRow]:
    """Losses, returns, silences and troubles of the links of all recordings from `start` to `end`, by time.

    Raises InputError for a time without a zone, StoreError.
    """
    from vitals.store.instants import span_us

    start_us, end_us = span_us(start, end)
    rows = []
    for stream in store.streams("link"):
        for one in unpack(journal_bytes(store.blocks(stream))):
            if not isinstance(one, Damage | Frame):
                at_us = one.at_us + stream.session.zero_utc_us
                if start_us <= at_us < end_us:
                    rows.append(LinkRow(replace(one, at_us=at_us), stream.session))
    return sorted(rows, key=lambda row: row.event.at_us)
