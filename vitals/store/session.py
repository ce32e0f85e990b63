"""Writing: a session of one device, and the analysis of a stream that is there already.

Laws of this file:
1. When `flush` returns, everything given before is durable (acknowledged). A kill loses at most what came after.
2. A live or virtual session flushes by itself before anything has waited for ten seconds of the recording or of the
   wall clock, however late it was handed in (a time line holds beats back for some seconds); it settles a
   stream (see settle.py) when enough for a full chunk was flushed, and all of them when it closes. Where that fails
   (disk full) nothing is lost, and `Store.compact` does it later.
3. An import is all or nothing: what it writes stays hidden until the session has closed without an error. So a file
   is never half there, and never twice.
4. An analysis is one transaction, and changes nothing the second time.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Literal

from vitals.errors import InputError, StoreError
from vitals.store import chunks
from vitals.store.chain import Ledger
from vitals.store.chunks import Shape
from vitals.store.connection import Access, Connection
from vitals.store.pending import Maker, Note, Pending, StreamKey, Streams, add_maker, add_run, kind_of
from vitals.store.rows import uid_of
from vitals.store.settle import settle
from vitals.values import Block, DeviceInfo, Event, Features, Gap, Provenance, Score

Source = Literal["live", "import", "virtual"]
FLUSH_US = 9_000_000  # what comes in comes once per second: so nothing waits for more than ten
_IMPORT_SAMPLES = 1 << 21  # held in memory between two transactions of an import


class _AlreadyThere(Exception):
    """The file of this import is in the store: nothing of this session is kept."""


class _Notes:
    """Takes blocks and notes, checks them, and holds them."""

    def __init__(self, shift_us: int) -> None:
        self._pending = Pending(shift_us)
        self._closed = False

    def append(self, block: Block, *, made_by: Provenance | None = None) -> None:
        """Take a block; `made_by` where it was computed rather than measured.

        Raises InputError, and StoreError where a flush failed (the block is held all the same).
        """
        self._open()
        chunks.check(block)
        if len(block):
            key = StreamKey(Shape.of(block), None if made_by is None else Maker.of(made_by))
            self._taken(self._pending.append(key, block))

    def gap(self, gap: Gap) -> None:
        """Take a gap of the stream of its kind."""
        self._note(gap, gap.start_us, gap.end_us)

    def features(self, features: Features) -> None:
        """Take a window's numbers; they hang on the stream whose kind is their source."""
        Maker.of(features.made_by)
        self._note(features, features.start_us, features.end_us)

    def score(self, score: Score, *, source: str) -> None:
        """Take a model's opinion of a window of the stream `source`; kept as the feature `probability`."""
        Maker.of(score.made_by)
        self._note((score, source), score.start_us, score.end_us)

    def event(self, event: Event) -> None:
        """Take an event, or a later state of it; it hangs on the stream whose kind is its source."""
        Maker.of(event.made_by)
        self._note(event, event.start_us, event.end_us)

    def _note(self, note: Note, start_us: int, end_us: int) -> None:
        self._open()
        if end_us < start_us:
            raise InputError(
                f"a {type(note).__name__} of {kind_of(note)} ends before it starts: swap start_us and end_us"
            )
        self._pending.note(note)
        self._taken(0)

    def _open(self) -> None:
        if self._closed:
            raise InputError("this session is closed: open a new one with store.session(...)")

    def _taken(self, waiting_us: int) -> None:
        """Something came in."""


