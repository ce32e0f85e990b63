"""The plugin's own fixtures, whether or not the plugin is registered."""

from __future__ import annotations

from vitals.virtual.pytest_plugin import radio, virtual_strap, virtual_time

__all__ = ["radio", "virtual_strap", "virtual_time"]
