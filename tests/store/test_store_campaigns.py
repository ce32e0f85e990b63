"""The fault campaigns, short and seeded; `python run.py campaign store_...` runs them at length."""

from __future__ import annotations

import os

import pytest

from tests.campaigns import store_kill, store_power_cut, store_tamper, store_traffic

strace = pytest.mark.skipif(
    not store_power_cut.available(), reason="strace is not installed (Debian: apt install strace)"
)


@strace
@pytest.mark.parametrize("mode", store_power_cut.MODES)
def test_power_cuts(mode: str) -> None:
    tally = store_power_cut.run(mode, 25, seed=5, steps=25)
    assert (tally.cuts, dict(tally.problems)) == (25, {})


@strace
def test_the_simulator_finds_what_an_unsafe_setting_loses() -> None:
    tally = store_power_cut.run("merge", 15, seed=5, sync="off", steps=25)
    assert sum(tally.problems.values()) > 5


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_kills_while_chunks_are_merged() -> None:
    problems, met = store_kill.run(25, seed=2)
    assert dict(problems) == {}
    assert met > 5


@pytest.mark.skipif(os.name != "posix", reason="the write-ahead log is watched from outside")
def test_readers_beside_writers() -> None:
    done = store_traffic.run(5.0)
    assert done.problems == []
    assert done.readings > 0


def test_tampering() -> None:
    tally = store_tamper.run(1, seed=3, seconds=300, share=0.25)
    assert (tally.missed, tally.wrong_values) == ([], [])
    assert set(tally.done) == {
        "flipped bit", "zeroed page", "cut at a page", "cut in a page", "swapped pages", "page put back",
        "bit of the key file",
    }  # fmt: skip
