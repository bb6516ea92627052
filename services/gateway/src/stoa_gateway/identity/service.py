"""Who may pass: anybody on public routes, else whoever shows an access token that auth signed.

What the caller may do there is the service's question; it verifies the token again.
"""

from collections.abc import Iterable

from stoa_common.errors import Unauthenticated
from stoa_common.security import TokenVerifier
from stoa_gateway.routing.domain import Route


async def admit(route: Route, headers: Iterable[tuple[bytes, bytes]], *, verifier: TokenVerifier) -> None:
    """Raises Unauthenticated where the route needs a token and there is none that holds."""
    if not route.is_public:
        await verifier.verify(_bearer_token(headers))


def _bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    shown = [value for name, value in headers if name.lower() == b"authorization"]
    # Two headers could make the gateway and the service look at different tokens.
    scheme, _, token = shown[0].partition(b" ") if len(shown) == 1 else (b"", b"", b"")
    if scheme.lower() != b"bearer" or not token.strip():
        raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
    return token.strip().decode("latin-1")
