"""Every event of Stoa, one module a publisher."""

from stoa_events.contract import REGISTRY, Event
from stoa_events.contracts.ai import AnswerGenerated, UsageRecorded
from stoa_events.contracts.auth import (
    ApiKeyCreated,
    ApiKeyRevoked,
    ApiKeyRotated,
    EmailVerified,
    MemberJoined,
    MemberRolesChanged,
    OrganizationCreated,
    PasswordChanged,
    UserErased,
    UserLoggedIn,
    UserRegistered,
)
from stoa_events.contracts.content import (
    AttemptGraded,
    CourseCompleted,
    CourseImported,
    CoursePublished,
    LearnerEnrolled,
    LessonCompleted,
    LessonPublished,
    QuestionOutcome,
)
from stoa_events.contracts.naming import python_name
from stoa_events.contracts.operations import (
    OPERATIONS,
    AuditRecorded,
    EventDied,
    Operations,
    ReplayCancelled,
    ReplayRequested,
    operations_of,
)

TOPICS: dict[str, int] = {event.topic: event.partitions for event in REGISTRY.values() if "{" not in event.topic}
"""Topic -> partitions, never changed in place. Families of topics are made by those who publish to them."""

__all__ = [
    "OPERATIONS",
    "REGISTRY",
    "TOPICS",
    "AnswerGenerated",
    "ApiKeyCreated",
    "ApiKeyRevoked",
    "ApiKeyRotated",
    "AttemptGraded",
    "AuditRecorded",
    "CourseCompleted",
    "CourseImported",
    "CoursePublished",
    "EmailVerified",
    "Event",
    "EventDied",
    "LearnerEnrolled",
    "LessonCompleted",
    "LessonPublished",
    "MemberJoined",
    "MemberRolesChanged",
    "Operations",
    "OrganizationCreated",
    "PasswordChanged",
    "QuestionOutcome",
    "ReplayCancelled",
    "ReplayRequested",
    "UsageRecorded",
    "UserErased",
    "UserLoggedIn",
    "UserRegistered",
    "operations_of",
    "python_name",
]
