"""Which events a person is told on their stream, and what of them: ids and words; the rest is read at the resource."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stoa_events.contract import Event
from stoa_events.contracts import (
    OPERATIONS,
    AnswerGenerated,
    ApiKeyCreated,
    ApiKeyRevoked,
    ApiKeyRotated,
    AttemptGraded,
    CourseCompleted,
    CoursePublished,
    EmailVerified,
    FactorAdded,
    FactorRemoved,
    LearnerEnrolled,
    LessonCompleted,
    MemberJoined,
    MemberLeft,
    MemberResumed,
    MemberRolesChanged,
    MemberSuspended,
    OrganizationRenamed,
    PasswordChanged,
    UserImpersonated,
    UserLoggedIn,
)


class Audience(StrEnum):
    """Who is told."""

    #: The event's person, where they act for the event's organization.
    PERSON = "person"
    #: The event's person, wherever they act: it is about their account.
    ACCOUNT = "account"
    #: Everybody who acts for the event's organization.
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class Notice:
    """How one type of event is told: to whom, of these only to who has the permission; where to read; which fields."""

    audience: Audience
    permission: str
    resource: str | None
    fields: tuple[str, ...]


_COURSE: Final = "/api/v1/content/courses/{course_id}"
_ENROLLMENT: Final = "/api/v1/content/enrollments/{enrollment_id}"
_ATTEMPT: Final = "/api/v1/content/attempts/{attempt_id}"
_ORGANIZATION: Final = "/api/v1/auth/organizations/{organization_id}"
_ME: Final = "/api/v1/auth/me"
_SESSIONS: Final = "/api/v1/auth/sessions"
_FACTORS: Final = "/api/v1/auth/factors"
_KEYS: Final = "/api/v1/auth/api-keys"


def _own(permission: str, resource: str | None, *fields: str) -> Notice:
    return Notice(Audience.PERSON, permission, resource, fields)


def _account(resource: str, *fields: str) -> Notice:
    return Notice(Audience.ACCOUNT, "account:read", resource, fields)


def _everybody(permission: str, resource: str, *fields: str) -> Notice:
    return Notice(Audience.ORGANIZATION, permission, resource, fields)


def _job(service: str) -> Notice:
    address = f"/api/v1/{service}/jobs/{{job_id}}"
    return _own("job:read", address, "job_id", "kind", "status", "progress", "step")


NOTICES: Final[dict[type[Event], Notice]] = {
    **{operations.job_progressed: _job(service) for service, operations in OPERATIONS.items()},
    LearnerEnrolled: _own("enrollment:read", _ENROLLMENT, "enrollment_id", "course_id"),
    LessonCompleted: _own("enrollment:read", _ENROLLMENT, "enrollment_id", "course_id", "lesson_id", "progress"),
    CourseCompleted: _own("enrollment:read", _ENROLLMENT, "enrollment_id", "course_id"),
    AttemptGraded: _own("attempt:read", _ATTEMPT, "attempt_id", "quiz_id", "course_id", "lesson_id"),
    AnswerGenerated: _own("answer:create", None, "generation_id", "course_id", "found"),
    CoursePublished: _everybody("course:read", _COURSE, "course_id"),
    OrganizationRenamed: _everybody("organization:read", _ORGANIZATION, "organization_id"),
    MemberJoined: _account(_ORGANIZATION, "organization_id", "roles"),
    MemberRolesChanged: _account(_ORGANIZATION, "organization_id", "roles"),
    MemberSuspended: _account(_ORGANIZATION, "organization_id"),
    MemberResumed: _account(_ORGANIZATION, "organization_id"),
    MemberLeft: _account(_ORGANIZATION, "organization_id", "reason"),
    EmailVerified: _account(_ME),
    PasswordChanged: _account(_ME),
    UserLoggedIn: _account(_SESSIONS, "session_id"),
    UserImpersonated: _account(_SESSIONS, "session_id", "impersonated_by", "ends_at"),
    FactorAdded: _account(_FACTORS, "factor_id", "kind"),
    FactorRemoved: _account(_FACTORS, "factor_id", "kind"),
    ApiKeyCreated: _account(_KEYS, "api_key_id", "prefix"),
    ApiKeyRotated: _account(_KEYS, "api_key_id", "prefix"),
    ApiKeyRevoked: _account(_KEYS, "api_key_id"),
}
"""What is not listed concerns nobody in person, or would say more than its reader may know."""

PERMISSIONS: Final = frozenset(notice.permission for notice in NOTICES.values())
TOPICS: Final = tuple(sorted({event.topic for event in NOTICES} | {"auth.user"}))
