"""Fixtures of ai's tests: the service on a database of its own, with the real embedding model, and courses for it."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from httpx2 import AsyncClient

from stoa_ai.passages.consumers import router as passage_events
from stoa_ai.passages.embedder import Embedder
from stoa_ai.passages.service import Hit, Retrieved
from stoa_ai.processes import service as ai
from stoa_ai.providers.domain import Question
from stoa_ai.providers.provider import Deadlines, OpenAIProvider
from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.messaging.handling import Outcome
from stoa_common.resources import Resources
from stoa_common.service import Service
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts import CoursePublished, LessonPublished

# The test modules share a model's server.
sys.path.insert(0, str(Path(__file__).parent))

from listening import PASSAGES, a_provider
from model_server import Upstream, an_upstream

QUESTIONS = Path(__file__).parent / "questions"
TIDES = (
    "# Tides\n\nThe Moon pulls at the sea. Most coasts have two high tides a day.\n\n"
    "## Spring tides\n\nWhen Sun and Moon pull along one line, tides run highest. So it is at new and at full moon."
)


@pytest.fixture(scope="session")
def service() -> Service:
    return ai


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def settings_overrides(model_dir: Path) -> dict[str, Any]:
    # Whatever the machine is set up with, the tests pay no model's bill.
    return {"model_dir": model_dir, "openai_base_url": "", "openai_api_key": ""}


@pytest.fixture(scope="session")
def embedder(resources: Resources) -> Embedder:
    return resources.get(Embedder)


@dataclass
class Course:
    """A course, and the events by which content publishes it."""

    lessons: dict[str, str]
    organization_id: UUID = field(default_factory=new_id, init=False)
    course_id: UUID = field(default_factory=new_id, init=False)
    lesson_ids: list[UUID] = field(init=False)

    def __post_init__(self) -> None:
        self.lesson_ids = [new_id() for _ in self.lessons]

    def text(self, lesson_id: str) -> str:
        return list(self.lessons.values())[self.lesson_ids.index(UUID(lesson_id))]

    def published(self) -> CoursePublished:
        return CoursePublished(
            course_id=self.course_id,
            organization_id=self.organization_id,
            title="A course",
            language="en",
            lesson_count=len(self.lessons),
            question_count=0,
            published_at=clock.now(),
        )

    def lesson_published(self, position: int = 0, **changed: Any) -> LessonPublished:
        title, text = list(self.lessons.items())[position]
        fields: dict[str, Any] = {
            "course_id": self.course_id,
            "organization_id": self.organization_id,
            "lesson_id": self.lesson_ids[position],
            "revision": 1,
            "position": position,
            "title": title,
            "text": text,
            "published_at": clock.now(),
        }
        return LessonPublished(**fields | changed)


Publish = Callable[..., Awaitable[Course]]


@pytest.fixture
def course() -> Course:
    """Not published yet."""
    return Course({"Tides": TIDES})


@pytest.fixture
def publish(delivery: Delivery) -> Publish:
    """Hand a course's events to the index."""

    async def take(course: Course | None = None) -> Course:
        course = course or Course({"Tides": TIDES})
        lessons = [course.lesson_published(position) for position in range(len(course.lessons))]
        for event in (course.published(), *lessons):
            assert await delivery.deliver(passage_events, event) is Outcome.HANDLED
        return course

    return take


@pytest.fixture(scope="session")
def shipped_courses() -> dict[str, Course]:
    """Two short courses that were written for these tests."""
    return {
        folder.name: Course({path.stem: path.read_text() for path in sorted(folder.glob("*.md"))})
        for folder in sorted(QUESTIONS.iterdir())
        if folder.is_dir()
    }


@pytest.fixture(scope="session")
def shipped_questions() -> dict[str, Any]:
    """For each course: questions with a piece of the right answer, questions from elsewhere, and from nearby."""
    questions: dict[str, Any] = json.loads((QUESTIONS / "questions.json").read_text())
    return questions


@dataclass
class Learner:
    """Someone who asks, as JSON."""

    client: AsyncClient
    headers: dict[str, str]

    async def ask(self, course_id: UUID, question: str) -> httpx2.Response:
        body = {"course_id": str(course_id), "question": question}
        headers = {**self.headers, "Accept": "application/json"}
        return await self.client.post("/api/v1/ai/ask", json=body, headers=headers)


@pytest.fixture
def learner_of(client: AsyncClient, identities: Identities) -> Callable[[Course], Learner]:
    def enter(course: Course) -> Learner:
        return Learner(client, identities.headers(identities.principal(organization_id=course.organization_id)))

    return enter


@pytest.fixture
def headers_of(identities: Identities) -> Callable[..., dict[str, str]]:
    def make(course: Any, *roles: str, person_id: UUID | None = None) -> dict[str, str]:
        who = identities.principal(*roles, organization_id=course.organization_id, person_id=person_id)
        return identities.headers(who)

    return make


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def upstream() -> AsyncIterator[Upstream]:
    async with an_upstream() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def provider(upstream: Upstream) -> AsyncIterator[OpenAIProvider]:
    async with a_provider(upstream, Deadlines(stall_seconds=30, total_seconds=60)) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def impatient(upstream: Upstream) -> AsyncIterator[OpenAIProvider]:
    async with a_provider(upstream, Deadlines(stall_seconds=0.4, total_seconds=1)) as made:
        yield made


@pytest.fixture
def question() -> Question:
    hits = [
        Hit(new_id(), new_id(), "Tides", 3, 100 * n, 100 * n + len(text), text, "Why", 0.5)
        for n, text in enumerate(PASSAGES)
    ]
    return Question("Why does the sea rise?", Retrieved(hits, {}))
