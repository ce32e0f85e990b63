"""Keeping a device streaming: one supervisor per device, drivers for what its maker speaks.

    link --> driver (start, stop) --> supervisor (watchdog, reconnect) --> listeners (bounded, ordered)

Laws of this room:
1. One task owns a link from the first attempt to the farewell; everything else asks it.
2. Frames and link events reach a listener in the order in which they happened; what is dropped is counted and said.
3. Every exchange with a device has a time-out. Whatever was started is stopped on leaving.
4. bleak is not known here, and no clock but that of the event loop.
"""

from __future__ import annotations

from vitals.session.driver import Driver, PlainDriver, Source
from vitals.session.listener import Listener
from vitals.session.polar import PolarDriver
from vitals.session.supervisor import Supervisor

__all__ = ["Driver", "Listener", "PlainDriver", "PolarDriver", "Source", "Supervisor"]
