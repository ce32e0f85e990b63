"""The tests of the link lend their `play`: virtual time, and nothing may be left behind."""

from __future__ import annotations

from tests.link.conftest import play

__all__ = ["play"]
