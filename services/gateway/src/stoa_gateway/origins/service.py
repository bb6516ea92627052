"""Whose pages may ask: those of the operator's origins anywhere, those that an organization lists for its own data."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from stoa_common.logs import get_logger
from stoa_common.security import Principal
from stoa_gateway.origins.domain import Listed, OriginIsForeign, Page
from stoa_gateway.origins.provider import ListIsMissing, Lists

#: How long after a change an old list may count.
EVERY_SECONDS: Final = 2.0
#: Where a request keeps its page, in its ASGI state.
PAGE: Final = "page"
log = get_logger()


class AllowedOrigins:
    """The origins that may ask; while auth is away, those that it told last."""

    def __init__(self, lists: Lists, *, everywhere: Iterable[str], takes_cookies: bool) -> None:
        self.everywhere = frozenset(everywhere)
        #: Whether pages may send cookies at all; the gatekeeper knows which of them count.
        self.takes_cookies = takes_cookies
        self._lists = lists
        self._listed = Listed()
        self._is_known = True

    def may_ask(self, origin: str) -> bool:
        """Whether a page may send a request that a browser asks about first: who will ask it is not known then."""
        return origin in self.everywhere or origin in self._listed.by_any

    def may_read(self, page: Page) -> bool:
        """Whether the browser may show the answer to the page."""
        return page.origin in self.everywhere or self._listed.may_read(page)

    def check(self, state: dict[str, Any], principal: Principal | None) -> None:
        """Settle whose data a request asks for, once that is known.

        Raises OriginIsForeign where the browser sent it only because another organization lists the page's origin.
        """
        page: Page | None = state.get(PAGE)
        if page is None:
            return
        page.is_settled = True
        page.organization = principal.organization if principal else None
        if principal is not None and page.origin in self._listed.by_any and not self.may_read(page):
            raise OriginIsForeign

    async def refresh(self) -> None:
        """Ask auth once; where it does not tell, what is known stays."""
        try:
            if (listed := await self._lists.fetch()) is not None:
                self._listed = listed
            self._tell(is_known=True)
        except ListIsMissing as missing:
            self._tell(is_known=False, reason=str(missing))

    async def run(self) -> None:
        """Follow the organizations, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(EVERY_SECONDS)

    def _tell(self, *, is_known: bool, reason: str = "") -> None:
        if is_known != self._is_known:
            self._is_known = is_known
            log.info("origins_known_again") if is_known else log.warning("origins_not_refreshed", reason=reason)


@asynccontextmanager
async def opened(
    session: aiohttp.ClientSession, auth_url: str, *, everywhere: Iterable[str], takes_cookies: bool
) -> AsyncIterator[AllowedOrigins]:
    """Origins that follow what organizations list while they are open."""
    origins = AllowedOrigins(Lists(session, auth_url), everywhere=everywhere, takes_cookies=takes_cookies)
    following = asyncio.create_task(origins.run())
    try:
        yield origins
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
