"""The services, over aiohttp: one request each, streamed both ways."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from stoa_common.errors import BadGateway, UpstreamTimedOut
from stoa_gateway.routing.domain import ServiceIsDown

# Below the 75 seconds after which the services close an idle connection: a request must not meet the closing.
_KEEP_ALIVE_SECONDS = 30.0
_CONNECT_SECONDS = 3.0


class AnswerIsBroken(BadGateway):
    """The service closed the connection, or answered what is no HTTP."""


class ServiceTimedOut(UpstreamTimedOut):
    """The service took the request and did not answer in time."""


def new_session(*, answer_seconds: float) -> aiohttp.ClientSession:
    """A client that changes nothing on the way: no cookies kept, no redirect followed, nothing unpacked.

    `answer_seconds` limits the wait for an answer's headers, and for each further piece of its body.
    """
    return aiohttp.ClientSession(
        # No limit: an open stream holds its connection for hours, and a hundred of them would stop everyone else.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=answer_seconds),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        auto_decompress=False,
    )


@asynccontextmanager
async def opened(
    session: aiohttp.ClientSession,
    service: str,
    *,
    method: str,
    url: str,
    headers: Sequence[tuple[str, str]],
    body: AsyncIterator[bytes] | None,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The service's answer as soon as its headers are here; leaving ends the exchange, finished or not.

    Raises ServiceIsDown (nobody listens), ServiceTimedOut, or AnswerIsBroken; the first two also from inside, while
    the body is read.
    """
    request = session.request(method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False)
    try:
        async with request as answer:
            yield answer
    except aiohttp.ClientConnectorError as error:
        raise ServiceIsDown(service) from error
    except TimeoutError as error:
        raise ServiceTimedOut(f"The service {service} did not answer in time; try again later.") from error
    except aiohttp.ClientError as error:
        raise AnswerIsBroken(f"The service {service} broke off its answer; try again.") from error
