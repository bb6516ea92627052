"""Asking a course, and checking what it cites."""

import httpx2

from stoa_devkit.demo.client import JSON, Person, Refused
from stoa_devkit.demo.records import Answer, Citation
from stoa_devkit.demo.retries import PartIsDown, patiently


async def ask(person: Person, course_id: str, question: str) -> Answer:
    """The whole answer of the tutor's stream. A stream that breaks off is asked again: it changes nothing to ask."""

    async def once() -> Answer:
        return await _listen(person, {"course_id": course_id, "question": question})

    try:
        return await patiently(once, person.gateway.patience)
    except Refused as refusal:
        if refusal.status != httpx2.codes.UNAUTHORIZED:
            raise
    await person.log_in()
    return await patiently(once, person.gateway.patience)


async def _listen(person: Person, question: JSON) -> Answer:
    text: list[str] = []
    citations: list[Citation] = []
    async for event in person.stream("/api/v1/ai/ask", question):
        data = _data(event)
        if event.event == "delta":
            text.append(data["text"])
        elif event.event == "citation":
            citations.append(_citation(data))
        elif event.event == "error":
            _raise_error(data)
        elif event.event == "done":
            return Answer(question["question"], "".join(text), citations, data["found"], data["generated_by"])
    raise PartIsDown("An answer broke off before its end.")


def _data(event: httpx2.ServerSentEvent) -> JSON:
    data = event.json() if event.data else {}
    return data if isinstance(data, dict) else {}


def _citation(data: JSON) -> Citation:
    return Citation(data["lesson_id"], data["lesson"], data["start"], data["end"], data["quote"])


def _raise_error(problem: JSON) -> None:
    status = int(problem.get("status", 500))
    detail = str(problem.get("detail", "The answer failed."))
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        raise PartIsDown(detail)
    raise Refused(status, detail)
