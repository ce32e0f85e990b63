"""What `vitals record` and `vitals live` say of the link."""

from __future__ import annotations

import pytest

from vitals.cli.devices import _tell
from vitals.values import (
    BatteryLow,
    ClockReset,
    Connected,
    ContactChange,
    Disconnected,
    LinkEvent,
    LossReason,
    Overflow,
    Stall,
    StreamRefused,
)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Connected(0), "receiving"),
        (Disconnected(0, LossReason.SILENT), "silent stream; waiting for the device"),
        (Stall(0, "ECG", 3_000_000), "nothing comes from ECG"),
        (Overflow(0, 7), "7 notifications were dropped"),
        (StreamRefused(0, "ecg", "take it out of its charger"), "no ecg: take it out of its charger"),
        (ContactChange(0, False), "no skin contact"),
        (ContactChange(0, True), "skin contact again"),
        (BatteryLow(0, 9), "9 %"),
        (ClockReset(0, -5), "clock of the device"),
    ],
)
def test_every_link_event_has_words(
    capsys: pytest.CaptureFixture[str], event: LinkEvent | ClockReset, words: str
) -> None:
    _tell(event)
    assert words in capsys.readouterr().err
