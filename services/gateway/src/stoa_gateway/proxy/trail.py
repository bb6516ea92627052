"""What becomes of one request on its way through the gateway, for `Server-Timing`, the access log and the metrics."""

import time
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from stoa_gateway.identity.service import Admitted

#: Where a request keeps it, in its ASGI state.
TRAIL: Final = "trail"
#: `joined`: it got its twin's answer. `cut`: the connection was ended within the answer. `left`: the client went away.
Outcome = Literal["", "joined", "cut", "left"]


@dataclass(slots=True)
class Trail:
    """Filled in as the request goes on.

    `upstream_seconds` are those from asking the service to the head of its answer, `own_seconds` all others until then.
    """

    upstream: str
    began: float = field(default_factory=time.perf_counter)
    upstream_seconds: float | None = None
    own_seconds: float | None = None
    outcome: Outcome = ""
    organization: UUID | None = None
    client_id: str | None = None

    def admitted(self, admitted: Admitted) -> None:
        """Who asks: the organization, and the key or client; never the person."""
        if (caller := admitted.principal) is not None:
            self.organization, self.client_id = caller.organization, caller.client_id

    def answer_begins(self) -> bytes:
        """The gateway's own share of the time and the service's, in milliseconds (W3C Server-Timing)."""
        theirs = self.upstream_seconds or 0.0
        self.own_seconds = time.perf_counter() - self.began - theirs
        own = b"gateway;dur=%.2f" % (self.own_seconds * 1000)
        if self.upstream_seconds is None:
            return own
        return b"%b, %b;dur=%.2f" % (own, self.upstream.encode(), theirs * 1000)
