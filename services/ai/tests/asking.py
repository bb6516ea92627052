"""Questions about a course, asked over HTTP, and what came of them."""

import json
from typing import Any
from uuid import UUID

from httpx2 import AsyncClient
from sqlalchemy import select

from stoa_ai.ask.models import Generation
from stoa_common.database import Database

QUESTION = "When do tides run highest?"

DONE = "data: [DONE]\n\n"

Events = list[tuple[str, dict[str, Any]]]


def events_of(stream: str) -> Events:
    """A stream's events by name, their data read; comments left out."""
    found = []
    for block in stream.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def ask(client: AsyncClient, headers: dict[str, str], course_id: UUID, question: str = QUESTION) -> Any:
    body = {"course_id": str(course_id), "question": question}
    return await client.post("/api/v1/ai/ask", json=body, headers=headers)


async def generation_of(database: Database, course: Any) -> Generation:
    async with database.transaction() as session:
        found = await session.scalars(select(Generation).where(Generation.course_id == course.course_id))
        return found.one()
