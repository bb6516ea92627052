"""Use cases: prepare a question, stream its answer, record what it was."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from uuid import UUID

from stoa_ai.ask.domain import Answer, Asked, Status
from stoa_ai.ask.models import Generation
from stoa_ai.ask.recordings import Recordings
from stoa_ai.ask.repository import GenerationRepository
from stoa_ai.passages import service as passages
from stoa_ai.providers.service import Piece, Provider, Question
from stoa_common import clock, outbox, personal_keys
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.security import Principal


@dataclass(frozen=True, slots=True)
class Tutor:
    """What answering needs, without a transaction held open: a model may take a minute."""

    database: Database
    embedder: passages.Embedder
    provider: Provider
    recordings: Recordings

    async def prepare(self, text: str, *, course_id: UUID, asker: Principal) -> tuple[Answer, Question]:
        """Find what the course says; raises CourseIsNotKnown."""
        tenant = asker.organization_id
        async with self.database.transaction() as session:
            await passages.get_course(session, course_id, organization_id=tenant)
            found = await passages.search(
                session, text, course_id=course_id, organization_id=tenant, embedder=self.embedder
            )
        return Answer(new_id(), Asked(tenant, course_id, asker.person_id), self.provider), Question(text, found)

    async def answer(self, answer: Answer, question: Question) -> AsyncGenerator[Piece, None]:
        """The pieces as they come; recorded before the last one is given, and also if the listener leaves.

        Raises ProviderFailed, after what was used has been recorded.
        """
        began = monotonic()
        try:
            async with aclosing(self.provider.answer(question)) as pieces:
                async for piece in pieces:
                    answer.take(piece)
                    if answer.status is Status.ANSWERED:
                        break
                    yield piece
        except (asyncio.CancelledError, GeneratorExit):
            answer.status = Status.LEFT
            raise
        finally:
            await self.recordings.finish(self._record(answer, round((monotonic() - began) * 1000)))

    async def _record(self, answer: Answer, duration_ms: int) -> None:
        at = clock.now()
        async with self.database.transaction() as session:
            # An answer may take longer than its person stays.
            if await personal_keys.is_erased(session, answer.asked.person_id):
                return
            GenerationRepository(session).add(_row(answer, at, duration_ms))
            for event in answer.events(usage_id=new_id(), at=at, duration_ms=duration_ms):
                outbox.add(session, event)


def _row(answer: Answer, at: datetime, duration_ms: int) -> Generation:
    spent = answer.spent
    return Generation(
        id=answer.id,
        organization_id=answer.asked.organization_id,
        course_id=answer.asked.course_id,
        person_id=answer.asked.person_id,
        status=answer.status,
        generated_by=answer.provider.generated_by,
        model=answer.provider.model,
        prompt=answer.provider.prompt,
        found=answer.found,
        citation_count=len(answer.citations),
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        usage_source=spent.source,
        duration_ms=duration_ms,
        generated_at=at,
    )
