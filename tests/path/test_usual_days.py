"""Weeks in a store: a shift of several measures is one event with what moved; a second analysis changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import vitals
from vitals.explaining import why
from vitals.offline import Analyzed, analyze
from vitals.store import Store
from vitals.usual_days import DAY_US
from vitals.values import Block, DeviceInfo, EventState, Timing

DAY0 = 20_000
SHIFT = (18, 19, 20)


def day_of_rates(rng: np.random.Generator, resting: float) -> Block:
    """Two hours and a quarter at one value every ten seconds."""
    rate = np.rint(rng.normal(resting + 5, 2, 810)).astype(np.int16)
    return Block("hr", 0, Timing.REGULAR, 0.1, rate, 1.0, "bpm")


def temperatures(rng: np.random.Generator, middle: float) -> Block:
    values = np.rint(rng.normal(middle, 0.1, 48) * 100).astype(np.int16)
    at = np.arange(48, dtype=np.int64) * 300_000_000
    return Block("skin_temperature", 0, Timing.STAMPED, 0.0, values, 0.01, "°C", at)


def fill(store: Store, days: range) -> None:
    """One session over these days."""
    with store.session(device=DeviceInfo(name="watch"), source="import", zero_utc_us=DAY0 * DAY_US) as session:
        for day in days:
            rng = np.random.default_rng(day)
            ill = day in SHIFT
            rates = day_of_rates(rng, 72.0 if ill else 60.0 + rng.normal(0, 1))
            session.append(replace(rates, t0_us=day * DAY_US))
            session.append(replace(temperatures(rng, 34.6 if ill else 33.5 + rng.normal(0, 0.1)), t0_us=day * DAY_US))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("usual") / "store"
    with Store.open(path, key=vitals.passphrase("correct horse battery staple 42"), create=True) as store:
        fill(store, range(12))
        fill(store, range(12, 25))
        list(analyze(store))
    return path


def test_the_shift_is_one_event_with_what_moved(kept: Path) -> None:
    with Store.open(kept, key=vitals.passphrase("correct horse battery staple 42")) as store:
        (row,) = [one for one in store.event_rows() if one.event.kind == "unusual_for_you"]
        features = [
            one.features for one in store.feature_rows() if one.features.made_by.algorithm == "personal-baseline"
        ]
    event = row.event
    assert event.state is EventState.CLOSED
    # The second unusual day opens it; the day after the last still does, for two days are judged together.
    assert (event.start_us // DAY_US - DAY0, event.end_us // DAY_US - DAY0) == (19, 22)
    assert event.score > 0.99
    assert event.made_by.algorithm == "personal-baseline"
    second = next(one for one in features if one.start_us == event.start_us)
    assert second.values["resting_heart_rate"] - second.values["resting_heart_rate_usual"] == pytest.approx(12, abs=2)
    assert second.values["skin_temperature"] - second.values["skin_temperature_usual"] == pytest.approx(1.1, abs=0.2)
    assert min(second.values["resting_heart_rate_z"], second.values["skin_temperature_z"]) > 3
    early = next(one for one in features if one.start_us // DAY_US == DAY0 + 5)
    assert early.reason is not None


def test_why_makes_it_again(kept: Path) -> None:
    with Store.open(kept, key=vitals.passphrase("correct horse battery staple 42")) as store:
        (event,) = [one for one in store.event_rows() if one.event.kind == "unusual_for_you"]
        assert why(store, event.id).identical


def test_the_last_day_waits_and_a_second_run_changes_nothing(kept: Path) -> None:
    with Store.open(kept, key=vitals.passphrase("correct horse battery staple 42")) as store:
        before = [repr(one) for one in (*store.feature_rows(), *store.event_rows())]
        done: list[Analyzed] = list(analyze(store))
        after = [repr(one) for one in (*store.feature_rows(), *store.event_rows())]
        days = [one.features for one in store.feature_rows() if one.features.made_by.algorithm == "personal-baseline"]
    assert before == after
    assert max(one.start_us // DAY_US for one in days) == DAY0 + 23
    assert sum(one.events for one in done) == 1
