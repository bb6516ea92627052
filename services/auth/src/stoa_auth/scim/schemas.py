"""The shapes of SCIM, as RFC 7643 defines them, with the attributes that Stoa keeps.

What a directory sends beyond them is ignored, and never stored: Stoa needs no telephone number, and takes no password.
"""

from typing import Annotated, Any, Final

from pydantic import Field
from scim2_models import (
    URN,
    AnyExtension,
    CaseExact,
    ComplexAttribute,
    Extension,
    GroupMembership,
    Mutability,
    Name,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    Uniqueness,
)

from stoa_common.permissions import Role

#: Who sends more than the schema has, selects by the value of a removal, or writes to an entry that is not there yet
#: (Entra ID does all of these), is understood.
POLICY: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
#: Given and taken by owners alone, in person.
NOT_BY_GROUPS: Final = frozenset({Role.OWNER, Role.OPERATOR})
_GRANTABLE: Final[list[Any]] = [str(role) for role in Role if role not in NOT_BY_GROUPS]


class Email(ComplexAttribute):
    """An address of the person."""

    value: str | None = None
    """The address."""

    display: str | None = None
    """A label to show."""

    type: str | None = Field(None, examples=["work", "home", "other"])
    """What the address is for."""

    primary: bool | None = None
    """Whether it is the preferred one; at most one is."""


class EnterpriseUser(Extension):
    """Where the person works."""

    __schema__ = URN("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")

    employee_number: str | None = None
    """The employer's number for the person."""

    cost_center: str | None = None
    """Who pays."""

    organization: str | None = None
    """The organization, in the directory's words."""

    division: str | None = None
    """The division."""

    department: str | None = None
    """The department."""


class User(Resource[AnyExtension]):
    """A member of the organization."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """The name by which the directory knows the person: their e-mail address."""

    name: Name | None = None
    """The parts of the person's name."""

    display_name: str | None = None
    """The name to show."""

    nick_name: str | None = None
    """What the person is called."""

    title: str | None = None
    """The person's position."""

    user_type: str | None = None
    """What the person is to the organization."""

    preferred_language: str | None = None
    """The language of mails, as in Accept-Language."""

    locale: str | None = None
    """How dates and numbers are written."""

    timezone: str | None = None
    """The time zone, such as Europe/Paris."""

    active: bool | None = None
    """Whether the person may act for the organization."""

    emails: list[Email] | None = None
    """The person's addresses."""

    groups: Annotated[list[GroupMembership] | None, Mutability.read_only] = None
    """The groups that the person is in."""


class GroupMember(ComplexAttribute):
    """A user in a group. Which name it shows is the user's to say, so there is no `display`."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The user's id."""

    # The name of a resource type, which mypy takes for the class.
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """Where the user is."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """Always User: groups have no groups in them."""


class GroupRole(Extension):
    """What members of the group are in Stoa."""

    __schema__ = URN("urn:stoa:scim:schemas:extension:role:2.0:Group")

    role: str | None = Field(None, examples=_GRANTABLE)
    """A role of the organization, its own ones too, that members have as long as they are in the group."""


class Group(Resource[AnyExtension]):
    """A group of the directory."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    """The group's name. `stoa:author` gives its members the role author, where the extension names none."""

    members: list[GroupMember] | None = None
    """Who is in the group."""


DirectoryUser = User[EnterpriseUser]
DirectoryGroup = Group[GroupRole]
