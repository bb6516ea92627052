"""A request's body that is still to come, while its answer may already begin."""

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class Expected:
    """A body that is announced and has not come: an answer that begins now says that it is the connection's last.

    Stands between the request and its transport, so that the connection ends as the protocol wants it.
    """

    def __init__(self, cycle: RequestResponseCycle, end: Callable[[RequestResponseCycle], None]) -> None:
        self.may_stay_open = cycle.keep_alive
        self._cycle = cycle
        self._transport = cycle.transport
        self._end = end
        cycle.keep_alive, cycle.transport = False, self  # type: ignore[assignment]  # as much of one as uvicorn asks for

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        self._end(self._cycle)

    def came(self) -> int:
        """How much of it lies here, for as long as the request has no turn to take it."""
        return len(self._cycle.body)

    def has_come(self) -> bool:
        """Whether the body is complete; then it is a request like any other, unless its answer has begun."""
        if self._cycle.more_body:
            return False
        if not self._cycle.response_started:
            self._cycle.keep_alive, self._cycle.transport = self.may_stay_open, self._transport
        return True
