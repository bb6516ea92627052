"""Every query of the dashboards. Tables are written `$events`: the warehouse puts the tenant filter there."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stoa_analytics.dashboards.domain import Question, Tally
from stoa_analytics.warehouse.domain import Scope
from stoa_analytics.warehouse.service import Warehouse
from stoa_events.contracts import AttemptGraded, CourseCompleted, LearnerEnrolled

_LAST_EVENT = """
SELECT count(), max(received_at) FROM $events WHERE course_id = {course_id:UUID}
"""

_PROGRESS = """
SELECT furthest, count()
FROM (
    SELECT person_id, max(if(type = {completed:String}, 1, ifNull(progress, 0))) AS furthest
    FROM $events
    WHERE course_id = {course_id:UUID} AND topic = {topic:String}
    GROUP BY person_id
)
GROUP BY furthest
"""

_SCORES = """
SELECT score, count() FROM $events
WHERE type = {graded:String} AND course_id = {course_id:UUID} AND score IS NOT NULL
GROUP BY score
"""

_ANSWERS = """
SELECT question_id, argMax(title, occurred_at), score, count()
FROM $item_responses
WHERE course_id = {course_id:UUID}
GROUP BY question_id, score
ORDER BY max(occurred_at)
"""

_COUNTS = """
SELECT topic, type, count() FROM $events GROUP BY topic, type ORDER BY topic, type
"""


@dataclass(frozen=True, slots=True)
class EventCount:
    topic: str
    type: str
    count: int


class DashboardRepository:
    """Questions to the warehouse within one scope."""

    def __init__(self, warehouse: Warehouse, scope: Scope) -> None:
        self._warehouse = warehouse
        self._scope = scope

    async def find_last_event(self, course_id: UUID) -> datetime | None:
        """When the warehouse last learned something of the course; None where it never did."""
        [(count, last)] = await self._warehouse.select(_LAST_EVENT, self._scope, {"course_id": course_id})
        return last if count else None

    async def get_progress(self, course_id: UUID) -> Tally:
        """How far each enrolled learner came; 1 for those who finished."""
        parameters = {"course_id": course_id, "completed": CourseCompleted.type, "topic": LearnerEnrolled.topic}
        return dict(await self._warehouse.select(_PROGRESS, self._scope, parameters))

    async def get_scores(self, course_id: UUID) -> Tally:
        """Every graded attempt's score."""
        parameters = {"course_id": course_id, "graded": AttemptGraded.type}
        return dict(await self._warehouse.select(_SCORES, self._scope, parameters))

    async def list_questions(self, course_id: UUID) -> Sequence[Question]:
        """Every question that was ever answered, with its latest title."""
        rows = await self._warehouse.select(_ANSWERS, self._scope, {"course_id": course_id})
        titles: dict[UUID, str] = {}
        tallies: dict[UUID, dict[float, int]] = defaultdict(dict)
        for question_id, title, score, count in rows:
            # Rows come oldest first, so that a renamed question ends with its latest title.
            titles[question_id] = title
            tallies[question_id][score] = count
        return [Question(question_id, titles[question_id], tally) for question_id, tally in tallies.items()]

    async def list_counts(self) -> Sequence[EventCount]:
        """Events by topic and type."""
        return [EventCount(*row) for row in await self._warehouse.select(_COUNTS, self._scope, {})]
