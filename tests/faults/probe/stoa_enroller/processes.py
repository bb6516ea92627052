"""The publisher: one route that changes an aggregate and records its events, as any service of the platform would."""

import asyncio
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import text

from stoa_common import clock, outbox
from stoa_common.database import Session, SessionDep
from stoa_common.errors import Conflict
from stoa_common.http import Router, public
from stoa_common.ids import new_id
from stoa_common.service import Service
from stoa_common.settings import ServiceSettings
from stoa_events.contracts import AttemptGraded, LearnerEnrolled, LessonCompleted

NOBODY = UUID(int=0)
MOVE_ON = text("""
    INSERT INTO enrollments (id, lessons) VALUES (:id, :lessons)
    ON CONFLICT (id) DO UPDATE SET lessons = enrollments.lessons + excluded.lessons RETURNING lessons
""")


class Settings(ServiceSettings, service="enroller"):
    """The shared settings alone."""


class CommandIn(BaseModel):
    """What a client asks for. Every event carries the command's id as its course."""

    command_id: UUID
    enrollment_id: UUID
    lessons: int = Field(0, ge=0, le=5)
    is_graded: bool = False
    is_refused: bool = False
    dawdles_seconds: float = Field(0, ge=0, le=2)


class CommandIsRefused(Conflict):
    """The client asked for a refusal, after everything was written and before the commit."""


router = Router(prefix="/api/v1/enroller", tags=["commands"])


@router.post("/commands", status_code=204, **public())
async def obey(command: CommandIn, session: SessionDep) -> None:
    """Move an enrollment on, grade an attempt, or both."""
    if command.lessons:
        await complete_lessons(session, command)
    if command.is_graded:
        outbox.add(session, graded(command))
    if command.dawdles_seconds:
        # Others take later positions in the outbox meanwhile, and commit before this one.
        await outbox.write(session)
        await asyncio.sleep(command.dawdles_seconds)
    if command.is_refused:
        await outbox.write(session)
        raise CommandIsRefused("Ask for something that may be done.")


async def complete_lessons(session: Session, command: CommandIn) -> None:
    done = (await session.execute(MOVE_ON, {"id": command.enrollment_id, "lessons": command.lessons})).scalar_one()
    ids = {"enrollment_id": command.enrollment_id, "organization_id": NOBODY, "person_id": NOBODY}
    if done == command.lessons:
        outbox.add(session, LearnerEnrolled(course_id=command.command_id, enrolled_at=clock.now(), **ids))
    for number in range(done - command.lessons + 1, done + 1):
        lesson = LessonCompleted(
            course_id=command.command_id,
            lesson_id=new_id(),
            progress=number % 100 / 100,
            completed_at=clock.now(),
            **ids,
        )
        outbox.add(session, lesson)


def graded(command: CommandIn) -> AttemptGraded:
    return AttemptGraded(
        attempt_id=new_id(),
        organization_id=NOBODY,
        course_id=command.command_id,
        lesson_id=NOBODY,
        quiz_id=NOBODY,
        person_id=NOBODY,
        number=1,
        score=0.5,
        passed=True,
        questions=[],
        graded_at=clock.now(),
    )


service = Service("enroller", settings=Settings, routers=[router], forgets_people=False)

if __name__ == "__main__":
    service.run()
