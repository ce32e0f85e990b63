"""A stream that is kept as bytes goes on as if nothing had happened."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals_signal._resume import Resumable


class Inner(Resumable):
    def __init__(self, seen: list[float]) -> None:
        self.seen = seen


class Outer(Resumable):
    def __init__(self, seen: list[float]) -> None:
        self.inner = Inner(seen)
        self.recent = deque(seen, maxlen=3)
        self.array = np.array(seen)
        self.pair = (len(seen), {"last": seen[-1] if seen else None, 3: np.int32(7)})


class WithFunction(Resumable):
    def __init__(self) -> None:
        self.run = print


@given(st.lists(st.floats(allow_nan=False)))
def test_what_comes_back_is_what_was_kept(seen: list[float]) -> None:
    kept = Outer(seen)
    back = Outer.from_bytes(kept.to_bytes())
    assert (back.inner.seen, back.recent, back.pair) == (seen, kept.recent, kept.pair)
    assert back.recent.maxlen == 3
    assert back.array.dtype == kept.array.dtype
    assert np.array_equal(back.array, kept.array)
    back.array[:] = 0.0  # a restored stream can go on writing


@pytest.mark.parametrize("state", [b"", b"{}", b"[]", b"nonsense", b'{"stream": "nobody", "state": {"dict": []}}'])
def test_other_bytes_are_refused(state: bytes) -> None:
    with pytest.raises(ValueError, match="state of"):
        Outer.from_bytes(state)


def test_the_state_of_another_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="a state of Inner, not of Outer"):
        Outer.from_bytes(Inner([]).to_bytes())


def test_what_cannot_be_kept_is_named() -> None:
    with pytest.raises(TypeError, match="may not keep a builtin"):
        WithFunction().to_bytes()
