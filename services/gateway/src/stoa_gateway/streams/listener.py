"""One open stream: whose it is, until when, and what it has been told."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from fastapi import FastAPI

from stoa_common import revocations
from stoa_common.outlets import Outlet
from stoa_common.security import Principal, TokenVerifier
from stoa_gateway.streams import domain

#: Few combinations of permissions are in use, and thousands of streams share them.
_HEARING: Final[dict[frozenset[str], frozenset[str]]] = {}
#: After every place there can be.
_ALWAYS: Final = 2**127


class Listener:
    """Small on purpose: there are thousands, so neither the token nor all that it says is kept."""

    __slots__ = (
        *("_early", "_issued_at", "_order", "_subjects", "app", "expires_at", "hears"),
        *("organization_id", "outlet", "person"),
    )

    def __init__(self, caller: Principal, *, issued_at: float, app: FastAPI) -> None:
        """`app` is who answers, and knows what was revoked and whether the process is leaving."""
        self.app = app
        self.outlet = Outlet()
        self.person = domain.digest(caller.person_id)
        self.organization_id: UUID | None = caller.organization
        self.expires_at, self._issued_at = caller.expires_at, issued_at
        hears = domain.hearing(caller.permissions)
        self.hears = _HEARING.setdefault(hears, hears)
        self._subjects = revocations.of_token(
            caller.person_id, caller.session_id, caller.organization, roles=caller.roles
        )
        self._order = 0
        #: What came before the listener's own place was known.
        self._early: list[tuple[int, bytes]] | None = []

    def begin(self, place: str, pieces: Iterable[bytes]) -> None:
        """Tell what is told first; from now on what comes after this place follows at once."""
        self._order = domain.order(place)
        early, self._early = self._early or [], None
        for piece in pieces:
            self.outlet.write(piece)
        for order, frame in early:
            self.take(order, frame)

    def take(self, order: int, frame: bytes) -> None:
        """Tell this, unless the listener began after it."""
        if self._early is not None:
            self._early.append((order, frame))
        elif order > self._order:
            self.outlet.write(frame)

    def tell_loss(self, frame: bytes) -> None:
        """Tell that something was missed. Who has not begun is told so, too: what it is about to get may lack it."""
        if self._early is not None:
            self._early.append((_ALWAYS, frame))
        else:
            self.outlet.write(frame)

    def end(self, last: bytes) -> None:
        """End the stream with these words."""
        self.outlet.write(last)
        self.outlet.end()

    def is_revoked(self) -> bool:
        """Whether its token counts no more, as far as the process has learned."""
        verifier: TokenVerifier = self.app.state.verifier
        known = verifier.revocations
        return known is not None and known.is_revoked(self._subjects, issued_at=self._issued_at)
