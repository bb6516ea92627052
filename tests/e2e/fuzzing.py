"""Sends whatever can be made of the platform's own document, and keeps what was answered wrongly.

`STOA_FUZZ_EXAMPLES` says how many requests of each kind are made of an operation, `STOA_FUZZ_SEED` which.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
from answers import STREAM, faults
from nasty import BODIES, HEADERS, OTHERS, TEXTS, as_json, changed

from stoa_common.http.protocol import LARGEST_HEAD_BYTES
from stoa_common.testing.made_up import make_up, prepared

#: One, of one caller, takes about a minute of one core in all.
#: 0 asks each operation as little as can be: what every change must pass shall not take long.
EXAMPLES = int(os.environ.get("STOA_FUZZ_EXAMPLES", "0"))
SEED = int(os.environ.get("STOA_FUZZ_SEED", "0"))
BASE = "http://platform"
SHOWN = 400
#: What the client of schemathesis says by itself: it tells two requests apart that are the same.
CLIENTS_OWN = {"accept", "content-length", "user-agent", "accept-encoding", "connection", "x-schemathesis-testcaseid"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Request:
    """One request as it goes onto the wire; `case` says of which operation it is."""

    case: Any
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def identity(self) -> Hashable:
        return self.method, self.target, tuple(sorted(self.headers.items())), self.body

    @property
    def fits(self) -> bool:
        """A server refuses a longer head before there is a request; and no header has a line break or a NUL."""
        length = len(self.target) + sum(len(name) + len(value) for name, value in self.headers.items())
        return length < LARGEST_HEAD_BYTES - 1_000 and not any(set("\r\n\0") & set(v) for v in self.headers.values())


@dataclass
class Fuzz:
    client: httpx2.Client
    #: What was read already.
    sent: set[Hashable] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)
    #: What was answered, by operation.
    answered: dict[str, Counter[int]] = field(default_factory=dict)

    def send(self, request: Request) -> None:
        """Unless it was sent before: to read the same once more tells nothing."""
        if not request.fits or request.identity in self.sent:
            return
        if request.method == "GET":
            self.sent.add(request.identity)
        answer = self._ask(request)
        name = f"{request.method} {request.case.operation.path}"
        self.statuses[answer.status_code] += 1
        self.answered.setdefault(name, Counter())[answer.status_code] += 1
        for fault in faults(request.case, answer):
            said = f"{name}: {answer.status_code} {fault.partition(chr(10))[0]}"
            self.wrong.setdefault(said, _shown(request, answer, fault))

    def _ask(self, request: Request) -> httpx2.Response:
        headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in request.headers.items()]
        made = self.client.build_request(request.method, request.target, headers=headers, content=request.body or None)
        answer = self.client.send(made, stream=True)
        try:
            # A stream ends when its listener leaves.
            if not answer.headers.get("content-type", "").startswith(STREAM):
                answer.read()
        finally:
            answer.close()
        return answer

    def report(self) -> str:
        head = f"{len(self.wrong)} faults; STOA_FUZZ_SEED={SEED} STOA_FUZZ_EXAMPLES={EXAMPLES} makes them again:\n"
        return head + "\n\n".join(f"{name}\n{shown}" for name, shown in self.wrong.items())


def _shown(request: Request, answer: httpx2.Response, fault: str) -> str:
    """Without the credential: reports are passed around."""
    headers = {name: value for name, value in request.headers.items() if name.lower() != "authorization"}
    said = answer.text[:SHOWN] if answer.is_stream_consumed else "(a stream)"
    return f"{request.target[:SHOWN]}\n{headers}\n{request.body[:SHOWN]!r}\n{fault[:SHOWN]}\n{said}"


def generated(fuzz: Fuzz, sound: "Sound") -> None:
    """Sound requests and broken ones, as schemathesis makes them."""

    def send(case: Any) -> None:
        made = prepared(case, base_url=BASE, headers=sound.headers)
        body = made.body.encode() if isinstance(made.body, str) else made.body or b""
        kept = {name: _text(value) for name, value in made.headers.items() if name.lower() not in CLIENTS_OWN}
        fuzz.send(Request(case, made.method or "GET", (made.url or "").removeprefix(BASE), kept, body))

    # The first is the simplest that there is.
    make_up(sound.operation, send, examples=EXAMPLES + 1, ids=sound.ids, start=SEED)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


@dataclass(frozen=True)
class Sound:
    """A request of an operation that is in order, to be spoiled in one place."""

    operation: Any
    headers: Mapping[str, str]
    ids: Mapping[str, str]
    body: Any
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self.operation.definition.raw
        return told

    @property
    def kinds(self) -> list[str]:
        return list(self.raw.get("requestBody", {}).get("content", {}))

    def parameters(self, where: str) -> list[str]:
        return [told["name"] for told in self.raw.get("parameters", ()) if told["in"] == where]

    def target(self, *, more: str | None = None, **other: str) -> str:
        """Path and query, with `other` values in the path, and `more` in place of what the query says of it."""
        path: str = self.operation.path
        for name in self.parameters("path"):
            path = path.replace(f"{{{name}}}", other.get(name) or quote(self.ids.get(name, "1"), safe=""))
        query = {name: value for name, value in self.query.items() if not (more or "").startswith(f"{name}=")}
        said = "&".join(filter(None, [urlencode(query), more]))
        return f"{path}?{said}" if said else path

    def request(self, **changes: Any) -> Request:
        headers, body = dict(self.headers), b""
        if self.body is not None:
            body, headers["Content-Type"] = self.encoded(self.body), self.kind
        known: dict[str, Any] = {"target": self.target(), "headers": headers, "body": body} | changes
        case = self.operation.Case(path_parameters=dict.fromkeys(self.parameters("path"), "x"))
        return Request(case, self.operation.method.upper(), **known)

    @property
    def kind(self) -> str:
        """The body's media type."""
        return self.kinds[0] if self.kinds else self.headers.get("Content-Type", FORM)

    def encoded(self, body: Any) -> bytes:
        if isinstance(body, bytes):
            return body
        if "json" in self.kind or not isinstance(body, dict):
            return as_json(body)
        return urlencode({name: _plain(value) for name, value in body.items()}).encode()


