"""A store that answers: how a number was made, what it holds of a person, who may have it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from vitals.cli import main
from vitals.errors import InputError, StoreExists
from vitals.explaining import why
from vitals.offline import analyze
from vitals.store import Store, passphrase
from vitals.takeout import take_out
from vitals.values import Block, DeviceInfo, Gap, Timing, rr_block
from vitals_signal import synthetic

KEY = "first of all"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ninety minutes of a wearer with an episode, analyzed, and a minute of somebody else."""
    monkeypatch.setenv("VITALS_PASSPHRASE", KEY)
    worn = synthetic.wearer(1.5, episodes=[(1800.0, 3000.0)], seed=3)
    ticks = np.rint(np.diff(worn.beats_s) * 1024).astype(np.int64)
    with Store.create(tmp_path / "s", passphrase(KEY)) as store:
        with store.session(device=DeviceInfo(name="w"), source="live", zero_utc_us=10**15, subject="anna") as one:
            one.append(rr_block(0, ticks, 1024, 0))
            one.append(Block("acc", 0, Timing.REGULAR, 25.0, np.arange(300).reshape(100, 3), 0.001, "g"))
            one.gap(Gap("acc", 10**7, 2 * 10**7, "link lost"))
        with store.session(device=DeviceInfo(name="v"), source="live", zero_utc_us=10**15, subject="berta") as one:
            one.append(rr_block(0, ticks[:60], 1024, 0))
        list(analyze(store))
    return tmp_path / "s"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_event_and_window_is_explained_and_made_again(path: Path) -> None:
    with Store.open(path, passphrase(KEY)) as store:
        events, windows = store.event_rows(), store.feature_rows()
        assert events
        ids = [row.id for row in events] + [windows[k].id for k in (0, len(windows) // 2, -1)]
        for row_id in ids:
            found = why(store, row_id)
            assert found.identical, found.why_not
            assert found.stream.kind == "rr"
        with pytest.raises(InputError, match="no event or window 'x'"):
            why(store, "x")


def test_a_number_that_the_samples_do_not_give_is_told(path: Path) -> None:
    with Store.open(path, passphrase(KEY)) as store:
        event = store.event_rows()[0]
        with store.transaction() as connection:
            connection.execute("UPDATE event SET score = score * 0.5 WHERE uid = ?", (bytes.fromhex(event.id),))
        found = why(store, event.id)
        assert not found.identical
        assert found.why_not == "made again, it has other numbers"
        with store.transaction() as connection:
            connection.execute("UPDATE event SET start_us = start_us - 1 WHERE uid = ?", (bytes.fromhex(event.id),))
        assert "do not give it" in str(why(store, event.id).why_not)
        with store.transaction() as connection:
            connection.execute("UPDATE provenance SET version = '0'")
        assert "another version" in str(why(store, event.id).why_not)


def test_why_on_the_command_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "--store", str(path), "--json"]) == 0
    event = json.loads(capsys.readouterr().out.splitlines()[0])
    assert main(["why", event["id"], "--store", str(path)]) == 0
    assert "identical to the last bit" in capsys.readouterr().out
    assert main(["why", event["id"], "--store", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["identical"]
    assert said["model_sha256"] == event["model_sha256"]


def test_a_takeout_holds_all_of_one_person_and_nothing_of_another(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Store.open(path, passphrase(KEY)) as store:
        store.grant("a clinic", "a second look", subject="anna", streams=["rr"])
        done = take_out(store, out, subject="anna")
        with pytest.raises(StoreExists):
            take_out(store, out, subject="anna")
        with pytest.raises(InputError, match="no subject 'carla'; it has: anna, berta"):
            take_out(store, tmp_path / "other", subject="carla")
        rr = np.concatenate([one.values for one in store.arrays("rr", subject="anna")])
        windows = [row for row in store.feature_rows() if row.features.start_us >= 0]
        assert store.audit_log()[-1].action == "taken out"
    files = sorted(p.name for p in out.rglob("*") if p.is_file())
    assert len(files) == done.files
    assert (out.stat().st_mode & 0o777, (out / "events.csv").stat().st_mode & 0o777) == (0o700, 0o600)
    table = rows_of(next(out.glob("samples/rr-*.csv")))
    assert np.array_equal([float(row["rr_ms"]) for row in table], rr)
    assert table[0]["time"].endswith("Z")
    acc = rows_of(next(out.glob("samples/acc-*.csv")))
    assert list(acc[0].values())[1:] == ["0.0", "0.001", "0.002"]
    assert list(acc[0]) == ["time", "acc_g_0", "acc_g_1", "acc_g_2"]
    described = json.loads((out / "subject.json").read_text())
    assert [one["party"] for one in described["consents"]] == ["a clinic"]
    assert {one["maker"] for one in rows_of(out / "features.csv")} == {
        row.features.made_by.algorithm for row in windows
    }
    assert rows_of(out / "events.csv")[0]["kind"] == "irregular_rhythm"
    assert "link lost" in (out / "gaps.csv").read_text()
    assert not any(b"berta" in p.read_bytes() for p in out.rglob("*") if p.is_file())


def test_consent_is_given_expires_and_is_withdrawn(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store_at = ["--store", str(path)]
    assert main(["consent", *store_at]) == 0
    assert "nobody may be sent" in capsys.readouterr().err
    assert main(["consent", "--give", "a clinic", *store_at]) == 1
    assert "--purpose" in capsys.readouterr().err
    words = ["consent", "--give", "a clinic", "--purpose", "a look", "--subject", "anna", "--stream", "rr", "--json"]
    assert main([*words, "--expires", "2020-01-01T00:00:00Z", *store_at]) == 1
    assert "before it begins" in capsys.readouterr().err
    assert main([*words, *store_at]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["holds"]
    assert main(["consent", "--withdraw", given["id"], "--json", *store_at]) == 0
    assert not json.loads(capsys.readouterr().out)["holds"]
    assert main(["consent", "--withdraw", "00", *store_at]) == 1
    assert "no consent 00" in capsys.readouterr().err
    with Store.open(path, passphrase(KEY)) as store:
        assert [one.action for one in store.audit_log()] == ["consent given", "consent withdrawn"]
        assert "clinic" not in str([one.detail for one in store.audit_log()])
        store.erase(proof=passphrase(KEY), subject="anna")
        assert store.consents() == []
        assert store.verify().ok


def test_a_consent_holds_between_its_limits(path: Path) -> None:
    with Store.open(path, passphrase(KEY)) as store:
        given = store.grant("a clinic", "a look", subject="anna", expires="2100-01-01T00:00:00Z")
        assert given.expires_us is not None
        assert given.holds(given.granted_us)
        assert given.holds(given.expires_us - 1)
        assert not given.holds(given.expires_us)
        assert not given.holds(given.granted_us - 1)
        for party, purpose in (("", "x"), ("x", " ")):
            with pytest.raises(InputError, match="is empty"):
                store.grant(party, purpose, subject="anna")
        with pytest.raises(InputError, match="no subject 'carla'"):
            store.grant("x", "y", subject="carla")
