"""Whatever is sent to auth's routes: no 5xx, no success that the document does not tell, every error a problem.

schemathesis makes requests from auth's own OpenAPI document, sound ones and broken ones; they run in this process, on
real PostgreSQL, without a token and as a learner, an owner and an operator. By themselves they go to the routes that
the gateway does not show: tests/e2e asks the others through it. `STOA_FUZZ_EXAMPLES` has so many of each sent to all.
"""

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from stoa_auth.accounts.passwords import Passwords
from stoa_common.database import Database
from stoa_common.http.access import TAKES_COOKIE
from stoa_common.http.problems import MEDIA_TYPE, Problem
from stoa_common.http.protocol import LARGEST_HEAD_BYTES
from stoa_common.resources import Resources
from stoa_common.testing.made_up import make_up, prepared

from .conftest import Doors, Someone
from .operators import an_operator

#: Of each kind (sound, broken), for each caller.
EXAMPLES = int(os.environ.get("STOA_FUZZ_EXAMPLES", "10"))
CHOSEN = re.compile("" if "STOA_FUZZ_EXAMPLES" in os.environ else "^/internal/")
ANSWER_SECONDS = 30
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
#: RFC 7644, section 3.12; RFC 6749, section 5.2.
SCIM = "application/scim+json"
OAUTH = {f"/api/v1/auth/{name}" for name in ("token", "introspect", "revoke", "userinfo")}
#: Not the service's own: whether Kafka and the like answer is no matter of what is sent.
COMMON = re.compile("/(livez|readyz|metrics)$|/messaging/")


@dataclass
class Callers:
    """Who asks; made anew when a request has erased one of them."""

    doors: Doors
    database: Database
    passwords: Passwords
    people: dict[str, Someone] = field(default_factory=dict)

    async def ensure(self) -> None:
        if not self.people or not all([await self._is_there(person) for person in self.people.values()]):
            owner = await self.doors.newcomer()
            learner = await self.doors.member(owner, "learner")
            operator = await an_operator(self.doors, self.database, self.passwords)
            self.people = {"owner": owner, "learner": learner, "operator": operator}

    async def _is_there(self, person: Someone) -> bool:
        return (await self.doors.client.get("/api/v1/auth/me", headers=person.headers)).status_code == 200

    async def ids(self, name: str) -> dict[str, str]:
        """What of the caller's may stand in a path."""
        person = self.people[name]
        listed = (await self.doors.client.get("/api/v1/auth/sessions", headers=person.headers)).json()["items"]
        session_id = listed[-1]["id"] if listed else person.person_id
        known = {"person_id": person.person_id, "session_id": session_id, "name": "learner"}
        return known | ({"organization_id": person.organization_id} if person.organization_id else {})


@dataclass
class Fuzz:
    """Sends what hypothesis makes, from its own thread, to the application on the tests' loop."""

    client: httpx2.AsyncClient
    loop: asyncio.AbstractEventLoop
    sent: int = 0
    wrong: dict[str, str] = field(default_factory=dict)

    def try_operation(self, operation: Any, headers: dict[str, str], ids: dict[str, str]) -> None:
        def send(case: Any) -> None:
            self._send(case, headers)

        make_up(operation, send, examples=EXAMPLES, ids=ids)

    def _send(self, case: Any, headers: dict[str, str]) -> None:
        made = prepared(case, base_url="http://service", headers=headers)
        if len(made.url or "") > LARGEST_HEAD_BYTES:
            # The server refuses it before the application hears of it.
            return
        asked = self.client.request(
            made.method or "GET", made.url or "", headers=dict(made.headers), content=made.body or b""
        )
        answer = asyncio.run_coroutine_threadsafe(asked, self.loop).result(timeout=ANSWER_SECONDS)
        self.sent += 1
        for fault in faults(case, answer):
            name = f"{case.method} {case.operation.path}: {answer.status_code} {fault.partition(chr(10))[0]}"
            self.wrong.setdefault(name, f"{case.as_curl_command()}\n{fault}\n{answer.text[:300]}")


def faults(case: Any, answer: httpx2.Response) -> Iterator[str]:
    """What is wrong with an answer."""
    operation = case.operation.definition.raw
    if answer.status_code >= 500 and answer.status_code != httpx2.codes.NOT_IMPLEMENTED:
        yield "a fault of ours"
    elif answer.status_code >= 400:
        yield from _unlike_an_error(case.operation.path, operation, answer)
    elif answer.is_redirect and operation.get(TAKES_COOKIE):
        # On to the next page: there is nothing else to say.
        return
    elif str(answer.status_code) not in operation["responses"]:
        yield "a success that the document does not tell"
    try:
        case.validate_response(answer, checks=CHECKS)
    except (Failure, FailureGroup) as failure:
        yield str(failure)


def _unlike_an_error(path: str, operation: dict[str, Any], answer: httpx2.Response) -> Iterator[str]:
    """Every error is a problem document, but where a protocol has its own, or a person reads it in a browser."""
    kind, problem = answer.headers.get("content-type", ""), {}
    if "json" in kind:
        problem = answer.json()
    if kind == MEDIA_TYPE:
        Problem.model_validate(problem)
    elif path.startswith("/scim/v2"):
        if kind != SCIM or problem["schemas"] != ["urn:ietf:params:scim:api:messages:2.0:Error"]:
            yield "an error that is none of SCIM's"
    elif path in OAUTH:
        if not isinstance(problem.get("error"), str):
            yield "an error that is none of OAuth's"
    elif not (operation.get(TAKES_COOKIE) and kind.startswith("text/html")):
        yield "an error that is no problem document"


@pytest.mark.slow
async def test_whatever_is_sent_is_answered_as_documented(
    app: FastAPI, doors: Doors, database: Database, resources: Resources
) -> None:
    schema = schemathesis.openapi.from_dict(app.openapi())
    fuzz = Fuzz(doors.client, asyncio.get_running_loop())
    callers = Callers(doors, database, resources.get(Passwords))

    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        if COMMON.search(operation.path) or not CHOSEN.search(operation.path):
            continue
        await asyncio.to_thread(fuzz.try_operation, operation, {}, {})
        for name in ("learner", "owner", "operator"):
            if "x-permission" in operation.definition.raw:
                await callers.ensure()
                headers, ids = callers.people[name].headers, await callers.ids(name)
                await asyncio.to_thread(fuzz.try_operation, operation, headers, ids)

    assert fuzz.sent > 30
    assert not fuzz.wrong, f"{len(fuzz.wrong)} faults:\n" + "\n\n".join(f"{k}\n{v}" for k, v in fuzz.wrong.items())
