"""All that a store holds of a person, in files that any program opens: CSV and JSON (GDPR, articles 15 and 20).

Laws of this file:
1. Everything is there: samples, gaps, features, events, link events, devices, makers, consents, what was done. README
   says what each file is.
2. What it writes is plaintext, because it was asked for; into a new folder, for its owner only (0700, 0600).
3. Times are UTC, ISO 8601; columns carry units; an empty field is a missing number.
"""

from __future__ import annotations

import csv
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from vitals.errors import InputError, StoreExists
from vitals.offline import link_events

if TYPE_CHECKING:
    from vitals.store import Store, StreamInfo

README = """This folder holds all that vitals kept of {subject}, made at {now}. It is not encrypted: keep it safe.

subject.json    recordings, devices, makers of numbers, consents, and what was done with the store
samples/        one CSV per stream: time (UTC), and a column per channel with its unit
gaps.csv        where a stream has no data, and why
features.csv    numbers computed from windows, one per row, and their maker (see subject.json)
events.csv      what was worth a look. Not a medical device: events are hints to look closer, not diagnoses.
link.csv        losses and returns of the links of the recordings
"""


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What was written."""

    files: int
    samples: int


def take_out(store: Store, out: str | os.PathLike[str], *, subject: str = "self") -> TakenOut:
    """Write everything of a subject into the new folder `out`; where that fails, nothing of it stays there.

    Raises InputError (no such subject; the folder cannot be written), StoreExists, StoreDamaged.
    """
    if subject not in store.subjects():
        known = ", ".join(store.subjects()) or "nobody"
        raise InputError(f"the store has no subject {subject!r}; it has: {known}")
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreExists(f"{folder} exists and is not empty: choose another place")
    try:
        (folder / "samples").mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        done = _write(store, folder, subject)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)  # half of somebody's data in plain text helps nobody
        raise InputError(f"{folder} cannot be written ({error.strerror}): check space and permissions") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    store.note("taken out", streams=done.files - 6, samples=done.samples)
    return done


def _write(store: Store, folder: Path, subject: str) -> TakenOut:
    streams = [one for one in store.streams(all_makers=True) if one.session.subject == subject]
    ids = {one.id: one for one in streams}
    with _new(folder / "README.txt") as file:
        file.write(README.format(subject=subject, now=_iso(int(datetime.now(UTC).timestamp() * 1e6))))
    samples = sum(_samples(store, one, folder / "samples" / _name(one)) for one in streams)
    _table(
        folder / "gaps.csv",
        ("stream", "start", "end", "reason"),
        ((one.uid, _iso(gap.start_us), _iso(gap.end_us), gap.reason) for one in streams for gap in store.gap_list(one)),
    )
    _table(
        folder / "features.csv",
        ("stream", "start", "end", "maker", "version", "name", "value", "coverage", "reason"),
        (
            (ids[row.stream_id].uid, _iso(f.start_us), _iso(f.end_us), f.made_by.algorithm, f.made_by.version, name,
             _number(value), _number(f.coverage), f.reason)
            for row in store.feature_rows(all_makers=True)
            if row.stream_id in ids
            for f in (row.features,)
            for name, value in f.values.items()
        ),
    )  # fmt: skip
    _table(
        folder / "events.csv",
        ("id", "stream", "start", "end", "kind", "score", "sqi", "state", "maker", "version", "model_sha256"),
        (
            (row.id, ids[row.stream_id].uid, _iso(e.start_us), _iso(e.end_us), e.kind, _number(e.score), _number(e.sqi),
             e.state.value, e.made_by.algorithm, e.made_by.version, e.made_by.model_sha256)
            for row in store.event_rows(all_makers=True)
            if row.stream_id in ids
            for e in (row.event,)
        ),
    )  # fmt: skip
    _table(
        folder / "link.csv",
        ("session", "at", "what", "detail"),
        (
            (row.session.uid, _iso(row.event.at_us), type(row.event).__name__, json.dumps(asdict(row.event)))
            for row in link_events(store)
            if row.session.subject == subject
        ),
    )
    with _new(folder / "subject.json") as file:
        json.dump(_described(store, subject, streams), file, indent=1, ensure_ascii=False)
    return TakenOut(len(streams) + 6, samples)


def _name(stream: StreamInfo) -> str:
    """A file of this folder, whatever a paired device or a file called the kind."""
    return f"{re.sub('[^A-Za-z0-9_-]', '_', stream.kind)}-{stream.uid[:8]}.csv"


def _samples(store: Store, stream: StreamInfo, path: Path) -> int:
    unit = f"{stream.kind}_{stream.unit}" if stream.unit else stream.kind
    columns = [unit] if stream.channels < 2 else [f"{unit}_{k}" for k in range(stream.channels)]
    n = 0

    def rows() -> Iterator[list[str]]:
        nonlocal n
        for block in store.blocks(stream):
            values = block.physical()
            table = values[:, None] if values.ndim == 1 else values
            stamps = np.datetime_as_string(block.times_us().astype("datetime64[us]"))
            n += len(block)
            for stamp, row in zip(stamps.tolist(), table.tolist(), strict=True):
                yield [stamp + "Z", *map(_number, row)]

    _table(path, ("time", *columns), rows())
    return n


def _described(store: Store, subject: str, streams: list[StreamInfo]) -> dict[str, Any]:
    sessions = {one.session.uid: one.session for one in streams}
    made = [row.features.made_by for row in store.feature_rows(all_makers=True)]
    made += [row.event.made_by for row in store.event_rows(all_makers=True)]
    makers = {json.dumps(asdict(one), sort_keys=True, default=str) for one in made}
    return {
        "subject": subject,
        "store": store.uid,
        "sessions": [asdict(one) for one in sessions.values()],
        "streams": [
            {"stream": one.uid, "session": one.session.uid, "kind": one.kind, "unit": one.unit, "rate_hz": one.rate_hz,
             "samples": one.n, "computed_by": None if one.made_by is None else asdict(one.made_by)}
            for one in streams
        ],
        "makers": [json.loads(one) for one in sorted(makers)],
        "consents": [asdict(one) for one in store.consents() if one.subject == subject],
        "done": [
            {"at": _iso(one.at_us), "action": one.action, "detail": dict(one.detail)} for one in store.audit_log()
        ],
    }  # fmt: skip


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


def _iso(utc_us: int) -> str:
    return str(np.datetime_as_string(np.datetime64(utc_us, "us"))) + "Z"


@contextmanager
def _new(path: Path) -> Iterator[IO[str]]:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        yield file


def _table(path: Path, names: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with _new(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
