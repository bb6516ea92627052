"""Which headers pass the gateway, and which it writes itself (RFC 9110, section 7.6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

RawHeaders = Iterable[tuple[bytes, bytes]]

#: They speak of one connection, and the gateway has another one behind it.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
#: Only the gateway may say these; a client's own would be believed behind it. It answers `Expect` itself.
_SPOOFABLE = frozenset(
    {b"forwarded", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"x-http-method-override", b"x-request-id"}
) | {b"host", b"expect", b"via"}
_SPOOFABLE_PREFIXES = (b"x-forwarded-", b"x-original-", b"x-stoa-")
#: The server in front writes its own date and name, the middleware the request's id.
_OURS_IN_ANSWERS = frozenset({b"date", b"server", b"x-request-id"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, for the `X-Forwarded-*` headers of the one that goes on."""

    client: str
    scheme: str
    host: str


def request_headers(received: RawHeaders, *, origin: Origin, own: Mapping[str, str]) -> list[tuple[str, str]]:
    """Headers for the service: end-to-end ones in their order, then the gateway's; `own` replaces a client's."""
    received = list(received)
    dropped = _dropped(received) | {name.encode() for name in own}
    passed = [(_text(name), _text(value)) for name, value in received if _is_passed(name.lower(), dropped)]
    forwarded = {"x-forwarded-for": origin.client, "x-forwarded-proto": origin.scheme, "x-forwarded-host": origin.host}
    return [*passed, *((name, value) for name, value in forwarded.items() if value), *own.items()]


def answer_headers(received: RawHeaders) -> list[tuple[bytes, bytes]]:
    """Headers for the client: the service's own, without those of its connection. Repeated ones stay repeated."""
    received = list(received)
    dropped = _dropped(received) | _OURS_IN_ANSWERS
    return [(name.lower(), value) for name, value in received if name.lower() not in dropped]


def has_body(received: RawHeaders) -> bool:
    """Whether a request announces a body (RFC 9112, section 6.3)."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in ((name.lower(), value) for name, value in received)
    )


def _is_passed(name: bytes, dropped: frozenset[bytes]) -> bool:
    return name not in dropped and name not in _SPOOFABLE and not name.startswith(_SPOOFABLE_PREFIXES)


def _dropped(headers: RawHeaders) -> frozenset[bytes]:
    """Hop-by-hop headers: the fixed ones, and those that `Connection` names."""
    named = {
        token.strip().lower() for name, value in headers if name.lower() == b"connection" for token in value.split(b",")
    }
    # A client could otherwise have its length or its token dropped on the way to the service.
    return HOP_BY_HOP | (named - {b"content-length", b"content-type", b"authorization"})


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
