"""What the gateway is told by its environment."""

from pydantic import Field

from stoa_common.browser_cookies import Origins, origin_of
from stoa_common.settings import PublicUrl, ServiceSettings, shared
from stoa_gateway.routing.domain import Upstream

#: Which paths each service may claim, beside its own `/api/v1/<service>`.
PREFIXES: dict[str, tuple[str, ...]] = {
    "auth": ("/api/v1/auth", "/.well-known", "/scim"),
    "content": ("/api/v1/content",),
    "ai": ("/api/v1/ai",),
    "analytics": ("/api/v1/analytics",),
    "feed": ("/api/v1/feed",),
}


class Settings(ServiceSettings, service="gateway"):
    port: int = shared("STOA_GATEWAY_PORT", 8000)
    cors_origins: str = shared("STOA_CORS_ORIGINS", "", description="Origins of web apps, separated by commas.")
    public_url: PublicUrl = shared("STOA_PUBLIC_URL", "", description="Where browsers and clients reach the gateway.")
    cookie_origins: str = Field("", description="Origins of front ends that may use the browser's log-in, by commas.")
    auth_url: str = shared("AUTH_URL", "http://127.0.0.1:8001")
    content_url: str = shared("CONTENT_URL", "http://127.0.0.1:8002")
    ai_url: str = shared("AI_URL", "http://127.0.0.1:8003")
    analytics_url: str = shared("ANALYTICS_URL", "http://127.0.0.1:8004")
    feed_url: str = shared("FEED_URL", "http://127.0.0.1:8005")
    refresh_seconds: float = Field(10.0, gt=0, description="How often a service is asked for its routes again.")
    answer_timeout_seconds: float = Field(
        60.0, gt=0, description="The longest wait for an answer's headers, and between two pieces of its body."
    )

    def upstreams(self) -> list[Upstream]:
        return [Upstream(name, getattr(self, f"{name}_url").rstrip("/"), paths) for name, paths in PREFIXES.items()]

    def origins(self) -> list[str]:
        """Whose scripts may read answers at all."""
        return list(dict.fromkeys([*_listed(self.cors_origins), *self.origins_with_cookies()]))

    def origins_with_cookies(self) -> list[str]:
        """Whose scripts may ask as the person who has logged in; their host shares a site with ours (SameSite)."""
        return _listed(self.cookie_origins)

    def own_origins(self) -> Origins:
        return Origins(own=origin_of(self.public_url), others=frozenset(self.origins_with_cookies()))


def _listed(origins: str) -> list[str]:
    return [origin.strip() for origin in origins.split(",") if origin.strip()]
