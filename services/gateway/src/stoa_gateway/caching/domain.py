"""Which answers may be kept for everybody, for how long, and for which requests (RFC 9110, 9111, 5861)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from stoa_gateway.routing.domain import CacheRule

Header = tuple[bytes, bytes]

#: What a service is told of who asks: all that an answer for everybody may depend on.
NEGOTIATED: Final = (b"accept", b"accept-encoding", b"accept-language")
#: Who sends one of these is somebody, wants a part, or would change something: nobody else's answer will do.
_OF_ONE_CALLER: Final = frozenset(
    {
        *(b"authorization", b"proxy-authorization", b"cookie", b"x-api-key"),
        *(b"range", b"if-range", b"if-match", b"if-unmodified-since", b"transfer-encoding", b"expect"),
    }
)
#: They speak of the exchange that brought the answer, not of the answer.
_OF_ONE_EXCHANGE: Final = frozenset(
    {b"age", b"cache-status", b"date", b"server-timing", b"x-request-id", b"ratelimit", b"ratelimit-policy"}
)
#: What a 304 repeats (RFC 9110, section 15.4.5).
_IN_NOT_MODIFIED: Final = frozenset(
    {b"cache-control", b"content-location", b"etag", b"expires", b"last-modified", b"vary"}
)
#: A 304 of the service speaks of no body, so what it says of one is not true of ours.
_OF_THE_BODY: Final = frozenset({b"content-encoding", b"content-length", b"content-range", b"content-type"})
_DIRECTIVE: Final = re.compile(r'([\w-]+)\s*(?:=\s*(?:"([^"]*)"|([^\s,]*)))?')
_ENTITY_TAG: Final = re.compile(rb'(?:W/)?("[^"]*")')
_FAILED: Final = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; the names of its headers are in lower case."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """The header's value; several of one name are one list (RFC 9110, section 5.3)."""
        values = [value for key, value in self.headers if key == name]
        return b", ".join(values) if values else None

    @property
    def has_failed(self) -> bool:
        """Whether an older answer may be shown in the place of this one (RFC 5861, section 4)."""
        return self.status in _FAILED

    @property
    def is_unchanged(self) -> bool:
        return self.status == 304


@dataclass(frozen=True, slots=True)
class Purge:
    """An event that ends answers: those about one organization, or all."""

    event_type: str
    organization: UUID | None


@dataclass(frozen=True, slots=True)
class Lifetime:
    """For how many seconds an answer is fresh, and for how many more it may be shown while or since what happens."""

    fresh: float
    while_revalidated: float
    on_error: float


def is_everybodys(method: str, headers: Iterable[Header]) -> bool:
    """Whether a request may get an answer that others got, and others its."""
    if method not in ("GET", "HEAD"):
        return False
    for name, value in headers:
        if name in _OF_ONE_CALLER or (name == b"content-length" and value != b"0"):
            return False
        # Clients that ask for a newer answer (`no-cache`) get the kept one: they could wear a service out.
        if name == b"cache-control" and b"no-store" in value.lower():
            return False
    return True


def negotiated(headers: Iterable[Header]) -> list[Header]:
    """The only headers of the caller's that go on with a request whose answer others will get."""
    return [(name, value) for name, value in headers if name in NEGOTIATED]


def variant(names: Sequence[bytes], headers: Iterable[Header]) -> tuple[bytes, ...]:
    """What tells apart the answers to requests for the same thing: the values of these headers, written one way."""
    if not names:
        return ()
    sent = [(name, value.lower().replace(b" ", b"")) for name, value in headers if name in names]
    return tuple(b",".join(value for name, value in sent if name == wanted) for wanted in names)


def lifetime(answer: Answer, rule: CacheRule) -> Lifetime | None:
    """For how long it may be kept: what it says itself, and no longer than the rule; None for not at all."""
    told = _directives(answer)
    is_refused = told.keys() & {"no-store", "no-cache", "private"} or answer.header(b"set-cookie") is not None
    if answer.status != 200 or is_refused or vary(answer) is None:
        return None
    fresh = _seconds(told.get("s-maxage", told.get("max-age")))
    if fresh <= 0:
        return None
    # `s-maxage` says the same as `proxy-revalidate` (RFC 9111, section 5.2.2.10).
    is_strict = bool(told.keys() & {"must-revalidate", "proxy-revalidate", "s-maxage"})
    revalidated, failed = (
        0.0 if is_strict else min(_seconds(told.get(name)), rule.stale_seconds)
        for name in ("stale-while-revalidate", "stale-if-error")
    )
    return Lifetime(min(fresh, rule.fresh_seconds), revalidated, failed)


def age(answer: Answer) -> float:
    """How long ago it was made, as caches before this one say."""
    return _seconds(_text(answer.header(b"age")))


def vary(answer: Answer) -> tuple[bytes, ...] | None:
    """The headers that the answer depends on, in order; None where that is more than services are told."""
    listed = (answer.header(b"vary") or b"").lower().split(b",")
    names = sorted({name.strip() for name in listed} - {b""})
    return tuple(names) if set(names) <= set(NEGOTIATED) else None


def kept(answer: Answer) -> Answer:
    """The answer without what was said to the one who asked for it."""
    return Answer(answer.status, tuple(pair for pair in answer.headers if pair[0] not in _OF_ONE_EXCHANGE), answer.body)


def renewed(known: Answer, unchanged: Answer) -> Answer:
    """The known answer, as the service has just said that it still is (RFC 9111, section 3.2)."""
    told = tuple(pair for pair in unchanged.headers if pair[0] not in _OF_THE_BODY)
    names = {name for name, _ in told}
    return Answer(known.status, (*(pair for pair in known.headers if pair[0] not in names), *told), known.body)


def is_known(answer: Answer, headers: Iterable[Header]) -> bool:
    """Whether the caller says that it has this very answer (weak comparison: RFC 9110, section 13.1.2)."""
    named = b",".join(value for name, value in headers if name == b"if-none-match")
    tag = answer.header(b"etag")
    if not named or not tag:
        return False
    return named.strip() == b"*" or tag.removeprefix(b"W/") in _ENTITY_TAG.findall(named)


def not_modified(answer: Answer) -> Answer:
    """What is said to a caller who has it."""
    return Answer(304, tuple(pair for pair in answer.headers if pair[0] in _IN_NOT_MODIFIED), b"")


def ids_in(path: str) -> frozenset[UUID]:
    """Whose things a path names: each segment that can be read as an id, however it is written."""
    return frozenset(found for segment in path.split("/") if (found := _id(segment)) is not None)


def is_ended(rule: CacheRule, ids: frozenset[UUID], purge: Purge) -> bool:
    """Whether an event ends an answer to a path with these ids; more than needed where either names nobody."""
    is_meant = purge.organization is None or not ids or purge.organization in ids
    return is_meant and purge.event_type in rule.purged_by


def _id(segment: str) -> UUID | None:
    # As generously as services read: an id written otherwise must not escape its purge.
    if not 32 <= len(segment) <= 45:
        return None
    try:
        return UUID(segment)
    except ValueError:
        return None


def _directives(answer: Answer) -> Mapping[str, str | None]:
    told: dict[str, str | None] = {}
    for name, quoted, plain in _DIRECTIVE.findall(_text(answer.header(b"cache-control")) or ""):
        told.setdefault(name.lower(), quoted or plain or None)
    return told


def _seconds(text: str | None) -> float:
    """A delta in seconds; what is none counts as over (RFC 9111, section 4.2.1)."""
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 11 else 0.0


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