class Session(_Notes):
    """One device worn by one subject, from now until it is closed. Made by `Store.session`; use as a context
    manager."""

    def __init__(
        self,
        transaction: Access,
        reading: Access,
        *,
        device: DeviceInfo,
        source: Source,
        zero_utc_us: int,
        subject: tuple[bytes, str],
        source_sha256: str | None,
    ) -> None:
        super().__init__(int(zero_utc_us))
        if source not in ("live", "import", "virtual"):
            raise InputError(f"source is {source!r}; it must be 'live', 'import' or 'virtual'")
        self._transaction, self._reading = transaction, reading
        self._source = source
        self._device = device
        self._subject = subject
        self._source_sha256 = source_sha256
        self._uid = secrets.token_bytes(16)
        self._id: int | None = None
        self._streams = Streams()
        self._flushed = time.monotonic()

    @property
    def uid(self) -> str:
        """The session's name in every store, 32 hexadecimal digits."""
        return self._uid.hex()

    @property
    def id(self) -> int | None:
        """Its row in this store; None before its first flush."""
        return self._id

    @property
    def closed(self) -> bool:
        """Whether it takes nothing more."""
        return self._closed

    def flush(self) -> None:
        """Write what waits, in one transaction. On return it is durable. Raises StoreError; then everything still
        waits."""
        self._flush(state=None)

    def _flush(self, state: str | None) -> None:
        self._open()
        pending, streams = self._pending, self._streams.copy()
        if state is None and not pending.blocks and not pending.notes:
            return
        fresh = self._source != "import"
        with self._transaction() as connection:
            ledger = Ledger(connection)
            session_id = self._id if self._id is not None else self._begin(ledger)
            waiting = pending.write(
                ledger, connection, (session_id, self._uid), streams, last=state is not None, fresh=fresh
            )
            if state is not None:
                if self._source == "import" and self._known(connection):
                    raise _AlreadyThere
                ledger.add("session_end", session_id, state)
            ledger.close()
        self._id, self._streams = session_id, streams
        pending.forget(waiting)
        self._flushed = time.monotonic()
        if state is not None:
            settle_all(self._transaction, self._reading, streams.by_key.values())
        elif self._source != "import":  # what an import writes is full
            self._settle()

    def _known(self, connection: Connection) -> bool:
        """Whether another import of the same file has finished meanwhile: write transactions follow each other."""
        found = connection.execute(
            "SELECT 1 FROM session s JOIN session_end e ON e.session_id = s.id "
            "WHERE s.source_sha256 = ? AND s.uid <> ?",
            (self._source_sha256, self._uid),
        )
        return self._source_sha256 is not None and found.fetchone() is not None

    def _settle(self) -> None:
        loose = self._streams.loose
        if any(chunks.full(values, end - start) for values, start, end in loose.values()):
            # All that is fresh is swept now; of which streams that makes chunks to keep?
            ripe = {key: start for key, (values, start, end) in loose.items() if chunks.ripe(values, end - start)}
            with suppress(StoreError):
                settle(self._transaction, self._reading, ripe, tail=False)
            self._streams.loose = {key: state for key, state in loose.items() if key not in ripe}

    def _begin(self, ledger: Ledger) -> int:
        d = self._device
        said = (d.name, d.manufacturer, d.model, d.serial, d.firmware, d.hardware, d.software)
        device_id = ledger.add("device", uid_of("device", *said), *said)
        subject_id = ledger.add("subject", *self._subject)
        zero = self._pending.shift_us
        return ledger.add("session", self._uid, device_id, subject_id, self._source, zero, self._source_sha256)

    def _taken(self, waiting_us: int) -> None:
        if self._source == "import":
            if self._pending.samples >= _IMPORT_SAMPLES:
                self.flush()
        elif waiting_us >= FLUSH_US or time.monotonic() - self._flushed >= FLUSH_US / 1e6:
            self.flush()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._closed:
            if kind is None or self._source != "import":
                with suppress(_AlreadyThere):
                    self._flush("complete" if kind is None else "cut")
            self._closed = True


def settle_all(transaction: Access, reading: Access, stream_ids: Iterable[int]) -> None:
    """Settle these streams to their end, as far as that goes."""
    with suppress(StoreError):
        settle(transaction, reading, dict.fromkeys(stream_ids), tail=True)


class Analysis(_Notes):
    """What one maker finds in one stream. Made by `Store.analysis`; written as a whole when its block ends without an
    error."""

    def __init__(
        self,
        transaction: Access,
        reading: Access,
        *,
        session: tuple[int, bytes],
        stream: tuple[int, bytes, str],
        siblings: dict[str, tuple[int, bytes]],
        provenance: Provenance,
    ) -> None:
        super().__init__(0)
        self._transaction, self._reading = transaction, reading
        self._session = session
        self._stream_id = stream[0]
        self._streams = Streams(by_kind={**siblings, stream[2]: stream[:2]})
        self._maker = Maker.of(provenance)

    def __enter__(self) -> Analysis:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        if kind is not None:
            return
        with self._transaction() as connection:
            ledger = Ledger(connection)
            add_run(ledger, connection, self._stream_id, add_maker(ledger, self._maker))
            self._pending.write(ledger, connection, self._session, self._streams, last=True)
            ledger.close()
        settle_all(self._transaction, self._reading, self._streams.by_key.values())
