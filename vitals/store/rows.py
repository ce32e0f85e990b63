"""The rows that are chained and synced, and their one canonical form.

A row is written as its fields in the order of KINDS, each as a tag and a value, big-endian:

    N                      null
    I | i64                integer
    F | f64                number (IEEE 754, not NaN, which SQLite cannot keep; zero has no sign)
    T | length u32 | ...   text, UTF-8
    B | length u32 | ...   bytes

A reference to another row is the other row's `uid`, so that the form is the same in every store. SHA-256 of these
bytes is the row's hash in the chain; the same bytes travel in bundles. Laws: a field is never added to a released
kind (a new kind is); what does not parse to exactly the fields of its kind is refused. Of `samples` the chain holds the
hash of what the samples are, not of how they are packed (see samples.py); their canonical form is for travel only.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass

from vitals.store.connection import Connection

Value = int | float | str | bytes | None
MOST_BYTES = 4 << 20  # of one canonical row


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its type (I, F, T, B), whether it may be null, and the kind it refers to."""

    name: str
    tag: str
    nullable: bool = False
    refers: str | None = None

    @property
    def column(self) -> str:
        """Its column in this store's table."""
        return self.name if self.refers is None else f"{self.refers}_id"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is chained, and the table that holds it."""

    name: str
    table: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]  # columns that find candidates for "the same row"; with a uid, the row is its uid

    @property
    def named(self) -> bool:
        """Whether its rows have a uid of their own, unique in the table."""
        return self.key == ("uid",)


def _kind(name: str, key: str, *fields: str, table: str = "") -> Kind:
    parsed = []
    for text in fields:
        column, _, kind = text.partition(":")
        refers = column if kind.startswith("ref") else None
        parsed.append(Field(column, "B" if refers else kind[0], kind.endswith("?"), refers))
    return Kind(name, table or name, tuple(parsed), tuple(key.split()))


_CHUNK = ("stream:ref", "t0_us:I", "t1_us:I", "n:I", "codec:I", "crc32:I", "payload:B")


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind("subject", "uid", "uid:B", "label:T"),
        _kind("device", "uid", "uid:B", "name:T", "manufacturer:T", "model:T", "serial:T", "firmware:T", "hardware:T",
              "software:T"),
        _kind("session", "uid", "uid:B", "device:ref", "subject:ref", "source:T", "zero_utc_us:I", "source_sha256:T?"),
        _kind("session_end", "session_id", "session:ref", "state:T"),
        _kind("provenance", "uid", "uid:B", "algorithm:T", "version:T", "params:T", "model_sha256:T?"),
        _kind("stream", "uid", "uid:B", "session:ref", "provenance:ref?", "kind:T", "timing:T", "rate_hz:F", "scale:F",
              "unit:T", "channels:I"),
        _kind("chunk", "stream_id t0_us", *_CHUNK),  # of schema 1: chained as it is packed, never merged
        _kind("samples", "stream_id t0_us", *_CHUNK, table="chunk"),
        _kind("gap", "stream_id start_us", "stream:ref", "start_us:I", "end_us:I", "reason:T"),
        _kind("run", "stream_id provenance_id", "stream:ref", "provenance:ref", "made_us:I"),
        _kind("feature_set", "uid", "uid:B", "names:T"),
        _kind("feature", "stream_id start_us", "stream:ref", "provenance:ref", "feature_set:ref", "start_us:I",
              "end_us:I", "coverage:F", "reason:T?", "numbers:B"),
        _kind("event", "uid revision", "uid:B", "stream:ref", "provenance:ref", "kind:T", "start_us:I", "end_us:I",
              "score:F?", "sqi:F?", "state:T", "revision:I"),
        _kind("clock_fit", "session_id epoch", "session:ref", "epoch:I", "reference_us:I", "offset_us:I", "drift_ppb:I",
              "error_us:I", "made_us:I"),
        _kind("erasure", "uid", "uid:B", "origin_uid:B", "places:B", "made_us:I"),
    )
}  # fmt: skip


def canonical(kind: Kind, values: tuple[Value, ...]) -> bytes:
    """The canonical bytes of a row whose references are uids. Raises ValueError for NaN."""
    out = bytearray()
    for field, value in zip(kind.fields, values, strict=True):
        if value is None:
            out += b"N"
        elif field.tag == "I":
            out += b"I" + int(value).to_bytes(8, "big", signed=True)
        elif field.tag == "F":
            if math.isnan(float(value)):
                raise ValueError(f"{kind.name}.{field.name} is NaN")
            out += b"F" + struct.pack(">d", float(value) + 0.0)
        else:
            data = value.encode() if isinstance(value, str) else value
            assert isinstance(data, bytes)
            out += field.tag.encode() + len(data).to_bytes(4, "big") + data
    return bytes(out)


def parse(kind: Kind, data: bytes) -> tuple[Value, ...]:
    """The values of a canonical row, references as uids. Raises ValueError for anything but one row of that kind."""
    values: list[Value] = []
    at = 0
    for field in kind.fields:
        tag = data[at : at + 1].decode("ascii")
        at += 1
        if tag == "N" and field.nullable:
            values.append(None)
            continue
        if tag != field.tag:
            raise ValueError(f"{kind.name}.{field.name} is not of its type")
        size = 8 if tag in "IF" else int.from_bytes(data[at : at + 4], "big") + 4
        if at + size > len(data):
            raise ValueError(f"{kind.name}.{field.name} is cut off")
        raw = data[at : at + size]
        at += size
        if tag == "I":
            values.append(int.from_bytes(raw, "big", signed=True))
        elif tag == "F":
            values.append(float(struct.unpack(">d", raw)[0]))
        else:
            values.append(raw[4:].decode() if tag == "T" else raw[4:])
    if at != len(data) or canonical(kind, tuple(values)) != data:
        raise ValueError(f"the {kind.name} row has another form")
    return tuple(values)


def digest(data: bytes) -> bytes:
    """The row's hash in the chain."""
    return hashlib.sha256(data).digest()


def uid_of(*parts: bytes | str) -> bytes:
    """A uid that follows from content: the first 16 bytes of SHA-256 over the length-prefixed parts."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(4, "big") + data)
    return state.digest()[:16]


def select(kind: Kind, where: str) -> str:
    """SQL for `id` and the canonical values (references as uids) of rows of a kind; `t` is the table in `where`."""
    columns = ["t.id"]
    joins = []
    for field in kind.fields:
        if field.refers is None:
            columns.append(f"t.{field.name}")
        else:
            columns.append(f"{field.refers}.uid")
            joins.append(f" LEFT JOIN {field.refers} ON {field.refers}.id = t.{field.column}")
    return f"SELECT {', '.join(columns)} FROM {kind.table} t{''.join(joins)} WHERE {where}"


def stored(connection: Connection, kind: Kind, row_id: int) -> bytes | None:
    """The canonical bytes of a row as the store holds it now; None where it is gone."""
    row = connection.execute(select(kind, "t.id = ?"), (row_id,)).fetchone()
    return None if row is None else canonical(kind, tuple(row[1:]))
