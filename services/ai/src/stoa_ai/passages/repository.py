"""Every query of the course index. Each names the organization: nothing is found across tenants."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Float, Text, column, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert

from stoa_ai.passages.domain import CourseIsNotKnown, Hit
from stoa_ai.passages.embedder import Vector
from stoa_ai.passages.models import Course, Lesson, Passage, Posting
from stoa_common.database import Session, rows_affected

#: BM25's saturation and length correction (Robertson, Zaragoza 2009, section 3.2), at their customary values.
K1: Final = 1.2
B: Final = 0.75


@dataclass(frozen=True, slots=True)
class Counts:
    lessons: int
    passages: int
    mean_words: float


class PassageRepository:
    """The index of one organization's courses."""

    def __init__(self, session: Session, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def get_course(self, course_id: UUID) -> Course:
        """Raises CourseIsNotKnown for a draft, for nothing, and for another organization's course alike."""
        course = await self._session.scalar(select(Course).where(*self._of(Course, course_id)))
        if course is None:
            raise CourseIsNotKnown("No published course with this id; check the id, or publish the course first.")
        return course

    async def save_course(self, row: Mapping[str, Any]) -> None:
        statement = upsert(Course).values(row)
        await self._session.execute(statement.on_conflict_do_update(index_elements=["course_id"], set_=dict(row)))

    async def replace_lesson(self, row: Mapping[str, Any]) -> bool:
        """Keep the lesson's text and drop what was made of an older one; False if a newer revision is here already."""
        statement = upsert(Lesson).values(row)
        kept = statement.on_conflict_do_update(
            index_elements=["lesson_id"], set_=dict(row), where=Lesson.revision <= statement.excluded.revision
        )
        if not rows_affected(await self._session.execute(kept)):
            return False
        await self._session.execute(delete(Passage).where(Passage.lesson_id == row["lesson_id"]))
        return True

    async def add_passages(self, passages: Sequence[Mapping[str, Any]], words: Mapping[UUID, Counter[str]]) -> None:
        """Rows of `passages`, and for each of their ids how often it has which word."""
        if not passages:
            return
        await self._session.execute(insert(Passage), list(passages))
        postings = [
            {
                "passage_id": passage["id"],
                "word": word,
                "organization_id": self._organization_id,
                "course_id": passage["course_id"],
                "frequency": frequency,
            }
            for passage in passages
            for word, frequency in words[passage["id"]].items()
        ]
        if postings:
            await self._session.execute(insert(Posting), postings)

    async def count(self, course_id: UUID) -> Counts:
        lessons = select(func.count()).select_from(Lesson).where(*self._of(Lesson, course_id)).scalar_subquery()
        mean = func.coalesce(func.avg(Passage.word_count), 0).cast(Float)
        found = await self._session.execute(select(lessons, func.count(), mean).where(*self._of(Passage, course_id)))
        return Counts(*found.one())

    async def count_holders(self, course_id: UUID, words: Sequence[str]) -> dict[str, int]:
        """In how many of the course's passages each word occurs; 0 for a word that the course doesn't have."""
        mine = (*self._of(Posting, course_id), Posting.word.in_(words))
        query = select(Posting.word, func.count().label("holders")).where(*mine).group_by(Posting.word)
        found = await self._session.execute(query)
        return dict.fromkeys(words, 0) | {row.word: row.holders for row in found}

    async def rank_by_words(
        self, course_id: UUID, weights: Mapping[str, float], *, mean_words: float, limit: int
    ) -> list[UUID]:
        """BM25 over the postings: `weights` are the words' inverse document frequencies."""
        columns = literal(list(weights), ARRAY(Text)), literal(list(weights.values()), ARRAY(Float))
        asked = func.unnest(*columns).table_valued("word", column("weight", Float)).render_derived(name="asked")
        saturation = Posting.frequency + K1 * (1 - B + B * Passage.word_count / mean_words)
        score = func.sum(asked.c.weight * Posting.frequency * (K1 + 1) / saturation)
        query = (
            select(Posting.passage_id)
            .join(asked, asked.c.word == Posting.word)
            .join(Passage, Passage.id == Posting.passage_id)
            .where(*self._of(Posting, course_id))
            .group_by(Posting.passage_id)
            .order_by(score.desc(), Posting.passage_id)
            .limit(limit)
        )
        return list(await self._session.scalars(query))

    async def rank_by_likeness(self, course_id: UUID, vector: Vector, *, model: str, limit: int) -> list[UUID]:
        """Exact: every passage of the course that this model has embedded is compared."""
        mine = (*self._of(Passage, course_id), Passage.model == model)
        nearest = (Passage.embedding.max_inner_product(vector), Passage.id)
        query = select(Passage.id).where(*mine).order_by(*nearest).limit(limit)
        return list(await self._session.scalars(query))

    async def list_hits(self, passage_ids: Sequence[UUID], vector: Vector) -> list[Hit]:
        """The passages in the order of their ids, each with its text cut from the stored lesson."""
        likeness = -Passage.embedding.max_inner_product(vector)
        length = Passage.end_offset - Passage.start_offset
        columns = (
            Passage.id,
            Lesson.lesson_id,
            Lesson.title,
            Lesson.revision,
            Passage.start_offset,
            Passage.end_offset,
            func.substr(Lesson.text, Passage.start_offset + 1, length),
            Passage.heading,
            likeness,
        )
        mine = (Passage.organization_id == self._organization_id, Passage.id.in_(passage_ids))
        found = await self._session.execute(select(*columns).join(Lesson).where(*mine))
        hits = {row[0]: Hit(*row) for row in found}
        return [hits[passage_id] for passage_id in passage_ids if passage_id in hits]

    def _of(self, table: Any, course_id: UUID) -> tuple[Any, Any]:
        return table.organization_id == self._organization_id, table.course_id == course_id
