"""Refusals: errors that carry their HTTP status and a sentence that tells the caller what to do next.

Rendered once, as RFC 9457 problem details, by `stoa_common.http.problems`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypedDict


class FieldError(TypedDict):
    """One wrong field: a path such as `answers.0.choices`, and what to mend."""

    field: str
    message: str


class Refusal(Exception):
    """Base of everything that a caller may be told. Subclass it beside the rule that refuses."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "Bad request"

    def __init__(
        self, detail: str, *, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        #: What a client needs to go on, beside what every problem says (RFC 9457, section 3.2).
        self.members: dict[str, Any] = {}

    @classmethod
    def slug(cls) -> str:
        """`CourseIsEmpty` -> `course-is-empty`: the last part of the problem's type."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__).lower()


class BadRequest(Refusal):
    status, title = 400, "Bad request"


class Unauthenticated(Refusal):
    status, title = 401, "Not logged in"

    def __init__(self, detail: str, *, error: str | None = None, max_age: int | None = None) -> None:
        """`error` and `max_age` (seconds) tell a client what to do about it (RFC 6750, RFC 9470)."""
        challenge = 'Bearer realm="stoa"' + (f', error="{error}"' if error else "")
        challenge += f', max_age="{max_age}"' if max_age is not None else ""
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(Refusal):
    status, title = 403, "Not allowed"


class NotFound(Refusal):
    status, title = 404, "Not found"


class MethodNotAllowed(Refusal):
    status, title = 405, "Method not allowed"


class Conflict(Refusal):
    status, title = 409, "Conflict"


class PreconditionFailed(Refusal):
    status, title = 412, "Precondition failed"


class TooLarge(Refusal):
    status, title = 413, "Too large"


class UnsupportedMediaType(Refusal):
    status, title = 415, "Unsupported media type"


class Invalid(Refusal):
    status, title = 422, "Invalid"


class TooManyRequests(Refusal):
    status, title = 429, "Too many requests"


class BadGateway(Refusal):
    status, title = 502, "Bad gateway"


class Unavailable(Refusal):
    status, title = 503, "Unavailable"

    def __init__(self, detail: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class UpstreamTimedOut(Refusal):
    status, title = 504, "Upstream timed out"
