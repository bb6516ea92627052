"""Rules of provisioning: whose account a user is, which role a group gives, which version a request means."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from scim2_models import Resource

from stoa_auth.people import addresses
from stoa_auth.scim.models import ScimGroup, ScimUser
from stoa_auth.scim.schemas import NOT_BY_GROUPS, DirectoryGroup, DirectoryUser, Email, GroupRole
from stoa_common.errors import BadRequest, Conflict, Forbidden, NotFound, PreconditionFailed, Refusal, TooManyRequests
from stoa_common.permissions import Role

R = TypeVar("R")
DEFAULT_COUNT: Final = 100
MOST_RESULTS: Final = 200
LONGEST_USER_NAME: Final = 254
#: What every member has who was provisioned.
FIRST_ROLES: Final = (Role.LEARNER,)
_ROLE_PREFIX: Final = "stoa:"
_LATER: Final = {"Retry-After": "600"}
_STRANGER: Final = "A group's members are users of this organization; give the ids of such."
#: Of a bigint there is more, and of people there is less.
_LAST_OFFSET: Final = 2**31 - 1


class ResourceIsUnknown(NotFound):
    """The organization has no such user or group."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"There is no {kind} with this id.")


class ScimRequestIsWrong(BadRequest):
    """What was sent is no SCIM request, or does not fit the schema; `scim_type` says which rule refused."""

    def __init__(self, detail: str, *, scim_type: str | None) -> None:
        super().__init__(detail)
        self.scim_type = scim_type


class UserIsListed(Conflict):
    """The organization has a user of this name, or the person by another name."""

    scim_type: ClassVar[str] = "uniqueness"

    def __init__(self) -> None:
        super().__init__("The organization has a user with this userName or address already. Find it by a filter.")


class VersionHasChanged(PreconditionFailed):
    """Somebody changed the resource since it was read."""

    def __init__(self) -> None:
        super().__init__("The resource has changed since you read it. Read it again, and repeat your change.")


class TooManyProvisioned(TooManyRequests):
    """The organization's directory made as many accounts as it may in an hour; each is a mail to somebody."""

    def __init__(self) -> None:
        super().__init__("This directory made many accounts within the hour. Try again later.", headers=_LATER)


class SearchIsByKind(Refusal):
    """SCIM has a search of all kinds of resources at once, and this service has not."""

    status, title = 501, "Not implemented"

    def __init__(self) -> None:
        super().__init__("Search users by POST /Users/.search and groups by POST /Groups/.search.")


class DiscoveryIsNotFiltered(Forbidden):
    """Schemas and resource types are listed whole (RFC 7644, section 4)."""

    def __init__(self) -> None:
        super().__init__("Leave out the filter: this list is given whole.")


def parsed_id(text: str, *, kind: str) -> UUID:
    """Raises ResourceIsUnknown for what can't be an id."""
    try:
        return UUID(text)
    except ValueError:
        raise ResourceIsUnknown(kind) from None


def known(record: R | None, *, kind: str) -> R:
    """Raises ResourceIsUnknown."""
    if record is None:
        raise ResourceIsUnknown(kind)
    return record


def check_made(made: int, *, most: int) -> None:
    """Raises TooManyProvisioned."""
    if made > most:
        raise TooManyProvisioned


def window(start: int | None, count: int | None) -> dict[str, int]:
    """Which of the results are meant: from the first one, and no more than the service gives."""
    return {
        "offset": min(start or 0, _LAST_OFFSET),
        "limit": min(DEFAULT_COUNT if count is None else count, MOST_RESULTS),
    }


def member_ids(group: DirectoryGroup) -> set[UUID]:
    """Raises ScimRequestIsWrong for what is no id."""
    try:
        return {UUID(member.value) for member in group.members or [] if member.value}
    except ValueError:
        raise ScimRequestIsWrong(_STRANGER, scim_type="invalidValue") from None


def refuse_strangers(unknown: Collection[UUID]) -> None:
    """Raises ScimRequestIsWrong where a member is no user of the organization."""
    if unknown:
        raise ScimRequestIsWrong(_STRANGER, scim_type="invalidValue")


def address(user: DirectoryUser) -> str | None:
    """The e-mail address by which the person logs in: `userName`, or else the preferred one of `emails`."""
    ranked = sorted(user.emails or [], key=_rank)
    for text in (user.user_name, *(email.value for email in ranked)):
        if found := _address(text):
            return found
    return None


