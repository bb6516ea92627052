"""What the gateway is told by its environment."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from stoa_common.browser_cookies import Origins, origin_of
from stoa_common.settings import PublicUrl, ServiceSettings, shared
from stoa_gateway.routing.domain import Upstream
from stoa_gateway.routing.policies import Policies, read_policies

#: Which paths each service may claim, beside its own `/api/v1/<service>`.
PREFIXES: dict[str, tuple[str, ...]] = {
    "auth": ("/api/v1/auth", "/.well-known", "/scim"),
    "content": ("/api/v1/content",),
    "ai": ("/api/v1/ai",),
    "analytics": ("/api/v1/analytics",),
    "feed": ("/api/v1/feed",),
}
#: What an OpenAI client asks for; its upstream shows no routes of its own.
V1 = "v1"


def _networks(text: str) -> str:
    for listed in _listed(text):
        ip_network(listed, strict=False)
    return text


def _contacts(uris: str) -> str:
    if not all(uri.startswith(("mailto:", "https://", "tel:")) and "\n" not in uri for uri in _listed(uris)):
        raise ValueError("Write URIs, such as mailto:security@example.com or https://example.com/security.")
    return uris


#: As security.txt wants them (RFC 9116, section 2.5.3).
Contacts = Annotated[str, AfterValidator(_contacts)]


class Settings(ServiceSettings, service="gateway"):
    port: int = shared("STOA_GATEWAY_PORT", 8000)
    # Clients reach nothing but the gateway: it leaves so that balancers notice first, and long answers end.
    drain_seconds: float = Field(3.0, ge=0)
    finish_seconds: int = Field(20, ge=0)
    cors_origins: str = shared("STOA_CORS_ORIGINS", "", description="Origins of web apps, separated by commas.")
    public_url: PublicUrl = shared("STOA_PUBLIC_URL", "", description="Where browsers and clients reach the gateway.")
    cookie_origins: str = Field("", description="Origins of front ends that may use the browser's log-in, by commas.")
    auth_url: str = shared("AUTH_URL", "http://127.0.0.1:8001")
    content_url: str = shared("CONTENT_URL", "http://127.0.0.1:8002")
    ai_url: str = shared("AI_URL", "http://127.0.0.1:8003")
    analytics_url: str = shared("ANALYTICS_URL", "http://127.0.0.1:8004")
    feed_url: str = shared("FEED_URL", "http://127.0.0.1:8005")
    security_contact: Contacts = Field("", description="Whom to tell of a hole: URIs (mailto:, https:), by commas.")
    cache_max_bytes: int = Field(64_000_000, ge=0, description="Memory for answers that everybody may get; 0: none.")
    refresh_seconds: float = Field(10.0, gt=0, description="How often a service is asked for its routes again.")
    v1_url: str = Field("", description="What answers /v1, the paths of the OpenAI API; without it nothing does.")
    limits_scale: float = Field(1.0, ge=0, description="Multiplies the rates of the policies; 0 limits nothing.")
    limits_answer_seconds: float = Field(0.05, gt=0, description="The longest that a request waits for Redis' count.")
    policies: str = Field("", description="A settings file in the place of routing/policies.toml.")
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = shared(
        "TRUSTED_PROXIES", "", description="Networks of the proxies in front, which tell whose a request is; by commas."
    )

    stream_kept_seconds: float = Field(
        86_400, ge=60, description="How long a client of /api/v1/stream may be away and still learn what it missed."
    )
    stream_most_events: int = Field(256, ge=1, description="How much is kept for it; beyond that it begins anew.")
    streams_most: int = Field(12_000, ge=1, description="Open streams of one gateway process.")
    streams_most_of_one: int = Field(10, ge=1, description="Open streams of one person there.")

    def upstreams(self) -> list[Upstream]:
        shown = [Upstream(name, getattr(self, f"{name}_url").rstrip("/"), paths) for name, paths in PREFIXES.items()]
        return [*shown, Upstream(V1, self.v1_url.rstrip("/").removesuffix("/v1"), ("/v1",), is_opaque=True)]

    def read_policies(self) -> Policies:
        """What each route asks of the gateway. Raises BadPolicies."""
        return read_policies(Path(self.policies) if self.policies else None)

    def proxies(self) -> list[IPv4Network | IPv6Network]:
        return [ip_network(listed, strict=False) for listed in _listed(self.trusted_proxies)]

    def origins(self) -> list[str]:
        """Whose scripts may read answers at all."""
        return list(dict.fromkeys([*_listed(self.cors_origins), *self.origins_with_cookies()]))

    def origins_with_cookies(self) -> list[str]:
        """Whose scripts may ask as the person who has logged in; their host shares a site with ours (SameSite)."""
        return _listed(self.cookie_origins)

    def security_contacts(self) -> list[str]:
        return _listed(self.security_contact)

    def own_origins(self) -> Origins:
        return Origins(own=origin_of(self.public_url), others=frozenset(self.origins_with_cookies()))


def _listed(origins: str) -> list[str]:
    return [origin.strip() for origin in origins.split(",") if origin.strip()]
