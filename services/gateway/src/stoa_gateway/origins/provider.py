"""What organizations list, over HTTP from auth."""

from typing import Final

import aiohttp
import orjson

from stoa_gateway.origins import domain
from stoa_gateway.origins.domain import Listed

PATH: Final = "/internal/origins"
_TIMEOUT: Final = aiohttp.ClientTimeout(total=3, connect=1)


class ListIsMissing(Exception):
    """Auth did not tell what organizations list; the message says what came instead."""


class Lists:
    """The lists of all organizations, fetched again only where they have changed."""

    def __init__(self, session: aiohttp.ClientSession, auth_url: str) -> None:
        self._session = session
        self._url = auth_url.rstrip("/") + PATH
        self._etag = ""

    async def fetch(self) -> Listed | None:
        """None where nothing has changed since the last time. Raises ListIsMissing."""
        headers = {"If-None-Match": self._etag} if self._etag else {}
        try:
            async with self._session.get(self._url, headers=headers, timeout=_TIMEOUT) as answer:
                if answer.status == 304:
                    return None
                if answer.status != 200:
                    raise ListIsMissing(str(answer.status))
                listed = domain.read_listed(orjson.loads(await answer.read()))
                self._etag = answer.headers.get("ETag", "")
                return listed
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            raise ListIsMissing(type(error).__name__) from None
