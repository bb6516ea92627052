"""Which headers pass the gateway, and which it writes itself (RFC 9110, section 7.6); and what of a body it refuses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stoa_common.errors import Refusal, TooLarge, UnsupportedMediaType
from stoa_gateway.limits.addresses import Networks, is_trusted, listed

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
#: Services are told the length of what goes to them, which is not for a client to say.
_LENGTH = b"content-length"
#: Only the gateway may say these; a client's own would be believed behind it. It answers `Expect` itself.
_SPOOFABLE = frozenset(
    {b"forwarded", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip", b"x-cluster-client-ip"}
) | {
    b"x-http-method-override",
    b"x-rewrite-url",
    b"x-remote-user",
    b"remote-user",
    b"x-request-id",
    b"host",
    b"expect",
    b"via",
}
_SPOOFABLE_PREFIXES = (b"x-forwarded-", b"x-original-", b"x-stoa-")
#: The server in front writes its own date and name, the middleware the request's id.
_OURS_IN_ANSWERS = frozenset({b"date", b"server", b"x-request-id"})

_CONNECTION = b"connection"
#: What a body is that says nothing of itself (RFC 9110, section 8.3).
_UNNAMED = b"application/octet-stream"
#: What is left of a body would otherwise be taken for the connection's next request.
_CLOSE = {"Connection": "close"}


class BodyIsTooLarge(TooLarge):
    """The body is longer than the route takes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"Send at most {limit} bytes.", headers=_CLOSE)


class BodyIsOfAnotherKind(UnsupportedMediaType):
    """The route takes no body of this media type."""

    def __init__(self, taken: Sequence[str]) -> None:
        kinds = ", ".join(taken)
        super().__init__(f"Send a body as {kinds}, and say so in Content-Type.", headers={"Accept": kinds, **_CLOSE})


class BodyIsSlow(Refusal):
    """The body did not come in time."""

    status, title = 408, "Request timed out"

    def __init__(self) -> None:
        super().__init__("The request's body did not come in time; send it again, and faster.", headers=_CLOSE)


@dataclass(slots=True)
class Head:
    """What a request's headers say that the gateway goes by."""

    has_body: bool = False
    length: int = 0
    content_type: bytes = b""
    idempotency_key: bytes | None = None
    host: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, for the `X-Forwarded-*` headers of the one that goes on."""

    client: str
    scheme: str
    host: str


def request_headers(received: RawHeaders, *, origin: Origin, own: Mapping[str, str]) -> list[tuple[str, str]]:
    """Headers for the service: end-to-end ones in their order, then the gateway's; `own` replaces a client's.

    None says how long the body is: where that were not what is sent, the service would take the next request on the
    connection, which is somebody else's, for a part of this one.
    """
    received = list(received)
    named = _named_by_connection(received)
    passed = [
        (text, _text(value))
        for name, value in received
        if (text := _passed(name)) is not None and text not in own and name not in named
    ]
    forwarded = {"x-forwarded-for": origin.client, "x-forwarded-proto": origin.scheme, "x-forwarded-host": origin.host}
    return [*passed, *((name, value) for name, value in forwarded.items() if value), *own.items()]


def answer_headers(received: RawHeaders) -> list[tuple[bytes, bytes]]:
    """Headers for the client: the service's own, without those of its connection. Repeated ones stay repeated."""
    received = list(received)
    named = _named_by_connection(received)
    lowered = ((_answered(name), value) for name, value in received)
    return [(name, value) for name, value in lowered if name is not None and name not in named]


def origin_of(scope: Mapping[str, Any], head: Head, *, client: str, trusted: Networks) -> Origin:
    """Where the request came from; scheme and host are those that the client used if a trusted proxy tells them."""
    scheme, host = scope["scheme"], head.host
    peer = scope.get("client")
    if trusted and peer and is_trusted(peer[0], trusted):
        told = listed(scope["headers"], b"x-forwarded-proto")[-1].lower()
        scheme = told if told in ("http", "https") else scheme
        host = listed(scope["headers"], b"x-forwarded-host")[-1] or host
    return Origin(client=client, scheme=scheme, host=host)


def read_head(received: RawHeaders) -> Head:
    """The head of a request, whose names are in small letters. A body is announced as RFC 9112, section 6.3 says."""
    head = Head()
    for name, value in received:
        if name == b"content-length":
            # A space behind it is none of the value (RFC 9110, section 5.5), and the parser leaves it there.
            head.length = int(value) if value.strip().isdigit() else 0
            head.has_body = head.has_body or head.length > 0
        elif name == b"transfer-encoding":
            head.has_body = True
        elif name == b"content-type":
            head.content_type = value
        elif name == b"host":
            head.host = value.decode("latin-1")
        elif name == b"idempotency-key":
            # Of two keys the service might choose the other one: such a request is nobody's twin.
            head.idempotency_key = value if head.idempotency_key is None else b""
    return head


def check_body(head: Head, *, max_bytes: int, content_types: tuple[str, ...]) -> None:
    """Raises BodyIsTooLarge, BodyIsOfAnotherKind by what the head announces."""
    if not head.has_body:
        return
    if head.length > max_bytes:
        raise BodyIsTooLarge(max_bytes)
    if not _is_taken(head.content_type or _UNNAMED, content_types):
        raise BodyIsOfAnotherKind(content_types)


@lru_cache(maxsize=1024)
def _is_taken(content_type: bytes, taken: tuple[str, ...]) -> bool:
    """Parameters such as `charset` are the service's business."""
    media_type = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    kind, _, name = media_type.partition("/")
    suffixed = f"{kind}/*+{name.rpartition('+')[2]}" if "+" in name else media_type
    return any(each in (media_type, suffixed, f"{kind}/*", "*/*") for each in taken)


@lru_cache(maxsize=1024)
def _passed(name: bytes) -> str | None:
    """The name of a header as it goes to a service; None for one that stays here."""
    # CGI and what descends from it reads `x_forwarded_for` and `x-forwarded-for` as one.
    meant = name.lower().replace(b"_", b"-")
    if meant in HOP_BY_HOP or meant in _SPOOFABLE or meant == _LENGTH or meant.startswith(_SPOOFABLE_PREFIXES):
        return None
    return _text(name)


@lru_cache(maxsize=1024)
def _answered(name: bytes) -> bytes | None:
    """The name of an answer's header in small letters; None for one that does not go to the client."""
    lowered = name.lower()
    return None if lowered in HOP_BY_HOP or lowered in _OURS_IN_ANSWERS else lowered


def _named_by_connection(headers: Sequence[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """What `Connection` says is of one hop, beside what always is."""
    listed = [value for name, value in headers if len(name) == len(_CONNECTION) and name.lower() == _CONNECTION]
    if not listed:
        return frozenset()
    named = {token.strip().lower() for value in listed for token in value.split(b",")}
    # A client could otherwise have its length or its token dropped on the way to the service.
    return frozenset(named - {_LENGTH, b"content-type", b"authorization"})


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