def _plain(value: Any) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


def spoiled(fuzz: Fuzz, sound: Sound, dice: random.Random) -> None:
    """Nasty values in every place of the request, `EXAMPLES` of each kind; without any, in two places of each."""
    makers: Sequence[Callable[[Sound], Iterator[Request]]] = (_paths, _queries, _fields, _bodies, _headers)
    for make in makers if EXAMPLES else dice.sample(makers, 2):
        made = list(make(sound))
        for request in dice.sample(made, min(EXAMPLES or 1, len(made))):
            fuzz.send(request)


def _escaped() -> Iterator[str]:
    yield from (quote(_plain(nasty), safe="") for nasty in [*TEXTS, *OTHERS] if nasty != "")
    yield from ("%ff", "%", "%zz", "a%2fb", "%2e%2e", "a;b", "a%0d%0ab")


def _paths(sound: Sound) -> Iterator[Request]:
    # Two dots are no value to a client: it takes them for the folder above (RFC 3986, section 5.2.4).
    possible = [nasty for nasty in _escaped() if nasty not in {"..", "%2e%2e"}]
    for name in sound.parameters("path"):
        yield from (sound.request(target=sound.target(**{name: nasty})) for nasty in possible)


def _queries(sound: Sound) -> Iterator[Request]:
    for name in sound.parameters("query"):
        yield from (sound.request(target=sound.target(more=f"{name}={nasty}")) for nasty in _escaped())
        yield sound.request(target=sound.target(more=f"{name}=1&{name}=2"))


def _fields(sound: Sound) -> Iterator[Request]:
    if sound.body is None or isinstance(sound.body, bytes):
        return
    headers = {**sound.headers, "Content-Type": sound.kind}
    for body in changed(sound.body):
        yield sound.request(body=sound.encoded(body), headers=headers)


def _bodies(sound: Sound) -> Iterator[Request]:
    for kind, body in BODIES:
        yield sound.request(body=body, headers={**sound.headers, **({"Content-Type": kind} if kind else {})})
    for kind in sound.kinds:
        yield from (sound.request(body=body, headers={**sound.headers, "Content-Type": kind}) for _, body in BODIES)


def _headers(sound: Sound) -> Iterator[Request]:
    plain = sound.request()
    for name, value in HEADERS:
        yield sound.request(headers={**plain.headers, name: value})
