"""Reading: sessions, streams, gaps, and what was computed from them.

Laws of this file:
1. Times are UTC microseconds; a span is half-open. Samples are those inside it; gaps, features and events those that
   touch it.
2. Of what several versions of a maker found, the newest is shown (the last that began a run on the stream): per
   stream and algorithm, for events also per stream and kind. `all_makers=True` shows all.
3. An import that never finished is not shown.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

import numpy as np

from vitals.errors import InputError, StoreDamaged
from vitals.store.chunks import Shape
from vitals.store.connection import Connection, reworded
from vitals.values import DeviceInfo, Event, EventState, Features, Gap, Provenance, Timing


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One recording."""

    id: int
    uid: str  # its name in every store
    device: DeviceInfo
    subject: str
    source: str  # "live", "import", "virtual"
    zero_utc_us: int
    source_sha256: str | None
    state: str | None  # "complete", "cut" (it ended with an error), None: still open, or killed

    @property
    def device_key(self) -> str:
        """What stays the same of a device when its address, firmware or name in the list of a host changes: maker,
        model and serial number; without a serial number, its name."""
        d = self.device
        return "/".join(part.strip() for part in (d.manufacturer, d.model, d.serial or d.name))


@dataclass(frozen=True, slots=True)
class DeviceSeen:
    """One device, over all its sessions."""

    key: str
    device: DeviceInfo  # as it last described itself
    sessions: tuple[int, ...]  # row ids


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream of a session."""

    id: int
    uid: str  # its name in every store
    kind: str
    timing: Timing
    rate_hz: float
    scale: float
    unit: str
    channels: int  # 0: the values are one-dimensional
    made_by: Provenance | None  # None: measured
    session: SessionInfo
    n: int  # samples
    start_us: int | None  # None: no samples
    end_us: int | None


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One window's numbers, times in UTC microseconds."""

    id: str
    stream_id: int
    features: Features


@dataclass(frozen=True, slots=True)
class EventRow:
    """The last state of an event, times in UTC microseconds."""

    id: str  # the same in every store, whoever analyses
    stream_id: int
    event: Event


_SESSIONS = """SELECT s.id, s.uid, d.name, d.manufacturer, d.model, d.serial, d.firmware, d.hardware, d.software,
    u.label, s.source, s.zero_utc_us, s.source_sha256,
    (SELECT max(state) FROM session_end e WHERE e.session_id = s.id)
    FROM session s JOIN device d ON d.id = s.device_id JOIN subject u ON u.id = s.subject_id ORDER BY s.id"""
_STREAMS = """SELECT t.id, t.uid, t.session_id, t.kind, t.timing, t.rate_hz, t.scale, t.unit, t.channels,
    t.provenance_id,
    ifnull((SELECT sum(n) FROM chunk c WHERE c.stream_id = t.id), 0) + ifnull(f.n, 0),
    ifnull(min((SELECT min(t0_us) FROM chunk c WHERE c.stream_id = t.id), f.t0_us),
           ifnull((SELECT min(t0_us) FROM chunk c WHERE c.stream_id = t.id), f.t0_us)),
    ifnull(max((SELECT max(t1_us) FROM chunk c WHERE c.stream_id = t.id), f.t1_us),
           ifnull((SELECT max(t1_us) FROM chunk c WHERE c.stream_id = t.id), f.t1_us))
    FROM stream t LEFT JOIN (SELECT stream_id, sum(n) AS n, min(t0_us) AS t0_us, max(t1_us) AS t1_us FROM fresh
    GROUP BY stream_id) f ON f.stream_id = t.id WHERE ?1 IS NULL OR t.kind = ?1 ORDER BY t.id"""


