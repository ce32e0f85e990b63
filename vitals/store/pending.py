"""What a session or an analysis has been given and not yet written.

Laws of this file:
1. `write` takes what is ready into a transaction and changes nothing here; `forget` follows only after the commit. A
   failed transaction (disk full) therefore loses nothing: it can be tried again.
2. Every derived row hangs on the stream that it was computed from. It waits until that stream exists.
3. Of several states of one event only the last is written; one that the store holds already is not written again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from vitals.errors import InputError
from vitals.store import chunks
from vitals.store.chain import Ledger
from vitals.store.chunks import Shape
from vitals.store.connection import Connection
from vitals.store.rows import uid_of
from vitals.store.samples import Shelf
from vitals.values import Block, Event, Features, Gap, Provenance, Score, Timing

NO_SHAPE = (Timing.STAMPED, 0.0, 1.0, "", 0)  # of a stream that has gaps and nothing else


@dataclass(frozen=True, slots=True)
class Maker:
    """A provenance as it is stored."""

    uid: bytes
    algorithm: str
    version: str
    params: str
    model_sha256: str | None

    @classmethod
    def of(cls, made_by: Provenance) -> Maker:
        """Canonical JSON parameters, and a uid that follows from the content. Raises InputError."""
        try:
            params = json.dumps(_plain(made_by.params), sort_keys=True, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"the parameters of {made_by.algorithm} cannot be written as JSON: {error}") from None
        uid = uid_of("provenance", made_by.algorithm, made_by.version, params, made_by.model_sha256 or "")
        return cls(uid, made_by.algorithm, made_by.version, params, made_by.model_sha256)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value


@dataclass(frozen=True, slots=True)
class StreamKey:
    """What tells the streams of one session apart."""

    shape: Shape
    maker: Maker | None

    def uid(self, session: bytes) -> bytes:
        """The stream's name in every store."""
        s = self.shape
        parts = (s.kind, str(s.timing), repr(float(s.rate_hz)), repr(float(s.scale)), s.unit, str(s.channels))
        return uid_of("stream", session, *parts, b"" if self.maker is None else self.maker.uid)


Note = Gap | Features | Event | tuple[Score, str]


def kind_of(note: Note) -> str:
    """The kind of the stream that a note hangs on."""
    if isinstance(note, tuple):
        return note[1]
    return note.kind if isinstance(note, Gap) else note.source


@dataclass(slots=True)
class Streams:
    """The streams of one session that are known: their row ids and uids, by key and (the newest) by kind; and how
    much has been written to each since it was last merged: values, first and last time."""

    by_key: dict[StreamKey, int] = field(default_factory=dict)
    by_kind: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    loose: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def copy(self) -> Streams:
        """A copy to work on within a transaction."""
        return Streams(dict(self.by_key), dict(self.by_kind), dict(self.loose))

    def grew(self, stream_id: int, run: list[Block]) -> None:
        """A run was written."""
        values, start, end = self.loose.get(stream_id, (0, run[0].start_us, run[-1].end_us))
        values += sum(block.values.size for block in run)
        self.loose[stream_id] = (values, min(start, run[0].start_us), max(end, run[-1].end_us))

    def add(self, ledger: Ledger, session_id: int, session_uid: bytes, key: StreamKey) -> int:
        """The row id of a stream, made if it is new."""
        if key not in self.by_key:
            s = key.shape
            uid = key.uid(session_uid)
            maker = None if key.maker is None else add_maker(ledger, key.maker)
            values = (
                uid,
                session_id,
                maker,
                s.kind,
                str(s.timing),
                float(s.rate_hz),
                float(s.scale),
                s.unit,
                s.channels,
            )
            self.by_key[key] = ledger.add("stream", *values)
            self.by_kind[s.kind] = (self.by_key[key], uid)
        return self.by_key[key]


def add_maker(ledger: Ledger, maker: Maker) -> int:
    """The row id of a provenance."""
    return ledger.add("provenance", maker.uid, maker.algorithm, maker.version, maker.params, maker.model_sha256)


