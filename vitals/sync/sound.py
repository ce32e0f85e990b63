"""What a row from outside must satisfy before it may enter the store: as strict as writing it here would have been."""

from __future__ import annotations

import json
import math

from vitals.errors import VitalsError
from vitals.store import chunks, places, query
from vitals.store.chunks import Chunk, Shape
from vitals.store.connection import Connection
from vitals.store.rows import Kind, Value
from vitals.values import Block

_MOST_TIME_US = 1 << 56  # the year 4253


def check(connection: Connection, kind: Kind, columns: tuple[Value, ...], shapes: dict[int, Shape]) -> None:
    """Raise ValueError where a row (references as row ids) could not have been written by vitals."""
    row = named(kind, columns)
    if kind.table == "chunk":
        samples(connection, row, shapes)
    elif kind.name == "stream" and (row["timing"] != "stamped") != (_number(row["rate_hz"]) > 0):
        raise ValueError("stream.rate_hz does not fit its timing")
    elif kind.name == "provenance" and not isinstance(json.loads(str(row["params"])), dict):
        raise ValueError("provenance.params is no object")
    elif kind.name == "erasure":
        places.unpack(bytes(row["places"]) if isinstance(row["places"], bytes) else b"")
    elif kind.name == "feature_set":
        _names(row["names"])
    elif kind.name == "feature":
        names = query.fetch(connection, "SELECT names FROM feature_set WHERE id = ?", (row["feature_set_id"],))[0][0]
        numbers = row["numbers"]
        if not isinstance(numbers, bytes) or len(numbers) != 8 * len(_names(names)):
            raise ValueError("feature.numbers are not as many as their names")


def named(kind: Kind, columns: tuple[Value, ...]) -> dict[str, Value]:
    """A row by its columns. Raises ValueError where a number is out of range."""
    row = {field.column: value for field, value in zip(kind.fields, columns, strict=True)}
    for name, value in row.items():
        if name.endswith("_us") and not abs(_integer(value)) < _MOST_TIME_US:
            raise ValueError(f"{kind.name}.{name} is no instant")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{kind.name}.{name} is not finite")
    return row


def samples(connection: Connection, row: dict[str, Value], shapes: dict[int, Shape]) -> tuple[Chunk, list[Block]]:
    """A chunk row, and the run that it holds. Raises ValueError."""
    stream_id = _integer(row["stream_id"])
    if stream_id not in shapes:
        shapes[stream_id] = query.shape_of(connection, stream_id)
    try:
        chunk = _chunk(*(row[name] for name in ("t0_us", "t1_us", "n", "codec", "crc32", "payload")))
        run = chunks.unpack(chunk, shapes[stream_id])
        for block in run:
            chunks.check(block)
        return chunk, run
    except (VitalsError, ArithmeticError) as error:
        raise ValueError(str(error)) from None


def packed(values: tuple[Value, ...]) -> Chunk:
    """The chunk of a canonical row of samples. Raises ValueError."""
    return _chunk(*values[1:])


def _chunk(*values: Value) -> Chunk:
    *numbers, payload = values
    t0, t1, n, codec, crc32 = map(_integer, numbers)
    if not isinstance(payload, bytes) or not 0 <= crc32 < 1 << 32 or not 0 <= codec < 256 or not 0 < n < 1 << 32:
        raise ValueError("chunk is out of range")
    return Chunk(t0, t1, n, codec, crc32, payload)


def _names(text: Value) -> list[str]:
    names = json.loads(str(text))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise ValueError("feature_set.names are no names")
    return names


def _integer(value: Value) -> int:
    if not isinstance(value, int):
        raise ValueError("not an integer")
    return value


def _number(value: Value) -> float:
    if not isinstance(value, float):
        raise ValueError("not a number")
    return value
