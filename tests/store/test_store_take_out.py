"""What is taken out lies where it was asked for, or nowhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitals import takeout
from vitals.errors import InputError
from vitals.store import Key, Store
from vitals.values import Block, DeviceInfo, Timing


def record(store: Store, kind: str) -> None:
    with store.session(device=DeviceInfo(name="w"), source="import", zero_utc_us=0) as session:
        session.append(Block(kind, 0, Timing.REGULAR, 10.0, np.arange(5), 1.0, "x"))


def test_a_kind_that_is_a_path_leads_nowhere(tmp_path: Path, key: Key) -> None:
    """The kind of a stream may come from a paired device."""
    with Store.create(tmp_path / "s", key) as store:
        record(store, "../../outside")
        takeout.take_out(store, tmp_path / "out" / "here")
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["here"]
    (file,) = (tmp_path / "out" / "here" / "samples").iterdir()
    assert file.name.startswith("______outside-")
    assert len(file.read_text().splitlines()) == 6


def test_a_full_disk_leaves_no_half_of_it_in_plain_text(
    tmp_path: Path, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.create(tmp_path / "s", key) as store:
        record(store, "ecg")

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(takeout, "_described", full)
            with pytest.raises(InputError, match="check space"):
                takeout.take_out(store, tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assert store.audit_log() == []
        takeout.take_out(store, tmp_path / "out")
        assert [entry.action for entry in store.audit_log()] == ["taken out"]
