"""SCIM over HTTP (RFC 7644): `/scim/v2`, where directories expect it. Errors there are SCIM's, not problem documents.

No `Idempotency-Key` is kept: names are unique and PUT and DELETE repeatable by the protocol itself, and a kept answer
would be a copy of somebody's data that their erasure does not reach.
"""

from typing import Annotated, Any, Final

from fastapi import Depends, Header, Path, Query, Request, status
from starlette.responses import Response

from stoa_auth.mail.service import MailSealer
from stoa_auth.scim import moving, reading, service
from stoa_auth.scim.answering import KNOWN, OBJECT, BaseDep, ScimResponse, answered, new_router
from stoa_auth.scim.groups import Groups
from stoa_auth.scim.kinds import Parameters
from stoa_auth.scim.schemas import DirectoryGroup, DirectoryUser
from stoa_auth.scim.settling import Directory
from stoa_auth.scim.users import Users
from stoa_auth.settings import Settings
from stoa_common.database import SessionDep
from stoa_common.http import require
from stoa_common.resources import resource
from stoa_common.security import Caller

router = new_router()
_READS: Final = require("scim:write")


def _writes(*, takes_body: bool = True) -> dict[str, Any]:
    said = require("scim:write", keeps_answer=False)
    if takes_body:
        said["openapi_extra"]["requestBody"] = {"required": True, "content": OBJECT}
    return said


def _directory(
    session: SessionDep,
    caller: Caller,
    base: BaseDep,
    sealer: Annotated[MailSealer, resource(MailSealer)],
    settings: Annotated[Settings, resource(Settings)],
) -> Directory:
    return Directory(
        session,
        caller,
        base,
        sealer,
        needs_verified_email=settings.inviting_needs_verified_email,
        most_an_hour=settings.scim_accounts_an_hour,
    )


async def _body(request: Request) -> bytes:
    return await request.body()


def _query(
    wanted: Annotated[str | None, Query(alias="filter", description="RFC 7644, section 3.4.2.2.")] = None,
    sort_by: Annotated[str | None, Query(alias="sortBy")] = None,
    sort_order: Annotated[str | None, Query(alias="sortOrder", description="ascending or descending")] = None,
    start_index: Annotated[str | None, Query(alias="startIndex", description="Of the first result; 1-based.")] = None,
    count: Annotated[str | None, Query(description="At most this many results; 200 is the most.")] = None,
    attributes: Annotated[str | None, Query(description="Show these alone, by commas.")] = None,
    excluded: Annotated[str | None, Query(alias="excludedAttributes", description="All but these, by commas.")] = None,
    # Read in order to be refused.
    cursor: Annotated[str | None, Query(include_in_schema=False)] = None,
) -> dict[str, str | None]:
    shown = {"attributes": attributes, "excludedAttributes": excluded}
    paged = {"startIndex": start_index, "count": count, "cursor": cursor}
    return {"filter": wanted, "sortBy": sort_by, "sortOrder": sort_order, **paged, **shown}


QueryDep = Annotated[dict[str, str | None], Depends(_query)]
DirectoryDep = Annotated[Directory, Depends(_directory, scope="function")]


def _users(directory: DirectoryDep) -> Users:
    return Users(directory)


def _groups(directory: DirectoryDep) -> Groups:
    return Groups(directory)


def _of_users(query: QueryDep) -> Parameters:
    return reading.parameters(DirectoryUser, query)


def _of_groups(query: QueryDep) -> Parameters:
    return reading.parameters(DirectoryGroup, query)


UsersDep = Annotated[Users, Depends(_users, scope="function")]
GroupsDep = Annotated[Groups, Depends(_groups, scope="function")]
UserQuery = Annotated[Parameters, Depends(_of_users)]
GroupQuery = Annotated[Parameters, Depends(_of_groups)]
BodyDep = Annotated[bytes, Depends(_body)]
UserId = Annotated[str, Path(description="The user's SCIM id, which is not the person's.")]
GroupId = Annotated[str, Path(description="The group's SCIM id.")]
IfMatch = Annotated[str | None, Header(description="Only this version of the resource.")]
IfNoneMatch = Annotated[str | None, Header(description="Only another version than this.")]


@router.get("/Users", **_READS)
async def list_scim_users(users: UsersDep, wanted: UserQuery) -> Response:
    """The organization's members, and who is to become one, as its directory knows them."""
    return ScimResponse(await service.list_resources(users, wanted))


@router.post("/Users/.search", **_writes())
async def search_scim_users(users: UsersDep, body: BodyDep) -> Response:
    """As the list, with what is wanted in the body, so that no personal data stands in an address."""
    return ScimResponse(await service.list_resources(users, reading.search(DirectoryUser, body)))


