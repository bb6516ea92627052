"""What people see: a course in numbers, and which events there were."""

import asyncio
from uuid import UUID

from stoa_analytics.dashboards import domain
from stoa_analytics.dashboards.repository import DashboardRepository
from stoa_analytics.dashboards.schemas import BucketOut, CourseDashboard, EventCountOut, EventSummary, QuestionOut
from stoa_analytics.warehouse.domain import Scope
from stoa_analytics.warehouse.service import Warehouse
from stoa_common.security import Principal


async def get_course(warehouse: Warehouse, course_id: UUID, *, caller: Principal) -> CourseDashboard:
    """The course's numbers as of the last event; raises CourseIsUnknown."""
    repository = DashboardRepository(warehouse, Scope.of(caller.organization_id))
    updated_at = await repository.find_last_event(course_id)
    if updated_at is None:
        raise domain.CourseIsUnknown("There is no such course, or nothing has happened in it yet.")
    progress, scores, questions = await asyncio.gather(
        repository.get_progress(course_id), repository.get_scores(course_id), repository.list_questions(course_id)
    )
    return CourseDashboard(
        course_id=course_id,
        learners=sum(progress.values()),
        attempts=sum(scores.values()),
        mean_score=domain.mean(scores),
        completion=domain.completion(progress),
        mean_progress=domain.mean(progress),
        score_distribution=_buckets(scores),
        hardest_questions=[QuestionOut.model_validate(question) for question in domain.hardest(questions)],
        updated_at=updated_at,
    )


async def summarize_events(warehouse: Warehouse, *, caller: Principal) -> EventSummary:
    """Events by topic and type: of the caller's organization, or of the whole platform for its operators."""
    counts = await DashboardRepository(warehouse, _reach(caller)).list_counts()
    items = [EventCountOut.model_validate(count) for count in counts]
    return EventSummary(items=items, total=sum(item.count for item in items))


def _reach(caller: Principal) -> Scope:
    return Scope.platform() if caller.may("platform:read") else Scope.of(caller.organization_id)


def _buckets(scores: domain.Tally) -> list[BucketOut]:
    return [BucketOut(low=b.low, high=b.high, count=b.count) for b in domain.distribution(scores)]
