"""The gateway: no database, and two roles. `api` forwards what it does not answer; `consumer` feeds the streams."""

import sys
from collections.abc import Mapping

from fastapi import FastAPI

from stoa_common.database import Database
from stoa_common.http.health import Check
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_gateway import dependencies
from stoa_gateway.caching.consumers import router as ended
from stoa_gateway.documents.router import router as documents
from stoa_gateway.documents.service import Documents
from stoa_gateway.origins.router import Cors
from stoa_gateway.origins.service import AllowedOrigins
from stoa_gateway.proxy.router import forward
from stoa_gateway.settings import Settings
from stoa_gateway.streams.consumers import router as told
from stoa_gateway.streams.router import StreamDoor

#: What a web app may read of an answer, beside the headers that every browser shows it.
EXPOSED_HEADERS = (
    *("Location", "Retry-After", "ETag", "X-Request-Id", "WWW-Authenticate", "Deprecation", "Sunset"),
    *("RateLimit", "RateLimit-Policy"),
)


class Gateway(Service):
    """A service whose OpenAPI document is everybody's, and which web apps of other origins may call."""

    def build_app(
        self,
        resources: Resources,
        verifier: TokenVerifier,
        database: Database | None,
        *,
        checks: Mapping[str, Check] | None = None,
    ) -> FastAPI:
        app = super().build_app(resources, verifier, database, checks=checks)
        app.openapi = resources.get(Documents).openapi  # type: ignore[method-assign]
        app.add_middleware(StreamDoor)
        # Outermost, so that refusals can be read across origins too.
        app.add_middleware(Cors, origins=resources.get(AllowedOrigins), exposed=EXPOSED_HEADERS)
        return app


service = Gateway(
    "gateway",
    settings=Settings,
    routers=[documents],
    consumers=[told, ended],
    resources=dependencies.opened,
    checks={"routes": dependencies.has_routes},
    mounts={"": forward},
    has_database=False,
    # The services know how much they take; here nothing is kept of a body, however long.
    max_body_bytes=sys.maxsize,
)


def main() -> None:
    service.run()
