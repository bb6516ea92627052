"""Every permission of Stoa, once: what it allows, and the roles that have it from the start.

A permission is `<noun>:<verb>` (any in the organization) or `<noun>:<verb>:own` (what belongs to the person).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from sys import intern


class Role(StrEnum):
    LEARNER = "learner"
    AUTHOR = "author"
    #: Follows how learners do, and changes no course.
    COACH = "coach"
    #: A coach who also brings people in, and gives them no more than they may themselves.
    MANAGER = "manager"
    ADMIN = "admin"
    #: An admin who also decides who owns the organization; each has one at least.
    OWNER = "owner"
    #: Outside all organizations; runs the platform.
    OPERATOR = "operator"


class Scope(StrEnum):
    ANY = "any"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Permission:
    name: str
    sentence: str
    roles: frozenset[Role]


_EVERYONE = (Role.LEARNER, Role.AUTHOR, Role.COACH, Role.MANAGER, Role.ADMIN)
_AUTHORS = (Role.AUTHOR, Role.ADMIN)
_COACHES = (Role.AUTHOR, Role.COACH, Role.MANAGER, Role.ADMIN)
_MANAGERS = (Role.MANAGER, Role.ADMIN)

_ALL: tuple[tuple[str, str, tuple[Role, ...]], ...] = (
    ("course:read", "Read the organization's published courses.", _EVERYONE),
    ("course:write", "Import, read, edit and publish courses, drafts included.", _AUTHORS),
    ("enrollment:create:own", "Enroll oneself in a course.", _EVERYONE),
    ("enrollment:read:own", "See one's own enrollments and progress.", _EVERYONE),
    ("enrollment:read", "See every learner's enrollments and progress.", _COACHES),
    ("enrollment:write:own", "Complete lessons in one's own enrollment.", _EVERYONE),
    ("attempt:create:own", "Answer a quiz.", _EVERYONE),
    ("attempt:read:own", "See one's own attempts.", _EVERYONE),
    ("attempt:read", "See every learner's attempts.", _COACHES),
    ("answer:create", "Ask the tutor about a course.", _EVERYONE),
    ("analytics:read", "See what the organization's events add up to.", _COACHES),
    ("event:read", "Read the organization's events from the feed.", (Role.ADMIN,)),
    ("webhook:read", "See the organization's webhooks and what was sent to them.", (Role.ADMIN,)),
    ("webhook:write", "Make, change, test, replay and delete the organization's webhooks.", (Role.ADMIN,)),
    ("organization:read", "See the organization that one acts for.", _EVERYONE),
    ("organization:write", "Change the organization.", (Role.ADMIN,)),
    ("member:read", "See who belongs to the organization.", _COACHES),
    ("member:write", "Invite members, change their roles, suspend and remove them.", _MANAGERS),
    ("role:read", "See the organization's roles and what they allow.", _MANAGERS),
    ("role:write", "Make, change and delete the organization's own roles.", (Role.ADMIN,)),
    ("scim:write", "Provision members and groups from a directory, by SCIM.", (Role.ADMIN,)),
    ("ownership:write", "Make and unmake owners of the organization.", (Role.OWNER,)),
    ("person:read", "Read personal data of the organization's people.", _MANAGERS),
    ("job:read:own", "Follow the jobs that one started.", _EVERYONE),
    ("job:read", "Follow every job of the organization.", (Role.ADMIN,)),
    ("job:write:own", "Cancel the jobs that one started.", _EVERYONE),
    ("job:write", "Cancel any job of the organization.", (Role.ADMIN,)),
    ("account:read:own", "See one's own account.", (*_EVERYONE, Role.OPERATOR)),
    ("account:write:own", "Change, log out of, or erase one's own account.", (*_EVERYONE, Role.OPERATOR)),
    ("audit:read", "Read, export and verify the organization's audit log.", (Role.ADMIN, Role.OPERATOR)),
    ("api-key:read:own", "See one's own API keys.", _EVERYONE),
    ("api-key:read", "See every API key of the organization.", (Role.ADMIN,)),
    ("api-key:write:own", "Make, rename, rotate and revoke one's own API keys.", _EVERYONE),
    ("api-key:write", "Rename and revoke any API key of the organization.", (Role.ADMIN,)),
    ("sign-on:read", "See how the organization's people log in by its own provider.", (Role.ADMIN, Role.OPERATOR)),
    ("sign-on:write", "Connect, change and disconnect the organization's own providers.", (Role.ADMIN,)),
    ("client:read", "See the organization's OAuth clients.", (Role.ADMIN, Role.OPERATOR)),
    ("client:write", "Register, change and delete the organization's OAuth clients.", (Role.ADMIN, Role.OPERATOR)),
    ("platform:read", "See all organizations and the state of the platform.", (Role.OPERATOR,)),
    ("platform:write", "Change the platform and suspend organizations.", (Role.OPERATOR,)),
    ("platform:impersonate", "Act in a person's place for an hour at most; they are told.", (Role.OPERATOR,)),
)

PERMISSIONS: dict[str, Permission] = {
    name: Permission(name, sentence, frozenset(roles) | ({Role.OWNER} if Role.ADMIN in roles else frozenset()))
    for name, sentence, roles in _ALL
}
#: What everybody may whom the platform knows, also who belongs to no organization.
OF_EVERYBODY = frozenset({"account:read:own", "account:write:own"})


def of_roles(roles: Iterable[str]) -> frozenset[str]:
    """All permissions that come with these roles."""
    held = set(roles)
    return frozenset(p.name for p in PERMISSIONS.values() if held & {str(role) for role in p.roles})


def shared(names: Iterable[str]) -> frozenset[str]:
    """These names, as one set for all who have the same: tokens are remembered by the thousand."""
    return _shared(tuple(names))


@lru_cache(maxsize=1024)
def _shared(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(intern, names))


def covers(held: Iterable[str], wanted: str) -> bool:
    """Whether who holds these permissions holds the wanted one: itself, or the one that is not only for one's own."""
    return not {wanted, wanted.removesuffix(":own")}.isdisjoint(held)


def is_known(permission: str) -> bool:
    """Whether a route may require it: listed as it is, or in its `:own` form."""
    return permission in PERMISSIONS or f"{permission}:own" in PERMISSIONS
