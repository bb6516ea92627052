"""The gateway as any client sees it: paths, tokens, problem documents, streams."""

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx2

from stoa_devkit.demo.retries import COMES_BACK, PartIsDown, Patience, patiently
from stoa_devkit.trouble import Trouble

JSON = dict[str, Any]
A_MOMENT_SECONDS = 5
TIMEOUT = httpx2.Timeout(60.0, connect=5.0)
"""Generous for reading: on two busy cores an answer can take seconds, and giving up early would only add load."""


class Refused(Trouble):
    """The platform refused a request; the message is its own sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Gateway:
    """One platform, asked patiently. Use it as an async context."""

    url: str
    patience: Patience = field(default_factory=Patience)
    transport: httpx2.AsyncBaseTransport | None = None
    _http: httpx2.AsyncClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._http = httpx2.AsyncClient(base_url=self.url, timeout=TIMEOUT, transport=self.transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def call(
        self, method: str, path: str, *, body: Any = None, content: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Any:
        """The answer's JSON, None where it has none; raises Refused, or Trouble where nothing answers for long."""

        async def once() -> Any:
            answer = await self._http.request(method, path, json=body, content=content, headers=dict(headers))
            _raise_refusal(answer)
            return answer.json() if answer.content else None

        return await patiently(once, self.patience)

    async def download(self, path: str, *, headers: Mapping[str, str] = {}) -> AsyncIterator[bytes]:
        """The answer's bytes, as they come; a broken answer raises, because it can't be taken up again."""
        async with self._http.stream("GET", path, headers=dict(headers)) as answer:
            if answer.is_error:
                await answer.aread()
                _raise_refusal(answer)
            async for piece in answer.aiter_bytes():
                yield piece

    async def stream(
        self, path: str, *, body: JSON, headers: Mapping[str, str] = {}
    ) -> AsyncIterator[httpx2.ServerSentEvent]:
        """The events of one answer, as they come; a broken stream raises, because it can't be taken up again."""
        wanted = {"Accept": "text/event-stream", **headers}
        async with self._http.stream("POST", path, json=body, headers=wanted) as answer:
            if answer.is_error:
                await answer.aread()
                _raise_refusal(answer)
            async for event in httpx2.EventSource(answer):
                yield event


@dataclass
class Person:
    """Somebody with an account, and the token that they act with."""

    gateway: Gateway
    email: str
    password: str = field(repr=False)
    organization_id: str = ""
    _token: str = field(default="", repr=False)

    async def register(self, **details: str) -> None:
        """Make the account; told again about the same address, the platform answers the same and changes nothing."""
        account = {"email": self.email, "password": self.password, **details}
        await self.gateway.call("POST", "/api/v1/auth/register", body=account)

    async def log_in(self) -> None:
        credentials = {"email": self.email, "password": self.password}
        session = await self.gateway.call("POST", "/api/v1/auth/login", body=credentials)
        self._token = session["access_token"]
        self.organization_id = str(session["organization_id"])

    async def get(self, path: str) -> Any:
        return await self._as_oneself("GET", path, {})

    async def post(self, path: str, body: JSON | None = None) -> Any:
        """Write once: the same key goes with every repetition, so that the effect happens one time."""
        return await self._as_oneself("POST", path, _new_key(), body=body)

    async def upload(self, path: str, content: bytes, content_type: str) -> Any:
        return await self._as_oneself("POST", path, {**_new_key(), "Content-Type": content_type}, content=content)

    def stream(self, path: str, body: JSON) -> AsyncIterator[httpx2.ServerSentEvent]:
        return self.gateway.stream(path, body=body, headers=self._authorization())

    async def _as_oneself(self, method: str, path: str, headers: Mapping[str, str], **content: Any) -> Any:
        try:
            return await self.gateway.call(method, path, headers={**headers, **self._authorization()}, **content)
        except Refused as refusal:
            if refusal.status != httpx2.codes.UNAUTHORIZED:
                raise
        # Tokens are short-lived, and a demo that waited for a part to come back may hold an old one.
        await self.log_in()
        return await self.gateway.call(method, path, headers={**headers, **self._authorization()}, **content)

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def _new_key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(16)}


def _raise_refusal(answer: httpx2.Response) -> None:
    if answer.status_code in COMES_BACK or _is_for_a_moment(answer):
        raise PartIsDown(_sentence(answer))
    if answer.is_error:
        raise Refused(answer.status_code, _sentence(answer))


def _is_for_a_moment(answer: httpx2.Response) -> bool:
    """Whether a limit asks to wait no longer than anybody would: others may have spent it."""
    told = answer.headers.get("Retry-After", "")
    return answer.status_code == httpx2.codes.TOO_MANY_REQUESTS and told.isdigit() and int(told) <= A_MOMENT_SECONDS


def _sentence(answer: httpx2.Response) -> str:
    """What a problem document says, with the fields that it names, and the request that it answers."""
    problem = _problem(answer)
    fields = "; ".join(f"{wrong.get('field')}: {wrong.get('message')}" for wrong in problem.get("errors", []))
    detail = problem.get("detail") or answer.reason_phrase
    asked = f"{answer.request.method} {answer.request.url.path}"
    return f"{detail} ({answer.status_code} to {asked}{'; ' + fields if fields else ''})"


def _problem(answer: httpx2.Response) -> JSON:
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
