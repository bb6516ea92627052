"""The services' own descriptions, over HTTP."""

import aiohttp
import orjson

from stoa_gateway.routing import domain
from stoa_gateway.routing.domain import Document

_LIMIT_BYTES = 8_000_000
_TIMEOUT = aiohttp.ClientTimeout(total=5, connect=2)


class DocumentIsMissing(Exception):
    """The service did not answer with an OpenAPI document; the message says what came instead."""


async def fetch_document(session: aiohttp.ClientSession, url: str) -> Document:
    """The OpenAPI document of the service at this address; raises DocumentIsMissing."""
    try:
        async with session.get(f"{url}/openapi.json", timeout=_TIMEOUT, auto_decompress=True) as answer:
            if answer.status != 200:
                raise DocumentIsMissing(f"{url} answered {answer.status}.")
            return _parse(await _read(answer.content, url), url)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise DocumentIsMissing(f"{url} did not answer: {type(error).__name__}.") from error


async def _read(stream: aiohttp.StreamReader, url: str) -> bytes:
    """All of it: `read(n)` gives what has come so far, which of a long document is a part."""
    body = bytearray()
    async for piece in stream.iter_any():
        body += piece
        if len(body) > _LIMIT_BYTES:
            raise DocumentIsMissing(f"{url} answered with more than {_LIMIT_BYTES} bytes.")
    return bytes(body)


def _parse(body: bytes, url: str) -> Document:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if domain.is_document(document):
        return document
    raise DocumentIsMissing(f"{url} answered something that is no OpenAPI document.")
