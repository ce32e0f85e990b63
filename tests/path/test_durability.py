"""What a kill can cost, with the time line and the store together; and two imports of one file at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vitals.decode import uuids
from vitals.intake import Intake
from vitals.offline import import_recording
from vitals.store import KdfParams, Store, passphrase
from vitals.values import Block, DeviceInfo, Frame, Gap
from vitals.virtual.encode import heart_rate_measurement

QUICK = KdfParams(memory_kib=19 * 1024, time_cost=2, lanes=1)


@pytest.mark.parametrize(
    "lost", [set(), {100, 101, 102}, set(range(7, 300, 7))], ids=["none", "three", "every seventh"]
)
def test_at_most_ten_seconds_of_what_arrived_are_not_durable(tmp_path: Path, lost: set[int]) -> None:
    """After every second of a strap's stream, another connection looks at what a kill would leave."""
    beats = np.cumsum(np.full(400, 0.83))
    ticks = np.rint(beats * 1024).astype(int)
    intake = Intake()
    with (
        Store.create(tmp_path / "s", passphrase("correct horse"), kdf=QUICK) as store,
        store.session(device=DeviceInfo(), source="live", zero_utc_us=0) as session,
    ):
        arrived: list[float] = []
        for second in range(1, 300):
            if second in lost:
                continue
            now = (beats[1:] > second - 1) & (beats[1:] <= second)
            rr = [int(t) for t in np.diff(ticks)[now]]
            frame = Frame(
                second * 1_000_000, uuids.HEART_RATE_MEASUREMENT, heart_rate_measurement(72, rr, contact=True)
            )
            for item in intake.feed(frame):
                if isinstance(item, Block):
                    session.append(item)
                elif isinstance(item, Gap):
                    session.gap(item)
            arrived += beats[1:][now].tolist()
            durable = [stream.end_us for stream in store.streams("rr")]
            newest = (durable[0] or 0) / 1e6 if durable else 0.0
            waiting = [beat for beat in arrived if beat > newest + 0.3]  # placed to within the latency of the radio
            assert not waiting or second - waiting[0] <= 10.0, second


def test_two_imports_of_one_file_at_once_are_one(shared: Path, tmp_path: Path) -> None:
    header = shared / "data" / "mitdb" / "101.hea"
    Store.create(tmp_path / "s", passphrase("correct horse"), kdf=QUICK).close()
    code = (
        "import sys\nfrom pathlib import Path\nfrom vitals.offline import import_recording\n"
        "from vitals.store import Store, passphrase\n"
        "with Store.open(sys.argv[1], passphrase('correct horse')) as store:\n"
        "    print('ready', flush=True)\n    sys.stdin.readline()\n"
        "    print(import_recording(store, Path(sys.argv[2])).new)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "s"), str(header)]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    said = sorted(one.communicate()[0].strip() for one in both)
    assert said == ["False", "True"]
    with Store.open(tmp_path / "s", passphrase("correct horse")) as store:
        assert sorted(s.kind.partition(":")[0] for s in store.streams()) == ["ecg", "ecg", "rr"]
        assert store.verify().ok
        assert import_recording(store, header).new is False
