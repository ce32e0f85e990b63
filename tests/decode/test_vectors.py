"""Every foreign frame of the shared collection, in one table: passed, not applicable with the reason, or without bytes.

`pytest tests/decode/test_vectors.py -s -k accounted` prints the table.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.decode import adapters_sig, adapters_vendor
from vitals.decode import DECODERS, uuids
from vitals.decode.cycling_speed import decode_csc_measurement
from vitals.errors import DecodeError

Vector = Mapping[str, Any]
Adapter = Callable[[Vector], int]


@dataclass(frozen=True)
class Row:
    number: int
    protocol: str
    outcome: str  # passed, not applicable, failed; no bytes: the source computes from numbers, not from a frame
    detail: str
    values: int = 0


def vectors(shared: Path) -> list[Vector]:
    found: list[Vector] = json.loads((shared / "frames" / "vectors.json").read_text())["vectors"]
    return found


def adapters() -> tuple[Mapping[str, Adapter], Mapping[int, str]]:
    """Protocol -> adapter, and the vectors that say nothing about a decoder."""
    return {**adapters_sig.ADAPTERS, **adapters_vendor.ADAPTERS}, adapters_sig.NOT_APPLICABLE


def account(vector: Vector, adapter: Adapter | None, reason: str | None) -> Row:
    number, protocol = vector["id"], vector["protocol"]
    if reason:
        return Row(number, protocol, "not applicable", reason)
    if adapter is None:
        return Row(number, protocol, "failed", "no adapter for this protocol")
    has_bytes = any(key in vector for key in ("hex", "sequence"))
    try:
        values = adapter(vector)
    except Exception as err:  # whatever goes wrong is a row of the table
        return Row(number, protocol, "failed", f"{type(err).__name__}: {err}")
    has_values = bool(vector.get("expect") or vector.get("expect_raw"))
    if has_values and not values:
        return Row(number, protocol, "failed", "the source states values, the adapter compared none")
    name = str(vector.get("test") or vector.get("note") or "")
    return Row(number, protocol, "passed" if has_bytes else "no bytes", name, values)


def table(shared: Path) -> list[Row]:
    by_protocol, reasons = adapters()
    return [account(v, by_protocol.get(v["protocol"]), reasons.get(v["id"])) for v in vectors(shared)]


def test_every_foreign_frame_is_accounted_for(shared: Path) -> None:
    rows = table(shared)
    for row in rows:
        print(f"{row.number:>4}  {row.protocol:<42} {row.outcome:<14} {row.values:>3}  {row.detail[:90]}")
    print(Counter(row.outcome for row in rows), "values compared:", sum(row.values for row in rows))
    assert [row for row in rows if row.outcome == "failed"] == []
    assert Counter(row.outcome for row in rows) == {"passed": 154, "not applicable": 19, "no bytes": 4}


def test_every_expectation_belongs_to_a_frame_and_every_reason_is_needed(shared: Path) -> None:
    known = {v["id"]: v["protocol"] for v in vectors(shared)}
    named = {*adapters_sig.EXPECTED, *adapters_sig.REFUSED, *adapters_sig.NOT_APPLICABLE, *adapters_sig.INTEGERS}
    assert named <= known.keys()
    assert not adapters_sig.REFUSED & adapters_sig.EXPECTED.keys()
    assert not adapters_sig.NOT_APPLICABLE.keys() & (adapters_sig.EXPECTED.keys() | adapters_sig.REFUSED)
    assert set(adapters_sig.ADAPTERS) <= set(known.values())


def test_the_frame_that_is_longer_than_its_flags_is_refused_and_right_when_cut(shared: Path) -> None:
    # OpenTracks reads what it needs and ignores two bytes that nothing announces; we would not know what they are.
    (frame,) = (adapters_sig.payloads(v)[0] for v in vectors(shared) if v["id"] == 416)
    with pytest.raises(DecodeError, match="2 bytes left over") as caught:
        decode_csc_measurement(frame)
    assert (caught.value.uuid, caught.value.payload, caught.value.offset) == (uuids.CSC_MEASUREMENT, frame, 5)
    cut = decode_csc_measurement(frame[:5])
    assert cut.wheel is None
    assert cut.crank is not None
    assert cut.crank.count == 200


def test_every_prefix_of_every_frame_decodes_or_says_where_it_ends(shared: Path) -> None:
    # The longest attribute value has 512 bytes; what is longer in the collection are whole recording files.
    frames = {frame for v in vectors(shared) if v.get("hex") for frame in adapters_sig.payloads(v) if len(frame) <= 515}
    assert len(frames) >= 160
    for uuid, decode in DECODERS.items():
        for frame in frames:
            for length in range(len(frame) + 1):
                try:
                    decode(frame[:length])
                except DecodeError as err:
                    assert (err.uuid, err.payload) == (uuid, frame[:length])
                    assert 0 <= err.offset <= length
                    assert (frame[:length].hex() or "empty") in str(err)