def fetch(connection: Connection, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
    """All rows of a query. Raises StoreError and its kinds."""
    try:
        return connection.execute(sql, parameters).fetchall()
    except sqlite3.Error as error:
        raise reworded(error) from error


def sessions(connection: Connection) -> list[SessionInfo]:
    """All sessions that may be seen, in order of their row."""
    found = (
        SessionInfo(row[0], bytes(row[1]).hex(), DeviceInfo(*row[2:9]), *row[9:])
        for row in fetch(connection, _SESSIONS)
    )
    return [session for session in found if session.source != "import" or session.state is not None]


def devices(found: list[SessionInfo]) -> list[DeviceSeen]:
    """The devices of some sessions, by key."""
    by_key: dict[str, list[SessionInfo]] = {}
    for session in found:
        by_key.setdefault(session.device_key, []).append(session)
    return [
        DeviceSeen(key, max(its, key=lambda one: one.zero_utc_us).device, tuple(one.id for one in its))
        for key, its in sorted(by_key.items())
    ]


def provenances(connection: Connection) -> dict[int, Provenance]:
    """All makers, by row id."""
    rows = fetch(connection, "SELECT id, algorithm, version, params, model_sha256 FROM provenance")
    return _Makers({row[0]: Provenance(row[1], row[2], json.loads(row[3]), row[4]) for row in rows})


class _Makers(dict[int, Provenance]):
    """Makers by row id."""

    def __missing__(self, row_id: int) -> Provenance:
        # Foreign keys hold while vitals writes; a page that was put back to an older state does not keep them.
        raise StoreDamaged(f"the store has no provenance {row_id}, which its rows name: run `vitals verify`")


def streams(connection: Connection, kind: str | None = None, *, all_makers: bool = False) -> list[StreamInfo]:
    """The streams that may be seen, in order of their row; of computed ones the newest per session, kind and
    algorithm."""
    visible = {session.id: session for session in sessions(connection)}
    rows = fetch(connection, _STREAMS, (kind,))
    makers = provenances(connection) if any(row[9] is not None for row in rows) else {}
    found: dict[tuple[Any, ...], StreamInfo] = {}
    for row in rows:
        if row[2] not in visible:
            continue
        maker = None if row[9] is None else makers[row[9]]
        info = StreamInfo(
            row[0], bytes(row[1]).hex(), row[3], Timing(row[4]), row[5], row[6], row[7], row[8], maker, visible[row[2]],
            int(row[10]), row[11], row[12],
        )  # fmt: skip
        key = (row[0],) if maker is None or all_makers else (row[2], row[3], maker.algorithm, row[5:9])
        found[key] = info
    return sorted(found.values(), key=lambda info: info.id)


def shape_of(connection: Connection, stream_id: int) -> Shape:
    """What the blocks of a stream share. Raises InputError where there is no such stream."""
    rows = fetch(
        connection, "SELECT kind, timing, rate_hz, scale, unit, channels FROM stream WHERE id = ?", (stream_id,)
    )
    if not rows:
        raise InputError(f"the store has no stream {stream_id}: list them with store.streams()")
    kind, timing, *rest = rows[0]
    return Shape(kind, Timing(timing), *rest)


def gaps(connection: Connection, stream_ids: list[int], start_us: int, end_us: int) -> list[Gap]:
    """The gaps of these streams that touch the span, by start."""
    found = []
    for stream_id in stream_ids:
        found += fetch(
            connection,
            "SELECT s.kind, g.start_us, g.end_us, g.reason FROM gap g JOIN stream s ON s.id = g.stream_id "
            "WHERE g.stream_id = ? AND g.start_us < ? AND g.end_us >= ?",
            (stream_id, end_us, start_us),
        )
    return [Gap(*row) for row in sorted(found, key=lambda row: (row[1], row[2]))]


def _newest(connection: Connection) -> tuple[dict[tuple[int, str], int], dict[tuple[int, int], int]]:
    """The maker last run per (stream, algorithm), and how late each (stream, maker) ran."""
    rows = fetch(
        connection,
        "SELECT r.stream_id, p.algorithm, r.provenance_id FROM run r JOIN provenance p ON p.id = r.provenance_id "
        "ORDER BY r.made_us, r.id",
    )
    latest = {(stream_id, algorithm): maker for stream_id, algorithm, maker in rows}
    order = {(stream_id, maker): place for place, (stream_id, _, maker) in enumerate(rows)}
    return latest, order


def _visible(connection: Connection) -> str:
    return ",".join(str(info.id) for info in streams(connection, all_makers=True))


def feature_rows(connection: Connection, start_us: int, end_us: int, *, all_makers: bool = False) -> list[FeatureRow]:
    """The windows that touch the span, by start; of revisions of one window the last."""
    makers = provenances(connection)
    latest, _ = _newest(connection)
    rows = fetch(
        connection,
        "SELECT f.id, f.stream_id, f.provenance_id, s.kind, f.start_us, f.end_us, n.names, f.numbers, f.coverage, "
        "f.reason FROM feature f JOIN stream s ON s.id = f.stream_id JOIN feature_set n ON n.id = f.feature_set_id "
        f"WHERE f.stream_id IN ({_visible(connection)}) AND f.start_us < ? AND f.end_us >= ? ORDER BY f.start_us, f.id",
        (end_us, start_us),
    )
    names: dict[str, list[str]] = {}
    found: dict[tuple[Any, ...], FeatureRow] = {}
    for row_id, stream_id, maker_id, source, start, end, text, numbers, coverage, reason in rows:
        maker = makers[maker_id]
        if not all_makers and latest.get((stream_id, maker.algorithm)) != maker_id:
            continue
        values = dict(
            zip(names.setdefault(text, json.loads(text)), np.frombuffer(numbers, "<f8").tolist(), strict=True)
        )
        features = Features(source, start, end, values, coverage, reason, maker)
        found[stream_id, maker_id, start, end, text] = FeatureRow(f"f{row_id}", stream_id, features)
    return list(found.values())


def event_rows(connection: Connection, start_us: int, end_us: int, *, all_makers: bool = False) -> list[EventRow]:
    """The last state of each event that touches the span, by start."""
    makers = provenances(connection)
    latest, order = _newest(connection)
    rows = fetch(
        connection,
        "SELECT e.uid, e.stream_id, e.provenance_id, e.kind, s.kind, e.start_us, e.end_us, e.score, e.sqi, e.state "
        f"FROM event e JOIN stream s ON s.id = e.stream_id WHERE e.stream_id IN ({_visible(connection)}) "
        "ORDER BY e.revision, e.id",
    )
    last = {bytes(row[0]): row for row in rows}
    shown = [row for row in last.values() if all_makers or latest.get((row[1], makers[row[2]].algorithm)) == row[2]]
    newest_of_kind: dict[tuple[int, str], int] = {}
    for row in shown:
        key = (row[1], row[3])
        newest_of_kind[key] = max(newest_of_kind.get(key, 0), order.get((row[1], row[2]), 0))
    found = []
    for uid, stream_id, maker_id, kind, source, start, end, score, sqi, state in shown:
        if start >= end_us or end < start_us:
            continue
        if not all_makers and order.get((stream_id, maker_id), 0) < newest_of_kind[stream_id, kind]:
            continue
        score, sqi = (float("nan") if number is None else number for number in (score, sqi))
        event = Event(kind, source, start, end, score, sqi, EventState(state), makers[maker_id])
        found.append(EventRow(bytes(uid).hex(), stream_id, event))
    return sorted(found, key=lambda row: (row.event.start_us, row.id))
