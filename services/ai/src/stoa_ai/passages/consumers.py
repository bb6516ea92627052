"""What content publishes, taken into the index."""

from stoa_ai.passages import service
from stoa_ai.passages.embedder import Embedder
from stoa_ai.passages.models import Course, Lesson, Passage, Posting
from stoa_common.database import Base, Session
from stoa_common.messaging import EventRouter
from stoa_events.contracts import CoursePublished, LessonPublished

router = EventRouter(
    group="ai.passages",
    rebuilds=[Base.metadata.tables[model.__tablename__] for model in (Posting, Passage, Lesson, Course)],
)


@router.on(CoursePublished)
async def add_course(event: CoursePublished, session: Session) -> None:
    await service.add_course(session, event)


@router.on(LessonPublished)
async def index_lesson(event: LessonPublished, session: Session, embedder: Embedder) -> None:
    # Embedding is our own arithmetic on a thread, not an outside effect: a rollback leaves nothing behind.
    await service.index_lesson(session, event, embedder)
