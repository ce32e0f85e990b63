"""The real `dbus-daemon`, private and unprivileged: the judge of our own message bus."""

from __future__ import annotations

import os
import subprocess
from itertools import count
from pathlib import Path

from .message_bus import Policy

RULES: dict[Policy, str] = {
    "open": "",
    "no calls": '<deny send_destination="org.bluez"/>',
    "no connections": '<deny user="*"/>',
}
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "busconfig.dtd">
<busconfig>
  <type>system</type>
  <auth>EXTERNAL</auth>
  <listen>{address}</listen>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
  </policy>
  <policy context="mandatory">{rule}</policy>
</busconfig>
"""
_numbers = count(1)


class DBusDaemon:
    """Starts `binary` on an abstract socket; `address` is what goes into DBUS_SYSTEM_BUS_ADDRESS."""

    def __init__(self, binary: str, folder: Path, policy: Policy = "open") -> None:
        self.address = f"unix:abstract=vitals-dbus-daemon-{os.getpid()}-{next(_numbers)}"
        config = folder / "bus.conf"
        config.write_text(CONFIG.format(address=self.address, rule=RULES[policy]))
        self._process = subprocess.Popen(
            [binary, f"--config-file={config}", "--nofork", "--nopidfile", "--print-address"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("unix:"), "dbus-daemon did not start"

    def stop(self) -> None:
        """Kill it."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
