"""RR text: what is an interval, in which unit, and how a wrong line is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.errors import FormatError
from vitals.formats.rr_text import parse_rr_text, read_rr_text


def test_milliseconds() -> None:
    text = parse_rr_text("# Polar H10\r\n800\r\n\r\n812.5,\r\n790 # turned round\r\n")
    assert text.rr_ms.tolist() == [800.0, 812.5, 790.0]
    assert (text.unit, text.unit_stated) == ("ms", False)
    assert text.comments == ("Polar H10", "turned round")


def test_seconds_by_the_size_of_the_numbers() -> None:
    text = parse_rr_text("0.800\n0.812\n")
    np.testing.assert_allclose(text.rr_ms, [800.0, 812.0])
    assert (text.unit, text.unit_stated) == ("s", False)


@pytest.mark.parametrize("comment", ["unit: ms", "RR intervals [ms]", "rr (ms)"])
def test_a_stated_unit_wins(comment: str) -> None:
    text = parse_rr_text(f"# {comment}\n8\n9\n")
    assert (text.rr_ms.tolist(), text.unit, text.unit_stated) == ([8.0, 9.0], "ms", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "none"),
        ("# only a comment\n", "none"),
        ("800\nabc\n", "line 2 is 'abc'"),
        ("800\n0,812\n", "line 2 is '0,812': use a decimal point"),
        ("800\n-5\n", "line 2"),
        ("800\n0\n", "line 2"),
        ("nan\n", "line 1"),
        ("inf\n", "line 1"),
        ("1_000\n", "line 1"),
        ("800 810\n", "line 1"),
        ("# unit: s\n800\n4000\n", "state the unit"),
    ],
)
def test_what_is_no_interval_is_named(text: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        parse_rr_text(text)


def test_real_files(shared: Path) -> None:
    golden = shared / "data" / "hrv_golden" / "hrv"
    assert len(read_rr_text(golden / "rest_rri.txt").rr_ms) == 910
    nn = read_rr_text(shared / "data" / "dsp_golden" / "hrvanalysis" / "test_nn_intervals.txt")
    assert (len(nn.rr_ms), nn.unit) == (1000, "ms")


def test_latin_1_and_byte_order_marks(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("# Müller\n800\n".encode("latin-1"))
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbf800\n")
    assert read_rr_text(tmp_path / "a.txt").comments == ("Müller",)
    assert read_rr_text(tmp_path / "b.txt").rr_ms.tolist() == [800.0]


def test_binary_and_absent_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"800\n\0\0")
    with pytest.raises(FormatError, match="binary"):
        read_rr_text(tmp_path / "a.txt")
    with pytest.raises(FormatError, match="check the path"):
        read_rr_text(tmp_path / "none.txt")


@given(
    st.lists(st.integers(200, 3000), min_size=1, max_size=50), st.sampled_from(["\n", "\r\n", "\n\n", ",\n", "\t\n"])
)
def test_whole_milliseconds_come_back(values: list[int], end: str) -> None:
    assert parse_rr_text(end.join(map(str, values)) + end).rr_ms.tolist() == values


@given(st.text(max_size=60) | st.text(alphabet="0123456789.,;#-+enaif \n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_rr_text(text)
    except FormatError:
        return
    assert np.all((found.rr_ms > 0) & np.isfinite(found.rr_ms))
