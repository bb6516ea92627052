"""Every permission of Stoa, once: what it allows, and the roles that have it from the start.

A permission is `<noun>:<verb>` (any in the organization) or `<noun>:<verb>:own` (what belongs to the person).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    LEARNER = "learner"
    AUTHOR = "author"
    ADMIN = "admin"
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


_EVERYONE = (Role.LEARNER, Role.AUTHOR, Role.ADMIN)
_AUTHORS = (Role.AUTHOR, Role.ADMIN)

_ALL: tuple[tuple[str, str, tuple[Role, ...]], ...] = (
    ("course:read", "Read the organization's published courses.", _EVERYONE),
    ("course:write", "Import, read, edit and publish courses, drafts included.", _AUTHORS),
    ("enrollment:create:own", "Enroll oneself in a course.", _EVERYONE),
    ("enrollment:read:own", "See one's own enrollments and progress.", _EVERYONE),
    ("enrollment:read", "See every learner's enrollments and progress.", _AUTHORS),
    ("enrollment:write:own", "Complete lessons in one's own enrollment.", _EVERYONE),
    ("attempt:create:own", "Answer a quiz.", _EVERYONE),
    ("attempt:read:own", "See one's own attempts.", _EVERYONE),
    ("attempt:read", "See every learner's attempts.", _AUTHORS),
    ("answer:create", "Ask the tutor about a course.", _EVERYONE),
    ("analytics:read", "See what the organization's events add up to.", _AUTHORS),
    ("event:read", "Read the organization's events from the feed.", (Role.ADMIN,)),
    ("webhook:read", "See the organization's webhooks and what was sent to them.", (Role.ADMIN,)),
    ("webhook:write", "Make, change, test, replay and delete the organization's webhooks.", (Role.ADMIN,)),
    ("organization:read", "See the organization that one acts for.", _EVERYONE),
    ("organization:write", "Change the organization.", (Role.ADMIN,)),
    ("member:read", "See who belongs to the organization.", _AUTHORS),
    ("member:write", "Invite members and change their roles.", (Role.ADMIN,)),
    ("person:read", "Read personal data of the organization's people.", (Role.ADMIN,)),
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
    ("platform:read", "See all organizations and the state of the platform.", (Role.OPERATOR,)),
    ("platform:write", "Change the platform and suspend organizations.", (Role.OPERATOR,)),
)

PERMISSIONS: dict[str, Permission] = {
    name: Permission(name, sentence, frozenset(roles)) for name, sentence, roles in _ALL
}


def of_roles(roles: Iterable[str]) -> frozenset[str]:
    """All permissions that come with these roles."""
    held = set(roles)
    return frozenset(p.name for p in PERMISSIONS.values() if held & {str(role) for role in p.roles})


def is_known(permission: str) -> bool:
    """Whether a route may require it: listed as it is, or in its `:own` form."""
    return permission in PERMISSIONS or f"{permission}:own" in PERMISSIONS