def add_run(ledger: Ledger, connection: Connection, stream_id: int, maker_id: int) -> None:
    """Record that a maker has looked at a stream, once."""
    where = (stream_id, maker_id)
    if connection.execute("SELECT 1 FROM run WHERE stream_id = ? AND provenance_id = ?", where).fetchone() is None:
        ledger.add("run", stream_id, maker_id, time.time_ns() // 1000)


@dataclass(slots=True)
class Pending:
    """Blocks and notes in the order in which they came; `shift_us` turns their times into UTC."""

    shift_us: int
    blocks: dict[StreamKey, list[Block]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    samples: int = 0
    oldest_us: int | None = None  # start of what waits, of any stream
    newest_us: int | None = None  # end of the newest block that ever came

    def append(self, key: StreamKey, block: Block) -> int:
        """Hold a block; returns for how many microseconds of recording the oldest of what waits is waiting."""
        b, t0_us = block, block.t0_us + self.shift_us  # dataclasses.replace takes ten times as long
        held = Block(b.kind, t0_us, b.timing, b.rate_hz, b.values, b.scale, b.unit, b.offsets_us, b.first)
        self.blocks.setdefault(key, []).append(held)
        self.samples += block.values.size
        # An interval is known, and begins to wait, when it ends.
        known = int(held.times_us()[0]) if held.timing is Timing.INTERVAL else held.start_us
        self.oldest_us = known if self.oldest_us is None else min(self.oldest_us, known)
        self.newest_us = held.end_us if self.newest_us is None else max(self.newest_us, held.end_us)
        return self.newest_us - self.oldest_us

    def note(self, note: Note) -> None:
        """Hold a note; a gap keeps the blocks before and after it apart."""
        self.notes.append(note)
        if isinstance(note, Gap):
            for key, waiting in self.blocks.items():
                if key.shape.kind == note.kind:
                    waiting.append(chunks.cut(waiting[-1], 0, 0))

    def write(
        self,
        ledger: Ledger,
        connection: Connection,
        session: tuple[int, bytes],
        streams: Streams,
        *,
        last: bool,
        fresh: bool = False,
    ) -> list[Note]:
        """Append everything that is ready; with `last`, also notes on streams that never came; `fresh`: it will soon be
        merged. Returns what has to wait."""
        shelf = Shelf(connection, fresh=fresh)
        for key, blocks in self.blocks.items():
            stream_id = streams.add(ledger, *session, key)
            for run in chunks.runs(chunks.join(blocks)):
                shelf.add(ledger, stream_id, run)
                streams.grew(stream_id, run)
        waiting: list[Note] = []
        events: dict[bytes, tuple[int, int, Event]] = {}
        for note in self.notes:
            kind = kind_of(note)
            if kind not in streams.by_kind:
                if not last:
                    waiting.append(note)
                    continue
                streams.add(ledger, *session, StreamKey(Shape(kind, *NO_SHAPE), None))
            stream_id, stream_uid = streams.by_kind[kind]
            if isinstance(note, Gap):
                ledger.add("gap", stream_id, note.start_us + self.shift_us, note.end_us + self.shift_us, note.reason)
                continue
            maker = Maker.of(note[0].made_by if isinstance(note, tuple) else note.made_by)
            maker_id = add_maker(ledger, maker)
            add_run(ledger, connection, stream_id, maker_id)
            if isinstance(note, Event):
                start = note.start_us + self.shift_us
                uid = uid_of("event", stream_uid, note.kind, maker.uid, start.to_bytes(8, "big", signed=True))
                events[uid] = (stream_id, maker_id, note)
            else:
                self._features(ledger, stream_id, maker_id, _features(note))
        for uid, (stream_id, maker_id, event) in events.items():
            self._event(ledger, connection, uid, stream_id, maker_id, event)
        return waiting

    def _features(self, ledger: Ledger, stream_id: int, maker_id: int, f: Features) -> None:
        names = json.dumps(list(f.values), separators=(",", ":"))
        set_id = ledger.add("feature_set", uid_of("feature-set", names), names)
        numbers = np.array([float(value) for value in f.values.values()], "<f8").tobytes()
        span = (f.start_us + self.shift_us, f.end_us + self.shift_us)
        ledger.add("feature", stream_id, maker_id, set_id, *span, float(f.coverage), f.reason, numbers)

    def _event(
        self, ledger: Ledger, connection: Connection, uid: bytes, stream_id: int, maker_id: int, event: Event
    ) -> None:
        start, end = event.start_us + self.shift_us, event.end_us + self.shift_us
        said = (start, end, _number(event.score), _number(event.sqi), str(event.state))
        row = connection.execute(
            "SELECT start_us, end_us, score, sqi, state, revision FROM event WHERE uid = ? "
            "ORDER BY revision DESC, id DESC",
            (uid,),
        ).fetchone()
        if row is None or tuple(row[:5]) != said:
            revision = 0 if row is None else row[5] + 1
            ledger.add("event", uid, stream_id, maker_id, event.kind, *said, revision)

    def forget(self, waiting: list[Note]) -> None:
        """After a commit: keep only the notes that have to wait."""
        self.blocks, self.notes, self.samples, self.oldest_us = {}, waiting, 0, None


def _features(note: Features | tuple[Score, str]) -> Features:
    if isinstance(note, Features):
        return note
    score, source = note
    missing = 0.0 if np.isnan(score.probability) else 1.0
    values = {"probability": score.probability}
    return Features(source, score.start_us, score.end_us, values, missing, score.reason, score.made_by)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value) + 0.0
