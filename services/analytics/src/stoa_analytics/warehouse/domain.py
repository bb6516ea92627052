"""Whose rows a question may see, and that no question forgets to ask it."""

import re
from dataclasses import dataclass
from uuid import UUID

from stoa_analytics.warehouse.models import TABLES
from stoa_common.errors import Unavailable

_TABLE = re.compile(r"\$(\w+)")
_BARE = re.compile(rf"\b(?:FROM|JOIN)\s+(?![$(])(\S+)|(?<![$\w])({'|'.join(TABLES)})\b", re.IGNORECASE)
_SCOPED = "(SELECT * FROM {table} FINAL WHERE organization_id = {{scope_organization_id:UUID}})"
_UNSCOPED = "(SELECT * FROM {table} FINAL)"


class WarehouseIsAway(Unavailable, ConnectionError):
    """The engine did not answer, or had no room: 503 to callers, and no fault of an event's to consumers."""


class WarehouseStaysShut(RuntimeError):
    """The warehouse cannot be opened, and waiting would not help; the message says what to do."""


class WarehouseIsTaken(WarehouseStaysShut):
    """Another process owns the embedded engine's folder."""


class FolderIsUnusable(WarehouseStaysShut):
    """The embedded engine's folder cannot be made, or not be written."""


class WarehouseIsBehind(WarehouseStaysShut):
    """The server's tables are older than this program."""


class TableIsNotScoped(ValueError):
    """A query names a table past the tenant filter."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One organization, or the whole platform."""

    organization_id: UUID | None

    @classmethod
    def of(cls, organization_id: UUID) -> "Scope":
        return cls(organization_id)

    @classmethod
    def platform(cls) -> "Scope":
        return cls(None)


def scoped(sql: str, scope: Scope) -> tuple[str, dict[str, object]]:
    """The query with each `$table` narrowed to the scope's rows, duplicates removed; and the parameters it needs.

    This is the only place where a tenant filter is written. Raises TableIsNotScoped where a table is named without `$`.
    """
    if bare := _BARE.search(sql):
        name = bare[1] or bare[2]
        raise TableIsNotScoped(f"Write ${name} instead of {name}: the tenant filter goes there.")
    if scope.organization_id is None:
        return _TABLE.sub(lambda m: _UNSCOPED.format(table=m[1]), sql), {}
    narrowed = _TABLE.sub(lambda m: _SCOPED.format(table=m[1]), sql)
    return narrowed, {"scope_organization_id": scope.organization_id}
