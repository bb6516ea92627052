"""The services, over aiohttp: one request each, streamed both ways."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import aiohttp
from yarl import URL

from stoa_common.errors import BadGateway, Refusal, UpstreamTimedOut
from stoa_gateway.routing.domain import ServiceIsDown

# A request must not meet the closing of an idle connection: uvicorn, which much runs on that answers `/v1`, closes one
# after 5 seconds (our own services: 75).
_KEEP_ALIVE_SECONDS: Final = 4.0
_CONNECT_SECONDS: Final = 3.0
#: What breaks while a service is asked, or while its answer is read.
FAILURES: Final = (aiohttp.ClientError, TimeoutError)


class AnswerIsBroken(BadGateway):
    """The service closed the connection, or answered what is no HTTP."""


class ServiceTimedOut(UpstreamTimedOut):
    """The service took the request and did not answer in time."""

    def __init__(self, service: str) -> None:
        super().__init__(f"The service {service} did not answer in time; try again later.")


@dataclass(slots=True)
class Asked:
    """A request as it goes to a service. A body of bytes can be sent again, a streamed one cannot."""

    service: str
    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes | AsyncIterator[bytes] | None
    #: The longest wait for the answer's headers, and between two pieces of its body.
    answer_seconds: float
    idle_seconds: float


def new_session() -> aiohttp.ClientSession:
    """A client that changes nothing on the way: no cookies kept, no redirect followed, nothing unpacked or repeated."""
    session = aiohttp.ClientSession(
        # No limit: an open stream holds its connection for hours, and a hundred of them would stop everyone else.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        auto_decompress=False,
    )
    # aiohttp would repeat a request by itself, beside our budget; it has no public name for saying no.
    session._retry_connection = False
    return session


async def ask(session: aiohttp.ClientSession, asked: Asked) -> aiohttp.ClientResponse:
    """The service's answer as soon as its headers are here; whoever gets it closes or releases it.

    Raises ServiceIsDown (nobody listens), ServiceTimedOut, AnswerIsBroken.
    """
    try:
        answer = await session.request(
            asked.method,
            URL(asked.url, encoded=True),
            headers=asked.headers,
            data=asked.body,
            allow_redirects=False,
            timeout=_timeout(asked.answer_seconds),
        )
    except FAILURES as error:
        raise failure(error, asked.service) from error
    if asked.idle_seconds != asked.answer_seconds:
        _wait_for_pieces(answer, asked.idle_seconds)
    return answer


def _wait_for_pieces(answer: aiohttp.ClientResponse, seconds: float) -> None:
    """From here on it is the next piece that is waited for; what came whole has let go of its connection."""
    if (connection := answer.connection) is not None and connection.protocol is not None:
        connection.protocol.read_timeout = seconds
        if not answer.content.total_bytes:
            connection.protocol.start_timeout()


def failure(error: BaseException, service: str) -> Refusal:
    """What went wrong at the service, in our words."""
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return ServiceIsDown(service)
    if isinstance(error, TimeoutError):
        return ServiceTimedOut(service)
    return AnswerIsBroken(f"The service {service} broke off its answer; try again.")


@lru_cache(maxsize=256)
def _timeout(answer_seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=answer_seconds)
