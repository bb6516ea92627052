"""Use cases of the course index: take in what content publishes, find what fits a question."""

from typing import Any
from uuid import UUID

from stoa_ai.passages.domain import CourseIsNotKnown, Hit, Retrieved, fuse, in_context, quotable, weigh
from stoa_ai.passages.embedder import Embedder
from stoa_ai.passages.models import Course
from stoa_ai.passages.repository import PassageRepository
from stoa_ai.passages.schemas import CourseIndex
from stoa_ai.passages.splitter import Passage, estimate_tokens, split
from stoa_ai.passages.words import count_words, words
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_events.contracts import CoursePublished, LessonPublished

__all__ = ["CourseIsNotKnown", "Embedder", "Hit", "Retrieved", "estimate_tokens", "quotable", "words"]

SHORTLIST = 50
HITS = 6


async def add_course(session: Session, event: CoursePublished) -> None:
    """Know the course, and how many lessons make it ready."""
    row = {
        "course_id": event.course_id,
        "organization_id": event.organization_id,
        "title": event.title,
        "language": event.language,
        "lesson_count": event.lesson_count,
        "published_at": event.published_at,
    }
    await PassageRepository(session, event.organization_id).save_course(row)


async def index_lesson(session: Session, event: LessonPublished, embedder: Embedder) -> None:
    """Replace what is known of the lesson by this revision's passages."""
    repository = PassageRepository(session, event.organization_id)
    lesson = _lesson_row(event)
    if not await repository.replace_lesson(lesson):
        return
    passages = split(lesson["text"])
    searched = [in_context(lesson["title"], passage) for passage in passages]
    vectors = await embedder.embed(searched)
    counted = {new_id(): count_words(text) for text in searched}
    rows = [
        _passage_row(event, passage)
        | {"id": passage_id, "word_count": counts.total(), "model": embedder.model, "embedding": vector}
        for (passage_id, counts), passage, vector in zip(counted.items(), passages, vectors, strict=True)
    ]
    await repository.add_passages(rows, counted)


def _lesson_row(event: LessonPublished) -> dict[str, Any]:
    return {
        "lesson_id": event.lesson_id,
        "organization_id": event.organization_id,
        "course_id": event.course_id,
        "revision": event.revision,
        "position": event.position,
        "title": _storable(event.title),
        "text": _storable(event.text),
        "published_at": event.published_at,
    }


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL; another single character in its place leaves every offset as it was."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _passage_row(event: LessonPublished, passage: Passage) -> dict[str, Any]:
    return {
        "organization_id": event.organization_id,
        "course_id": event.course_id,
        "lesson_id": event.lesson_id,
        "start_offset": passage.start,
        "end_offset": passage.end,
        "heading": _storable(" › ".join(passage.headings)),
    }


async def search(
    session: Session, question: str, *, course_id: UUID, organization_id: UUID, embedder: Embedder, limit: int = HITS
) -> Retrieved:
    """The passages of a course that fit a question best, by words and by likeness."""
    [vector] = await embedder.embed([question])
    repository = PassageRepository(session, organization_id)
    counts = await repository.count(course_id)
    if not counts.passages:
        return Retrieved([], {})
    holders = await repository.count_holders(course_id, sorted(set(words(question))))
    weights = weigh(holders, passages=counts.passages)
    rankings = [
        await repository.rank_by_words(course_id, weights, mean_words=counts.mean_words, limit=SHORTLIST),
        await repository.rank_by_likeness(course_id, vector, model=embedder.model, limit=SHORTLIST),
    ]
    return Retrieved(await repository.list_hits(fuse(rankings, limit=limit), vector), weights)


async def get_course(session: Session, course_id: UUID, *, organization_id: UUID) -> Course:
    """Raises CourseIsNotKnown."""
    return await PassageRepository(session, organization_id).get_course(course_id)


async def describe_course(session: Session, course_id: UUID, *, organization_id: UUID) -> CourseIndex:
    """How much of a course can be asked about; raises CourseIsNotKnown."""
    repository = PassageRepository(session, organization_id)
    course = await repository.get_course(course_id)
    counts = await repository.count(course_id)
    ready = counts.lessons >= course.lesson_count
    return CourseIndex(course_id=course_id, lessons=counts.lessons, passages=counts.passages, ready=ready)
