"""The schema, as the steps that lead to it: one file per version, its number and purpose in its name.

Laws of this package:
1. A step and the record of it (PRAGMA user_version) are one transaction: it is done, or it never began.
2. A released step never changes. A store of any released version opens; one of a later version is refused.
3. All times are UTC microseconds in integers; tables are STRICT.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from vitals.errors import StoreTooNew
from vitals.store.connection import Connection, reworded, transaction
from vitals.store.migrations import v0001_first_schema, v0002_merged_chunks, v0003_life_of_a_store

Statements = tuple[str, ...]


STEPS: tuple[Statements, ...] = (
    v0001_first_schema.STATEMENTS,
    v0002_merged_chunks.STATEMENTS,
    v0003_life_of_a_store.STATEMENTS,
)


def version(connection: Connection) -> int:
    """The schema version of an open database; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: Connection, steps: Sequence[Statements] = STEPS) -> None:
    """Bring the schema to the last of `steps`. Raises StoreTooNew where it is past that already."""
    try:
        while (done := version(connection)) != len(steps):
            if done > len(steps):
                raise StoreTooNew(
                    f"the store has schema {done}, this vitals knows {len(steps)}: install a later version of vitals"
                )
            with transaction(connection):
                if version(connection) == done:  # otherwise another process was faster
                    for statement in steps[done]:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version={done + 1}")
    except sqlite3.Error as error:
        raise reworded(error) from error
