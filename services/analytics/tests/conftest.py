"""Fixtures of analytics' tests: a warehouse of their own, and courses whose events they bring in.

The embedded engine opens one folder a process, so the warehouse lives as long as the run; each test has an organization
of its own in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from stoa_analytics.ingestion import service as ingestion
from stoa_analytics.processes import service as analytics
from stoa_analytics.warehouse.service import Warehouse
from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.messaging import Batch, BatchRecord
from stoa_common.resources import Resources
from stoa_common.service import Service
from stoa_common.testing import an_envelope
from stoa_events.contract import Event
from stoa_events.contracts import (
    AttemptGraded,
    CourseCompleted,
    CoursePublished,
    LearnerEnrolled,
    LessonCompleted,
    QuestionOutcome,
)


@pytest.fixture(scope="session")
def service() -> Service:
    return analytics


@pytest.fixture(scope="session")
def settings_overrides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {"chdb_path": tmp_path_factory.mktemp("analytics") / "warehouse"}


@pytest.fixture(scope="session")
def warehouse(resources: Resources) -> Warehouse:
    return resources.get(Warehouse)


@dataclass
class Course:
    """A course, and the events of its life."""

    organization_id: UUID = field(default_factory=new_id)
    course_id: UUID = field(default_factory=new_id)
    lesson_id: UUID = field(default_factory=new_id)
    quiz_id: UUID = field(default_factory=new_id)
    questions: list[UUID] = field(default_factory=lambda: [new_id() for _ in range(3)])
    enrollments: dict[UUID, UUID] = field(default_factory=dict)

    def published(self) -> CoursePublished:
        return CoursePublished(
            course_id=self.course_id,
            organization_id=self.organization_id,
            title="Tides",
            language="en",
            lesson_count=1,
            question_count=len(self.questions),
            published_at=clock.now(),
        )

    def enrolled(self, person: UUID) -> LearnerEnrolled:
        return LearnerEnrolled(**self._enrollment(person), enrolled_at=clock.now())

    def lesson_completed(self, person: UUID, progress: float) -> LessonCompleted:
        return LessonCompleted(
            **self._enrollment(person), lesson_id=self.lesson_id, progress=progress, completed_at=clock.now()
        )

    def completed(self, person: UUID) -> CourseCompleted:
        return CourseCompleted(**self._enrollment(person), completed_at=clock.now())

    def graded(self, person: UUID, *scores: float, number: int = 1) -> AttemptGraded:
        """An attempt with a score for each question; the attempt's own is their mean."""
        score = sum(scores) / len(scores)
        return AttemptGraded(
            attempt_id=new_id(),
            organization_id=self.organization_id,
            course_id=self.course_id,
            lesson_id=self.lesson_id,
            quiz_id=self.quiz_id,
            person_id=person,
            number=number,
            score=score,
            passed=score >= 0.5,
            questions=[
                QuestionOutcome(question_id=question, title=f"Question {n}", score=score, correct=score == 1)
                for n, (question, score) in enumerate(zip(self.questions, scores, strict=False), start=1)
            ],
            graded_at=clock.now(),
        )

    def _enrollment(self, person: UUID) -> dict[str, UUID]:
        return {
            "enrollment_id": self.enrollments.setdefault(person, new_id()),
            "organization_id": self.organization_id,
            "course_id": self.course_id,
            "person_id": person,
        }


@pytest.fixture
def course() -> Course:
    return Course()


def a_record(event: Event, offset: int = 0, **changed: Any) -> BatchRecord:
    return BatchRecord(event.topic, 0, offset, 0, an_envelope(event, **changed), event.data())


def a_batch(records: Sequence[BatchRecord]) -> Batch:
    """These records as one batch of their topic, which is the first one's."""
    return Batch(records[0].topic, 0, records[0].offset, records[-1].offset, records)


class Intake:
    """Events into the warehouse, as the batch door hands them over."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self._offset = 0

    def records(self, *events: Event) -> list[BatchRecord]:
        first, self._offset = self._offset, self._offset + len(events)
        return [a_record(event, offset) for offset, event in enumerate(events, start=first)]

    async def take(self, *events: Event) -> None:
        """One batch for each run of events of one topic."""
        for record in self.records(*events):
            await self.hand_over([record])

    async def hand_over(self, records: Sequence[BatchRecord]) -> None:
        await ingestion.take_in(self.warehouse, a_batch(records))


@pytest.fixture
def intake(warehouse: Warehouse) -> Intake:
    return Intake(warehouse)
