"""The store: ClickHouse, inside the process or as a cluster. Same migrations, same queries, same contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from fengsui.bus.protocol import Place
from fengsui.errors import FengsuiError


@dataclass(frozen=True)
class Limits:
    """Bounds of one query: seconds, bytes of memory, rows of the answer (0: none).

    ``selective``: few rows of what the sort key finds are wanted, so that the columns of conditions are read first.
    Else all columns are read at once: a fifth to a third less where the sort key finds the rows (measured).
    """

    seconds: float = 60.0
    memory: int = 4_000_000_000
    rows: int = 0
    selective: bool = False


DEFAULT = Limits()


class StoreError(FengsuiError):
    """The engine refused a statement: a mistake in it, not a passing state."""


class Store(Protocol):
    """Safe to use from several threads; each has a connection of its own."""

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None, limits: Limits = DEFAULT) -> pa.Table:
        """Read. Parameters are bound by the server as ``{name:Type}``; times come back as timestamps in UTC.

        Raises StoreError for SQL that the engine refuses, Retry where the same query may succeed later.
        """
        ...

    def insert(self, table: str, rows: pa.RecordBatch, place: Place, offset: int, token: str) -> None:
        """One message as one block: readers see all of it or nothing. A repeat under the same token adds nothing.

        ``rows`` has the kind's columns; the columns of the place on the bus are added here.
        """
        ...

    def offsets(self, table: str, place: Place, start: int) -> dict[int, int]:
        """Rows of each message that is there, by offset, from ``start`` on."""
        ...

    def delete(self, table: str, org: str, network: str, origin: str, place: Place, before: int) -> None:
        """Delete the rows of an origin, except those sent in ``place`` from offset ``before`` on.

        Returns when they are no longer seen.
        """
        ...

    def load(self, table: str, rows: pa.Table) -> None:
        """Fill a table that is not fed by the bus (indicators): no token, no place."""
        ...

    def retain(self, days: Mapping[str, int]) -> list[str]:
        """Keep the rows of each kind so many days after they were read, 0 for ever; the kinds where this is new."""
        ...

    def migrate(self) -> list[str]:
        """Apply the migrations that are missing, in order; their names. Raises UsageError for a newer store."""
        ...

    def close(self) -> None: ...
