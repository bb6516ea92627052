"""What accompanies one request or one message through the code: its correlation and its cause."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from uuid import UUID

from opentelemetry import trace


@dataclass(frozen=True, slots=True)
class Context:
    """`correlation_id` names the whole chain that a request started; `causation_id` the event that led here.

    `address` and `user_agent` tell where a request came from; both are personal, and absent where an event led here.
    `impersonation` is there while an operator acts in a person's place.
    """

    correlation_id: str | None = None
    causation_id: str | None = None
    address: str | None = field(default=None, repr=False)
    user_agent: str | None = field(default=None, repr=False)
    impersonation: "Impersonation | None" = None


@dataclass(frozen=True, slots=True)
class Impersonation:
    """An operator acts in a person's place."""

    impersonator_id: UUID
    person_id: UUID


_NOWHERE = Context()
_current: ContextVar[Context] = ContextVar("stoa_context", default=_NOWHERE)


def current() -> Context:
    return _current.get()


@contextmanager
def use(context: Context) -> Iterator[None]:
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def impersonated(impersonation: Impersonation) -> None:
    """The rest of this request is done by somebody in another's place."""
    _current.set(replace(_current.get(), impersonation=impersonation))


def traceparent() -> str | None:
    """The W3C traceparent of the current span, or None outside any trace."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
