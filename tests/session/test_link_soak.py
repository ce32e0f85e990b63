"""Short runs of the soak; the day is `python run.py campaign link_soak`."""

from __future__ import annotations

import pytest

from tests.campaigns.link_soak import LIMITS, Account, Outcome, main, recoveries, soak
from vitals.values import Disconnected, Gap, LossReason
from vitals.virtual import Fault, FaultScript


@pytest.mark.parametrize(("load", "hours", "faults"), [("heart_rate", 2.0, 30), ("h10", 0.5, 8)])
def test_a_soak_holds_its_laws_and_repeats(load: str, hours: float, faults: int) -> None:
    first, second = (soak(hours, faults, 7, load) for _ in range(2))
    assert first.broken() == []
    assert first.happened["Connected"] > 3
    assert first.happened["Disconnected (link lost)"] > 2
    assert len(first.recoveries_s) > 3
    assert min(first.coverage.values()) >= LIMITS["coverage"]
    assert (first.digest, first.happened, first.recoveries_s) == (second.digest, second.happened, second.recoveries_s)


def test_another_seed_is_another_day() -> None:
    assert soak(0.1, 2, 1).digest != soak(0.1, 2, 2).digest


def test_broken_laws_are_said() -> None:
    bad = Outcome(3600, coverage={"rr": 0.98}, recoveries_s=[9.0], growth_mb=6.0, complaints=["task left"], reboots=1)
    assert [words.split()[0] for words in bad.broken()] == ["rr:", "a", "memory", "0", "task"]
    assert Outcome(3600, coverage={"rr": 0.995}, recoveries_s=[7.0], growth_mb=1.0).broken() == []


def test_time_is_covered_once() -> None:
    account = Account()
    for start, end in ((0, 10), (5, 12), (20, 30)):
        account.take(Gap("rr", start * 1_000_000, end * 1_000_000, "no data"))
    account.take(Disconnected(31_000_000, LossReason.LOST))
    assert account.coverage(0, 40, ["rr"]) == {"rr": 22 / 40}
    assert account.happened["Disconnected (link lost)"] == 1


def test_a_recovery_counts_from_when_the_device_could_be_heard() -> None:
    script = FaultScript(
        (Fault(10, "out_of_range", duration_s=50), Fault(100, "link_loss"), Fault(200, "central_loses_link"))
    )
    seen = [9.5, 63.0, 99.5, 103.0, 104.0, 199.5, 207.0]
    assert list(recoveries(script, 0.0, seen)) == pytest.approx([3.0, 36.5, 3.0, 95.5, 3.0])


def test_the_campaign_prints_what_it_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--hours", "0.2", "--faults", "3", "--seed", "2"]) == 0
    said = capsys.readouterr().out
    assert "digest " in said
    assert "recovery p50" in said
