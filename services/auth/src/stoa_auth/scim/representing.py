"""Users and groups as SCIM shows them: what the directory said, and what Stoa says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from scim2_models import Context, Resource, ResponseParameters, SearchRequest

from stoa_auth.scim import domain
from stoa_auth.scim.models import ScimGroup, ScimUser
from stoa_auth.scim.schemas import DirectoryGroup, DirectoryUser

_DIGEST_LENGTH: Final = 16
LIST_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@dataclass(frozen=True, slots=True)
class Answer:
    """One resource, as it is answered."""

    body: dict[str, Any]
    version: str
    location: str


def user(record: ScimUser, *, is_active: bool, groups: Sequence[ScimGroup], base: str) -> DirectoryUser:
    version = _user_version(record, is_active=is_active, groups=groups)
    own = {
        "id": str(record.id),
        "active": None if record.active is None else is_active,
        "groups": [_membership(group, base=base) for group in groups] or None,
        "meta": _meta(record, "User", base=base, version=version),
    }
    return DirectoryUser.model_validate({**record.attributes, **own})


def _user_version(record: ScimUser, *, is_active: bool, groups: Sequence[ScimGroup]) -> str:
    """The groups, in the order of their ids, are shown with the user; `sources.py` says the same in SQL."""
    told = "\n".join(f"{group.id} {group.attributes['displayName']}" for group in groups)
    digest = sha256(told.encode()).hexdigest()[:_DIGEST_LENGTH] if groups else ""
    return domain.version(record, state="" if is_active else "s", beside=digest)


def _group_version(record: ScimGroup, *, size: int) -> str:
    """Members that come change the group; those that go may go by themselves, so that their number tells the rest."""
    return domain.version(record, beside=str(size or ""))


def _membership(group: ScimGroup, *, base: str) -> dict[str, Any]:
    return {
        "value": str(group.id),
        "$ref": f"{base}/Groups/{group.id}",
        "display": group.attributes["displayName"],
        "type": "direct",
    }


def group(record: ScimGroup, *, members: Sequence[UUID], size: int, base: str) -> DirectoryGroup:
    """`members` are those that are asked for, of `size`."""
    own = {
        "id": str(record.id),
        "members": [_member(user_id, base=base) for user_id in members] or None,
        "meta": _meta(record, "Group", base=base, version=_group_version(record, size=size)),
    }
    return DirectoryGroup.model_validate({**record.attributes, **own})


def _member(user_id: UUID, *, base: str) -> dict[str, Any]:
    return {"value": str(user_id), "$ref": f"{base}/Users/{user_id}", "type": "User"}


def _meta(record: ScimUser | ScimGroup, kind: str, *, base: str, version: str) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "created": record.created_at,
        "lastModified": record.changed_at,
        "location": f"{base}/{kind}s/{record.id}",
        "version": version,
    }


def answer(resource: Resource[Any], parameters: ResponseParameters[Any]) -> Answer:
    """What is asked for of the resource, and its version as a whole."""
    assert resource.meta is not None
    return Answer(_dump(resource, parameters), version_of(resource), str(resource.meta.location))


def version_of(resource: Resource[Any]) -> str:
    assert resource.meta is not None
    return str(resource.meta.version)


def page(
    resources: Sequence[Resource[Any]], total: int, parameters: SearchRequest[Any], *, offset: int
) -> dict[str, Any]:
    return {
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        "startIndex": offset + 1,
        "itemsPerPage": len(resources),
        "Resources": [_dump(resource, parameters) for resource in resources],
    }


def all_of(resources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A list that has one page."""
    count = len(resources)
    paged = {"totalResults": count, "startIndex": 1, "itemsPerPage": count}
    return {"schemas": [LIST_SCHEMA], **paged, "Resources": resources}


def _dump(resource: Resource[Any], parameters: ResponseParameters[Any]) -> dict[str, Any]:
    return resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=parameters)


def asks_for(parameters: ResponseParameters[Any], attribute: str) -> bool:
    """Whether the answer shows the attribute, which costs a query."""
    wanted, unwanted = parameters.attributes, parameters.excluded_attributes
    if wanted:
        return any(_head(path) == attribute for path in wanted)
    return not any(str(path).lower() == attribute for path in unwanted or ())


def _head(path: object) -> str:
    return str(path).lower().rpartition(":")[2].partition(".")[0]
