"""Courses of some MB that arrive piece by piece: each is there once and whole, or not at all."""

import asyncio
import io
import secrets
import time
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import httpx2
from world import lessons_of, wait_for_job

from .promises import MARGIN_SECONDS, NO_ANSWER, Answer, Ask
from .school import CONTENT, School
from .sending import LONGEST_WRITE_SECONDS, Heard, Sender, heard

LESSONS, PARAGRAPHS, PARAGRAPH_BYTES = 36, 110, 500
PIECE, PIECE_SECONDS = 64 * 1024, 0.04
#: A job whose worker was killed is taken up by another after half a minute.
JOB_SECONDS = 120.0


def course(title: str) -> tuple[bytes, str]:
    """An archive of 2 MB, and the text of its last lesson."""
    texts = ["\n\n".join(secrets.token_hex(PARAGRAPH_BYTES // 2) for _ in range(PARAGRAPHS)) for _ in range(LESSONS)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("course.md", f"---\ntitle: {title}\nlanguage: en\n---\n")
        for number, text in enumerate(texts):
            archive.writestr(f"01-start/{number:02}-lesson.md", f"---\ntitle: Lesson {number}\n---\n{text}\n")
    return packed.getvalue(), texts[-1]


class Uploads:
    """An author's, over a connection that is none of the fastest."""

    def __init__(self) -> None:
        self._ask = Ask("upload", "content", "POST", f"{CONTENT}/imports", "owner", pause=4.0, is_awaited=False)
        self.asks = [self._ask]
        #: By title: the job, and the end of the last lesson.
        self._jobs: dict[str, str] = {}
        self._ends: dict[str, str] = {}

    async def run(self, sender: Sender) -> None:
        # This client reads an answer that comes before its request is through, as the library of the others does not.
        async with aiohttp.ClientSession(sender.school.gateway) as client:
            while not sender.is_over:
                await self._upload(sender, client)
                await sender.pause(self._ask.pause)

    async def wrong_afterwards(self, sender: Sender) -> list[str]:
        return await asyncio.to_thread(self._compared, sender.school)

    async def _upload(self, sender: Sender, client: aiohttp.ClientSession) -> None:
        """With one key, until it is taken."""
        title, key, until = (
            f"upload-{secrets.token_hex(6)}",
            secrets.token_hex(8),
            time.monotonic() + LONGEST_WRITE_SECONDS,
        )
        packed, end = await asyncio.to_thread(course, title)
        while True:
            said = await self._send(sender, client, packed, key)
            sender.answers.append(said.answer)
            if said.answer.is_fine:
                self._jobs[title], self._ends[title] = said.told["id"], end
            if said.answer.is_fine or not await sender.may_repeat(said.answer, until=until):
                return

    async def _send(self, sender: Sender, client: aiohttp.ClientSession, packed: bytes, key: str) -> Heard:
        headers = {**sender.school.headers(self._ask.who), "Idempotency-Key": key, "Content-Type": "application/zip"}
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._ask.seconds + MARGIN_SECONDS):
                async with client.post(self._ask.path, data=_pieces(packed), headers=headers) as answer:
                    return heard(self._ask, began, answer.status, answer.headers, await answer.read())
        except (TimeoutError, aiohttp.ClientError) as error:
            return Heard(Answer(self._ask, began, time.monotonic() - began, NO_ANSWER, repr(error)))

    def _compared(self, school: School) -> list[str]:
        """What of the author's courses is not as it was sent."""
        with httpx2.Client(base_url=school.gateway, timeout=30, headers=school.headers("owner")) as api:
            jobs = {
                title: wait_for_job(api, school.owner, job, seconds=JOB_SECONDS) for title, job in self._jobs.items()
            }
            kept = Counter(listed["title"] for listed in _courses(api))
            wrong = [f"{title} is there {kept[title]} times" for title in jobs if kept[title] != 1]
            halves = [title for title, job in jobs.items() if not self._is_whole(api, title, job)]
            return wrong + [f"{title} is not whole" for title in halves]

    def _is_whole(self, api: httpx2.Client, title: str, job: dict[str, Any]) -> bool:
        if job["status"] != "succeeded":
            return False
        path = f"{CONTENT}/courses/{job['result']['id']}"
        lessons = lessons_of(api.get(path).json())
        last = api.get(f"{path}/lessons/{lessons[-1]['id']}").json()
        return len(lessons) == LESSONS and self._ends[title] in last["text"]


def _courses(api: httpx2.Client) -> Iterator[Any]:
    path: str | None = f"{CONTENT}/courses?limit=200"
    while path:
        page = api.get(path).json()
        yield from page["items"]
        path = f"{CONTENT}/courses?limit=200&after={page['next']}" if page["next"] else None


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), PIECE):
        yield content[at : at + PIECE]
        await asyncio.sleep(PIECE_SECONDS)
