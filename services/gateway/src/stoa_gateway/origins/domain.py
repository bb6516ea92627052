"""Which pages may ask from a browser across origins (CORS, in the Fetch standard), and whose data they may read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from stoa_common.errors import BadRequest, Forbidden


class OriginIsForeign(Forbidden):
    """A page asks for the data of an organization that does not list the page's origin, though another one does."""

    def __init__(self) -> None:
        super().__init__(
            "Pages of this origin may not ask for your organization's data. An admin allows it at "
            "PUT /api/v1/auth/allowed-origins."
        )


class PreflightIsRefused(BadRequest):
    """A browser asks whether a page may send a request, and it may not: its origin, or the method."""

    def __init__(self, *, headers: Mapping[str, str]) -> None:
        super().__init__("Pages of this origin may not send this request.", headers=headers)


@dataclass(slots=True)
class Page:
    """Where a request's page came from, and whose data it asked for."""

    origin: str
    #: Until it is known who asks, answers are refusals that tell nobody's data.
    is_settled: bool = False
    organization: UUID | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """What the organizations list; the operator's own origins, which count everywhere, stand apart."""

    by_organization: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    by_any: frozenset[str] = frozenset()

    def may_read(self, page: Page) -> bool:
        """Data of one organization goes only to its own origins, and public data to none of them."""
        if not page.is_settled:
            return page.origin in self.by_any
        return page.organization is not None and page.origin in self.by_organization.get(page.organization, ())


def read_listed(document: Any) -> Listed:
    """Auth's answer. Raises ValueError, KeyError or TypeError where it is none."""
    found = {UUID(one["organization_id"]): frozenset(map(str, one["origins"])) for one in document["organizations"]}
    return Listed(found, frozenset().union(*found.values()))
