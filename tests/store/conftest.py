"""Stores that open at once (a recovery key needs no stretching), and a wearer to fill them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vitals.store import Key, Session, Store, new_recovery_code, recovery
from vitals.values import Block, DeviceInfo, Event, EventState, Features, Gap, Provenance, rr_block

ZERO = 1_700_000_000_000_000


@pytest.fixture
def key() -> Key:
    """A key of 256 random bits."""
    return recovery(new_recovery_code())


@pytest.fixture
def store(tmp_path: Path, key: Key) -> Iterator[Store]:
    """An empty store."""
    with Store.create(tmp_path / "store", key) as store:
        yield store


@pytest.fixture
def heart() -> Callable[[int, int], Iterator[Block]]:
    """(seed, seconds) -> one RR block per second or so, each going on where the last one ended, on one anchor."""

    def blocks(seed: int, seconds: int) -> Iterator[Block]:
        rng = np.random.default_rng(seed)
        tick = 0
        while tick < seconds * 1024:
            ticks = rng.integers(700, 1100, rng.integers(1, 3))
            yield rr_block(0, ticks, 1024, tick)
            tick += int(ticks.sum())

    return blocks


@pytest.fixture
def fill(heart: Callable[[int, int], Iterator[Block]]) -> Callable[..., int]:
    """Write a session of everything into a store; returns how many intervals."""

    def write(store: Store, seed: int = 1, seconds: int = 60, maker: str = "1") -> int:
        made_by = Provenance("irregular-rhythm", maker, {"beats": 64})
        n = 0
        session: Session
        with store.session(device=DeviceInfo(name="strap"), source="live", zero_utc_us=ZERO + seed * 10**10) as session:
            for block in heart(seed, seconds):
                session.append(block)
                n += len(block)
            session.gap(Gap("rr", 5_000_000, 6_000_000, "link lost"))
            session.features(Features("rr", 0, 64_000_000, {"MeanNN": 850.0, "SDNN": np.nan}, 0.9, "few", made_by))
            session.event(Event("irregular_rhythm", "rr", 1_000_000, 2_000_000, 0.9, 1.0, EventState.OPEN, made_by))
            session.event(Event("irregular_rhythm", "rr", 1_000_000, 9_000_000, 0.8, 1.0, EventState.CLOSED, made_by))
        return n

    return write
