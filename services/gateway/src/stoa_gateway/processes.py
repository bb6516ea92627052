"""The gateway: one process with one role, and no database. What it does not answer itself, it forwards."""

import sys
from collections.abc import Mapping

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from stoa_common.database import Database
from stoa_common.http.health import Check
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_gateway import dependencies
from stoa_gateway.documents.router import router as documents
from stoa_gateway.documents.service import Documents
from stoa_gateway.proxy.router import forward
from stoa_gateway.settings import Settings

#: What a web app may read of an answer, beside the headers that every browser shows it.
EXPOSED_HEADERS = ("Location", "Retry-After", "ETag", "X-Request-Id", "WWW-Authenticate", "Deprecation", "Sunset")


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
        # Outermost, so that refusals can be read across origins too. Without origins it would only cost time.
        if origins := resources.get(Settings).origins():
            app.add_middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["*"],
                allow_headers=["*"],
                # A cookie counts only for the origins that may use it: the gatekeeper refuses the others.
                allow_credentials=bool(resources.get(Settings).origins_with_cookies()),
                expose_headers=EXPOSED_HEADERS,
            )
        return app


service = Gateway(
    "gateway",
    settings=Settings,
    routers=[documents],
    resources=dependencies.opened,
    checks={"routes": dependencies.has_routes},
    mounts={"": forward},
    has_database=False,
    # The services know how much they take; here nothing is kept of a body, however long.
    max_body_bytes=sys.maxsize,
)


def main() -> None:
    service.run()
