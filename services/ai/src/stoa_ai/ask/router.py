"""Questions over HTTP: an answer as a stream of events, or whole."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from starlette.responses import Response

from stoa_ai.ask.domain import Answer, quote
from stoa_ai.ask.recordings import Recordings
from stoa_ai.ask.schemas import AnswerOut, CitationOut, DeltaOut, DoneOut, QuestionIn
from stoa_ai.ask.service import Tutor
from stoa_ai.passages.service import Embedder
from stoa_ai.providers.service import Cited, Piece, Provider, ProviderFailed, Text
from stoa_common.database import DatabaseDep
from stoa_common.http import Router, problems, require
from stoa_common.resources import resource
from stoa_common.security import Caller
from stoa_common.sse import EventStream, ServerEvent

router = Router(prefix="/api/v1/ai", tags=["tutor"])


def _tutor(
    database: DatabaseDep,
    embedder: Annotated[Embedder, resource(Embedder)],
    provider: Annotated[Provider, resource(Provider)],
    recordings: Annotated[Recordings, resource(Recordings)],
) -> Tutor:
    return Tutor(database, embedder, provider, recordings)


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `delta`, `citation`, then `done` or `error`; or one object, if JSON alone is accepted.",
        "model": AnswerOut,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post("/ask", responses=_ANSWERS, response_model=None, **require("answer:create", keeps_answer=False))
async def ask(
    body: QuestionIn,
    request: Request,
    caller: Caller,
    tutor: Annotated[Tutor, Depends(_tutor)],
    accept: Annotated[str, Header(include_in_schema=False)] = "text/event-stream",
) -> Response | AnswerOut:
    """Answer a question about a course, with citations that name lesson and span."""
    answer, question = await tutor.prepare(body.question, course_id=body.course_id, asker=caller)
    pieces = tutor.answer(answer, question)
    if "application/json" in accept and "text/event-stream" not in accept:
        return await _whole(answer, pieces)
    return EventStream(_events(answer, pieces, instance=problems.request_id(request)))


async def _whole(answer: Answer, pieces: AsyncGenerator[Piece, None]) -> AnswerOut:
    async for _ in pieces:
        pass
    citations = [_citation(cited) for cited in answer.citations]
    return AnswerOut(**_done(answer).model_dump(), text=answer.text, citations=citations)


async def _events(
    answer: Answer, pieces: AsyncGenerator[Piece, None], *, instance: str
) -> AsyncGenerator[ServerEvent, None]:
    try:
        async for piece in pieces:
            if event := _event(piece):
                yield event
    except ProviderFailed as refusal:
        # The status line is long gone: the problem travels as the stream's last event.
        yield ServerEvent("error", problems.document(refusal, instance=instance))
        return
    finally:
        await pieces.aclose()
    yield ServerEvent("done", _done(answer).model_dump(mode="json"))


def _event(piece: Piece) -> ServerEvent | None:
    if isinstance(piece, Text):
        return ServerEvent("delta", DeltaOut(text=piece.text).model_dump())
    if isinstance(piece, Cited):
        return ServerEvent("citation", _citation(piece).model_dump(mode="json"))
    return None


def _citation(cited: Cited) -> CitationOut:
    hit = cited.hit
    return CitationOut(
        number=cited.number,
        lesson_id=hit.lesson_id,
        lesson=hit.lesson,
        revision=hit.revision,
        start=cited.start,
        end=cited.end,
        quote=quote(cited),
    )


def _done(answer: Answer) -> DoneOut:
    return DoneOut(
        generation_id=answer.id,
        found=answer.found,
        generated_by=answer.provider.generated_by,
        model=answer.provider.model,
    )
