"""The gateway with everything on, in front of a service that answers at once."""

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gateway import nginx
from bench.gateway.figures import Failed
from bench.gateway.generator import Request
from bench.gateway.nginx import Nginx
from bench.gateway.place import People, until_answered
from bench.streams import Gateway, a_gateway
from stoa_common.ids import new_id
from stoa_common.testing.servers import Servers

#: Fewer bytes than that a request, and its span was not sent.
LEAST_SPAN_BYTES = 50
#: Nobody's limit is reached, and everybody's is counted.
SCALE = "100000"
_COURSE = {
    "id": "0197c9a2-6c1e-7c52-9a53-0a35b8d1f0aa",
    "title": "Stoa in an hour",
    "description": "What a course is made of, how a lesson is read, and where an answer comes from.",
    "language": "en",
    "status": "published",
    "lesson_count": 12,
    "question_count": 34,
    "published_at": "2026-01-05T09:30:00Z",
}
_DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "content", "version": "1"},
    "paths": {
        "/api/v1/content/courses/{course_id}": {
            "get": {"x-permission": "course:read", "responses": {"200": {"description": "A course"}}}
        }
    },
}


@dataclass(frozen=True, slots=True)
class Whole:
    """The gateway, its upstream, and the people who may ask."""

    gateway: Gateway
    upstream: Nginx
    people: People
    log: Path
    traces: Path

    def request(self, *, people: int = 1) -> Request:
        """So many new learners read a course."""
        return Request(f"{self.gateway.url}{a_path()}", [self.people.headers("learner") for _ in range(people)])

    def written(self) -> tuple[int, int]:
        """Lines of the log, and bytes of traces sent, so far."""
        sizes = self.traces.read_text().split() if self.traces.exists() else []
        return self.log.read_bytes().count(b"\n"), sum(map(int, sizes))


@asynccontextmanager
async def running(servers: Servers) -> AsyncIterator[Whole]:
    """Tokens signed, limits counted in Redis, traces recorded and sent, each request logged as JSON."""
    people = People()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        traces, log = folder / "traces.log", folder / "gateway.log"
        async with nginx.answering(folder / "upstream", _locations(folder, traces)) as upstream:
            told = {
                "CONTENT_URL": upstream.url,
                "OTEL_EXPORTER_OTLP_ENDPOINT": upstream.url,
                "GATEWAY_LIMITS_SCALE": SCALE,
                "LOG_LEVEL": "info",
                "LOG_FORMAT": "json",
            }
            async with a_gateway(servers.redis_url, people.identities, told=told, log=log) as gateway:
                whole = Whole(gateway, upstream, people, log, traces)
                await until_answered(whole.request())
                yield whole


def a_path() -> str:
    return f"/api/v1/content/courses/{new_id()}"


def _locations(folder: Path, traces: Path) -> str:
    (folder / "openapi.json").write_text(json.dumps(_DOCUMENT))
    course = nginx.quoted(json.dumps(_COURSE))
    return (
        f"location = /openapi.json {{ alias {folder}/openapi.json; }}"
        f" location /api/v1/content/courses/ {{ return 200 {course}; }}"
        f" location = /v1/traces {{ access_log {traces} sizes; return 200; }}"
    )


def what_was_on(lines: int, span_bytes: int, *, answered: int) -> str:
    """In words, a request; raises Failed where requests were not logged, or traces not sent."""
    if lines < answered:
        raise Failed(f"only {lines} of {answered} requests were logged")
    if span_bytes < LEAST_SPAN_BYTES * answered:
        raise Failed(f"traces were not sent: {span_bytes} bytes for {answered} requests")
    return f"{lines / answered:.2f} lines logged and {span_bytes / answered:.0f} bytes of traces sent for each"
