"""Every event of Stoa, one module a publisher."""

from stoa_events.contract import REGISTRY, Event
from stoa_events.contracts.ai import AnswerGenerated, UsageRecorded
from stoa_events.contracts.auth import (
    MemberJoined,
    MemberRolesChanged,
    OrganizationCreated,
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

TOPICS: dict[str, int] = {event.topic: event.partitions for event in REGISTRY.values()}
"""Topic -> partitions, never changed in place."""

__all__ = [
    "REGISTRY",
    "TOPICS",
    "AnswerGenerated",
    "AttemptGraded",
    "CourseCompleted",
    "CourseImported",
    "CoursePublished",
    "Event",
    "LearnerEnrolled",
    "LessonCompleted",
    "LessonPublished",
    "MemberJoined",
    "MemberRolesChanged",
    "OrganizationCreated",
    "QuestionOutcome",
    "UsageRecorded",
    "UserErased",
    "UserLoggedIn",
    "UserRegistered",
]
