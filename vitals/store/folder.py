"""The store: a folder (0700) with `vitals.db` (SQLCipher) and `vitals.key` (the wrapped data key).

Laws of this file:
1. Whoever opens a store has a key; there is no default. The cipher is proven active and the key right before anything
   is written.
2. A store is made complete or not at all: it is built beside its place and moved there.
3. One lock guards the store's connection: sessions may write and queries read from different threads. Other processes
   may read and write the same store at the same time.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, overload

from vitals.errors import InputError, StoreDamaged, StoreError, StoreFull, StoreLocked, StoreMissing
from vitals.store import (
    anchor,
    arrays,
    audit,
    ballast,
    before,
    clock,
    consent,
    erasing,
    frames,
    header,
    integrity,
    opening,
    query,
    receipt,
    rotation,
    sealed,
    spans,
)
from vitals.store.arrays import Resolution, Samples, Summary
from vitals.store.audit import AuditEntry
from vitals.store.backing_up import back_up
from vitals.store.building import built
from vitals.store.clock import ClockFit
from vitals.store.connection import Connection, alone, connect, reworded, snapshot, transaction
from vitals.store.consent import Consent
from vitals.store.idle import IdleLock
from vitals.store.instants import Instant, span_us
from vitals.store.keys import DEFAULT_KDF, KdfParams, Key
from vitals.store.opening import DATABASE, HEADER
from vitals.store.query import DeviceSeen, EventRow, FeatureRow, SessionInfo, StreamInfo
from vitals.store.receipt import Receipt
from vitals.store.rotation import KeySlots
from vitals.store.rows import uid_of
from vitals.store.sealed import Sealed
from vitals.store.session import Analysis, Session, Source
from vitals.store.settle import settle
from vitals.values import Block, DeviceInfo, Gap, Provenance

if TYPE_CHECKING:
    import pandas as pd
    import sqlite_utils


@dataclass(frozen=True, slots=True)
class Compacted:
    """What `Store.compact` did."""

    merged: int  # chunks that are gone because others hold their samples
    tiles: int  # of the pyramids


class Store:
    """An open store. Made by `Store.open` or `Store.create`; use as a context manager, or call `close`."""

    def __init__(
        self, path: Path, opened: header.Opened, key: Key | None = None, idle_lock_s: float | None = None
    ) -> None:
        self.path = path
        self._id = opened.store_id
        self._notebook = None if key is None else key.notebook()
        self._idle = None if idle_lock_s is None else IdleLock(idle_lock_s, self._lock_idle)
        self._locked = False
        self._key = opened.database_key()
        self.keys = KeySlots(self, path / HEADER)
        self._lock = threading.RLock()
        self._db: sqlite_utils.Database | None = None
        self._connection: Connection | None = None
        self._alone = 0
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        try:
            self._connection = self._connect()
            opening.admit(path, self._connection, opened, key)
            opened.forget()
        except BaseException:
            if self._idle is not None:
                self._idle.stop()
            self._shut()
            raise

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], key: Key, *, create: bool = False, idle_lock_s: float | None = None
    ) -> Store:
        """Open the store in the folder `path`; with `create`, make it first where there is none.

        With `idle_lock_s` it locks itself (see `lock`) when nobody has used it for so many seconds. Raises
        StoreMissing, WrongKey, StoreDamaged, StoreTooNew, StoreError.
        """
        folder = Path(path)
        if not cls.exists(folder):
            if create:
                cls.create(folder, key).close()
                return cls.open(folder, key, idle_lock_s=idle_lock_s)
            raise StoreMissing(f"there is no store at {folder}: check the path, or create one")
        opening.close_to_others(folder)
        return rotation.steady(
            folder / HEADER, lambda: cls(folder, rotation.unlock(folder, DATABASE, HEADER, key), key, idle_lock_s)
        )

    @classmethod
    def create(cls, path: str | os.PathLike[str], key: Key | Sequence[Key], *, kdf: KdfParams = DEFAULT_KDF) -> Store:
        """Make a store that each of the given keys opens, and open it. `kdf` is what a guess at the passphrase shall
        cost.

        Raises StoreExists where the folder exists and is not empty, InputError, StoreError.
        """
        folder = Path(path)
        keys = [key] if isinstance(key, Key) else list(key)
        kdf.check()
        with built(folder, "the store") as partial:
            opened = opening.fill(partial, keys, kdf)
        return cls(folder, opened, keys[0])

    @staticmethod
    def exists(path: str | os.PathLike[str]) -> bool:
        """Whether a store, or what is left of one, lies at `path`."""
        return (Path(path) / HEADER).exists() or (Path(path) / DATABASE).exists()

    def close(self) -> None:
        """Close the store and wipe its key; twice is once."""
        with self._lock:
            if self._idle is not None:
                self._idle.stop()
            if self._connection is not None and self._notebook is not None:
                with suppress(StoreError):  # the keyring may be locked by now; the anchor of before still holds
                    anchor.write(self._notebook, self._connection, self._id)
            self._shut()

    def lock(self) -> None:
        """Close the database and wipe the key, until `unlock`. Everything else raises StoreLocked meanwhile; a session
        holds what it is given.

        Copies of the key that Python made on the way cannot all be wiped; what is not in memory any more cannot be
        read by whoever comes after.
        """
        with self._lock:
            self._locked = self._locked or self._connection is not None
            self._shut()

    def _lock_idle(self) -> bool:
        """Lock, unless a recording is under way: it would have nowhere to go."""
        with self._lock:
            if any(not session.closed for session in self._sessions):
                return False
            self.lock()
            return True

    def unlock(self, key: Key) -> None:
        """Open a locked store again. Raises WrongKey, StoreDamaged, StoreError; then it stays locked."""
        with self._lock:
            if not self._locked:
                self._opened()
                return
            rotation.steady(self.path / HEADER, lambda: self._unlock(key))
            self._locked = False
            if self._idle is not None:
                self._idle.start()

    def _unlock(self, key: Key) -> None:
        opened = rotation.unlock(self.path, DATABASE, HEADER, key)
        if opened.store_id != self._id:
            raise StoreDamaged("another store lies in the place of the one that was locked: open it with Store.open")
        self._key[:] = opened.database_key()
        try:
            self._connection = self._connect()
            opening.admit(self.path, self._connection, opened, key)
            opened.forget()
        except BaseException:
            self._shut()
            raise
        self._notebook = key.notebook()

    def _shut(self) -> None:
        if self._db is not None:
            self._db.conn.close()
        if self._connection is not None:
            self._connection.close()
        self._db = self._connection = None
        self._key[:] = bytes(len(self._key))

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def uid(self) -> str:
        """The store's name wherever its rows go, 32 hexadecimal digits."""
        return self._id.hex()

    # Writing

    def session(
        self,
        *,
        device: DeviceInfo,
        source: Source,
        zero_utc_us: int,
        subject: str = "self",
        source_sha256: str | None = None,
    ) -> Session:
        """A session to write to; block times are microseconds after `zero_utc_us`. See `Session`."""
        who = (uid_of("subject", self._id, subject), subject)
        session = Session(
            self.transaction,
            self.reading,
            device=device,
            source=source,
            zero_utc_us=zero_utc_us,
            subject=who,
            source_sha256=source_sha256,
        )
        self._sessions.add(session)
        return session

    def analysis(self, stream: StreamInfo | int, provenance: Provenance) -> Analysis:
        """A context for what `provenance` finds in a stream that is there already (times in UTC microseconds).

        Blocks computed from it (`append(block, made_by=...)`) become streams of the same session. All of it is
        written in one transaction when the context ends without an error; a second time changes nothing. Raises
        InputError.
        """
        wanted = stream if isinstance(stream, int) else stream.id
        known = {info.id: info for info in self.streams(all_makers=True)}
        if wanted not in known:
            raise InputError(f"the store has no stream {wanted}: list them with store.streams()")
        info = known[wanted]
        same = [other for other in known.values() if other.session.id == info.session.id]
        return Analysis(
            self.transaction,
            self.reading,
            session=(info.session.id, bytes.fromhex(info.session.uid)),
            stream=(info.id, bytes.fromhex(info.uid), info.kind),
            siblings={other.kind: (other.id, bytes.fromhex(other.uid)) for other in same},
            provenance=provenance,
        )

    def sealed(self) -> list[Sealed]:
        """What was recorded while the store was locked and nobody takes in or still records; `vitals.locked.take_in`
        brings it in. Raises StoreDamaged."""
        with self.reading() as connection:
            return sealed.sealed(self.path, connection)

    def drop(self, session: SessionInfo) -> None:
        """Take out a recording that was cut short, before what it came from is taken in anew (for the rooms of vitals;
        see `erase` for what shall be gone). Raises StoreError."""
        with self.transaction() as connection:
            erasing.drop(connection, self._id, session.id)

    def compact(self, streams: Iterable[StreamInfo | int] | None = None) -> Compacted:
        """Merge small chunks and write the tiles of the pyramids, of these streams or all; a session does so itself.

        Raises StoreError, StoreDamaged; what was done before that stays done.
        """
        chosen = self.streams(all_makers=True) if streams is None else streams
        ids = [one if isinstance(one, int) else one.id for one in chosen]
        merged, tiles = settle(self.transaction, self.reading, dict.fromkeys(ids), tail=True)
        with self.whole() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return Compacted(merged, tiles)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """The store's connection, inside one write transaction (for the rooms of vitals; others use `db`)."""
        try:
            with self._lock, transaction(self._opened()):
                yield self._opened()
        except StoreFull:
            ballast.give_back(self.path)  # so that something can be erased; taken again by who opens it next
            raise

    @contextmanager
    def whole(self) -> Iterator[Connection]:
        """The store's connection while nothing else of this process uses the store (for the rooms of vitals)."""
        with self._lock:
            if self._db is not None:
                self._db.conn.close()
                self._db = None
            try:
                yield self._opened()
            except sqlite3.Error as error:
                raise reworded(error) from error

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """As `whole`, while nobody else has the store open at all. Raises StoreError where somebody has."""
        with self.whole() as connection:
            if self._alone:
                yield connection
                return
            with alone(connection):
                self._alone += 1
                try:
                    yield connection
                finally:
                    self._alone -= 1

    def reconnect(self, *candidates: header.Opened) -> header.Opened:
        """Another connection in the place of the one there is; which of these opened it (for the rooms of vitals).

        Raises StoreDamaged.
        """
        with self._lock:
            self._opened().close()
            self._connection = None
            refused: StoreDamaged | None = None
            for opened in candidates:
                self._key[:] = opened.database_key()
                try:
                    self._connection = self._connect()
                except StoreDamaged as error:
                    refused = error
                    continue
                return opened
            raise refused or StoreDamaged("no key was given")

    # What becomes of it

    def erase(
        self,
        *,
        proof: Key,
        keys: Sequence[Key] = (),
        subject: str | None = None,
        kinds: Iterable[str] | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        kdf: KdfParams = DEFAULT_KDF,
    ) -> Receipt:
        """Take out a subject, kinds of streams, a span of time, or (without any) everything that was recorded.

        With it goes what was computed in the same sessions. The pages are written over and the store gets a new data
        key, which only `keys` open (default: `proof`, the key that opens it now): what an old copy, a wrap or a used
        flash cell still holds is encrypted under a key that is gone from here. Backups and paired devices have keys of
        their own: erase there too. Raises WrongKey, InputError (nothing of it is there), StoreError.
        """
        self.keys.opens(proof)
        scope = erasing.Scope(subject, None if kinds is None else frozenset(kinds), *span_us(start, end))
        with self.alone() as connection:
            rotation.refuse_sealed(self.path)
            connection.execute("PRAGMA secure_delete=ON").fetchall()
            try:
                with self.transaction():
                    entry = erasing.erase(connection, self._id, scope, self._recording())
                    if not entry.detail["rows"]:
                        raise InputError("nothing of the store is of that subject, kind and span: nothing was erased")
                    rotation.remember_scrub(connection, pending=True)
            finally:
                connection.execute("PRAGMA secure_delete=FAST").fetchall()
            return receipt.of(entry, self.uid, self.scrub(proof=proof, keys=keys, kdf=kdf))

    def _recording(self) -> set[int]:
        """The row ids of the sessions that are still written. Nobody else has one: see `alone`."""
        return {session.id for session in self._sessions if not session.closed and session.id is not None}

    def scrub(self, *, proof: Key, keys: Sequence[Key] = (), kdf: KdfParams = DEFAULT_KDF) -> int:
        """Write the store anew and under a new data key, as the end of an erasure; also of one that was interrupted.

        Returns the epoch of the new key file. Raises as `KeySlots.rekey`.
        """
        with self.alone() as connection:
            rotation.refuse_sealed(self.path)
            connection.execute("VACUUM").fetchall()
            epoch = self.keys.rekey(keys or [proof], proof=proof, kdf=kdf)
            with self.transaction() as after:
                rotation.remember_scrub(after, pending=False)
        return epoch

    def check(self, given: Receipt) -> list[str]:
        """What speaks against the receipt of an erasure; an empty list if nothing does."""
        with self.reading() as connection:
            return receipt.problems(connection, self._id, rotation.epoch(connection), given)

    @staticmethod
    def destroy(path: str | os.PathLike[str], key: Key) -> None:
        """Erase a whole store: first the key file, without which nothing can be read, then the rest.

        Whoever copied the key file before and knows a key can still read a copy of the database. Raises WrongKey,
        StoreError (somebody has it open).
        """
        opening.destroy(Path(path), key)

    def back_up(
        self, path: str | os.PathLike[str], keys: Key | Sequence[Key], *, kdf: KdfParams = DEFAULT_KDF
    ) -> integrity.Report:
        """Copy the store into a new folder that `keys` open, under a data key of its own; verified before it counts.

        Raises StoreExists, StoreDamaged, StoreError, InputError.
        """
        chosen = [keys] if isinstance(keys, Key) else list(keys)
        source = self.fresh()
        try:
            opened = (self._id, rotation.epoch(source))
            report = back_up(source, Path(path), (DATABASE, HEADER), opened, chosen, kdf)
        finally:
            source.close()
        self.note("backed up")
        return report

    def keep(self, kind: str, days: float | None) -> None:
        """Keep the samples of a kind of stream for so many days (None: for ever); `expire` takes the older ones out.

        What was computed from them stays. Raises InputError.
        """
        if days is not None and not 0 < days < 1e6:
            raise InputError(f"days is {days}; it must be above 0, or None to keep for ever")
        with self.transaction() as connection:
            if days is None:
                connection.execute("DELETE FROM retention WHERE kind = ?", (kind,))
            else:
                connection.execute("INSERT OR REPLACE INTO retention VALUES(?, ?)", (kind, float(days)))

    def kept_days(self) -> dict[str, float]:
        """For how many days the samples of which kinds are kept; of others for ever."""
        with self.reading() as connection:
            return dict(query.fetch(connection, "SELECT kind, days FROM retention ORDER BY kind"))

    def expire(self, now: Instant | None = None) -> dict[str, int]:
        """Take out samples that are older than `keep` says. Returns how many log entries lost their rows, by kind."""
        now_us = time.time_ns() // 1000 if now is None else span_us(now, None)[0]
        with self.transaction() as connection:
            entry = erasing.expire(connection, self._id, self.kept_days(), now_us)
        return {} if entry is None else dict(entry.detail["rows"])

    def grant(
        self,
        party: str,
        purpose: str,
        *,
        subject: str = "self",
        streams: Iterable[str] = (),
        start: Instant | None = None,
        end: Instant | None = None,
        expires: Instant | None = None,
    ) -> Consent:
        """Write down that a subject lets a party have streams (none named: all) of a span, for a purpose, until then.

        Raises InputError, StoreError.
        """
        low, high = span_us(start, end)
        limits = (None if start is None else low, None if end is None else high)
        until = None if expires is None else span_us(expires, None)[0]
        with self.transaction() as connection:
            return consent.grant(
                connection, self._id, subject=subject, party=party, purpose=purpose, streams=streams, span_us=limits,
                expires_us=until,
            )  # fmt: skip

    def withdraw(self, consent_id: str) -> Consent:
        """End a consent now. Raises InputError, StoreError."""
        with self.transaction() as connection:
            return consent.withdraw(connection, self._id, consent_id)

    def consents(self) -> list[Consent]:
        """All consents, also those that are over."""
        with self.reading() as connection:
            return consent.consents(connection)

    def note(self, action: str, **detail: str | int | float | bool | None) -> None:
        """Write into the audit chain what an app did with the store, e.g. that it showed or exported something.

        `detail` must hold no personal data: erasing leaves the audit chain whole. Raises StoreError.
        """
        with self.transaction() as connection:
            audit.add(connection, self._id, action, **detail)

    def audit_log(self) -> list[AuditEntry]:
        """What was done with the store, in order."""
        with self.reading() as connection:
            return audit.entries(connection)

    # Reading

    def find_import(self, sha256: str) -> SessionInfo | None:
        """The finished import of a file, by the SHA-256 of the file (hexadecimal); None where there is none."""
        return next((session for session in self.sessions() if session.source_sha256 == sha256), None)

    def sessions(self) -> list[SessionInfo]:
        """All recordings, except imports that never finished."""
        with self.reading() as connection:
            return query.sessions(connection)

    def devices(self) -> list[DeviceSeen]:
        """The devices of all sessions, each once however often it came back, with its newest description."""
        return query.devices(self.sessions())

    def subjects(self) -> list[str]:
        """Who was recorded, by name."""
        return sorted({session.subject for session in self.sessions()})

    def clock_fits(self, session: SessionInfo | None = None) -> list[ClockFit]:
        """What is known of the clocks of a session's device, or of all: of one session and epoch the last fit."""
        with self.reading() as connection:
            return clock.fits(connection, None if session is None else session.id)

    def add_clock_fit(self, session: SessionInfo, fit: ClockFit) -> None:
        """Keep a fit beside the samples of a session; none of them is touched. Raises InputError, StoreError."""
        with self.transaction() as connection:
            clock.add(connection, session.id, fit)

    def streams(self, kind: str | None = None, *, all_makers: bool = False) -> list[StreamInfo]:
        """The streams (of one kind), measured and computed; `all_makers` also shows what older versions computed."""
        with self.reading() as connection:
            return query.streams(connection, kind, all_makers=all_makers)

    def blocks(
        self, stream: StreamInfo | int, start: Instant | None = None, end: Instant | None = None
    ) -> Iterator[Block]:
        """The samples of a stream with start <= time < end, in UTC microseconds. Raises StoreDamaged, InputError."""
        return spans.blocks(self.reading, stream if isinstance(stream, int) else stream.id, *span_us(start, end))

    def gap_list(self, of: StreamInfo | str, start: Instant | None = None, end: Instant | None = None) -> list[Gap]:
        """The gaps of a stream, or of all streams of a kind, that touch the span, by start."""
        with self.reading() as connection:
            ids = [info.id for info in query.streams(connection, of)] if isinstance(of, str) else [of.id]
            return query.gaps(connection, ids, *span_us(start, end))

    def feature_rows(
        self, start: Instant | None = None, end: Instant | None = None, *, all_makers: bool = False
    ) -> list[FeatureRow]:
        """The windows that touch the span; of several versions of an algorithm the newest, unless `all_makers`."""
        with self.reading() as connection:
            return query.feature_rows(connection, *span_us(start, end), all_makers=all_makers)

    def event_rows(
        self, start: Instant | None = None, end: Instant | None = None, *, all_makers: bool = False
    ) -> list[EventRow]:
        """The events that touch the span, in their last state; of several versions of a maker the newest, unless
        `all_makers`."""
        with self.reading() as connection:
            return query.event_rows(connection, *span_us(start, end), all_makers=all_makers)

    @overload
    def arrays(
        self,
        kind: str,
        start: Instant | None = None,
        end: Instant | None = None,
        *,
        device: str | None = None,
        subject: str | None = None,
    ) -> list[Samples]: ...

    @overload
    def arrays(
        self,
        kind: str,
        start: Instant | None = None,
        end: Instant | None = None,
        *,
        resolution: Resolution,
        device: str | None = None,
        subject: str | None = None,
    ) -> list[Summary]: ...

    def arrays(
        self,
        kind: str,
        start: Instant | None = None,
        end: Instant | None = None,
        *,
        resolution: Resolution | None = None,
        device: str | None = None,
        subject: str | None = None,
    ) -> list[Samples] | list[Summary]:
        """The samples of each stream of a kind, or, with `resolution` (seconds or a timedelta), the minimum, maximum
        and mean of each bin of that width which touches the span; of one device (its key in `devices()`) or subject.

        Raises InputError where the store has no stream of this kind, StoreDamaged.
        """
        found = self._of_kind(kind, device, subject)
        span = span_us(start, end)
        if resolution is None:
            return [arrays.samples(self.reading, info, *span) for info in found]
        width = arrays.width_us(resolution)
        return [arrays.summary(self.reading, info, *span, width) for info in found]

    def read(
        self,
        kind: str,
        start: Instant | None = None,
        end: Instant | None = None,
        *,
        resolution: Resolution | None = None,
        device: str | None = None,
        subject: str | None = None,
    ) -> pd.DataFrame:
        """`arrays` as one DataFrame, by time: index `time` (UTC), columns with units ("rr_ms"; with `resolution`
        "rr_ms_min", "rr_ms_max", "rr_ms_mean", `count`), and `stream`.

        Raises InputError where the store has no stream of this kind, StoreDamaged, MissingExtra.
        """
        if resolution is None:
            return frames.samples(self.arrays(kind, start, end, device=device, subject=subject))
        return frames.summaries(self.arrays(kind, start, end, resolution=resolution, device=device, subject=subject))

    def _of_kind(self, kind: str, device: str | None, subject: str | None) -> list[StreamInfo]:
        found = self.streams(kind)
        if not found:
            kinds = sorted({info.kind for info in self.streams()})
            raise InputError(f"the store has no stream of the kind {kind!r}; it has: {', '.join(kinds) or 'none'}")
        chosen = [
            info
            for info in found
            if device in (None, info.session.device_key) and subject in (None, info.session.subject)
        ]
        if not chosen:
            raise InputError(f"no {kind} stream is of that device and subject: see store.devices(), store.subjects()")
        return chosen

    def gaps(self, kind: str, start: Instant | None = None, end: Instant | None = None) -> pd.DataFrame:
        """`gap_list` as a DataFrame."""
        return frames.gaps(self.gap_list(kind, start, end))

    def features(
        self, start: Instant | None = None, end: Instant | None = None, *, all_makers: bool = False
    ) -> pd.DataFrame:
        """`feature_rows` as a DataFrame, a column per number."""
        return frames.features(self.feature_rows(start, end, all_makers=all_makers))

    def events(
        self, start: Instant | None = None, end: Instant | None = None, *, all_makers: bool = False
    ) -> pd.DataFrame:
        """`event_rows` as a DataFrame."""
        return frames.events(self.event_rows(start, end, all_makers=all_makers))

    def verify(self) -> integrity.Report:
        """Check every page, row, chunk and chain; see `integrity.Report`."""
        self._opened()
        try:
            connection = self._connect()
        except StoreDamaged as error:
            return integrity.Report((str(error),), {}, 0, 0, 0, 0, 0.0)
        try:
            report = integrity.verify(connection)
        finally:
            connection.close()
        if report.ok:
            before.drop(self.path)
        return report

    @property
    def db(self) -> sqlite_utils.Database:
        """The tables through sqlite-utils, on a connection of its own (no plugin is loaded)."""
        import sqlite_utils

        with self._lock:
            self._opened()
            if self._db is None:
                connection = self._connect(autocommit=False)
                self._db = sqlite_utils.Database(connection, execute_plugins=False)
            return self._db

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The store's connection for reading, in one consistent view, while no other thread uses it (for the rooms of
        vitals; others use `db`)."""
        with self._lock:
            connection = self._opened()
            if connection.in_transaction:
                yield connection
                return
            with snapshot(connection):
                yield connection

    def fresh(self) -> Connection:
        """Another connection to this store, for a long reading; the caller closes it."""
        self._opened()
        return self._connect()

    def _connect(self, *, autocommit: bool = True) -> Connection:
        return connect(self.path / DATABASE, self._key, autocommit=autocommit)

    def _opened(self) -> Connection:
        if self._locked:
            raise StoreLocked("the store is locked: unlock it with store.unlock(key)")
        if self._idle is not None:
            self._idle.touch()
        if self._connection is None:
            raise StoreError("the store is closed: open it again")
        return self._connection
