"""A high rate at rest from the samples in a store to `vitals events`: the same as live, with its maker."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import vitals
from vitals.analysis import Analysis
from vitals.cli import main
from vitals.store import Store
from vitals.values import Block, DeviceInfo, Event, EventState, Timing

WORD = "correct horse battery staple 42"
ZERO = 1_700_000_000_000_000
RATES = np.concatenate([np.full(n * 60, rate, np.int16) for n, rate in ((20, 65), (20, 131), (20, 66))])


def seconds(first: int) -> tuple[Block, Block]:
    """Five seconds of both streams, as a live device gives them."""
    still = np.tile(np.array([[0, 3, 1000], [0, -3, 1000]], np.int16), (25, 1))
    return (
        Block("hr", first * 1_000_000, Timing.REGULAR, 1.0, RATES[first : first + 5], 1.0, "bpm"),
        Block("acc", first * 1_000_000, Timing.REGULAR, 10.0, still, 1.0, "mg"),
    )


def test_the_store_gives_the_events_of_the_live_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "store"
    live = Analysis()
    heard: list[Event] = []
    with Store.open(path, key=vitals.passphrase(WORD), create=True) as store:
        with store.session(device=DeviceInfo(name="watch"), source="import", zero_utc_us=ZERO) as session:
            for first in range(0, len(RATES), 5):
                for block in seconds(first):
                    session.append(block)
                    heard += [one for one in live.push(block) if isinstance(one, Event)]
        heard += [one for one in live.end() if isinstance(one, Event)]
    monkeypatch.setenv("VITALS_PASSPHRASE", WORD)
    assert main(["analyze", "--store", str(path), "--json"]) == 0
    capsys.readouterr()
    assert main(["events", "--store", str(path), "--json"]) == 0
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (event,) = [one for one in heard if one.state is not EventState.OPEN]
    assert (row["kind"], row["sqi"]) == (event.kind, event.sqi) == ("high_heart_rate_at_rest", 1.0)
    assert row["score"] == pytest.approx(event.score, abs=6e-5)
    with Store.open(path, key=vitals.passphrase(WORD)) as store:
        (kept,) = [one.event for one in store.event_rows()]
        windows = [one.features for one in store.feature_rows() if one.features.made_by == kept.made_by]
    assert (kept.start_us - ZERO, kept.end_us - ZERO) == (event.start_us, event.end_us)
    assert (kept.score, kept.made_by) == (event.score, event.made_by)
    inside = next(one for one in windows if one.start_us <= kept.start_us < one.end_us)
    assert (inside.values["heart_rate"], inside.values["at_rest"]) == (131.0, 1.0)
