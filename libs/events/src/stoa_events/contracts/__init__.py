"""Every event of Stoa, one module a publisher."""

from stoa_events.contract import REGISTRY, Event
from stoa_events.contracts.ai import AnswerGenerated, UsageRecorded
from stoa_events.contracts.auth import (
    ApiKeyCreated,
    ApiKeyRevoked,
    ApiKeyRotated,
    EmailVerified,
    PasswordChanged,
    UserErased,
    UserImpersonated,
    UserLoggedIn,
    UserRegistered,
    UserResumed,
    UserSuspended,
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
from stoa_events.contracts.factors import FactorAdded, FactorRemoved
from stoa_events.contracts.naming import python_name
from stoa_events.contracts.operations import (
    OPERATIONS,
    AuditRecorded,
    EventDied,
    Operations,
    PrivacyCompleted,
    ReplayCancelled,
    ReplayRequested,
    operations_of,
)
from stoa_events.contracts.organizations import (
    MemberJoined,
    MemberLeft,
    MemberResumed,
    MemberRolesChanged,
    MemberSuspended,
    OrganizationCreated,
    OrganizationRenamed,
    OrganizationResumed,
    OrganizationSuspended,
    RoleChanged,
    RoleDeleted,
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
    "FactorAdded",
    "FactorRemoved",
    "LearnerEnrolled",
    "LessonCompleted",
    "LessonPublished",
    "MemberJoined",
    "MemberLeft",
    "MemberResumed",
    "MemberRolesChanged",
    "MemberSuspended",
    "Operations",
    "OrganizationCreated",
    "OrganizationRenamed",
    "OrganizationResumed",
    "OrganizationSuspended",
    "PasswordChanged",
    "PrivacyCompleted",
    "QuestionOutcome",
    "ReplayCancelled",
    "ReplayRequested",
    "RoleChanged",
    "RoleDeleted",
    "UsageRecorded",
    "UserErased",
    "UserImpersonated",
    "UserLoggedIn",
    "UserRegistered",
    "UserResumed",
    "UserSuspended",
    "operations_of",
    "python_name",
]
