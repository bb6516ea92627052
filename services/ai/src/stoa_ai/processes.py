"""The ai service."""

from stoa_ai.ask.router import router as ask_routes
from stoa_ai.dependencies import check_embedder, open_resources
from stoa_ai.passages.consumers import router as passage_events
from stoa_ai.passages.router import router as course_routes
from stoa_ai.settings import Settings
from stoa_common.service import Service

service = Service(
    "ai",
    settings=Settings,
    routers=[ask_routes, course_routes],
    consumers=[passage_events],
    resources=open_resources,
    checks={"embeddings": check_embedder},
)


def main() -> None:
    service.run()