@router.post("/Users", status_code=status.HTTP_201_CREATED, **_writes())
async def create_scim_user(users: UsersDep, body: BodyDep, wanted: UserQuery) -> Response:
    """Provision a person: an account that is a member, or an invitation to who has one with this address."""
    said = reading.new(DirectoryUser, body)
    return answered(await service.create_resource(users, said, wanted), status.HTTP_201_CREATED)


@router.get("/Users/{user_id}", responses=KNOWN, **_READS)
async def get_scim_user(
    user_id: UserId, users: UsersDep, wanted: UserQuery, if_none_match: IfNoneMatch = None
) -> Response:
    """One user."""
    return answered(await service.get_resource(users, user_id, wanted), known=if_none_match)


@router.put("/Users/{user_id}", **_writes())
async def replace_scim_user(
    user_id: UserId, users: UsersDep, body: BodyDep, wanted: UserQuery, if_match: IfMatch = None
) -> Response:
    """Let a user be what is sent; `active` alone stays as it is where it is left out."""
    said = reading.replacement(DirectoryUser, body)
    return answered(await service.replace_resource(users, user_id, said, wanted, if_match=if_match))


@router.patch("/Users/{user_id}", **_writes())
async def patch_scim_user(
    user_id: UserId, users: UsersDep, body: BodyDep, wanted: UserQuery, if_match: IfMatch = None
) -> Response:
    """Change parts of a user: all of the operations, or none. `active` suspends the membership, or resumes it."""
    operations = reading.patch(DirectoryUser, body)
    return answered(await service.patch_resource(users, user_id, operations, wanted, if_match=if_match))


@router.delete("/Users/{user_id}", status_code=status.HTTP_204_NO_CONTENT, **_writes(takes_body=False))
async def delete_scim_user(user_id: UserId, users: UsersDep, if_match: IfMatch = None) -> None:
    """Remove a user and their membership; the account stays, with what it is elsewhere."""
    await service.delete_resource(users, user_id, if_match=if_match)


@router.get("/Groups", **_READS)
async def list_scim_groups(groups: GroupsDep, wanted: GroupQuery) -> Response:
    """The groups of the organization's directory."""
    return ScimResponse(await service.list_resources(groups, wanted))


@router.post("/Groups/.search", **_writes())
async def search_scim_groups(groups: GroupsDep, body: BodyDep) -> Response:
    """As the list, with what is wanted in the body."""
    return ScimResponse(await service.list_resources(groups, reading.search(DirectoryGroup, body)))


@router.post("/Groups", status_code=status.HTTP_201_CREATED, **_writes())
async def create_scim_group(groups: GroupsDep, body: BodyDep, wanted: GroupQuery) -> Response:
    """Make a group, and give its members the roles that it stands for."""
    said = reading.new(DirectoryGroup, body)
    return answered(await service.create_resource(groups, said, wanted), status.HTTP_201_CREATED)


@router.get("/Groups/{group_id}", responses=KNOWN, **_READS)
async def get_scim_group(
    group_id: GroupId, groups: GroupsDep, wanted: GroupQuery, if_none_match: IfNoneMatch = None
) -> Response:
    """One group."""
    return answered(await service.get_resource(groups, group_id, wanted), known=if_none_match)


@router.put("/Groups/{group_id}", **_writes())
async def replace_scim_group(
    group_id: GroupId, groups: GroupsDep, body: BodyDep, wanted: GroupQuery, if_match: IfMatch = None
) -> Response:
    """Let a group be what is sent; the roles of our extension stay as they are where they are left out."""
    said = reading.replacement(DirectoryGroup, body)
    return answered(await service.replace_resource(groups, group_id, said, wanted, if_match=if_match))


@router.patch("/Groups/{group_id}", **_writes())
async def patch_scim_group(
    group_id: GroupId, groups: GroupsDep, body: BodyDep, wanted: GroupQuery, if_match: IfMatch = None
) -> Response:
    """Change parts of a group, its members for one: all of the operations, or none."""
    operations = moving.patch(body)
    return answered(await service.patch_resource(groups, group_id, operations, wanted, if_match=if_match))


@router.delete("/Groups/{group_id}", status_code=status.HTTP_204_NO_CONTENT, **_writes(takes_body=False))
async def delete_scim_group(group_id: GroupId, groups: GroupsDep, if_match: IfMatch = None) -> None:
    """Remove a group, and with it the roles that members have by it alone."""
    await service.delete_resource(groups, group_id, if_match=if_match)