def _rank(email: Email) -> tuple[bool, bool]:
    return not email.primary, email.type != "work"


def _address(text: str | None) -> str | None:
    try:
        return addresses.email(text) if text and "@" in text else None
    except ValueError:
        return None


def full_name(user: DirectoryUser) -> str | None:
    """The name for an account; None where the directory gives none that could be one."""
    name = user.name
    parts = " ".join(part for part in (name.given_name, name.family_name) if part) if name else ""
    for text in (user.display_name, name.formatted if name else None, parts):
        try:
            if text:
                return addresses.name(text)
        except ValueError:
            continue
    return None


def require_user_name(user: DirectoryUser) -> str:
    """Raises ScimRequestIsWrong."""
    if not user.user_name or len(user.user_name) > LONGEST_USER_NAME:
        message = f"Give userName, the person's e-mail address, of 1 to {LONGEST_USER_NAME} characters."
        raise ScimRequestIsWrong(message, scim_type="invalidValue")
    return user.user_name


def require_display_name(group: DirectoryGroup) -> None:
    """Raises ScimRequestIsWrong."""
    if not group.display_name:
        raise ScimRequestIsWrong("Give displayName, the group's name.", scim_type="invalidValue")


def is_to_provision(record: ScimUser, said: DirectoryUser, *, before: DirectoryUser) -> bool:
    """Whether an address is told only now of who has not joined yet."""
    return record.joined_at is None and (record.person_id is None or address(said) != address(before))


def told_role(group: DirectoryGroup) -> str | None:
    """The role of our extension."""
    extension: GroupRole | None = group[GroupRole]
    return extension.role if extension is not None else None


def wanted_role(group: DirectoryGroup, *, existing: Iterable[str], kept: str | None = None) -> str | None:
    """The role that members have by the group: that of the extension, or else the one that its name tells.

    One that the group has `kept` from before and that was deleted since is no role. Raises ScimRequestIsWrong for
    another of the extension that groups can't give.
    """
    grantable = [role for role in existing if role not in NOT_BY_GROUPS]
    told, name = told_role(group), (group.display_name or "").strip().lower()
    if told is None:
        return next((role for role in grantable if name == f"{_ROLE_PREFIX}{role}"), None)
    if told not in grantable and told != kept:
        message = f"Groups can't give {told}. Choose from {', '.join(grantable)}."
        raise ScimRequestIsWrong(message, scim_type="invalidValue")
    return told if told in grantable else None


def by_groups(current: Sequence[str], *, granted: Iterable[str], wanted: Iterable[str]) -> tuple[list[str], list[str]]:
    """A member's roles, and those of them that they have by groups alone.

    What an admin gave by hand stays; what groups gave goes with the last group that gives it.
    """
    by_hand = set(current) - set(granted)
    added = set(wanted) - by_hand
    roles = by_hand | added or set(FIRST_ROLES)
    return sorted(roles), sorted(added)


def version(record: ScimUser | ScimGroup, *, state: str = "", beside: str = "") -> str:
    """The entity tag (RFC 7644, section 3.14); weak, since the order of attributes may differ.

    `beside` tells apart what is shown with the record, and changes without it.
    """
    return f'W/"{record.revision}{state}{"-" if beside else ""}{beside}"'


def check_version(current: str, if_match: str | None) -> None:
    """Raises VersionHasChanged where the caller means another version."""
    if if_match is not None and not is_named(current, if_match):
        raise VersionHasChanged


def is_named(current: str, header: str) -> bool:
    """Whether a list of entity tags names this one, weakly compared (RFC 9110, section 8.8.3.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or current.removeprefix("W/") in tags


def changed(record: ScimUser | ScimGroup, *, at: datetime) -> None:
    record.revision += 1
    record.changed_at = at


def names_of_changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Which attributes differ, without what they say: that may be personal."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def attributes_of(resource: Resource[Any], *, without: Iterable[str]) -> dict[str, Any]:
    """The resource as JSON for the database, without what is kept elsewhere."""
    dropped = {"schemas", "id", "meta", *without}
    return {name: value for name, value in resource.model_dump().items() if name not in dropped}
