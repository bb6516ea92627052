"""The whole demo against the gateway in a few lines: one course, idempotent writes, answers that get lost."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from statistics import fmean
from typing import Any

import httpx2
import pytest
from rich.console import Console

from stoa_devkit.demo import agreement
from stoa_devkit.demo import run as demo_run
from stoa_devkit.demo.archive import Archive
from stoa_devkit.demo.client import Gateway
from stoa_devkit.demo.course import Material
from stoa_devkit.demo.progress import Screen
from stoa_devkit.demo.report import Outcome
from stoa_devkit.demo.retries import Patience

TEXT = "# Keys\n\nA key makes a write happen once. 😀 Send it again.\n"
QUOTE = "A key makes a write happen once."
QUESTION = {"id": "q1", "kind": "single", "title": "Once?", "options": [{"id": "a", "text": "yes"}]}
OUTLINE = {
    "id": "c1",
    "title": "A small course",
    "chapters": [{"title": "One", "sections": [{"title": "One", "lessons": [{"id": "l1", "title": "Keys"}]}]}],
}
Reply = tuple[int, Any]


@dataclass
class SmallPlatform:
    """An HTTP transport's handler. Every `loses_every`-th answer is lost after its request took effect."""

    loses_every: int = 0
    misquotes: bool = False
    forgets_attempts: int = 0
    catches_up: bool = False
    requests: int = 0
    members: list[str] = field(default_factory=list)
    enrolled: int = 0
    scores: list[float] = field(default_factory=list)
    kept: dict[str, Reply] = field(default_factory=dict)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        status, body = self._once(request)
        if self.loses_every and self.requests % self.loses_every == 0:
            raise httpx2.RemoteProtocolError("The connection broke.")
        if isinstance(body, str):
            return httpx2.Response(status, text=body, headers={"Content-Type": "text/event-stream"})
        return httpx2.Response(status, json=body)

    def _once(self, request: httpx2.Request) -> Reply:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return self._answer(request)
        if key not in self.kept:
            self.kept[key] = self._answer(request)
        return self.kept[key]

    def _answer(self, request: httpx2.Request) -> Reply:
        body = json.loads(request.content) if request.headers.get("Content-Type") == "application/json" else {}
        for pattern, answer in self._routes.items():
            if re.fullmatch(pattern, f"{request.method} {request.url.path.removeprefix('/api/v1/')}"):
                return answer(body)
        return 404, {"detail": f"There is nothing at {request.url.path}."}

    @property
    def _routes(self) -> dict[str, Callable[[dict[str, Any]], Reply]]:
        return {
            "POST auth/register": self._register,
            "POST auth/login": lambda _: (200, {"access_token": "t", "organization_id": "o1"}),
            "POST auth/organizations/o1/invitations": lambda _: (201, {"token": "come in"}),
            "POST content/imports": lambda _: (202, {"id": "j1", "status": "queued", "progress": 0.0}),
            "GET content/jobs/j1": lambda _: (200, {"status": "succeeded", "progress": 1.0, "result": {"id": "c1"}}),
            "POST content/courses/c1/publish": lambda _: (200, {}),
            "GET content/courses/c1": lambda _: (200, OUTLINE),
            "GET ai/courses/c1": lambda _: (200, {"lessons": 1, "ready": True}),
            "POST content/courses/c1/enrollments": self._enroll,
            "GET content/courses/c1/lessons/l1": lambda _: (200, {"text": TEXT, "quiz_id": "z1"}),
            "GET content/quizzes/z1": lambda _: (200, {"id": "z1", "max_attempts": 2, "questions": [QUESTION]}),
            "POST content/quizzes/z1/attempts": self._attempt,
            "POST content/enrollments/e1/lessons/l1/completion": lambda _: (200, {}),
            "POST ai/ask": lambda _: (200, self._stream()),
            "GET analytics/courses/c1": lambda _: (200, self._dashboard()),
            "GET analytics/events/summary": lambda _: (200, {"items": [{"topic": "content.attempt", "count": 1}]}),
        }

    def _register(self, account: dict[str, Any]) -> Reply:
        if account["email"] not in self.members:
            self.members.append(account["email"])
        return 202, {"message": "Thank you."}

    def _enroll(self, _: dict[str, Any]) -> Reply:
        self.enrolled += 1
        return 201, {"id": "e1"}

    def _attempt(self, _: dict[str, Any]) -> Reply:
        # Each attempt scores differently, so that one counted twice moves the mean.
        self.scores.append(1 / (1 + len(self.scores)))
        return 201, {"score": self.scores[-1], "passed": False}

    def _stream(self) -> str:
        start = TEXT.index(QUOTE) + (1 if self.misquotes else 0)
        citation = {"lesson_id": "l1", "lesson": "Keys", "start": start, "end": start + len(QUOTE), "quote": QUOTE}
        done = {"found": True, "generated_by": "extractive"}
        events = [("delta", {"text": QUOTE}), ("citation", citation), ("done", done)]
        return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)

    def _dashboard(self) -> dict[str, Any]:
        scores = self.scores[self.forgets_attempts :]
        self.forgets_attempts -= min(self.forgets_attempts, int(self.catches_up))
        return {
            "learners": self.enrolled,
            "attempts": len(scores),
            "mean_score": fmean(scores) if scores else None,
            "score_distribution": [],
            "hardest_questions": [],
        }


COURSE = Material(Archive(b"", "application/gzip"), {}, is_shipped=False)
QUICK = Patience(seconds=20.0, first_wait=0.001, longest_wait=0.001)


async def demonstrate(platform: SmallPlatform, *, learners: int = 7) -> Outcome:
    async with Gateway("http://stoa", QUICK, httpx2.MockTransport(platform)) as gateway:
        with Screen(Console(file=StringIO())) as screen:
            return await demo_run.run(gateway, COURSE, learners=learners, screen=screen)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_run, "LOOKS_FOR_AGREEMENT", 0)
    monkeypatch.setattr(demo_run, "LOOKS_FOR_REST", 0)


async def test_a_class_studies_and_the_figures_agree() -> None:
    platform = SmallPlatform()

    outcome = await demonstrate(platform)

    assert outcome.complaints() == []
    assert (outcome.told.learners, outcome.told.attempts) == (7, 14)
    assert len({answer.question for answer in outcome.answers}) == 3
    assert outcome.answers[0].citations[0].quote == QUOTE
    assert outcome.events == {"content.attempt": 1}


@pytest.mark.parametrize("every", [2, 3, 7])
async def test_lost_answers_change_no_figure(every: int) -> None:
    platform = SmallPlatform(loses_every=every)

    outcome = await demonstrate(platform)

    assert outcome.complaints() == []
    assert (platform.enrolled, len(platform.scores), len(platform.members)) == (7, 14, 8)


async def test_a_citation_beside_its_place_is_found_out() -> None:
    outcome = await demonstrate(SmallPlatform(misquotes=True), learners=1)

    assert "does not match its text" in outcome.complaints()[0]


async def test_an_attempt_that_analytics_forgot_is_told() -> None:
    outcome = await demonstrate(SmallPlatform(forgets_attempts=1), learners=1)

    assert outcome.complaints()[0] == "2 attempts were graded, analytics counts 1."


async def test_analytics_that_catches_up_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_run, "LOOKS_FOR_AGREEMENT", 2)
    monkeypatch.setattr(agreement, "PAUSE_SECONDS", 0.0)
    platform = SmallPlatform(forgets_attempts=5, catches_up=True)

    outcome = await demonstrate(platform)

    assert outcome.complaints() == []
