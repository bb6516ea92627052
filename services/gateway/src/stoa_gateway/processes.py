"""The gateway: no database, and two roles. `api` forwards what it does not answer; `consumer` feeds the streams."""

from collections.abc import Iterable, Mapping

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from stoa_common.database import Database
from stoa_common.http.health import Check
from stoa_common.messaging.operations.router import groups_router
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_gateway import dependencies
from stoa_gateway.caching.consumers import router as ended
from stoa_gateway.documents.router import router as pages
from stoa_gateway.documents.service import Documents
from stoa_gateway.origins.router import Cors
from stoa_gateway.origins.service import AllowedOrigins
from stoa_gateway.proxy import access_log
from stoa_gateway.proxy.router import ProxyDoor
from stoa_gateway.routing.domain import Upstream
from stoa_gateway.settings import Settings
from stoa_gateway.streams.consumers import router as told
from stoa_gateway.streams.router import StreamDoor

#: What a web app may read of an answer, beside the headers that every browser shows it.
EXPOSED_HEADERS = (
    *("Location", "Retry-After", "ETag", "X-Request-Id", "WWW-Authenticate", "Deprecation", "Sunset"),
    *("RateLimit", "RateLimit-Policy"),
)
#: The paths that the gateway answers as any service does.
OWN_ROUTES = Upstream("gateway", "", ("/api/v1/gateway",))
READS = (told, ended)
#: What every process of ours answers, beside what its routers say.
_EVERYWHERE = ("/openapi.json", "/livez", "/readyz", "/metrics")


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
        documents = resources.get(Documents)
        documents.add_own(OWN_ROUTES, app.openapi())
        app.openapi = documents.openapi  # type: ignore[method-assign]
        # The framework's own would write the document anew for everybody who asks; ours is behind it.
        routes = app.router.routes
        routes.remove(next(route for route in routes if getattr(route, "path", None) == app.openapi_url))
        framework = app.build_middleware_stack

        def doors() -> ASGIApp:
            """What the gateway does not answer itself goes around the framework, whose layers cost as much again."""
            proxied = ProxyDoor(framework(), own=[*_EVERYWHERE, *_paths(self.routers)], observe=self.observe)
            streamed = StreamDoor(proxied, observe=self.observe)
            # Outermost, so that refusals can be read across origins too.
            return Cors(streamed, origins=resources.get(AllowedOrigins), exposed=EXPOSED_HEADERS)

        app.build_middleware_stack = doors  # type: ignore[method-assign]
        return app


def _paths(routers: Iterable[APIRouter]) -> list[str]:
    return [str(getattr(route, "path", "")) for router in routers for route in router.routes]


service = Gateway(
    "gateway",
    settings=Settings,
    routers=[pages, groups_router("gateway", READS)],
    consumers=READS,
    resources=dependencies.opened,
    checks={"routes": dependencies.has_routes},
    observe=access_log.observe,
    has_database=False,
)


def main() -> None:
    service.run()
