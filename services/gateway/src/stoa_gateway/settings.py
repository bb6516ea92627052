"""What the gateway is told by its environment."""

from pydantic import Field

from stoa_common.settings import ServiceSettings, shared
from stoa_gateway.routing.domain import Upstream

#: Which paths each service may claim, beside its own `/api/v1/<service>`.
PREFIXES: dict[str, tuple[str, ...]] = {
    "auth": ("/api/v1/auth", "/.well-known"),
    "content": ("/api/v1/content",),
    "ai": ("/api/v1/ai",),
    "analytics": ("/api/v1/analytics",),
    "feed": ("/api/v1/feed",),
}


class Settings(ServiceSettings, service="gateway"):
    port: int = shared("STOA_GATEWAY_PORT", 8000)
    cors_origins: str = shared("STOA_CORS_ORIGINS", "", description="Origins of web apps, separated by commas.")
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
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]
