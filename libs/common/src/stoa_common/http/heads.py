"""The head of a request: what may pass, and how one that may not is refused before there is a request.

What two servers could read in two ways is refused, or read as RFC 9112 says: a proxy in front, which takes the same
bytes for something else, would otherwise pass what one client hides in its request as that of the next.
"""

from collections.abc import Collection
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from stoa_common.errors import BadRequest, Refusal
from stoa_common.http import problems
from stoa_common.ids import new_id

LARGEST_HEAD_BYTES: Final = 32_768
MOST_HEADERS: Final = 100
_VERSIONS: Final = frozenset({"1.0", "1.1"})
Headers = Collection[tuple[bytes, bytes]]


class RequestIsMalformed(BadRequest):
    """What came is no HTTP/1.1 request."""


class VersionIsUnknown(Refusal):
    """What came is HTTP, and of a version that is not spoken here (RFC 9110, section 15.6.6)."""

    status, title = 505, "HTTP version not supported"


class HeadIsTooLarge(Refusal):
    """The request line and the headers are more than any client needs (RFC 6585)."""

    status, title = 431, "Request header fields too large"


class HeadIsTooSlow(Refusal):
    """The request's headers did not end in time (RFC 9110, section 15.5.9)."""

    status, title = 408, "Request timeout"


def refusal_of(version: str, url: bytes, headers: Headers) -> Refusal | None:
    """Why this is no head of a request that may pass."""
    size, hosts, codings = len(url), 0, []
    for name, value in headers:
        size += len(name) + len(value)
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            codings.append(value.strip(b" \t").lower())
    if size > LARGEST_HEAD_BYTES or len(headers) > MOST_HEADERS:
        return too_large()
    if version not in _VERSIONS:
        return VersionIsUnknown("Speak HTTP/1.1.")
    if hosts > 1 or (not hosts and version == "1.1"):
        return RequestIsMalformed("Send one Host header.")
    # Before 1.1 there were no codings: who understands one there, and who does not, see two different bodies.
    if codings and (codings != [b"chunked"] or version != "1.1"):
        return RequestIsMalformed("Send bodies with a Content-Length, or by HTTP/1.1 as Transfer-Encoding: chunked.")
    return None


def framing_of(headers: Headers) -> bytes:
    """The header that says where a request's body ends; empty where it has none."""
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b" \t0")):
            return b"%b: %b" % (name, value)
    return b""


def too_slow(seconds: float) -> HeadIsTooSlow:
    return HeadIsTooSlow(f"Send the request's headers within {seconds:g} seconds.")


def too_large() -> HeadIsTooLarge:
    return HeadIsTooLarge(f"Send at most {MOST_HEADERS} headers, and {LARGEST_HEAD_BYTES} bytes before the body.")


def answer(refusal: Refusal) -> bytes:
    """The refusal as the last that a connection says."""
    request_id = str(new_id())
    body = orjson.dumps(problems.document(refusal, instance=request_id))
    headers: dict[str, Any] = {
        "content-type": problems.MEDIA_TYPE,
        "content-length": len(body),
        "x-request-id": request_id,
        "connection": "close",
    }
    lines = [f"{name}: {value}\r\n".encode() for name, value in headers.items()]
    return b"".join([STATUS_LINE[refusal.status], *lines, b"\r\n", body])
