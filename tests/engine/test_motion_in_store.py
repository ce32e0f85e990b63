"""A fall in a stored stream: `vitals analyze` finds what the live stream would have told, once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitals.analysis import analyze
from vitals.explaining import why
from vitals.offline import analyze as analyze_store
from vitals.store import Store, passphrase
from vitals.values import Block, DeviceInfo, Event, Timing
from vitals_signal.synthetic import Bout, motion

FS, STEP_G = 50.0, 1 / 4096


def test_a_stored_fall_is_found_once_and_made_again_to_the_bit(tmp_path: Path) -> None:
    counts = np.rint(motion([Bout("walk", 25), Bout("fall", 12), Bout("lie", 13)], FS, seed=1).acc_g / STEP_G)
    parts = [
        Block("acc", 0, Timing.REGULAR, FS, counts[k : k + 113].astype(np.int32), STEP_G, "g", first=k)
        for k in range(0, len(counts), 113)
    ]
    live = [one for one in analyze(parts) if isinstance(one, Event)]
    assert [one.kind for one in live] == ["fall"]
    with Store.open(tmp_path / "s", key=passphrase("correct horse battery"), create=True) as store:
        with store.session(device=DeviceInfo("watch"), source="import", zero_utc_us=0, subject="self") as session:
            for part in parts:
                session.append(part)
        for _ in range(2):
            list(analyze_store(store))
            (row,) = store.event_rows()
            assert (row.event.start_us, row.event.end_us) == (live[0].start_us, live[0].end_us)
            assert row.event.score == pytest.approx(live[0].score, abs=1e-12)
        assert why(store, row.id).identical
