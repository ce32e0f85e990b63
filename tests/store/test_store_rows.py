"""The canonical form of rows, and the chain over them, against values computed by hand."""

from __future__ import annotations

import contextlib
import hashlib
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vitals.store import chain
from vitals.store.rows import KINDS, canonical, parse, uid_of

TYPES = {
    "I": st.integers(-(1 << 63), (1 << 63) - 1),
    "F": st.floats(allow_nan=False).map(lambda x: x + 0.0),
    "T": st.text(max_size=20),
    "B": st.binary(max_size=20),
}


def row_of(name: str) -> st.SearchStrategy[tuple[str, tuple[object, ...]]]:
    """Any row of a kind."""
    fields = [st.none() | TYPES[field.tag] if field.nullable else TYPES[field.tag] for field in KINDS[name].fields]
    return st.tuples(st.just(name), st.tuples(*fields))


WHATEVER = settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw builds the strategies
ROWS = st.sampled_from(sorted(KINDS)).flatmap(row_of)


def test_golden_row() -> None:
    row = (b"\x01" * 16, "irregular-rhythm", "1", "{}", None)
    assert canonical(KINDS["provenance"], row) == bytes.fromhex(
        "42" "00000010" + "01" * 16 + "54" "00000010" + b"irregular-rhythm".hex()
        + "54" "00000001" "31" "54" "00000002" "7b7d" "4e"
    )  # fmt: skip
    gap = (b"\x02" * 16, -1, 2, "no data")
    assert canonical(KINDS["gap"], gap) == bytes.fromhex(
        "42" "00000010" + "02" * 16 + "49" "ffffffffffffffff" "49" "0000000000000002" "54" "00000007" + b"no data".hex()
    )  # fmt: skip


@WHATEVER
@given(ROWS)
def test_every_row_comes_back(row: tuple[str, tuple[object, ...]]) -> None:
    kind = KINDS[row[0]]
    assert parse(kind, canonical(kind, row[1])) == row[1]  # type: ignore[arg-type]


@WHATEVER
@given(ROWS, st.data())
def test_other_bytes_are_another_row_or_none(row: tuple[str, tuple[object, ...]], data: st.DataObject) -> None:
    kind = KINDS[row[0]]
    good = canonical(kind, row[1])  # type: ignore[arg-type]
    at = data.draw(st.integers(0, len(good) - 1))
    other = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    for wrong in (other, good[:at], good + b"N"):
        try:
            assert canonical(kind, parse(kind, wrong)) == wrong
        except ValueError:
            continue


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=100))
def test_any_bytes_parse_or_say_why(name: str, data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert canonical(KINDS[name], parse(KINDS[name], data)) == data


def test_nan_and_minus_zero_have_no_place() -> None:
    kind = KINDS["event"]
    row = (b"", b"", b"", "", 0, 0, float("nan"), 0.0, "", 0)
    with pytest.raises(ValueError, match="NaN"):
        canonical(kind, row)
    minus = canonical(kind, (*row[:6], 0.0, *row[7:])).replace(
        b"F" + struct.pack(">d", 0.0), b"F" + struct.pack(">d", -0.0), 1
    )
    with pytest.raises(ValueError, match="another form"):
        parse(kind, minus)


def test_golden_chain() -> None:
    origin = bytes(range(16))
    head = chain.start(origin)
    assert head.h == hashlib.sha256(b"vitals-log/1" + origin).digest()
    row = hashlib.sha256(b"row").digest()
    one = chain.follow(head, "chunk", row)
    assert (one.seq, one.origin) == (1, origin)
    assert one.h == hashlib.sha256(head.h + origin + b"\0\0\0\0\0\0\0\1" + b"\5chunk" + row).digest()
    assert chain.follow(one, "gap", row).h != chain.follow(one, "chunk", row).h


def test_uids_do_not_run_together() -> None:
    assert uid_of("a", "bc") != uid_of("ab", "c")
    assert uid_of("a", "bc") == hashlib.sha256(b"\0\0\0\1a\0\0\0\2bc").digest()[:16]
