"""What the SCIM endpoint says of itself, over HTTP: to anybody, since it is the same for all (RFC 7644, section 4)."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query, status
from starlette.responses import Response

from stoa_auth.scim import discovery, domain, representing
from stoa_auth.scim.answering import BaseDep, ScimResponse, new_router
from stoa_common.http import public, require

router = new_router()


def _unfiltered(wanted: Annotated[str | None, Query(alias="filter")] = None) -> None:
    """Raises DiscoveryIsNotFiltered: else a client could take the answer for the one that it asked for."""
    if wanted is not None:
        raise domain.DiscoveryIsNotFiltered


_WHOLE = [Depends(_unfiltered)]


@router.get("/ServiceProviderConfig", **public())
async def get_scim_config(base: BaseDep) -> Response:
    """Which parts of SCIM there are here."""
    return ScimResponse(discovery.config(base))


@router.get("/ResourceTypes", dependencies=_WHOLE, **public())
async def list_scim_resource_types(base: BaseDep) -> Response:
    """Users and groups, and where they are."""
    return _list(discovery.resource_types(base))


@router.get("/ResourceTypes/{name}", **public())
async def get_scim_resource_type(name: str, base: BaseDep) -> Response:
    """One kind of resource."""
    return _one(discovery.resource_types(base), name, kind="resource type")


@router.get("/Schemas", dependencies=_WHOLE, **public())
async def list_scim_schemas(base: BaseDep) -> Response:
    """The attributes that users and groups have here."""
    return _list(discovery.schemas(base))


@router.get("/Schemas/{urn}", **public())
async def get_scim_schema(urn: str, base: BaseDep) -> Response:
    """The attributes of one schema."""
    return _one(discovery.schemas(base), urn, kind="schema")


@router.post("/.search", status_code=status.HTTP_501_NOT_IMPLEMENTED, **require("scim:write", keeps_answer=False))
async def search_scim() -> None:
    """Users and groups are searched apart: POST /Users/.search or /Groups/.search."""
    raise domain.SearchIsByKind


def _list(found: Mapping[str, dict[str, Any]]) -> Response:
    return ScimResponse(representing.all_of(list(found.values())))


def _one(found: Mapping[str, dict[str, Any]], name: str, *, kind: str) -> Response:
    if name not in found:
        raise domain.ResourceIsUnknown(kind)
    return ScimResponse(found[name])
