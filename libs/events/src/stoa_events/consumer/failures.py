"""What to do about a record that can't be read, and about a handler that raises."""

from dataclasses import dataclass
from typing import Protocol

from stoa_events.consumer.record import Record
from stoa_events.envelope import Envelope


class SubscriptionFailed(RuntimeError):
    """The subscriber has stopped rather than lose a record; the message says which, and what to do."""


class HandlerTooSlow(Exception):
    """A handler ran longer than `Retry.handler_seconds` and was cancelled."""


class HandlerCancelled(Exception):
    """A handler let a CancelledError out that nobody had sent it: a library inside it has given up."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long to try a handler again.

    `transient` are the errors that say that something else is down (add your database's): such an event is tried until
    it succeeds and its partition waits meanwhile. Any other error is taken for the event's or the handler's own and is
    tried `attempts` times. Waits double from `first_wait_seconds` to `longest_wait_seconds`.
    """

    attempts: int = 5
    first_wait_seconds: float = 0.2
    longest_wait_seconds: float = 30.0
    handler_seconds: float = 300.0
    transient: tuple[type[Exception], ...] = (ConnectionError, TimeoutError)

    def wait(self, tries: int) -> float:
        """Seconds to wait after so many tries, from 1."""
        return float(min(self.first_wait_seconds * 2 ** min(tries - 1, 30), self.longest_wait_seconds))


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that could not be handled; `envelope` is None where its headers make none."""

    record: Record
    envelope: Envelope | None
    error: Exception
    attempts: int

    def __str__(self) -> str:
        what = f" ({self.envelope.type}, id {self.envelope.id})" if self.envelope else ""
        return f"{self.record.place}{what} failed: {type(self.error).__name__}"


class FailurePolicy(Protocol):
    """Gets what failed. Returning means that the record is taken care of, and its offset may be committed."""

    async def __call__(self, failure: Failure, /) -> None: ...


async def stop(failure: Failure) -> None:
    """The default: stop with an error, so that the record comes again after a restart and nothing is passed over."""
    raise SubscriptionFailed(
        f"{failure}. Nothing was passed over: mend the cause and start again, "
        "or pass on_failure= to put such records aside and read on."
    ) from failure.error
